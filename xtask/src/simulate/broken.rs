//! Whether the simulation finds bugs: each patch in `crates/tm-core/tests/broken/` breaks one rule of the broker, in a copy of the
//! tree, and has to be noticed.

use std::fs;
use std::path::{Path, PathBuf};

use super::SHOWN;
use crate::command::{cargo, output, program};
use crate::report::{Outcome, Report};
use crate::workspace::{Metadata, root};

/// Where the patches lie.
pub(crate) const PATCHES: &str = "crates/tm-core/tests/broken";

/// So many seeds of each kind it may take. Most take few.
const SEEDS: [&str; 2] = ["60", "1000"];

pub(super) fn run(report: &mut Report) {
    match patches().and_then(|patches| Ok((Copy::new()?, patches))) {
        Ok((copy, patches)) => {
            for patch in patches {
                let name = patch.file_stem().unwrap_or_default().to_string_lossy().replace('_', " ");
                report
                    .step(format!("broken: {name}"), || copy.try_out(&patch).unwrap_or_else(Outcome::Failed));
            }
        }
        Err(problem) => report.step("broken", || Outcome::Failed(problem)),
    }
}

fn patches() -> Result<Vec<PathBuf>, String> {
    let folder = root().join(PATCHES);
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut patches: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    patches.sort();
    if patches.is_empty() { Err(format!("{}: no patches", folder.display())) } else { Ok(patches) }
}

/// Of the tree as it is, with a target folder of its own: cargo takes a copy for the original.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    fn new() -> Result<Self, String> {
        Ok(Self { folder: Metadata::read()?.target_directory.join("broken") })
    }

    /// Breaks one rule in a copy that is whole, and runs the seeds.
    fn try_out(&self, patch: &Path) -> Result<Outcome, String> {
        self.make_whole()?;
        self.apply(patch)?;
        self.run("0", &["--no-run"])?;
        for seeds in SEEDS {
            if let Err(said) = self.run(seeds, &SHOWN) {
                return Ok(finding(&said).map_or(Outcome::Failed(said), Outcome::Passed));
            }
        }
        Ok(Outcome::Failed(format!("not found in {} worlds and as many fleets", SEEDS[1])))
    }

    /// Leaves alone what is as it should be, so that only the rest is built anew.
    fn make_whole(&self) -> Result<(), String> {
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let names = output(program("git").args(list))?;
        for name in names.split_terminator('\0').filter(|name| root().join(name).exists()) {
            let to = self.folder.join(name);
            let copied = fs::read(root().join(name)).and_then(|text| {
                if fs::read(&to).is_ok_and(|there| there == text) {
                    return Ok(());
                }
                fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
                fs::write(&to, text)
            });
            copied.map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    fn run(&self, seeds: &str, words: &[&str]) -> Result<String, String> {
        // In a debug build: it is made anew for each patch, and most are found soon.
        let mut command = cargo(["test", "--locked", "-p", "tm-core", "--test", "sim", "random_"]);
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", self.folder.join("target"));
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("TM_SIM_SEEDS", seeds).env("TM_SIM_EVENTS", "0");
        output(command.args(words))
    }

    /// A patch that does not fit any more is a failure.
    fn apply(&self, patch: &Path) -> Result<(), String> {
        let mut git = program("git");
        // The copy is not to be taken for a part of the repository around it.
        git.current_dir(&self.folder).env("GIT_CEILING_DIRECTORIES", root());
        output(git.arg("apply").arg(patch)).map(drop)
    }
}

/// What the quicker one of the two tests has said: after how many seeds, and which rule was broken.
fn finding(said: &str) -> Option<String> {
    let findings = said.split("\nafter ").skip(1).filter_map(|finding| {
        let (count, rest) = finding.split_once(' ')?;
        let what = rest.split(',').next()?;
        let broken = finding.lines().find(|line| line.starts_with("seed "));
        let broken = broken.or(finding.lines().nth(2)).unwrap_or_default();
        Some((count.parse::<u64>().ok()?, format!("after {count} {what}: {broken}")))
    });
    findings.min().map(|(_, finding)| finding)
}

#[cfg(test)]
mod tests {
    use super::finding;

    #[test]
    fn of_two_findings_the_quicker_counts() {
        let said = "\nafter 31 fleets, seed 30 breaks a rule; `x` shows all of it\nthread at main.rs:\nseed 30001, at 4s: late\n\
            \nafter 4 worlds, seed 3 breaks a rule; `x` shows all of it\nthread at world.rs:\nseed 3, at 2s: too many\nmore";
        assert_eq!(finding(said).as_deref(), Some("after 4 worlds: seed 3, at 2s: too many"));
        assert_eq!(finding("error: could not compile"), None);
    }
}
