//! `simulate`: random worlds and fleets of the broker in virtual time, by the thousand. See "Simulation" in `docs/reliability.md`.
//!
//! The tests run the first seeds of each, in a debug build. Here they are optimised, with the checks of a debug build, and the
//! seeds are others.

mod broken;

use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::command::cargo;
use crate::filtered;
use crate::report::{Outcome, Report};

pub(crate) use broken::PATCHES;

/// What may follow the verb.
pub(crate) const WORDS: &str = "[worlds | fleets] [--seeds N | --minutes N | --seed N] | --broken";

/// Of worlds, and of fleets. On two cores they take a dozen seconds, and what they are built of takes half a minute.
const SEEDS: u64 = 2_000;

/// The seeds below are those that the tests run.
const FIRST: u64 = 1_000;

/// What the tests say is of interest though they pass.
const SHOWN: [&str; 2] = ["--", "--nocapture"];

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Both,
    Worlds,
    Fleets,
}

impl What {
    /// With each of its tests.
    fn run(self, command: &mut Command) -> Outcome {
        filtered::run(command, if self == Self::Both { 2 } else { 1 })
    }
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Much {
    Seeds(u64),
    Minutes(u64),
    /// This very one, and all of it is shown.
    One(u64),
    /// The broker is broken, one rule after the other, and each has to be noticed.
    Broken,
}

pub(crate) fn check(words: &[String]) -> Result<(), String> {
    parse(words).map(|_| ())
}

pub(crate) fn run(words: &[String], report: &mut Report) {
    match parse(words) {
        Ok((what, Much::Seeds(seeds))) => {
            report.step("simulate", || what.run(seeds_from(what, FIRST, seeds).args(SHOWN)));
        }
        Ok((what, Much::Minutes(minutes))) => report.step("simulate", || soak(what, minutes)),
        Ok((what, Much::One(seed))) => report.step(format!("simulate: seed {seed}"), || {
            what.run(tests(what).args(SHOWN).env("TM_SIM_SEED", seed.to_string()))
        }),
        Ok((_, Much::Broken)) => broken::run(report),
        Err(problem) => report.step("simulate", || Outcome::Failed(problem)),
    }
}

fn parse(words: &[String]) -> Result<(What, Much), String> {
    let (mut what, mut much, mut words) = (What::Both, None, words.iter());
    while let Some(word) = words.next() {
        let mut number = |least| {
            let number = words.next().and_then(|number| number.parse().ok());
            number
                .filter(|number| *number >= least)
                .ok_or_else(|| format!("`{word}` takes a whole number from {least} on"))
        };
        let next = match word.as_str() {
            "worlds" if what == What::Both => {
                what = What::Worlds;
                continue;
            }
            "fleets" if what == What::Both => {
                what = What::Fleets;
                continue;
            }
            "--seeds" => Much::Seeds(number(1)?),
            "--minutes" => Much::Minutes(number(1)?),
            "--seed" => Much::One(number(0)?),
            "--broken" => Much::Broken,
            _ => return Err(format!("`simulate` takes {WORDS}, not `{word}`")),
        };
        if much.replace(next).is_some() {
            return Err(format!("`simulate` takes one of {WORDS}"));
        }
    }
    Ok((what, much.unwrap_or(Much::Seeds(SEEDS))))
}

/// New seeds for so long, each time others: they start at the time of day, and each is named when it fails.
fn soak(what: What, minutes: u64) -> Outcome {
    const AT_A_TIME: u64 = 1_000;
    let (start, time) = (Instant::now(), Duration::from_secs(60 * minutes));
    let first = SystemTime::UNIX_EPOCH.elapsed().map_or(FIRST, |since| since.as_secs() * AT_A_TIME);
    let mut seeds = 0;
    while seeds == 0 || start.elapsed() < time {
        if let failed @ Outcome::Failed(_) = what.run(seeds_from(what, first + seeds, AT_A_TIME).args(SHOWN))
        {
            return failed;
        }
        seeds += AT_A_TIME;
    }
    Outcome::Passed(format!("{seeds} seeds from {first} on"))
}

fn seeds_from(what: What, from: u64, seeds: u64) -> Command {
    let mut command = tests(what);
    command.env("TM_SIM_FROM", from.to_string()).env("TM_SIM_SEEDS", seeds.to_string());
    command
}

/// Ends with words of cargo's: the name of a test.
fn tests(what: What) -> Command {
    let mut command =
        cargo(["test", "--locked", "--profile", "simulation", "-p", "tm-core", "--test", "sim"]);
    let names = match what {
        What::Both => "random_",
        What::Worlds => "random_worlds",
        What::Fleets => "random_fleets",
    };
    command.arg(names);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(What, Much), String> {
        parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_tell_what_is_run_and_how_much_of_it() {
        assert_eq!(parsed(""), Ok((What::Both, Much::Seeds(SEEDS))));
        assert_eq!(parsed("fleets --seed 17"), Ok((What::Fleets, Much::One(17))));
        assert_eq!(parsed("--minutes 5 worlds"), Ok((What::Worlds, Much::Minutes(5))));
        assert_eq!(parsed("--broken"), Ok((What::Both, Much::Broken)));
    }

    #[test]
    fn what_it_does_not_know_it_refuses() {
        for words in [
            "--seeds",
            "--seed x",
            "worlds fleets",
            "--seeds 5 --seed 5",
            "moons",
            "--seeds 0",
            "--minutes 0",
        ] {
            assert!(parsed(words).is_err(), "{words}");
        }
    }
}
