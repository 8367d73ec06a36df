//! `coverage`: how many lines of tm-core its own tests reach, and those of tm-fuzz, which replay the corpus over it.
//! See "Coverage" in `docs/reliability.md`.
//!
//! By cargo-tarpaulin, which needs no component of the toolchain beyond the compiler. It builds everything anew, so it is no part
//! of `ci`.

use crate::command::{program, run as run_command};
use crate::report::{Outcome, Report};
use crate::tools::Tool;
use crate::workspace::Metadata;

const CARGO_TARPAULIN: Tool = Tool {
    name: "cargo-tarpaulin",
    version: "0.37.5",
    asked: &["tarpaulin", "--version"],
    with: &["--no-default-features"], // nothing is sent anywhere
};

/// Fewer is a failure.
const PERCENT_OF_LINES: &str = "95";

pub(crate) fn run(report: &mut Report) {
    report.step(format!("coverage: tm-core, at least {PERCENT_OF_LINES} % of its lines"), || {
        coverage().unwrap_or_else(Outcome::Failed)
    });
}

fn coverage() -> Result<Outcome, String> {
    let folder = Metadata::read()?.target_directory.join("coverage");
    Ok(run_command(
        program(CARGO_TARPAULIN.installed()?)
            .args(["tarpaulin", "--engine", "llvm", "--locked", "--skip-clean", "--packages", "tm-core"])
            .args(["--packages", "tm-fuzz", "--include-files", "crates/tm-core/src/*"])
            .args(["--out", "Stdout", "--timeout", "600"])
            .args(["--fail-under", PERCENT_OF_LINES, "--target-dir"])
            .arg(folder),
    ))
}
