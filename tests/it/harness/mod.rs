//! What the stories stand on: one client in front of both transports, and a limit for everything that waits.

mod client;
mod pending;
mod proxy;
mod raw_server;
mod scripted;
mod tls;
mod watched;
mod world;

use std::{
    panic::resume_unwind,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

pub(crate) use client::{Client, Host, Stack, runtime};
pub(crate) use pending::Pending;
pub(crate) use proxy::ProxyServer;
pub(crate) use raw_server::{RawRequest, RawServer};
pub(crate) use scripted::{good_token, scripted};
pub(crate) use tls::{Authority, Tls, accept, answer_over_tls, part};
pub(crate) use watched::{Attempt, Seen};
pub(crate) use world::{World, kind_of, owner, setup_for, tenant, tenants};

/// A story that is not over by then hangs, and fails.
pub(crate) const LONGEST_STORY: Duration = Duration::from_secs(60);

/// What ought to happen at once has so long to happen on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Makes two tests of each story, `name::over_reqwest` and `name::over_ureq`.
macro_rules! both {
    ($($story:ident),+ $(,)?) => {$(
        mod $story {
            use crate::harness::{Stack, in_time};

            #[test]
            fn over_reqwest() {
                in_time(|| super::$story(Stack::Reqwest));
            }

            #[test]
            fn over_ureq() {
                in_time(|| super::$story(Stack::Ureq));
            }
        }
    )+};
}

/// Tells a story, and fails if it hangs.
pub(crate) fn in_time(story: impl FnOnce() + Send + 'static) {
    let (over, end) = mpsc::channel();
    let name = thread::current().name().unwrap_or("a story").to_owned();
    let told = thread::Builder::new().name(name.clone()).spawn(move || {
        story();
        over.send(())
    });
    let told = told.expect("a thread for the story");
    match end.recv_timeout(LONGEST_STORY) {
        Ok(()) => {}
        Err(RecvTimeoutError::Disconnected) => {
            resume_unwind(told.join().expect_err("only a panic ends it early"))
        }
        Err(RecvTimeoutError::Timeout) => panic!("{name} hangs: it is not over after {LONGEST_STORY:?}"),
    }
}

/// Waits for something that nobody tells of, such as the end of a thread.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < SOON, "in vain: {what}");
        // sleep: there is no signal for what this is used for, and the condition decides, not the time.
        thread::sleep(Duration::from_millis(1));
    }
}
