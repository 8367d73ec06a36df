//! Every reader of bytes from outside as a function of bytes, and the broker, driven by them.
//!
//! A target must not panic, whatever it is given; it panics if what came out breaks a promise. `tests/replay.rs` runs all of
//! them over the corpus and the vectors, `cargo xtask fuzz` over what it makes of those.
#![allow(clippy::panic, clippy::unwrap_used, missing_docs, reason = "a target fails by panicking")]

mod broker;
/// By path, for the modules that are read by path.
#[path = "../../../crates/tm-driver/src/environment.rs"]
#[allow(dead_code, reason = "the driver uses all of it")]
mod environment;
mod exit;
mod outside;
mod seeds;
mod wire;

use std::sync::Arc;

use tm_core::{Application, Gateway};

pub use seeds::{corpus, seeds};

/// Something to be given bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target { name: "one_token", run: wire::one_token },
    Target { name: "batch", run: wire::batch },
    Target { name: "user_tenants", run: wire::user_tenants },
    Target { name: "error_body", run: wire::error_body },
    Target { name: "retry_after", run: wire::retry_after },
    Target { name: "claims", run: wire::claims },
    Target { name: "gateway", run: outside::gateway },
    Target { name: "ids", run: outside::ids },
    Target { name: "credentials", run: outside::credentials },
    Target { name: "record", run: outside::record },
    Target { name: "proxy", run: outside::proxy },
    Target { name: "stdin", run: outside::stdin },
    Target { name: "store_name", run: outside::store_name },
    Target { name: "broker", run: broker::broker },
];

/// Somebody who asks.
fn application() -> Arc<Application> {
    Arc::new(Application {
        gateway: Gateway::region("eu1").unwrap(),
        host_tenant: "host".parse().unwrap(),
        name: "app".parse().unwrap(),
        version: "1".parse().unwrap(),
    })
}

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
