//! `bench`: how fast the product is, beside others in the same run. `docs/benchmarks.md` tells what the lines mean.
//!
//! The programs lie in a workspace of their own, `benches/`. Each takes the names that were asked for, and says a line of
//! JSON for each figure. A missed target is no failure, since timings are no tests; with `--strict` it is.

mod line;
mod table;

use std::path::PathBuf;
use std::process::Stdio;

use crate::command::{self, cargo, program};
use crate::report::{Outcome, Report};
use crate::workspace::{self, Metadata};
use line::Line;

/// Those with figures, the quick ones first.
const PROGRAMS: [&str; 5] = ["hits", "libraries", "calls", "broker", "starts"];

/// The line that needs the program `tm`, and the variable by which it is told where that lies.
const LINE_OF_TM: &str = "cli-token";
const TM: &str = "BENCH_TM";

/// What follows the verb.
pub(crate) const WORDS: &str = "[NAME…] [--json] [--strict]";

/// Whether the words are good. A name may be of no line, which `run` tells.
pub(crate) fn check(words: &[String]) -> Result<(), String> {
    let known = |word: &&String| !word.starts_with('-') || ["--json", "--strict"].contains(&word.as_str());
    match words.iter().find(|word| !known(word)) {
        Some(unknown) => Err(format!("`bench` does not know {unknown}, but {WORDS}")),
        None => Ok(()),
    }
}

pub(crate) fn run(arguments: &[String], report: &mut Report) {
    let (flags, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with('-'));
    let has = |flag| flags.iter().any(|given| *given == flag);
    report.step("bench", || match measure(&names) {
        Ok(lines) if lines.is_empty() => Outcome::Failed(format!("no line is named like {names:?}")),
        Ok(lines) => {
            let shown = if has("--json") { table::json(&lines) } else { table::text(&lines) };
            println!("{shown}");
            let over = lines.iter().filter(|line| line.is_over()).count();
            let summary = format!("{} lines, {over} over their target", lines.len());
            if over > 0 && has("--strict") { Outcome::Failed(summary) } else { Outcome::Passed(summary) }
        }
        Err(problem) => Outcome::Failed(problem),
    });
}

/// Builds all programs, then runs one after the other: nothing else of ours runs meanwhile.
fn measure(names: &[&String]) -> Result<Vec<Line>, String> {
    let folder = build(&[])?;
    let is_wanted = names.is_empty() || names.iter().any(|part| LINE_OF_TM.contains(part.as_str()));
    let tm = if is_wanted { Some(build_tm()?) } else { None };
    let mut lines = Vec::new();
    for name in PROGRAMS {
        let mut command = program(folder.join(name));
        command.args(names).envs(tm.iter().map(|tm| (TM, tm))).stderr(Stdio::inherit());
        let text = command::output(&mut command)?;
        for line in text.lines() {
            lines.push(Line::read(line)?);
        }
    }
    Ok(lines)
}

/// Builds these programs of the workspace of benchmarks, or all of them, and tells where they lie.
///
/// # Errors
/// What cargo says.
pub(crate) fn build(packages: &[&str]) -> Result<PathBuf, String> {
    let target = Metadata::read()?.target_directory.join("bench");
    let mut command = cargo(["build", "--release", "--locked"]);
    command.current_dir(workspace::root().join("benches")).env("CARGO_TARGET_DIR", &target);
    if packages.is_empty() {
        command.arg("--workspace");
    }
    for package in packages {
        command.args(["--package", package]);
    }
    match command::run(&mut command) {
        Outcome::Failed(problem) => Err(problem),
        _ => Ok(target.join("release")),
    }
}

/// Builds the program `tm` as it is released, with the lock of the product, and tells where it lies.
fn build_tm() -> Result<PathBuf, String> {
    let built =
        command::run(&mut cargo(["build", "--release", "--locked", "--package", "tm-cli", "--bin", "tm"]));
    if let Outcome::Failed(problem) = built {
        return Err(problem);
    }
    let file = Metadata::read()?.target_directory.join("release").join("tm");
    Ok(file.with_extension(std::env::consts::EXE_EXTENSION))
}
