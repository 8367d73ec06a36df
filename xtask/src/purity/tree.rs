//! The resolved tree of one crate, all its features on: what a user of that crate would build.
//!
//! From `cargo tree`, since the graph in `cargo metadata` unites the features of the whole workspace, and so shows a
//! crate what others asked for.

use std::process::Command;

use crate::command;

/// The normal dependencies of one crate, each with the path by which it is reached first.
#[derive(Debug)]
pub(super) struct Tree {
    /// Each begins with the crate itself and ends with what it reaches.
    paths: Vec<Vec<String>>,
}

impl Tree {
    /// Asks cargo, for one target or, with `None`, for this machine.
    ///
    /// # Errors
    /// What cargo says, or that its answer is not what we know.
    pub(super) fn read(name: &str, target: Option<&str>) -> Result<Self, String> {
        let mut command = Self::command(name);
        command.arg("--all-features");
        if let Some(target) = target {
            command.args(["--target", target]);
        }
        Self::parse(&command::output(&mut command)?)
    }

    /// The same with default features, for this machine.
    ///
    /// # Errors
    /// As above.
    pub(super) fn read_default(name: &str) -> Result<Self, String> {
        Self::parse(&command::output(&mut Self::command(name))?)
    }

    fn command(name: &str) -> Command {
        command::cargo(["tree", "--locked", "--edges=normal", "--prefix=depth", "--package", name])
    }

    /// From lines such as `2itoa v1.0.19`: the depth, the name, and what we do not need.
    fn parse(text: &str) -> Result<Self, String> {
        let mut paths: Vec<Vec<String>> = Vec::new();
        let mut path: Vec<String> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let unknown = || format!("a line of `cargo tree` that we cannot read: {line}");
            let depth_ends = line.find(|character: char| !character.is_ascii_digit()).ok_or_else(unknown)?;
            let depth: usize = line[..depth_ends].parse().map_err(|_| unknown())?;
            let name =
                line[depth_ends..].split(' ').next().filter(|name| !name.is_empty()).ok_or_else(unknown)?;
            if depth > path.len() {
                return Err(unknown());
            }
            path.truncate(depth);
            path.push(name.to_owned());
            paths.push(path.clone());
        }
        if paths.is_empty() { Err("`cargo tree` printed nothing".to_owned()) } else { Ok(Self { paths }) }
    }

    /// The crate whose tree it is.
    pub(super) fn root(&self) -> &str {
        &self.paths[0][0]
    }

    /// All that it reaches, sorted, each once.
    pub(super) fn reached(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .paths
            .iter()
            .filter(|path| path.len() > 1)
            .filter_map(|path| path.last())
            .map(String::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// How it reaches a crate, if it does: `a → b → c`.
    pub(super) fn way_to(&self, name: &str) -> Option<String> {
        let path =
            self.paths.iter().find(|path| path.len() > 1 && path.last().is_some_and(|last| last == name))?;
        Some(path.join(" → "))
    }

    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        Self::parse(text).expect("the test wrote a tree")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0a v0.1.0 (path)\n1b v1.0.0\n2c v1.0.0\n1d v2.0.0 (proc-macro)\n2c v1.0.0 (*)\n";

    #[test]
    fn a_tree_knows_what_is_reached_and_how() {
        let tree = Tree::of(TREE);
        assert_eq!(tree.root(), "a");
        assert_eq!(tree.reached(), ["b", "c", "d"]);
        assert_eq!(tree.way_to("c").as_deref(), Some("a → b → c"));
        assert_eq!(tree.way_to("a"), None);
        assert_eq!(tree.way_to("e"), None);
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error_and_not_an_empty_tree() {
        assert!(Tree::parse("").is_err());
        assert!(Tree::parse("a v0.1.0\n").is_err());
        assert!(Tree::parse("0a v0.1.0\n2b v0.1.0\n").is_err());
    }

    #[test]
    fn cargo_tree_is_understood() {
        let tree = Tree::read("xtask", None).expect("cargo knows this crate");
        assert_eq!(tree.root(), "xtask");
        assert!(tree.reached().contains(&"serde_json"));
    }
}
