//! Where redirects point: nobody may come there.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
};

/// On the service itself. Requests that come there are counted by it.
pub(super) const ELSEWHERE: &str = "/elsewhere";

/// Servers that must see no connection.
pub(super) struct Traps(Vec<(TcpListener, &'static str)>);

impl Traps {
    /// On another host, on another port of the same host, and for another scheme.
    pub(super) fn set() -> Self {
        // All of 127.0.0.0/8 is loopback on Linux.
        let places = [
            (Ipv4Addr::new(127, 0, 0, 2), "http"),
            (Ipv4Addr::LOCALHOST, "http"),
            (Ipv4Addr::LOCALHOST, "https"),
        ];
        let trap = |(address, scheme)| {
            let trap = TcpListener::bind((address, 0)).expect("a free port");
            trap.set_nonblocking(true).expect("a trap that can be looked at");
            (trap, scheme)
        };
        Self(places.into_iter().map(trap).collect())
    }

    /// What a `Location` says.
    pub(super) fn locations(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|(trap, scheme)| {
            format!("{scheme}://{}/api/technicaltokenmanager/v3/oauth/token", trap.local_addr().unwrap())
        })
    }

    #[track_caller]
    pub(super) fn are_untouched(&self) {
        for (trap, scheme) in &self.0 {
            let came = trap.accept().expect_err("a redirect was followed");
            assert_eq!(came.kind(), io::ErrorKind::WouldBlock, "{scheme}");
        }
    }
}
