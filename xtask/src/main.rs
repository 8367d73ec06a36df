//! The habits of this workspace: `cargo xtask VERB`.
//!
//! One verb a file, and every check that CI makes is a verb that anybody can run alone. A verb adds steps to
//! a [`Report`]; the report prints what ran, how long it took, and what was skipped and why.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to the terminal")]

mod bench;
mod ci;
mod command;
mod coverage;
mod deny;
mod doc;
mod features;
mod filtered;
mod fuzz;
mod instructions;
mod lint;
mod loom;
mod mutants;
mod purity;
mod release;
mod report;
mod rust_text;
mod setup;
mod simulate;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use report::Report;

/// Wrong usage, as clap and most shells have it; 1 is a check that failed.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, flags)) = arguments.split_first() else {
        print!("{}", list_of_verbs());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print!("{}", list_of_verbs());
        return ExitCode::SUCCESS;
    }
    match find(name, flags) {
        Ok(verb) => {
            let mut report = Report::default();
            (verb.run)(flags, &mut report);
            report.finish()
        }
        Err(problem) => {
            eprint!("error: {problem}\n\n{}", list_of_verbs());
            ExitCode::from(USAGE)
        }
    }
}

/// What can be said after `cargo xtask`.
struct Verb {
    name: &'static str,
    about: &'static str,
    takes: Takes,
    run: fn(&[String], &mut Report),
}

/// What follows a verb.
enum Takes {
    Nothing,
    /// One of these.
    One(&'static [&'static str]),
    /// Words that the verb reads by itself: how they are told of, and whether they are good.
    Words(&'static str, fn(&[String]) -> Result<(), String>),
}

const VERBS: &[Verb] = &[
    Verb {
        name: "ci",
        about: "everything below but mutants, coverage, bench and release, cheapest first; what CI runs",
        takes: Takes::Nothing,
        run: |_, report| ci::run(report),
    },
    Verb {
        name: "setup",
        about: "install what the other verbs need: cargo-deny, redis-server, valgrind",
        takes: Takes::Nothing,
        run: |_, report| setup::run(report),
    },
    Verb {
        name: "lint",
        about: "locks, rustfmt, clippy and rustdoc, warnings as errors",
        takes: Takes::Nothing,
        run: |_, report| lint::run(report),
    },
    Verb {
        name: "test",
        about: "all tests, doc tests included, with all features",
        takes: Takes::Nothing,
        run: |_, report| test::run(report),
    },
    Verb {
        name: "tidy",
        about: "rules of the source text that no compiler checks",
        takes: Takes::Nothing,
        run: |_, report| tidy::run(report),
    },
    Verb {
        name: "purity",
        about: "who may depend on whom, and what no crate may ever reach",
        takes: Takes::Nothing,
        run: |_, report| purity::run(report),
    },
    Verb {
        name: "features",
        about: "each crate alone, without and with each of its features",
        takes: Takes::Nothing,
        run: |_, report| features::run(report),
    },
    Verb {
        name: "deny",
        about: "licences, sources, banned crates and advisories, by cargo-deny",
        takes: Takes::Nothing,
        run: |_, report| deny::run(report),
    },
    Verb {
        name: "loom",
        about: "what runs at once, tried in every order",
        takes: Takes::Nothing,
        run: |_, report| loom::run(report),
    },
    Verb {
        name: "fuzz",
        about: "every reader of outside bytes, and the broker, given what they never expected",
        takes: Takes::Words(fuzz::WORDS, fuzz::check),
        run: fuzz::run,
    },
    Verb {
        name: "simulate",
        about: "the broker in virtual time: random worlds and fleets, by the thousand",
        takes: Takes::Words(simulate::WORDS, simulate::check),
        run: simulate::run,
    },
    Verb {
        name: "mutants",
        about: "changes that no test notices, by cargo-mutants; hours",
        takes: Takes::Words(mutants::WORDS, |_| Ok(())),
        run: mutants::run,
    },
    Verb {
        name: "coverage",
        about: "the lines of tm-core that its tests reach, by cargo-tarpaulin; minutes",
        takes: Takes::Nothing,
        run: |_, report| coverage::run(report),
    },
    Verb {
        name: "doc",
        about: "build the documentation, warnings as errors",
        takes: Takes::Nothing,
        run: |_, report| doc::run(report),
    },
    Verb {
        name: "instructions",
        about: "what a hit and a batch cost, counted by callgrind, against what was committed",
        takes: Takes::Words(instructions::WORDS, instructions::check_words),
        run: |flags, report| instructions::run(!flags.is_empty(), report),
    },
    Verb {
        name: "bench",
        about: "how fast we are, beside others in the same run; no part of ci",
        takes: Takes::Words(bench::WORDS, bench::check),
        run: bench::run,
    },
    Verb {
        name: "release",
        about: "package the crates in order; --execute publishes them",
        takes: Takes::One(&["--dry-run", "--execute"]),
        run: release::run,
    },
];

