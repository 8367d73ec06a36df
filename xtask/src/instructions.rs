//! `instructions`: what a hit and a batch cost, counted by callgrind, against what was committed.
//!
//! Counts hardly depend on the machine, but they do on the compiler: the version that they were taken with stands beside
//! them, and with another one the check is skipped. `--accept` writes down what is counted now.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::bench;
use crate::command::{find, output, program};
use crate::report::{Outcome, Report};
use crate::workspace;

const FILE: &str = "benches/instructions.json";

/// What is counted, and how many calls of the broker or the client each stands for: see `benches/instructions`.
const WHAT: [&str; 3] = ["hit-async", "hit-blocking", "batch"];
const TIMES: u64 = 1_000;

/// More or less than this, in percent, is told.
const TOLERANCE: u64 = 5;

#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    /// As `rustc --version` and the machine's architecture say it.
    compiler: String,
    figures: Vec<Figure>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Figure {
    name: String,
    /// Of one.
    instructions: u64,
}

/// What follows the verb.
pub(crate) const WORDS: &str = "[--accept]";

/// Whether the words are good.
pub(crate) fn check_words(words: &[String]) -> Result<(), String> {
    match words {
        [] => Ok(()),
        [one] if one == "--accept" => Ok(()),
        _ => Err("`instructions` takes nothing but --accept".to_owned()),
    }
}

pub(crate) fn run(accept: bool, report: &mut Report) {
    report.step("instructions", || check(accept).unwrap_or_else(Outcome::Failed));
}

fn check(accept: bool) -> Result<Outcome, String> {
    if find("valgrind").is_none() {
        return Ok(Outcome::Skipped("there is no valgrind here: `cargo xtask setup` installs it".into()));
    }
    let file = workspace::root().join(FILE);
    let compiler = compiler()?;
    let committed = read(&file);
    if !accept {
        match &committed {
            Ok(before) if before.compiler != compiler => {
                let reason = format!("counted with {}, and this is {compiler}", before.compiler);
                return Ok(Outcome::Skipped(reason));
            }
            Ok(_) => {}
            Err(problem) => return Err(problem.clone()),
        }
    }
    let now = Counted { compiler, figures: count()? };
    if accept {
        let text = serde_json::to_string_pretty(&now).map_err(|error| error.to_string())?;
        fs::write(&file, text + "\n").map_err(|error| format!("{FILE}: {error}"))?;
        return Ok(Outcome::Passed(format!("written to {FILE}")));
    }
    Ok(Outcome::of_complaints(&differences(&committed?.figures, &now.figures)))
}

fn compiler() -> Result<String, String> {
    let version = output(program("rustc").arg("--version"))?;
    Ok(format!("{}, {}", version.trim(), std::env::consts::ARCH))
}

fn read(file: &Path) -> Result<Counted, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{FILE}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{FILE}: {error}"))
}

fn count() -> Result<Vec<Figure>, String> {
    let folder = bench::build(&["instructions"])?;
    WHAT.iter()
        .map(|name| {
            let instructions = counted_by_callgrind(&folder, name)? / TIMES;
            println!("{name}: {instructions} instructions");
            Ok(Figure { name: (*name).to_owned(), instructions })
        })
        .collect()
}

fn counted_by_callgrind(folder: &Path, name: &str) -> Result<u64, String> {
    let profile: PathBuf = folder.join(format!("callgrind.{name}"));
    output(
        program("valgrind")
            .args(["--tool=callgrind", "--toggle-collect=*instructions*counted*"])
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(folder.join("instructions"))
            .arg(name),
    )?;
    let text = fs::read_to_string(&profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    total(&text).ok_or_else(|| format!("{}: callgrind has counted nothing", profile.display()))
}

/// The line `totals: 123` at the end of a profile.
fn total(profile: &str) -> Option<u64> {
    let line = profile.lines().rev().find_map(|line| line.strip_prefix("totals: "))?;
    line.split(' ').next()?.parse().ok().filter(|count| *count > 0)
}

fn differences(before: &[Figure], now: &[Figure]) -> Vec<String> {
    now.iter()
        .filter_map(|figure| {
            let Some(before) = before.iter().find(|before| before.name == figure.name) else {
                return Some(format!("{}: not in {FILE}; `cargo xtask instructions --accept` writes it", figure.name));
            };
            let (was, is) = (before.instructions, figure.instructions);
            (was.abs_diff(is) * 100 > was * TOLERANCE).then(|| {
                let direction = if is > was { "more" } else { "fewer, which is good:" };
                format!(
                    "{}: {is} instructions, {was} before: {direction} than {TOLERANCE} %; mend it, or accept it with \
                     `cargo xtask instructions --accept`",
                    figure.name
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, instructions: u64) -> Figure {
        Figure { name: name.to_owned(), instructions }
    }

    #[test]
    fn five_percent_are_within_the_tolerance_and_six_are_told() {
        let before = [figure("hit", 200)];
        for (now, complaints) in [(200, 0), (210, 0), (190, 0), (211, 1), (189, 1)] {
            assert_eq!(differences(&before, &[figure("hit", now)]).len(), complaints, "{now}");
        }
        assert_eq!(differences(&before, &[figure("other", 200)]).len(), 1);
    }

    #[test]
    fn the_total_of_a_profile_is_read() {
        assert_eq!(total("events: Ir\nfn=(1) a\n1 2\ntotals: 4711\n"), Some(4711));
        assert_eq!(total("events: Ir\ntotals: 0\n"), None);
        assert_eq!(total(""), None);
    }

    #[test]
    fn what_was_committed_can_be_read() {
        let committed = read(&workspace::root().join(FILE)).expect("it is in the repository");
        let names: Vec<_> = committed.figures.iter().map(|figure| figure.name.as_str()).collect();
        assert_eq!(names, WHAT);
    }
}
