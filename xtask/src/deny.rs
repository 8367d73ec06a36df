//! `deny`: what may enter the tree of dependencies, by cargo-deny and `deny.toml`.

use std::path::Path;

use crate::command::{output, program, run as run_command};
use crate::report::{Outcome, Report};
use crate::setup::CARGO_DENY;

pub(crate) fn run(report: &mut Report) {
    let cargo_deny = match CARGO_DENY.file() {
        Ok(file) => file,
        Err(problem) => return report.step("deny", || Outcome::Failed(problem)),
    };
    report.step("deny: bans, licences, sources", || {
        run_command(program(&cargo_deny).args(["--locked", "check", "bans", "licenses", "sources"]))
    });
    report.step("deny: advisories", || advisories(&cargo_deny));
}

/// Fetches the database first, in a command of its own: so a network that is not there is never taken for a clean
/// tree, nor an advisory for a network that is not there.
fn advisories(cargo_deny: &Path) -> Outcome {
    let fetched = output(
        program(cargo_deny)
            .args(["--locked", "fetch", "db"])
            // Fail instead of waiting: for a password, or for a line that is up and silent.
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_HTTP_LOW_SPEED_LIMIT", "1000")
            .env("GIT_HTTP_LOW_SPEED_TIME", "60"),
    );
    match fetched {
        Ok(_) => run_command(program(cargo_deny).args(["--locked", "--offline", "check", "advisories"])),
        Err(problem) => {
            println!("{problem}");
            Outcome::Skipped(format!("the advisory database cannot be fetched: {}", last_line(&problem)))
        }
    }
}

/// Where git, and so cargo-deny, says the cause.
fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_in_the_last_line_that_says_anything() {
        assert_eq!(last_line("[ERROR] failed to fetch\nfatal: no route\n\n"), "fatal: no route");
        assert_eq!(last_line("\n"), "no reason given");
    }
}
