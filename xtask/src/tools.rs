//! The programs of others that verbs use: pinned, and installed under the target folder, so that `cargo clean` removes them.

use std::path::{Path, PathBuf};

use crate::command::{cargo, find, output, program, run as run_command};
use crate::report::Outcome;
use crate::workspace::Metadata;

/// A subcommand of cargo from its registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Pinned: a newer one may find more, and that is a commit of its own.
    pub(crate) version: &'static str,
    /// What it answers to when asked for its version.
    pub(crate) asked: &'static [&'static str],
    /// Words for `cargo install`.
    pub(crate) with: &'static [&'static str],
}

impl Tool {
    /// The pinned one, if there is one: ours, or one that the user installed.
    ///
    /// # Errors
    /// That there is none, or what cargo says.
    pub(crate) fn file(&self) -> Result<PathBuf, String> {
        let ours = tools()?.join("bin").join(self.name).with_extension(std::env::consts::EXE_EXTENSION);
        [Some(ours), find(self.name)]
            .into_iter()
            .flatten()
            .find(|file| self.is_pinned(file))
            .ok_or_else(|| format!("there is no {} {}: run `cargo xtask setup`", self.name, self.version))
    }

    /// The same, installed if there is none.
    ///
    /// # Errors
    /// It cannot be installed.
    pub(crate) fn installed(&self) -> Result<PathBuf, String> {
        match self.install() {
            Outcome::Failed(problem) => Err(problem),
            Outcome::Passed(_) | Outcome::Skipped(_) => self.file(),
        }
    }

    /// Installs it, if it is not there.
    pub(crate) fn install(&self) -> Outcome {
        if let Ok(file) = self.file() {
            return Outcome::Passed(format!("already there: {}", file.display()));
        }
        let tools = match tools() {
            Ok(tools) => tools,
            Err(problem) => return Outcome::Failed(problem),
        };
        let build = tools.join("build");
        // Their own release profiles (fat LTO, one unit) are for binaries that are shipped. On two cores, measured with
        // cargo-deny: 56 s as below; 125 s at level 3 with 16 units and no LTO. A check of our tree takes 1.4 s even so.
        let outcome = run_command(
            cargo(["install", "--locked", "--force", "--version", self.version, self.name, "--root"])
                .arg(&tools)
                .args(self.with)
                .env("CARGO_TARGET_DIR", &build)
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
        );
        if matches!(outcome, Outcome::Passed(_)) {
            // Hundreds of MB that nobody needs again. That they stay is no reason to fail.
            _ = std::fs::remove_dir_all(&build);
        }
        outcome
    }

    fn is_pinned(&self, file: &Path) -> bool {
        output(program(file).args(self.asked))
            .is_ok_and(|text| text.trim().rsplit(' ').next() == Some(self.version))
    }
}

fn tools() -> Result<PathBuf, String> {
    Ok(Metadata::read()?.target_directory.join("tools"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_is_not_the_pinned_one() {
        let tool = Tool { name: "cargo-none", version: "1.2.3", asked: &["--version"], with: &[] };
        assert!(!tool.is_pinned(Path::new("no-such-program")));
        assert!(!tool.is_pinned(Path::new(env!("CARGO"))));
        assert!(tool.file().unwrap_err().contains("cargo-none 1.2.3"));
    }
}
