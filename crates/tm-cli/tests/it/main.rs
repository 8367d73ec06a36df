//! The program, run for real against a simulator in the test process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod cache;
mod commands;
mod demo;
mod fleet;
mod inspect;
#[path = "../../../../tests/it/needles.rs"]
mod needles;
mod onlookers;
mod pipes;
#[path = "../../../tm-cache/tests/redis/server.rs"]
#[allow(dead_code, reason = "each suite uses a part of it")]
mod redis_server;
mod secrecy;
mod sim;
mod status;
mod support;
mod timeout;
mod unrevealed;
