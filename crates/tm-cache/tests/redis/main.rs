//! The stores in Redis, against real servers that each test starts for itself.

#![allow(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod conformance;
mod contract;
mod failures;
mod given;
mod in_redis;
mod moving;
mod runtimes;
mod server;
mod set_up;
mod tls;
