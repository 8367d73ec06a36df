//! `mutants`: changes the code, one place at a time, and looks whether a test notices. See "Mutants" in `docs/reliability.md`.
//!
//! Which places, and why not others, stands in `.cargo/mutants.toml`. Hours for all of it, so it is no part of `ci`.

use crate::command::{program, run as run_command};
use crate::report::{Outcome, Report};
use crate::tools::Tool;
use crate::workspace::Metadata;

const CARGO_MUTANTS: Tool =
    Tool { name: "cargo-mutants", version: "27.1.0", asked: &["mutants", "--version"], with: &[] };

/// What may follow the verb.
pub(crate) const WORDS: &str = "[FLAGS OF CARGO-MUTANTS]";

/// Each crate, and its quick tests: the simulation takes half a minute, too long for each of hundreds of mutants.
const CRATES: &[(&str, &[&str])] = &[("tm-core", &["--lib", "--test", "vectors"]), ("tm-cache", &["--lib"])];

pub(crate) fn run(words: &[String], report: &mut Report) {
    for (name, tests) in CRATES {
        report
            .step(format!("mutants: {name}"), || mutants(name, tests, words).unwrap_or_else(Outcome::Failed));
    }
}

fn mutants(name: &str, tests: &[&str], words: &[String]) -> Result<Outcome, String> {
    let output = Metadata::read()?.target_directory.join("mutants").join(name);
    std::fs::create_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    let outcome = run_command(
        program(CARGO_MUTANTS.installed()?)
            .args(["mutants", "--package", name, "--output"])
            .arg(&output)
            .args(tests.iter().map(|test| format!("--cargo-test-arg={test}")))
            .args(words)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_TEST_DEBUG", "0"),
    );
    Ok(match outcome {
        Outcome::Failed(problem) => {
            let missed = output.join("mutants.out").join("missed.txt");
            Outcome::Failed(format!("{problem}; those that nobody noticed: {}", missed.display()))
        }
        good => good,
    })
}
