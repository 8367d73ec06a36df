//! `fuzz`: every reader of outside bytes, and the broker, given what they never expected. See "Fuzz" in
//! `docs/reliability.md`.

use std::path::Path;
use std::process::Command;

use crate::command::{cargo, output, program, run as run_command};
use crate::report::{Outcome, Report};
use crate::workspace::Metadata;

/// What may follow the verb.
pub(crate) const WORDS: &str = "[TARGET] [--seconds N]";

/// For each target, where nothing else is asked for: a smoke.
const SECONDS: u64 = 2;

/// So many targets at a time: as many as CI has processors.
const AT_ONCE: usize = 2;

pub(crate) fn check(words: &[String]) -> Result<(), String> {
    parse(words).map(|_| ())
}

pub(crate) fn run(words: &[String], report: &mut Report) {
    let parsed = parse(words);
    report.step("fuzz", || match parsed.and_then(|(target, seconds)| fuzz(target, seconds)) {
        Ok(complaints) => Outcome::of_complaints(&complaints),
        Err(problem) => Outcome::Failed(problem),
    });
}

/// The one target, if it is to be only one, and the seconds.
fn parse(words: &[String]) -> Result<(Option<&str>, u64), String> {
    let (mut target, mut seconds, mut words) = (None, SECONDS, words.iter());
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().and_then(|number| number.parse().ok());
            seconds = number.ok_or("`--seconds` takes a whole number")?;
        } else if word.starts_with('-') || target.replace(word.as_str()).is_some() {
            return Err(format!("`fuzz` takes {WORDS}, not `{word}`"));
        }
    }
    Ok((target, seconds))
}

/// Builds with the checks of a debug build, and gives each target its time. Answers what failed.
fn fuzz(target: Option<&str>, seconds: u64) -> Result<Vec<String>, String> {
    if let Outcome::Failed(problem) = run_command(&mut cargo(["build", "--locked", "-p", "tm-fuzz"])) {
        return Err(problem);
    }
    let fuzzer = Metadata::read()?.target_directory.join("debug").join("tm-fuzz");
    let all = output(program(&fuzzer).arg("list"))?;
    let targets: Vec<&str> = all.lines().filter(|name| target.is_none_or(|only| only == *name)).collect();
    if targets.is_empty() {
        return Err(format!("no such target; there are: {}", all.replace('\n', " ")));
    }
    let mut complaints = Vec::new();
    for together in targets.chunks(AT_ONCE) {
        let started = together.iter().map(|name| (name, start(&fuzzer, name, seconds)));
        for (name, child) in started.collect::<Vec<_>>() {
            match child.and_then(|mut child| child.wait()) {
                Ok(status) if status.success() => {}
                Ok(status) => complaints.push(format!("{name}: {status}")),
                Err(error) => complaints.push(format!("{name}: {error}")),
            }
        }
    }
    Ok(complaints)
}

fn start(fuzzer: &Path, target: &str, seconds: u64) -> std::io::Result<std::process::Child> {
    let mut command: Command = program(fuzzer);
    command.args([target, &seconds.to_string()]).spawn()
}
