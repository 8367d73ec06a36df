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
mod store_name;
mod way;

use std::process::ExitCode;

fn main() -> ExitCode {
    core_dump::forbid();
    before_there_are_threads();
    run::run().into()
}

/// The map of tokens registers with the kernel (`membarrier(2)`) when the first one is made. That takes microseconds as long as
/// there is one thread, and 5 to 10 ms later.
fn before_there_are_threads() {
    drop(tm_async::cache::View::default());
}
