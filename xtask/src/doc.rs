//! `doc`: builds the documentation, with warnings as errors. Opens nothing.

use crate::command::{cargo, run as run_command};
use crate::report::Report;

pub(crate) fn run(report: &mut Report) {
    report.step("doc", || {
        run_command(
            cargo(["doc", "--workspace", "--no-deps", "--all-features", "--locked"])
                .env("RUSTDOCFLAGS", "-Dwarnings"),
        )
    });
}
