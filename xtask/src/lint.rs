//! `lint`: the format, clippy and rustdoc, with warnings as errors.

use crate::command::{cargo, run as run_command};
use crate::doc;
use crate::report::Report;

pub(crate) fn run(report: &mut Report) {
    report.step("lint: format", || run_command(&mut cargo(["fmt", "--all", "--check"])));
    report.step("lint: clippy", || {
        run_command(&mut cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--",
            "-Dwarnings",
        ]))
    });
    doc::run(report);
}
