//! Rules of `docs/decisions/`: numbered from 1 without gap or duplicate, and each tells context, choice, consequences.

use std::collections::BTreeMap;

use super::Violation;
use super::files::Files;

const FOLDER: &str = "docs/decisions/";
const HEADINGS: [&str; 3] = ["Context", "Choice", "Consequences"];

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut by_number: BTreeMap<usize, &str> = BTreeMap::new();
    let decisions = files.paths().filter_map(|path| Some((path, path.strip_prefix(FOLDER)?)));
    for (path, name) in decisions.filter(|(_, name)| *name != "README.md") {
        let Some(number) = number(name) else {
            violations.push(Violation::new(path, 1, "not named `NNNN-some-title.md`: rename it"));
            continue;
        };
        if let Some(other) = by_number.insert(number, path) {
            violations.push(Violation::new(
                path,
                1,
                format!("has the number of {other}: take the next free one"),
            ));
        }
        violations.extend(missing_headings(path, files.text(path).unwrap_or_default()));
    }
    let gaps = (1..).zip(by_number.iter()).find(|(expected, (number, _))| expected != *number);
    if let Some((expected, (_, path))) = gaps {
        violations.push(Violation::new(
            path,
            1,
            format!("number {expected:04} is missing before this one: renumber"),
        ));
    }
    violations
}

/// The number in `NNNN-some-title.md`.
fn number(name: &str) -> Option<usize> {
    let (number, title) = name.strip_suffix(".md")?.split_once('-')?;
    let title_is_good =
        !title.is_empty() && title.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (number.len() == 4 && title_is_good).then(|| number.parse().ok())?
}

fn missing_headings(path: &str, text: &str) -> Vec<Violation> {
    let is_missing = |heading: &&str| !text.lines().any(|line| line.strip_prefix("## ") == Some(heading));
    let missing = HEADINGS.into_iter().filter(is_missing);
    missing
        .map(|heading| Violation::new(path, 1, format!("no heading `## {heading}`: add the section")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::lines_violating;
    use super::*;

    const GOOD: &str = "# A title\n\n## Context\n\n## Choice\n\n## Consequences\n";

    fn count(files: &[(&str, &str)]) -> usize {
        lines_violating(check, files).len()
    }

    #[test]
    fn decisions_in_order_pass() {
        let files =
            [("docs/decisions/0001-a.md", GOOD), ("docs/decisions/0002-b-c.md", GOOD), ("docs/other.md", "")];
        assert_eq!(count(&files), 0);
    }

    #[test]
    fn gaps_and_duplicates_are_told() {
        assert_eq!(count(&[("docs/decisions/0001-a.md", GOOD), ("docs/decisions/0003-b.md", GOOD)]), 1);
        assert_eq!(count(&[("docs/decisions/0002-a.md", GOOD)]), 1);
        assert_eq!(count(&[("docs/decisions/0001-a.md", GOOD), ("docs/decisions/0001-b.md", GOOD)]), 1);
    }

    #[test]
    fn names_and_headings_are_checked() {
        assert_eq!(count(&[("docs/decisions/1-a.md", GOOD)]), 1);
        assert_eq!(count(&[("docs/decisions/0001-A.md", GOOD)]), 1);
        assert_eq!(count(&[("docs/decisions/0001-a.md", "## Context\n## Choice\n")]), 1);
    }
}
