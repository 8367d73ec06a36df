//! Every link in a Markdown file that leads into this repository leads to a file that is there.

use super::Violation;
use super::files::Files;

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in files.ending(".md") {
        for (line, target) in links(text) {
            let Some(inside) = path_inside(path, target) else { continue };
            if !files.has(&inside) {
                let what =
                    format!("the link `{target}` leads to {inside}, which is not there: mend or remove it");
                violations.push(Violation::new(path, line, what));
            }
        }
    }
    violations
}

/// All targets with their lines: `[text](target)`, `[name]: target`. What stands in a code block is code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut fence: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        let opens = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        match (fence, opens) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => fence = None,
            (Some(_), _) => {}
            (None, None) => links.extend(links_of_line(line).into_iter().map(|target| (index + 1, target))),
        }
    }
    links
}

fn links_of_line(line: &str) -> Vec<&str> {
    if let Some((name, target)) = line.trim_start().split_once("]: ")
        && name.starts_with('[')
    {
        return vec![without_title(target)];
    }
    // What lies between backticks, every second part, is code: blanked to nothing by leaving it out.
    let prose = |at: usize| line[..at].matches('`').count().is_multiple_of(2);
    line.match_indices("](")
        .filter(|(at, _)| prose(*at))
        .filter_map(|(at, opening)| {
            let target = &line[at + opening.len()..];
            Some(without_title(&target[..target.find(')')?]))
        })
        .collect()
}

/// The target of `target "title"` or `<target>`.
fn without_title(target: &str) -> &str {
    target.split_whitespace().next().unwrap_or("").trim_matches(['<', '>'])
}

/// The path from the root, if the target is a file of ours and not an address, an anchor or an item of rustdoc.
fn path_inside(from: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or_default();
    if target.is_empty() || target.contains(':') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::lines_violating;
    use super::*;

    fn broken(text: &str) -> Vec<usize> {
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("src/lib.rs", "")];
        lines_violating(check, &files).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn a_link_to_a_file_that_is_there_passes() {
        assert_eq!(
            broken("[b](b.md) [c](./b.md#part \"title\") [d](../src) ![e](../src/lib.rs)\n[f]: <b.md>\n"),
            [0; 0]
        );
    }

    #[test]
    fn a_link_to_nowhere_is_told_with_its_line() {
        assert_eq!(broken("\n[b](c.md)\n"), [2]);
        assert_eq!(broken("[b](b.md) [c](c.md)\n"), [1]);
        assert_eq!(broken("[b]: c.md\n"), [1]);
        assert_eq!(broken("[b](../../docs/b.md)\n"), [1], "outside of the repository");
    }

    #[test]
    fn what_is_no_path_is_left_alone() {
        assert_eq!(broken("[a](https://example.com/x) [b](#part) [c](crate::Token) `[d](e.md)`\n"), [0; 0]);
        assert_eq!(broken("```\n[a](c.md)\n```\n"), [0; 0]);
    }
}
