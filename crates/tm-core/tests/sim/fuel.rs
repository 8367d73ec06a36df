//! Fuel: a run that goes round in circles fails instead of hanging.

use crate::oracles::{Verdict, rule};

/// What one run may use.
#[derive(Debug)]
pub(crate) struct Fuel {
    steps: u32,
    outputs: u32,
}

impl Default for Fuel {
    fn default() -> Self {
        Self { steps: 100_000, outputs: 400_000 }
    }
}

impl Fuel {
    pub(crate) fn step(&mut self) -> Verdict {
        self.steps = self.steps.saturating_sub(1);
        rule(self.steps > 0, || "out of fuel: too many steps".to_owned())
    }

    pub(crate) fn output(&mut self) -> Verdict {
        self.outputs = self.outputs.saturating_sub(1);
        rule(self.outputs > 0, || "out of fuel: too many outputs".to_owned())
    }
}