fn find(name: &str, arguments: &[String]) -> Result<&'static Verb, String> {
    let verb = VERBS.iter().find(|verb| verb.name == name).ok_or_else(|| format!("no verb `{name}`"))?;
    let complaint = match (&verb.takes, arguments) {
        (Takes::Nothing, []) => None,
        (Takes::Nothing, _) => Some(format!("`{name}` takes no arguments")),
        (Takes::One(known), [flag]) if known.contains(&flag.as_str()) => None,
        (Takes::One(known), _) => Some(format!("`{name}` takes one of {}", known.join(", "))),
        (Takes::Words(_, check), words) => check(words).err(),
    };
    complaint.map_or(Ok(verb), Err)
}

fn list_of_verbs() -> String {
    let lines: Vec<String> = VERBS.iter().map(Verb::line).collect();
    format!("usage: cargo xtask VERB\n\n{}\n", lines.join("\n"))
}

impl Verb {
    fn line(&self) -> String {
        let words = match &self.takes {
            Takes::Nothing => String::new(),
            Takes::One(flags) => format!(" ({})", flags.join(" | ")),
            Takes::Words(words, _) => format!(" ({words})"),
        };
        format!("  {:<12} {}{words}", self.name, self.about)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_found_by_its_name() {
        assert_eq!(find("lint", &[]).map(|verb| verb.name), Ok("lint"));
    }

    #[test]
    fn an_unknown_verb_is_named() {
        assert_eq!(find("lnit", &[]).map(|verb| verb.name), Err("no verb `lnit`".to_owned()));
    }

    #[test]
    fn a_verb_without_flags_refuses_arguments() {
        assert!(find("lint", &["--fix".to_owned()]).is_err());
    }

    #[test]
    fn a_release_says_which_kind_it_is() {
        assert!(find("release", &[]).is_err());
        assert!(find("release", &["--dry-run".to_owned()]).is_ok());
        assert!(find("release", &["--dry-run".to_owned(), "--execute".to_owned()]).is_err());
    }

    #[test]
    fn a_verb_that_reads_its_words_refuses_those_it_does_not_know() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(find("fuzz", &words("")).is_ok());
        assert!(find("fuzz", &words("broker --seconds 60")).is_ok());
        assert!(find("fuzz", &words("--seconds")).is_err());
        assert!(find("fuzz", &words("--minutes 1")).is_err());
    }

    #[test]
    fn a_benchmark_takes_names_and_knows_its_flags() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(find("bench", &words("hit --json cold")).is_ok());
        assert!(find("bench", &words("--jsn")).is_err());
    }

    #[test]
    fn what_was_counted_may_be_accepted() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(find("instructions", &words("")).is_ok());
        assert!(find("instructions", &words("--accept")).is_ok());
        assert!(find("instructions", &words("hit")).is_err());
    }

    #[test]
    fn every_verb_is_listed() {
        let list = list_of_verbs();
        assert!(VERBS.iter().all(|verb| list.contains(&verb.line())));
    }
}
