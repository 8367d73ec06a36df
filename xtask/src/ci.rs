//! `ci`: all checks. The cheap ones first, so that a slip shows early; the tests last, so that a run ends with
//! what they said. A failure does not stop the run: one run tells everything there is to mend.

use crate::report::Report;
use crate::{deny, features, fuzz, instructions, lint, loom, purity, setup, simulate, test, tidy};

pub(crate) fn run(report: &mut Report) {
    tidy::run(report);
    purity::run(report);
    lint::run(report);
    setup::run(report);
    deny::run(report);
    features::run(report);
    loom::run(report);
    fuzz::run(&[], report);
    instructions::run(false, report);
    simulate::run(&[], report);
    test::run(report);
}
