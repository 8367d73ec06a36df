//! What the suite found out, for the store's author to read.

use std::fmt;

use super::Check;

/// What became of all checks. Its `Display` names each broken promise, with what was expected and what was seen, and never
/// shows the bytes of a record.
#[derive(Debug, Clone)]
pub struct Report {
    findings: Vec<Finding>,
}

/// What became of one check.
#[derive(Debug, Clone)]
pub struct Finding {
    name: String,
    promise: &'static str,
    verdict: Verdict,
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The store keeps this promise, as far as can be seen.
    Kept,
    /// It does not.
    #[non_exhaustive]
    Broken {
        /// What the contract asks for.
        expected: String,
        /// What the store did.
        seen: String,
    },
    /// The check does not apply to this store, for this reason.
    Skipped(String),
}

impl Report {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self { findings }
    }

    /// Whether no promise was seen broken.
    pub fn is_clean(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The names of the checks that found a broken promise.
    pub fn broken(&self) -> impl Iterator<Item = &str> {
        let broken = |finding: &&Finding| matches!(finding.verdict, Verdict::Broken { .. });
        self.findings.iter().filter(broken).map(Finding::name)
    }

    /// All checks, in the order in which they ran.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// For tests: all promises have to be kept.
    ///
    /// # Panics
    /// With the report, if a promise was seen broken.
    #[track_caller]
    pub fn assert(&self) {
        assert!(self.is_clean(), "the store breaks its contract\n{self}");
    }
}

impl Finding {
    pub(super) fn new(check: &Check, verdict: Verdict) -> Self {
        Self { name: check.name.to_owned(), promise: check.promise, verdict }
    }

    pub(super) fn unknown(name: &str) -> Self {
        let verdict = broken("the name of a check", format!("{name:?}"));
        Self { name: name.to_owned(), promise: "(No check has this name: see `Suite::names`.)", verdict }
    }

    /// The name of the check.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sentence of the contract that it is about.
    pub fn promise(&self) -> &'static str {
        self.promise
    }

    /// How it ended.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

pub(super) fn broken(expected: impl Into<String>, seen: impl Into<String>) -> Verdict {
    Verdict::Broken { expected: expected.into(), seen: seen.into() }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.findings.iter().filter(|finding| finding.verdict != Verdict::Kept) {
            write!(f, "{finding}")?;
        }
        let count =
            |is: fn(&Verdict) -> bool| self.findings.iter().filter(|found| is(&found.verdict)).count();
        let kept = count(|verdict| *verdict == Verdict::Kept);
        let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        write!(f, "{kept} kept, {} broken, {skipped} skipped", self.broken().count())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, promise, verdict } = self;
        match verdict {
            Verdict::Kept => writeln!(f, "kept: {name}"),
            Verdict::Skipped(reason) => writeln!(f, "skipped: {name}: {reason}"),
            Verdict::Broken { expected, seen } => {
                writeln!(f, "broken: {name}")?;
                writeln!(f, "  the contract: {promise}")?;
                writeln!(f, "  expected:     {expected}")?;
                writeln!(f, "  seen:         {seen}")
            }
        }
    }
}
