//! The two commands that a newcomer needs: the README has them, they exist, and CI runs the very one it names.

use super::Violation;
use super::files::Files;

const RUN: &str = "cargo run --release -p tm-cli -- demo";
const TEST: &str = "cargo xtask ci";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut complain = |path: &str, what: String| violations.push(Violation::new(path, 1, what));
    if let Some(readme) = files.text("README.md") {
        for command in [RUN, TEST] {
            if !readme.lines().any(|line| line.trim() == command) {
                complain("README.md", format!("`{command}` is missing: give it a line of its own"));
            }
        }
        if !files.has("crates/tm-cli/Cargo.toml") {
            complain("README.md", format!("`{RUN}` runs a crate that does not exist"));
        }
    }
    match files.text(".ci/run") {
        Some(script) if commands(script).eq([TEST]) => {}
        Some(_) => complain(".ci/run", format!("runs something else than `{TEST}`, the README's command")),
        None => complain(".ci/run", format!("does not exist: write a script that runs `{TEST}`")),
    }
    violations
}

/// What a script runs, besides setting itself up.
fn commands(script: &str) -> impl Iterator<Item = &str> {
    let is_command = |line: &&str| {
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("set ") && !line.starts_with("cd ")
    };
    script.lines().map(str::trim).filter(is_command)
}

#[cfg(test)]
mod tests {
    use super::super::lines_violating;
    use super::*;

    const SCRIPT: &str =
        "#!/usr/bin/env bash\nset -euo pipefail\ncd \"$(dirname \"$0\")/..\"\ncargo xtask ci\n";
    const README: &str = "# tm\n```\ncargo run --release -p tm-cli -- demo\ncargo xtask ci\n```\n";

    fn count(readme: &str, script: &str) -> usize {
        lines_violating(
            check,
            &[("README.md", readme), (".ci/run", script), ("crates/tm-cli/Cargo.toml", "")],
        )
        .len()
    }

    #[test]
    fn a_readme_with_both_commands_passes() {
        assert_eq!(count(README, SCRIPT), 0);
    }

    #[test]
    fn a_missing_command_is_told() {
        assert_eq!(count(&README.replace("demo", "all"), SCRIPT), 1);
        assert_eq!(count(&README.replace(TEST, "cargo test"), SCRIPT), 1);
    }

    #[test]
    fn ci_runs_what_the_readme_says_and_no_more() {
        assert_eq!(count(README, &SCRIPT.replace(TEST, "cargo test")), 1);
        assert_eq!(count(README, &format!("{SCRIPT}cargo test\n")), 1);
        assert_eq!(lines_violating(check, &[]).len(), 1);
    }

    #[test]
    fn the_program_that_the_readme_runs_exists() {
        assert_eq!(lines_violating(check, &[("README.md", README), (".ci/run", SCRIPT)]).len(), 1);
    }
}
