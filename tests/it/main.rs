//! What crosses the crates: one suite over both transports.
//!
//! A story is written once, as a function of the [`Stack`](harness::Stack) that carries it, and `both!` makes it two tests.
//! Each has its own simulator on a free port and its own client, so all run in parallel; none may last longer than
//! [`harness::LONGEST_STORY`].
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../vectors/vectors.rs"]
mod vectors;

#[macro_use]
mod harness;

mod all_tokens;
mod all_verbs;
mod batches;
mod callers;
mod closing;
mod error_kinds;
mod fault_matrix;
mod listing;
mod logs;
mod needles;
mod processes;
mod proxies;
mod record_format;
mod redis;
#[path = "../../crates/tm-cache/tests/redis/server.rs"]
#[allow(dead_code, reason = "each suite uses a part of it")]
mod redis_server;
mod refreshing;
mod refusals;
mod rejections;
mod requests;
mod runtimes;
mod secrecy;
mod set_up;
mod single_flight;
mod storing;
mod stress;
mod tenants;
mod tls;
mod vector_answers;
#[cfg(target_os = "linux")]
mod wiping;
