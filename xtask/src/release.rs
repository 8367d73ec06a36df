//! `release`: packages all published crates in the order of their dependencies; with `--execute` publishes them.
//!
//! Leaves first, and all in one command: cargo builds each package against the packages made before it, so a release
//! that would break half-way fails before anything is published.

use std::fs;

use crate::command::{cargo, find, output, program, run as run_command};
use crate::report::{Outcome, Report};
use crate::workspace::{Metadata, Package, root};

pub(crate) fn run(flags: &[String], report: &mut Report) {
    let execute = flags.iter().any(|flag| flag == "--execute");
    let metadata = match Metadata::read() {
        Ok(metadata) => metadata,
        Err(problem) => return report.step("release", || Outcome::Failed(problem)),
    };
    let order = metadata.in_release_order();
    report.step("release: order", || Outcome::Passed(names(&order)));
    report.step("release: the tree is clean", || if execute { tree_is_clean() } else { not_in_a_dry_run() });
    report.step("release: changelog", || has_changelog(&order));
    report.step("release: semver", semver);
    report.step("release: contents", || contents(&order));
    report.step("release: package", || package(&metadata, execute));
    if !execute {
        return;
    }
    if report.has_failed() {
        report.step("release: publish", || {
            Outcome::Skipped("something above failed; nothing was published".into())
        });
    } else {
        report.step("release: publish", || {
            run_command(cargo(["publish", "--workspace", "--locked"]).args(private(&metadata)))
        });
    }
}

fn names(order: &[&Package]) -> String {
    order.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn tree_is_clean() -> Outcome {
    match output(program("git").args(["status", "--porcelain"])) {
        Ok(changes) if changes.is_empty() => Outcome::passed(),
        Ok(changes) => Outcome::Failed(format!("commit or put away:\n{}", changes.trim_end())),
        Err(problem) => Outcome::Failed(problem),
    }
}

fn not_in_a_dry_run() -> Outcome {
    Outcome::Skipped("a dry run packages what is there".into())
}

/// Every version that is released has a heading of its own in the changelog.
fn has_changelog(order: &[&Package]) -> Outcome {
    let Ok(changelog) = fs::read_to_string(root().join("CHANGELOG.md")) else {
        return Outcome::Failed("there is no CHANGELOG.md".into());
    };
    let missing: Vec<String> = order
        .iter()
        .filter(|package| !has_entry(&changelog, &package.version))
        .map(|package| {
            format!("CHANGELOG.md: no heading `## {}`, the version of {}", package.version, package.name)
        })
        .collect();
    Outcome::of_complaints(&missing)
}

/// Whether there is a heading `## VERSION` or `## [VERSION]`, with or without a date after it.
fn has_entry(changelog: &str, version: &str) -> bool {
    let headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    headings
        .filter_map(|heading| heading.split_whitespace().next())
        .any(|word| word.trim_matches(['[', ']']) == version)
}

fn semver() -> Outcome {
    if find("cargo-semver-checks").is_none() {
        return Outcome::Skipped(
            "cargo-semver-checks is not installed: compare the public API by eye".into(),
        );
    }
    run_command(&mut cargo(["semver-checks", "--workspace"]))
}

/// Shows what would be in each package.
fn contents(order: &[&Package]) -> Outcome {
    let failed = order
        .iter()
        .map(|package| {
            run_command(&mut cargo(["package", "--list", "--allow-dirty", "-p", package.name.as_str()]))
        })
        .find(|outcome| matches!(outcome, Outcome::Failed(_)));
    failed.unwrap_or_else(Outcome::passed)
}

/// Makes the packages and builds each as a user would, against the others as packaged.
fn package(metadata: &Metadata, execute: bool) -> Outcome {
    let mut command = cargo(["package", "--workspace", "--locked"]);
    command.args(private(metadata));
    if !execute {
        command.arg("--allow-dirty");
    }
    run_command(&mut command)
}

fn private(metadata: &Metadata) -> impl Iterator<Item = String> {
    metadata
        .packages
        .iter()
        .filter(|package| !package.is_published())
        .map(|package| format!("--exclude={}", package.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_heading_with_the_version() {
        assert!(has_entry("# Changes\n\n## 0.1.0\n", "0.1.0"));
        assert!(has_entry("## [0.1.0] - 2026-11-22\n", "0.1.0"));
    }

    #[test]
    fn another_version_or_a_mention_is_no_entry() {
        assert!(!has_entry("## 0.1.0\n", "0.2.0"));
        assert!(!has_entry("## 0.1.0-rc.1\n", "0.1.0"));
        assert!(!has_entry("Since 0.1.0 …\n", "0.1.0"));
    }
}
