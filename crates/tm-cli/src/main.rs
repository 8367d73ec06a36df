//! The program `tm`: technical tokens of Siemens Insights Hub on the command line.
//!
//! Data goes to stdout, everything else to stderr. No secret is ever an argument, and no token is printed without `--reveal`.

mod args;
mod client;
mod commands;
mod connect;
mod core_dump;
mod deadline;
mod exit;
mod input;
mod interrupt;
mod life;
mod logging;
mod output;
mod progress;
mod rows;
mod run;
mod secrets;
mod sim_options;
mod storage;

use std::process::ExitCode;

fn main() -> ExitCode {
    core_dump::forbid();
    run::run().into()
}
