//! The program, run for real against a simulator in the test process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod commands;
mod demo;
mod inspect;
mod pipes;
mod secrecy;
mod sim;
mod status;
mod support;
mod timeout;
