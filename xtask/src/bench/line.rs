//! One figure, as the programs say it.

use serde::{Deserialize, Serialize};

/// See `benches/measure`, which writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) ours: f64,
    pub(super) baseline: Option<f64>,
    pub(super) against: String,
    pub(super) ratio: Option<f64>,
    pub(super) target: Option<f64>,
    pub(super) at_least: bool,
}

impl Line {
    /// # Errors
    /// It is not what the programs are known to say.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("a line that we cannot read, {error}: {text}"))
    }

    /// Whether its target is missed. Without a target it only explains the others.
    pub(super) fn is_over(&self) -> bool {
        let figure = self.ratio.unwrap_or(self.ours);
        self.target.is_some_and(|target| if self.at_least { figure < target } else { figure > target })
    }
}

#[cfg(test)]
pub(super) fn line(ratio: f64, target: Option<f64>, at_least: bool) -> Line {
    let (name, unit, against) = ("a-line".to_owned(), "ns".to_owned(), "another".to_owned());
    Line {
        name,
        unit,
        ours: 10.0 * ratio,
        baseline: Some(10.0),
        against,
        ratio: Some(ratio),
        target,
        at_least,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_missed_on_its_own_side() {
        assert!(line(1.2, Some(1.15), false).is_over() && !line(1.1, Some(1.15), false).is_over());
        assert!(line(30.0, Some(35.0), true).is_over() && !line(36.0, Some(35.0), true).is_over());
        assert!(!line(99.0, None, false).is_over());
    }

    #[test]
    fn a_figure_without_a_baseline_is_held_against_its_target_itself() {
        let alone = Line { ratio: None, baseline: None, ours: 1.0, ..line(1.0, Some(0.0), false) };
        assert!(alone.is_over());
        assert!(!Line { ours: 0.0, ..alone }.is_over());
    }

    #[test]
    fn what_is_no_line_is_told() {
        assert!(Line::read("thread main panicked").is_err());
        let text = serde_json::to_string(&line(1.0, None, false)).expect("texts and numbers");
        assert_eq!(Line::read(&text).map(|line| line.name).as_deref(), Ok("a-line"));
    }
}
