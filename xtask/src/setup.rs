//! `setup`: installs what the other verbs need and a machine with Rust, a C compiler and git does not have.
//! What is there already is left alone.

use std::path::{Path, PathBuf};

use crate::command::{cargo, find, output, program, run as run_command};
use crate::report::{Outcome, Report};
use crate::workspace::Metadata;

/// Pinned: a newer one may find more, and that is a commit of its own.
const CARGO_DENY: &str = "0.20.2";

pub(crate) fn run(report: &mut Report) {
    report.step(format!("setup: cargo-deny {CARGO_DENY}"), install_cargo_deny);
    report.step("setup: redis-server", install_redis);
}

/// The pinned cargo-deny, if there is one: ours, or one that the user installed.
///
/// # Errors
/// What to do when there is none, or what cargo says.
pub(crate) fn cargo_deny() -> Result<PathBuf, String> {
    let ours = tools()?.join("bin").join("cargo-deny").with_extension(std::env::consts::EXE_EXTENSION);
    [Some(ours), find("cargo-deny")]
        .into_iter()
        .flatten()
        .find(|file| is_pinned(file))
        .ok_or_else(|| format!("there is no cargo-deny {CARGO_DENY}: run `cargo xtask setup`"))
}

fn is_pinned(cargo_deny: &Path) -> bool {
    output(program(cargo_deny).arg("--version"))
        .is_ok_and(|text| text.trim() == format!("cargo-deny {CARGO_DENY}"))
}

/// In the target folder, so that `cargo clean` removes it.
fn tools() -> Result<PathBuf, String> {
    Ok(Metadata::read()?.target_directory.join("tools"))
}

fn install_cargo_deny() -> Outcome {
    if let Ok(file) = cargo_deny() {
        return Outcome::Passed(format!("already there: {}", file.display()));
    }
    let tools = match tools() {
        Ok(tools) => tools,
        Err(problem) => return Outcome::Failed(problem),
    };
    let build = tools.join("build");
    // Its own release profile (fat LTO, one unit) is for a binary that is shipped. On two cores, measured: 56 s as
    // below; 125 s at level 3 with 16 units and no LTO. A check of our tree takes 1.4 s even unoptimised.
    let outcome = run_command(
        cargo(["install", "--locked", "--force", "--version", CARGO_DENY, "cargo-deny", "--root"])
            .arg(&tools)
            .env("CARGO_TARGET_DIR", &build)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
    );
    if matches!(outcome, Outcome::Passed(_)) {
        // 350 MB that nobody needs again. That they stay is no reason to fail.
        _ = std::fs::remove_dir_all(&build);
    }
    outcome
}

fn install_redis() -> Outcome {
    if let Some(file) = find("redis-server") {
        return Outcome::Passed(format!("already there: {}", file.display()));
    }
    let Some(as_root) = way_to_root() else {
        return Outcome::Skipped(
            "no apt-get that we may run as root: install redis-server by hand, tests with a real Redis need it".into(),
        );
    };
    let apt = |arguments: &[&str]| {
        let words = [as_root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
        run_command(program(words[0]).args(&words[1..]))
    };
    match apt(&["update"]) {
        Outcome::Passed(_) => apt(&["install", "-y", "--no-install-recommends", "redis-server"]),
        failed => failed,
    }
}

/// The words before a command that make it run as root without asking, on a system with apt-get.
fn way_to_root() -> Option<&'static [&'static str]> {
    find("apt-get")?;
    let is_root = output(program("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let may_sudo = || output(program("sudo").args(["-n", "true"])).is_ok();
    if is_root {
        Some(&[])
    } else if may_sudo() {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_is_not_the_pinned_one() {
        assert!(!is_pinned(Path::new("no-such-program")));
        assert!(!is_pinned(Path::new(env!("CARGO"))));
    }
}
