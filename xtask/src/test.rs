//! `test`: all tests, doc tests included, by plain cargo: not everyone has another runner.

use crate::command::{cargo, run as run_command};
use crate::report::Report;

pub(crate) fn run(report: &mut Report) {
    report.step("test", || {
        run_command(&mut cargo(["test", "--workspace", "--all-features", "--locked", "--no-fail-fast"]))
    });
}
