//! `mutants`: changes the code, one place at a time, and looks whether a test notices. See "Mutants" in `docs/reliability.md`.
//!
//! Which places, and why not others, stands in `.cargo/mutants.toml`. Hours for all of it, so it is no part of `ci`.

use std::path::Path;
use std::process::Command;

use crate::command::{program, run as run_command};
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
        let outcome = run_command(round.judge(words, &mut command));
        let (missed, endless) = (text(&folder, "missed.txt"), text(&folder, "timeout.txt"));
        match outcome {
            Outcome::Failed(_) if missed.is_empty() && !endless.is_empty() => return Ok(Outcome::passed()),
            Outcome::Failed(_) if !missed.is_empty() && number + 1 < subject.rounds.len() => {
                // Those that run for ever are noticed, and the next round is not to wait for them again.
                std::fs::write(folder.join("caught.txt"), text(&folder, "caught.txt") + &endless)
                    .map_err(|error| format!("{}: {error}", folder.display()))?;
            }
            Outcome::Failed(problem) => {
                return Err(format!(
                    "{problem}; those that nobody noticed: {}",
                    folder.join("missed.txt").display()
                ));
            }
            good => return Ok(good),
        }
    }
    Ok(Outcome::passed())
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
    fn the_words_of_the_caller_come_before_those_of_the_tests() {
        let round = Round { tests: &["--lib"], without: &["slow"], seeds: Some("40") };
        let mut command = program("cargo-mutants");
        let judged = round.judge(&["--iterate".to_owned()], &mut command);
        let words: Vec<_> = judged.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(words, ["--cargo-arg=--lib", "--iterate", "--", "--", "--skip", "slow"]);
    }
}
