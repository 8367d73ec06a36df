//! `setup`: installs what the other verbs need and a machine with Rust, a C compiler and git does not have.
//! What is there already is left alone.

use crate::command::{find, output, program, run as run_command};
use crate::report::{Outcome, Report};
use crate::tools::Tool;

/// What checks `deny.toml`.
pub(crate) const CARGO_DENY: Tool =
    Tool { name: "cargo-deny", version: "0.20.2", asked: &["--version"], with: &[] };

pub(crate) fn run(report: &mut Report) {
    report.step(format!("setup: {} {}", CARGO_DENY.name, CARGO_DENY.version), || CARGO_DENY.install());
    report.step("setup: redis-server", || install("redis-server", "tests with a real Redis need it"));
    report.step("setup: valgrind", || install("valgrind", "instructions are counted with it"));
}

/// A program from the system's package of the same name.
fn install(name: &str, need: &str) -> Outcome {
    if let Some(file) = find(name) {
        return Outcome::Passed(format!("already there: {}", file.display()));
    }
    let Some(as_root) = way_to_root() else {
        return Outcome::Skipped(format!(
            "no apt-get that we may run as root: install {name} by hand, {need}"
        ));
    };
    let apt = |arguments: &[&str]| {
        let words = [as_root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
        run_command(program(words[0]).args(&words[1..]))
    };
    match apt(&["update"]) {
        Outcome::Passed(_) => apt(&["install", "-y", "--no-install-recommends", name]),
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
