//! The edges between our own crates, as declared: features off, other systems and tests included.

use super::house::Room;
use crate::workspace::{Dependency, Package};

pub(super) fn check(house: &[Room], packages: &[Package]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        match house.iter().find(|room| room.name == package.name) {
            Some(room) => complaints.extend(edges_not_allowed(room, package, packages)),
            None => complaints.push(format!(
                "{}: not in the house: give it a row in xtask/src/purity/house.rs",
                package.name
            )),
        }
    }
    let is_gone = |room: &&Room| !packages.iter().any(|package| package.name == room.name);
    for room in house.iter().filter(is_gone) {
        complaints.push(format!("{}: in the house and not in the workspace: remove its row", room.name));
    }
    complaints
}

fn edges_not_allowed(room: &Room, package: &Package, packages: &[Package]) -> Vec<String> {
    let is_ours = |edge: &&Dependency| packages.iter().any(|package| package.name == edge.name);
    let is_forbidden = |edge: &&Dependency| match edge.kind.as_deref() {
        None => !room.may_use.contains(&edge.name.as_str()),
        Some("dev") => ![room.may_use, room.tests_may_use].concat().contains(&edge.name.as_str()),
        Some(_) => true, // no build script of ours needs a crate of ours
    };
    let complaint = |edge: &Dependency| {
        let kind = edge.kind.as_deref().map_or(String::new(), |kind| format!("{kind}-"));
        format!("{}: its {kind}dependency on {} is no arrow of the house: remove it", package.name, edge.name)
    };
    package.dependencies.iter().filter(is_ours).filter(is_forbidden).map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUSE: &[Room] = &[
        Room { name: "core", may_use: &[], tests_may_use: &[], never: &[] },
        Room { name: "client", may_use: &["core"], tests_may_use: &["sim"], never: &[] },
        Room { name: "sim", may_use: &[], tests_may_use: &[], never: &[] },
    ];

    fn package(name: &str, edges: &[(&str, Option<&str>)]) -> Package {
        let edge = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            path: None,
        };
        Package {
            name: name.to_owned(),
            dependencies: edges.iter().map(edge).collect(),
            ..Package::default()
        }
    }

    fn complaints_about(client: Package) -> Vec<String> {
        check(HOUSE, &[package("core", &[("serde", None)]), client, package("sim", &[])])
    }

    #[test]
    fn the_arrows_of_the_house_pass() {
        let client = package("client", &[("core", None), ("core", Some("dev")), ("sim", Some("dev"))]);
        assert_eq!(complaints_about(client), [""; 0]);
    }

    #[test]
    fn an_edge_that_is_no_arrow_is_told() {
        let complaints = complaints_about(package("client", &[("sim", None)]));
        assert_eq!(complaints, ["client: its dependency on sim is no arrow of the house: remove it"]);
    }

    #[test]
    fn a_test_has_arrows_too() {
        let packages =
            [package("core", &[("sim", Some("dev"))]), package("client", &[]), package("sim", &[])];
        let complaints = check(HOUSE, &packages);
        assert_eq!(complaints, ["core: its dev-dependency on sim is no arrow of the house: remove it"]);
    }

    #[test]
    fn a_build_script_uses_none_of_ours() {
        assert_eq!(complaints_about(package("client", &[("core", Some("build"))])).len(), 1);
    }

    #[test]
    fn house_and_workspace_have_the_same_crates() {
        let extra = [package("core", &[]), package("client", &[]), package("sim", &[]), package("new", &[])];
        assert_eq!(check(HOUSE, &extra).len(), 1);
        assert_eq!(check(HOUSE, &extra[..2]).len(), 1);
    }
}
