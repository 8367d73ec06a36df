//! `features`: each published crate alone, as a user would have it: with its default features, with none, and with
//! each feature by itself. A build of the whole workspace hides a missing feature, since cargo unites them all.

use crate::command::{cargo, run as run_command};
use crate::report::{Outcome, Report};
use crate::workspace::{Metadata, Package};

pub(crate) fn run(report: &mut Report) {
    let metadata = match Metadata::read() {
        Ok(metadata) => metadata,
        Err(problem) => return report.step("features", || Outcome::Failed(problem)),
    };
    for package in metadata.in_release_order() {
        for selection in selections(package) {
            let name = format!("features: {} {}", package.name, selection.join(" "));
            report.step(name.trim_end(), || {
                run_command(cargo(["check", "--locked", "-p", package.name.as_str()]).args(&selection))
            });
        }
    }
}

/// The arguments of each build. A crate without default features builds alike with and without them: once is enough.
fn selections(package: &Package) -> Vec<Vec<&str>> {
    let has_default = package.features.get("default").is_some_and(|features| !features.is_empty());
    let mut selections = vec![vec![]];
    if has_default {
        selections.push(vec!["--no-default-features"]);
    }
    for feature in package.features.keys().filter(|feature| *feature != "default") {
        selections.push(vec!["--no-default-features", "--features", feature]);
    }
    selections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(features: &[(&str, &[&str])]) -> Package {
        let feature = |(name, needs): &(&str, &[&str])| {
            ((*name).to_owned(), needs.iter().map(|need| (*need).to_owned()).collect())
        };
        Package { features: features.iter().map(feature).collect(), ..Package::default() }
    }

    #[test]
    fn a_crate_without_features_is_built_once() {
        assert_eq!(selections(&package(&[])), [[""; 0]]);
    }

    #[test]
    fn each_feature_is_built_alone() {
        let package = package(&[("default", &["redis"]), ("redis", &[]), ("seal", &[])]);
        let expected: [&[&str]; 4] = [
            &[],
            &["--no-default-features"],
            &["--no-default-features", "--features", "redis"],
            &["--no-default-features", "--features", "seal"],
        ];
        assert_eq!(selections(&package), expected);
    }
}
