//! This workspace, as cargo sees it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::command;

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in a folder of the workspace")
}

/// The part of `cargo metadata` that we read. Dependencies are as declared, not as resolved.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

/// A crate of this workspace.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The registries it may go to: `None` is any, an empty list is none.
    pub(crate) publish: Option<Vec<String>>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as declared.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` is a normal one; else `dev` or `build`.
    pub(crate) kind: Option<String>,
    /// Set for what lies beside us.
    pub(crate) path: Option<PathBuf>,
}

impl Metadata {
    /// Asks cargo.
    ///
    /// # Errors
    /// What cargo says, or that its answer is not what we know.
    pub(crate) fn read() -> Result<Self, String> {
        let text = command::output(&mut command::cargo([
            "metadata",
            "--format-version=1",
            "--no-deps",
            "--locked",
        ]))?;
        serde_json::from_str(&text).map_err(|error| format!("the answer of `cargo metadata`: {error}"))
    }

    /// The crates that a release publishes: leaves first, each after all it depends on.
    pub(crate) fn in_release_order(&self) -> Vec<&Package> {
        let mut waiting: Vec<&Package> =
            self.packages.iter().filter(|package| package.is_published()).collect();
        waiting.sort_by(|a, b| a.name.cmp(&b.name));
        let mut order: Vec<&Package> = Vec::new();
        while !waiting.is_empty() {
            let is_waiting = |name: &str| waiting.iter().any(|package| package.name == name);
            let (ready, rest): (Vec<&Package>, Vec<&Package>) =
                waiting.iter().partition(|package| !package.needs_first().any(is_waiting));
            if ready.is_empty() {
                order.extend(rest); // a cycle, which cargo has already refused
                break;
            }
            order.extend(ready);
            waiting = rest;
        }
        order
    }
}

impl Package {
    /// Whether a release publishes it.
    pub(crate) fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    /// What must be in the registry before this: dev-dependencies too, since ours name a version.
    fn needs_first(&self) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some())
            .map(|dependency| dependency.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, needs: &[&str]) -> Package {
        let dependency =
            |name: &&str| Dependency { name: (*name).to_owned(), kind: None, path: Some(PathBuf::new()) };
        Package {
            name: name.to_owned(),
            dependencies: needs.iter().map(dependency).collect(),
            ..Package::default()
        }
    }

    #[test]
    fn a_crate_is_released_after_what_it_needs() {
        let metadata = Metadata {
            packages: vec![
                package("top", &["left", "right"]),
                package("right", &["base"]),
                package("left", &["base"]),
                package("base", &[]),
            ],
            ..Metadata::default()
        };
        let order: Vec<&str> =
            metadata.in_release_order().iter().map(|package| package.name.as_str()).collect();
        assert_eq!(order, ["base", "left", "right", "top"]);
    }

    #[test]
    fn what_is_not_published_is_not_released() {
        let private = Package { publish: Some(Vec::new()), ..package("tests", &[]) };
        let metadata = Metadata { packages: vec![private, package("base", &[])], ..Metadata::default() };
        assert_eq!(metadata.in_release_order().len(), 1);
    }

    #[test]
    fn the_answer_of_cargo_is_understood() {
        let metadata = Metadata::read().expect("cargo knows this workspace");
        assert!(metadata.packages.iter().any(|package| package.name == "xtask" && !package.is_published()));
    }
}
