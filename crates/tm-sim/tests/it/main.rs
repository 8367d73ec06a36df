//! The simulator over real sockets, asked by a client that knows nothing but bytes.

#![allow(clippy::panic, reason = "a test that sees the impossible says what it saw")]

mod batch;
mod client;
mod clock;
mod connections;
mod counting;
mod errors;
mod faults;
mod limits;
mod signatures;
mod single;
mod strictness;
mod tenants;
