//! `purity`: who may depend on whom, and what no crate may ever reach.
//!
//! A deny rule sees direct edges only. Here the declared edges between our crates are compared with the house, and
//! each crate's resolved tree, all features on, with what it must never reach. See `ARCHITECTURE.md`.

mod arrows;
mod core_source;
mod house;
mod nevers;
mod tree;

use crate::report::{Outcome, Report};
use crate::workspace::Metadata;
use house::{BLOCKING_REACHES_AT_MOST, HOUSE};
use tree::Tree;

pub(crate) fn run(report: &mut Report) {
    report.step("purity: arrows", || match Metadata::read() {
        Ok(metadata) => Outcome::of_complaints(&arrows::check(HOUSE, &metadata.packages)),
        Err(problem) => Outcome::Failed(problem),
    });
    report.step("purity: nevers", || match resolved() {
        Ok(trees) => Outcome::of_complaints(&nevers::check(HOUSE, &trees)),
        Err(problem) => Outcome::Failed(problem),
    });
    report.step("purity: the size of tm-blocking", || match Tree::read_default("tm-blocking") {
        Ok(tree) => match &nevers::check_size(&tree, BLOCKING_REACHES_AT_MOST)[..] {
            [] => Outcome::Passed(format!(
                "{} crates, at most {BLOCKING_REACHES_AT_MOST}",
                tree.reached().len()
            )),
            complaints => Outcome::of_complaints(complaints),
        },
        Err(problem) => Outcome::Failed(problem),
    });
    report.step("purity: the source of tm-core", || match core_source::read() {
        Ok(sources) => Outcome::of_complaints(&core_source::check(&sources)),
        Err(problem) => Outcome::Failed(problem),
    });
}

/// The tree of each crate in the house, for this machine and for all there are.
fn resolved() -> Result<Vec<Tree>, String> {
    let targets = [None, Some("all")];
    HOUSE.iter().flat_map(|room| targets.map(|target| Tree::read(room.name, target))).collect()
}
