//! `mutants`: changes the code, one place at a time, and looks whether a test notices. See "Mutants" in `docs/reliability.md`.
//!
//! Which places, and why not others, stands in `.cargo/mutants.toml`. Hours for all of it, so it is no part of `ci`.

use std::path::Path;
use std::process::Command;

use crate::command::{program, status};
use crate::report::{Outcome, Report};
use crate::tools::Tool;
use crate::workspace::Metadata;

const CARGO_MUTANTS: Tool =
    Tool { name: "cargo-mutants", version: "27.1.0", asked: &["mutants", "--version"], with: &[] };

/// What may follow the verb.
pub(crate) const WORDS: &str = "[FLAGS OF CARGO-MUTANTS]";

/// A crate, and its tests for each mutant. Those that nobody has noticed go on to the next round.
struct Subject {
    name: &'static str,
    rounds: &'static [Round],
}

struct Round {
    tests: &'static [&'static str],
    /// Tests that take too long for each of hundreds of mutants.
    without: &'static [&'static str],
    /// Of the simulation, for the same reason.
    seeds: Option<&'static str>,
}

const SUBJECTS: &[Subject] = &[
    Subject {
        name: "tm-core",
        rounds: &[
            Round {
                tests: &["--lib", "--test", "vectors", "--test", "sim"],
                without: &[
                    "lives::after_an_outage",
                    "lives::an_outage",
                    "lives::eight_processes",
                    "lives::many_tenants",
                    "refreshes::many_lives",
                ],
                seeds: Some("40"),
            },
            Round { tests: &["--test", "sim"], without: &[], seeds: None },
        ],
    },
    Subject {
        name: "tm-cache",
        rounds: &[Round {
            tests: &["--all-features", "--lib", "--test", "conformance", "--test", "sealing"],
            without: &["each_fault_is"],
            seeds: None,
        }],
    },
];

pub(crate) fn run(words: &[String], report: &mut Report) {
    for subject in SUBJECTS {
        report.step(format!("mutants: {}", subject.name), || {
            mutants(subject, words).unwrap_or_else(Outcome::Failed)
        });
    }
}

fn mutants(subject: &Subject, words: &[String]) -> Result<Outcome, String> {
    let tool = CARGO_MUTANTS.installed()?;
    let output = Metadata::read()?.target_directory.join("mutants").join(subject.name);
    std::fs::create_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    let folder = output.join("mutants.out");
    for (number, round) in subject.rounds.iter().enumerate() {
        let mut command = program(&tool);
        command.args(["mutants", "--package", subject.name, "--output"]).arg(&output);
        if number > 0 {
            command.arg("--iterate");
        }
        let status = status(round.judge(words, &mut command))?;
        match Verdict::of(status.code(), &text(&folder, "missed.txt")) {
            Verdict::AllNoticed => return Ok(Outcome::passed()),
            Verdict::Missed if number + 1 < subject.rounds.len() => {
                // Those that run for ever are noticed, and the next round is not to wait for them again.
                let noticed = text(&folder, "caught.txt") + &text(&folder, "timeout.txt");
                std::fs::write(folder.join("caught.txt"), noticed)
                    .map_err(|error| format!("{}: {error}", folder.display()))?;
            }
            Verdict::Missed => {
                let missed = folder.join("missed.txt");
                return Err(format!("those that nobody noticed: {}", missed.display()));
            }
            Verdict::Unjudged => return Err(format!("cargo-mutants did not do its work: {status}")),
        }
    }
    Ok(Outcome::passed())
}

/// What a run of cargo-mutants says of the tests.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// By a failure, or because it runs for ever.
    AllNoticed,
    Missed,
    Unjudged,
}

impl Verdict {
    /// By its exit code (<https://mutants.rs/exit-codes.html>), in which one that ran for ever outweighs those that were missed.
    fn of(code: Option<i32>, missed: &str) -> Self {
        match code {
            Some(0 | 3) if missed.is_empty() => Self::AllNoticed,
            Some(2 | 3) => Self::Missed,
            _ => Self::Unjudged,
        }
    }
}

impl Round {
    fn judge<'a>(&self, words: &[String], command: &'a mut Command) -> &'a mut Command {
        // For building too, so that no other test is built for each mutant.
        command.args(self.tests.iter().map(|test| format!("--cargo-arg={test}"))).args(words);
        if !self.without.is_empty() {
            // What follows the first is cargo's, what follows the second is the tests' own.
            command.args(["--", "--"]);
        }
        for name in self.without {
            command.args(["--skip", name]);
        }
        if let Some(seeds) = self.seeds {
            command.env("TM_SIM_SEEDS", seeds);
        }
        command
            .env("TM_SIM_EVENTS", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_TEST_DEBUG", "0")
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_DEV_LTO", "off")
    }
}

/// What cargo-mutants has written, a mutant a line.
fn text(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_broke_off_is_no_proof() {
        assert_eq!(
            [0, 3].map(|code| Verdict::of(Some(code), "")),
            [Verdict::AllNoticed, Verdict::AllNoticed]
        );
        assert_eq!([2, 3].map(|code| Verdict::of(Some(code), "a.rs:1")), [Verdict::Missed, Verdict::Missed]);
        for broken in [Some(1), Some(4), Some(70), None] {
            assert_eq!(Verdict::of(broken, ""), Verdict::Unjudged);
        }
    }

    #[test]
    fn the_words_of_the_caller_come_before_those_of_the_tests() {
        let round = Round { tests: &["--lib"], without: &["slow"], seeds: Some("40") };
        let mut command = program("cargo-mutants");
        let judged = round.judge(&["--iterate".to_owned()], &mut command);
        let words: Vec<_> = judged.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words, ["--cargo-arg=--lib", "--iterate", "--", "--", "--skip", "slow"]);
    }
}
