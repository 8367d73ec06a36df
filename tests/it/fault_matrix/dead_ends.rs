//! Addresses on loopback that do not answer.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
    os::fd::OwnedFd,
    time::Duration,
};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

use super::fault::Fault;

/// A port that is taken, so that nobody else answers on it either.
pub(super) struct DeadEnd {
    address: SocketAddr,
    socket: OwnedFd,
    queued: Vec<TcpStream>,
}

impl DeadEnd {
    pub(super) fn of(fault: &Fault) -> Option<Self> {
        match fault {
            Fault::Refused => Some(Self::refusing()),
            Fault::Unanswered => Some(Self::silent()),
            Fault::Sends(..) | Fault::Handshake(_) => None,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bound, and never listened to: the system refuses.
    fn refusing() -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = getsockname(&socket).expect("an address");
        let address = SocketAddrV4::try_from(address).expect("an address of IPv4").into();
        Self { address, socket, queued: Vec::new() }
    }

    /// Listened to, with a queue that is full: the system says nothing.
    fn silent() -> Self {
        let mut end = Self::refusing();
        listen(&end.socket, 0).expect("a queue of one");
        while let Ok(queued) = TcpStream::connect_timeout(&end.address, Duration::from_millis(100)) {
            end.queued.push(queued);
        }
        end
    }
}
