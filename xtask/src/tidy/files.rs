//! The files that are ours: what git knows or would add, or, without git (from a tarball), what lies there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::command::{output, program};
use crate::workspace;

/// The files of the workspace, by their path from its root, with `/` on every system.
pub(crate) struct Files {
    /// Every file that is ours.
    paths: BTreeSet<String>,
    /// The text of those that people write.
    texts: BTreeMap<String, String>,
}

impl Files {
    /// # Errors
    /// When the folder of the workspace cannot be read.
    pub(crate) fn of_workspace() -> Result<Self, String> {
        let root = workspace::root();
        let mut paths = listed_by_git().map_or_else(|| walked(root), Ok)?;
        paths.retain(|path| root.join(path).is_file()); // git lists what is deleted and not yet committed, too
        let texts = paths
            .iter()
            .filter(|path| is_written_by_people(path))
            .filter_map(|path| Some((path.clone(), fs::read_to_string(root.join(path)).ok()?)))
            .collect();
        Ok(Self { paths, texts })
    }

    #[cfg(test)]
    pub(crate) fn of_texts(files: &[(&str, &str)]) -> Self {
        let texts = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self { paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(), texts: texts.collect() }
    }

    /// The files with text, by path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Those whose names end so.
    pub(crate) fn ending(&self, end: &'static str) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(move |(path, _)| path.ends_with(end))
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Whether there is such a file of ours, or a folder with one in it. The empty path is the root.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.paths.contains(path)
            || self.paths.range(folder.clone()..).next().is_some_and(|next| next.starts_with(&folder))
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }
}

/// `None` without git, and for a folder that is not a checkout of its own: a tarball unpacked inside another project.
fn listed_by_git() -> Option<BTreeSet<String>> {
    if !workspace::root().join(".git").exists() {
        return None;
    }
    let list =
        output(program("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])).ok()?;
    Some(list.split_terminator('\0').map(str::to_owned).collect())
}

fn walked(root: &Path) -> Result<BTreeSet<String>, String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() && !path.is_symlink() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if let Ok(inside) = path.strip_prefix(root) {
                files.insert(inside.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"));
            }
        }
    }
    Ok(files)
}

/// Test vectors and fuzzing corpora are data, byte by byte: a stray tab may be what they are about.
fn is_written_by_people(path: &str) -> bool {
    let is_data = path.split('/').any(|part| matches!(part, "vectors" | "corpus"));
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_text = match name.trim_start_matches('.').rsplit_once('.') {
        Some((_, extension)) => {
            matches!(
                extension,
                "rs" | "toml" | "md" | "sh" | "yml" | "yaml" | "json" | "txt" | "lock" | "lua"
            )
        }
        None => true, // LICENSE-MIT, .gitignore, .ci/run
    };
    is_text && !is_data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_text() {
        assert!(
            ["src/a.rs", "README.md", ".ci/run", ".gitignore", "LICENSE-MIT"]
                .into_iter()
                .all(is_written_by_people)
        );
    }

    #[test]
    fn pictures_and_vectors_are_data() {
        assert!(!["docs/a.png", "tests/vectors/a.json"].into_iter().any(is_written_by_people));
    }

    #[test]
    fn folders_exist_by_what_is_in_them() {
        let files = Files::of_texts(&[("docs/decisions/0001-a.md", "")]);
        assert!(files.has("docs/decisions") && files.has("docs/decisions/0001-a.md") && files.has(""));
        assert!(!files.has("docs/decision") && !files.has("src"));
    }

    #[test]
    fn without_git_the_same_source_is_found() {
        let files = walked(workspace::root()).expect("the workspace can be read");
        assert!(files.contains("xtask/src/tidy/files.rs"));
        assert!(!files.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
    }
}
