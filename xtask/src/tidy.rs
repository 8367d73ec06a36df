//! `tidy`: the rules of the source text that no compiler checks. Also a test, so that plain `cargo test` tells.
//!
//! Each rule is a function from the files to violations, in a file named for what it looks at.

mod decisions;
mod files;
mod links;
mod manifests;
mod patches;
mod readme;
mod rust;
mod text;

use std::fmt;

use crate::report::{Outcome, Report};
use files::Files;

pub(crate) fn run(report: &mut Report) {
    report.step("tidy", || match Files::of_workspace() {
        Ok(files) => Outcome::of_complaints(&check(&files)),
        Err(problem) => Outcome::Failed(problem),
    });
}

/// The rules, each by itself.
const RULES: &[fn(&Files) -> Vec<Violation>] = &[
    rust::check,
    text::check,
    manifests::check,
    readme::check,
    links::check,
    decisions::check,
    patches::check,
];

fn check(files: &Files) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(files)).map(|violation| violation.to_string()).collect()
}

/// Where a rule does not hold, and how to mend it.
#[derive(Debug)]
struct Violation {
    path: String,
    line: usize,
    what: String,
}

impl Violation {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// The lines of the violations of one rule in made-up files: what the tests of the rules compare.
#[cfg(test)]
fn lines_violating(rule: fn(&Files) -> Vec<Violation>, files: &[(&str, &str)]) -> Vec<(String, usize)> {
    rule(&Files::of_texts(files)).into_iter().map(|violation| (violation.path, violation.line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_tidy() {
        let files = Files::of_workspace().expect("the files of the workspace can be listed");
        let complaints = check(&files);
        assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    }

    #[test]
    fn a_violation_reads_like_a_compilers() {
        let violation = Violation::new("src/a.rs", 3, "a tab: use spaces");
        assert_eq!(violation.to_string(), "src/a.rs:3: a tab: use spaces");
    }
}
