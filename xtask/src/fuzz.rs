//! `fuzz`: every reader of outside bytes, and the broker, given what they never expected. See "Fuzz" in
//! `docs/reliability.md`.
//!
//! Without a target: all of them, blind, a smoke. With one: libFuzzer, which sees what an input reaches.

mod guided;

use std::path::{Path, PathBuf};
use std::process::Child;

use crate::command::{cargo, output, program, run as run_command};
use crate::report::{Outcome, Report};
use crate::workspace::Metadata;

/// What may follow the verb.
pub(crate) const WORDS: &str = "[TARGET] [--seconds N]";

/// For each of all targets, and for one alone.
const SECONDS: [u64; 2] = [10, 60];

/// So many targets at a time: as many as CI has processors.
const AT_ONCE: usize = 2;

pub(crate) fn check(words: &[String]) -> Result<(), String> {
    parse(words).map(|_| ())
}

pub(crate) fn run(words: &[String], report: &mut Report) {
    match parse(words) {
        Ok((None, seconds)) => report.step("fuzz: all targets, blind", || outcome(smoke(seconds))),
        Ok((Some(target), seconds)) => {
            report.step(format!("fuzz: {target}"), || {
                build()
                    .and_then(|fuzzer| guided::run(&fuzzer, target, seconds))
                    .unwrap_or_else(Outcome::Failed)
            });
        }
        Err(problem) => report.step("fuzz", || Outcome::Failed(problem)),
    }
}

fn outcome(complaints: Result<Vec<String>, String>) -> Outcome {
    complaints.map_or_else(Outcome::Failed, |complaints| Outcome::of_complaints(&complaints))
}

/// The one target, if it is to be only one, and the seconds.
fn parse(words: &[String]) -> Result<(Option<&str>, u64), String> {
    let (mut target, mut seconds, mut words) = (None, None, words.iter());
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let number = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
            seconds = Some(number.ok_or("`--seconds` takes a whole number from 1 on")?);
        } else if word.starts_with('-') || target.replace(word.as_str()).is_some() {
            return Err(format!("`fuzz` takes {WORDS}, not `{word}`"));
        }
    }
    Ok((target, seconds.unwrap_or(SECONDS[usize::from(target.is_some())])))
}

/// With the checks of a debug build. Answers where the program lies.
fn build() -> Result<PathBuf, String> {
    if let Outcome::Failed(problem) = run_command(&mut cargo(["build", "--locked", "-p", "tm-fuzz"])) {
        return Err(problem);
    }
    let name = Path::new("tm-fuzz").with_extension(std::env::consts::EXE_EXTENSION);
    Ok(Metadata::read()?.target_directory.join("debug").join(name))
}

/// Gives each target its time. Answers what failed.
fn smoke(seconds: u64) -> Result<Vec<String>, String> {
    let fuzzer = build()?;
    let all = output(program(&fuzzer).arg("list"))?;
    let start = |name: &&str| program(&fuzzer).args([*name, &seconds.to_string()]).spawn();
    let mut complaints = Vec::new();
    for together in listed(&all)?.chunks(AT_ONCE) {
        let started: Vec<_> = together.iter().map(start).collect();
        for (name, child) in together.iter().zip(started) {
            match child.and_then(|mut child: Child| child.wait()) {
                Ok(status) if status.success() => {}
                Ok(status) => complaints.push(format!("{name}: {status}")),
                Err(error) => complaints.push(format!("{name}: {error}")),
            }
        }
    }
    Ok(complaints)
}

/// The names, a line each.
fn listed(all: &str) -> Result<Vec<&str>, String> {
    let names: Vec<&str> = all.lines().collect();
    if names.is_empty() { Err("`tm-fuzz list` names no target".to_owned()) } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_targets_or_time_is_a_failure() {
        assert_eq!(listed("batch\nids\n"), Ok(vec!["batch", "ids"]));
        assert!(listed("").is_err());
        let parsed = |text: &str| check(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert!(parsed("--seconds 1").is_ok());
        assert!(parsed("--seconds 0").is_err() && parsed("broker --seconds 0").is_err());
    }
}
