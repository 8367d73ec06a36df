//! Rules of each crate's `Cargo.toml`: it takes the lints of the workspace, and says what it is.

use super::Violation;
use super::files::Files;

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let manifests = files.texts().filter(|(path, _)| path.ends_with("/Cargo.toml"));
    // What has a `[workspace]` of its own (benchmarks, fuzzing) cannot take the lints of this one.
    let members =
        manifests.filter(|(_, text)| has_section(text, "package") && !has_section(text, "workspace"));
    members.flat_map(|(path, text)| check_manifest(path, text)).collect()
}

fn check_manifest(path: &str, text: &str) -> Vec<Violation> {
    let takes_lints = value(text, "lints", "workspace") == Some("true");
    let is_described =
        value(text, "package", "description").is_some_and(|text| !text.trim_matches('"').is_empty());
    let lints = (!takes_lints)
        .then_some("the lints of the workspace are not taken: add `[lints]` `workspace = true`");
    let description = (!is_described).then_some("no description: add `description = \"…\"` to `[package]`");
    [lints, description].into_iter().flatten().map(|what| Violation::new(path, 1, what)).collect()
}

fn has_section(text: &str, section: &str) -> bool {
    text.lines().any(|line| line.trim() == format!("[{section}]"))
}

/// The value of a key, as written. Enough of TOML for the two keys above.
fn value<'t>(text: &'t str, section: &str, key: &str) -> Option<&'t str> {
    let header = format!("[{section}]");
    let inside = text
        .lines()
        .skip_while(|line| line.trim() != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    inside
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::super::lines_violating;
    use super::*;

    const GOOD: &str =
        "[package]\nname = \"a\"\ndescription = \"What it is.\"\n\n[lints]\nworkspace = true\n";

    fn count(text: &str) -> usize {
        lines_violating(check, &[("crates/a/Cargo.toml", text)]).len()
    }

    #[test]
    fn a_manifest_with_both_passes() {
        assert_eq!(count(GOOD), 0);
    }

    #[test]
    fn each_that_is_missing_is_told() {
        assert_eq!(count(&GOOD.replace("workspace = true", "")), 1);
        assert_eq!(count(&GOOD.replace("What it is.", "")), 1);
        assert_eq!(count("[package]\n[dependencies]\nworkspace = true\ndescription = \"a\"\n"), 2);
    }

    #[test]
    fn another_workspace_has_rules_of_its_own() {
        assert_eq!(count("[package]\nname = \"fuzz\"\n[workspace]\n"), 0);
    }
}
