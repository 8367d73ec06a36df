//! What ran, how long it took, and how it ended: one line a step, and no skip without its reason.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How a step ended. Each text is for the reader of the summary.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The check holds; the text says what is worth knowing, or nothing.
    Passed(String),
    /// The check does not hold, or could not be made though it should have been possible.
    Failed(String),
    /// The check was not made, for a reason outside this repository.
    Skipped(String),
}

impl Outcome {
    /// Passed, with nothing to add.
    pub(crate) fn passed() -> Self {
        Self::Passed(String::new())
    }

    /// Prints the complaints; passed if there are none, else failed with their number.
    pub(crate) fn of_complaints(complaints: &[String]) -> Self {
        for complaint in complaints {
            println!("{complaint}");
        }
        match complaints.len() {
            0 => Self::passed(),
            1 => Self::Failed("1 violation, see above".to_owned()),
            several => Self::Failed(format!("{several} violations, see above")),
        }
    }
}

/// The steps of one run, in the order in which they ran.
#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

struct Step {
    name: String,
    outcome: Outcome,
    took: Duration,
}

impl Report {
    /// Runs one step and remembers how it ended. A failure does not keep later steps from running.
    pub(crate) fn step(&mut self, name: impl Into<String>, work: impl FnOnce() -> Outcome) {
        let name = name.into();
        println!("\n==> {name}");
        let start = Instant::now();
        let outcome = work();
        let step = Step { name, outcome, took: start.elapsed() };
        println!("<== {}", step.line(0));
        self.steps.push(step);
    }

    /// Prints the summary. The exit code is a success only if nothing failed.
    pub(crate) fn finish(self) -> ExitCode {
        print!("\n{}", self.summary());
        if self.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Whether any step so far has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.outcome, Outcome::Failed(_)))
    }

    /// One line a step. Not worded as test runners word theirs: these are steps, and the tests have said their own.
    fn summary(&self) -> String {
        let width = self.steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
        let lines: Vec<String> = self.steps.iter().map(|step| format!("  {}", step.line(width))).collect();
        let count = |kind: fn(&Outcome) -> bool| self.steps.iter().filter(|step| kind(&step.outcome)).count();
        let passed = count(|outcome| matches!(outcome, Outcome::Passed(_)));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        let took: Duration = self.steps.iter().map(|step| step.took).sum();
        let counts =
            format!("steps: {passed} passed; {failed} failed; {skipped} skipped; in {}", readable(took));
        format!("summary\n{}\n{counts}\n", lines.join("\n"))
    }
}

impl Step {
    fn line(&self, width: usize) -> String {
        let (word, text) = match &self.outcome {
            Outcome::Passed(text) => ("passed", text),
            Outcome::Failed(text) => ("FAILED", text),
            Outcome::Skipped(text) => ("SKIPPED", text),
        };
        let colon = if text.is_empty() { "" } else { ": " };
        format!("{word:<7} {:>12}  {:<width$}{colon}{text}", readable(self.took), self.name)
            .trim_end()
            .to_owned()
    }
}

/// A duration as a person would say it: `0.4 s`, `2 min 05 s`.
fn readable(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report_of(outcomes: [Outcome; 3]) -> Report {
        let mut report = Report::default();
        for (outcome, name) in outcomes.into_iter().zip(["first", "second", "third"]) {
            report.step(name, || outcome);
        }
        report
    }

    #[test]
    fn one_failure_fails_the_run_and_hides_nothing() {
        let report =
            report_of([Outcome::passed(), Outcome::Failed("exit status 1".into()), Outcome::passed()]);
        assert!(report.has_failed());
        assert!(report.summary().contains("third"));
        assert!(report.summary().contains("second: exit status 1"));
    }

    #[test]
    fn a_skip_does_not_fail_the_run_and_tells_its_reason() {
        let report = report_of([Outcome::passed(), Outcome::Skipped("no network".into()), Outcome::passed()]);
        assert!(!report.has_failed());
        assert!(report.summary().contains("SKIPPED"));
        assert!(report.summary().contains("no network"));
        assert!(report.summary().contains("steps: 2 passed; 0 failed; 1 skipped; in "));
    }

    #[test]
    fn complaints_are_a_failure_and_none_is_none() {
        assert!(matches!(Outcome::of_complaints(&[]), Outcome::Passed(_)));
        assert!(
            matches!(Outcome::of_complaints(&["x".into()]), Outcome::Failed(text) if text.starts_with("1 violation,"))
        );
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(readable(Duration::from_millis(440)), "0.4 s");
        assert_eq!(readable(Duration::from_secs(125)), "2 min 05 s");
    }
}
