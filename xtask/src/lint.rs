//! `lint`: the locks, the format, clippy and rustdoc, with warnings as errors.

use crate::command::{cargo, output, run as run_command};
use crate::doc;
use crate::report::{Outcome, Report};

/// Workspaces of their own, whose locks name our crates and what these need: they grow old when a crate of ours changes.
const BESIDE: [&str; 2] = ["benches/Cargo.toml", "tests/fuzz/libfuzzer/Cargo.toml"];

pub(crate) fn run(report: &mut Report) {
    report.step("lint: locks", || {
        let complaints = BESIDE.map(|manifest| {
            let update = ["update", "--workspace", "--manifest-path", manifest];
            let checked = output(cargo(update).arg("--locked"));
            checked.err().map(|problem| format!("{problem}\nmend it: cargo {}", update.join(" ")))
        });
        Outcome::of_complaints(&complaints.into_iter().flatten().collect::<Vec<_>>())
    });
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
