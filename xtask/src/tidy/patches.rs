//! The patches that break the broker, so that the simulation can be seen to notice: each applies to the code as it is.

use std::path::Path;

use super::Violation;
use super::files::Files;
use crate::command::{output, program};
use crate::simulate::PATCHES;
use crate::workspace::root;

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let is_patch = |path: &&str| path.strip_prefix(PATCHES).is_some_and(|name| name.starts_with('/'));
    let patches: Vec<&str> = files.paths().filter(is_patch).collect();
    if patches.is_empty() {
        return vec![Violation::new(
            PATCHES,
            1,
            "has no patch: nothing shows that the simulation notices anything",
        )];
    }
    let misfits = patches.into_iter().filter_map(|path| Some((path, misfit(&root().join(path))?)));
    misfits
        .map(|(path, why)| Violation::new(path, 1, format!("does not apply ({why}): break the rule anew")))
        .collect()
}

/// Why a patch does not apply to this workspace, if it does not.
fn misfit(patch: &Path) -> Option<String> {
    let mut git = program("git");
    // Without a checkout of our own, git would take one around us for ours.
    git.args(["apply", "--check"]).arg(patch);
    git.env("GIT_CEILING_DIRECTORIES", root().parent().unwrap_or(root()));
    let problem = output(&mut git).err()?;
    let said = problem.lines().find_map(|line| line.strip_prefix("error: "));
    Some(said.unwrap_or(&problem).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::lines_violating;
    use super::*;

    #[test]
    fn a_patch_that_does_not_apply_is_named() {
        let missing = format!("{PATCHES}/no_such.patch");
        assert_eq!(lines_violating(check, &[(&missing, "")]), [(missing, 1)]);
    }

    #[test]
    fn a_patch_of_other_code_tells_where_it_does_not_fit() {
        let patch = root().join(PATCHES).join("memory_has_no_bound.patch");
        assert_eq!(misfit(&patch), None);
        let other = std::env::temp_dir().join(format!("xtask-{}.patch", std::process::id()));
        let text = fs::read_to_string(&patch).expect("a patch").replace("bound", "bond");
        fs::write(&other, text).expect("a file for a while");
        let why = misfit(&other);
        fs::remove_file(&other).expect("it is there");
        assert!(why.is_some_and(|why| why.contains("crates/tm-core/src/broker/vault.rs")));
    }

    #[test]
    fn without_patches_nothing_is_shown() {
        assert_eq!(lines_violating(check, &[("crates/tm-core/tests/broken.md", "")]).len(), 1);
    }
}
