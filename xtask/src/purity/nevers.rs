//! What a crate must not reach, by any path of normal dependencies.

use super::house::{CORE_MAY_REACH, CORE_REACHES_AT_MOST, NEVER_ANYWHERE, Room};
use super::tree::Tree;

pub(super) fn check(house: &[Room], trees: &[Tree]) -> Vec<String> {
    let mut complaints = Vec::new();
    for tree in trees {
        let own = house.iter().find(|room| room.name == tree.root()).map_or(&[][..], |room| room.never);
        complaints.extend(reached(tree, &[own, NEVER_ANYWHERE].concat()));
        if tree.root() == "tm-core" {
            complaints.extend(beyond(tree, CORE_MAY_REACH, CORE_REACHES_AT_MOST));
        }
    }
    complaints.sort();
    complaints.dedup(); // the same on this machine and on all
    complaints
}

fn reached(tree: &Tree, never: &[&str]) -> Vec<String> {
    let complaint = |way: String| format!("{}: never to reach what it reaches here: {way}", tree.root());
    never.iter().filter_map(|name| tree.way_to(name)).map(complaint).collect()
}

/// How many crates a user of this one builds besides.
pub(super) fn check_size(tree: &Tree, most: usize) -> Vec<String> {
    let reached = tree.reached();
    let complaint = || {
        format!("{}: reaches {} crates, more than {most}: {}", tree.root(), reached.len(), reached.join(" "))
    };
    (reached.len() > most).then(complaint).into_iter().collect()
}

fn beyond(tree: &Tree, list: &[&str], most: usize) -> Vec<String> {
    let reached = tree.reached();
    let mut complaints: Vec<String> = reached
        .iter()
        .filter(|name| !list.contains(name))
        .filter_map(|name| tree.way_to(name))
        .map(|way| format!("{}: not in the list of what it may reach: {way}", tree.root()))
        .collect();
    complaints.extend(check_size(tree, most));
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::house::HOUSE;
    use super::*;

    fn complaints_about(tree: &str) -> Vec<String> {
        check(HOUSE, &[Tree::of(tree)])
    }

    #[test]
    fn a_pure_tree_passes() {
        assert_eq!(complaints_about("0tm-core v0\n1http v1\n2bytes v1\n"), [""; 0]);
        assert_eq!(complaints_about("0tm-blocking v0\n1ureq v3\n"), [""; 0]);
        assert_eq!(complaints_about("0tm-async v0\n1reqwest v0\n2hyper v1\n3tokio v1\n"), [""; 0]);
    }

    #[test]
    fn the_core_reaches_no_client_no_runtime_and_no_clock() {
        for name in ["reqwest", "ureq", "hyper", "tokio", "async-std", "smol", "futures-executor", "rustls"] {
            assert!(!complaints_about(&format!("0tm-core v0\n1http v1\n2{name} v1\n")).is_empty(), "{name}");
        }
        for name in ["getrandom", "rand", "chrono", "time", "jiff", "redis", "tracing", "ring"] {
            assert!(!complaints_about(&format!("0tm-core v0\n1{name} v1\n")).is_empty(), "{name}");
        }
    }

    #[test]
    fn the_core_reaches_only_what_is_listed() {
        let complaints = complaints_about("0tm-core v0\n1http v1\n2newcomer v1\n");
        assert_eq!(complaints, ["tm-core: not in the list of what it may reach: tm-core → http → newcomer"]);
    }

    #[test]
    fn the_core_reaches_not_too_much() {
        let tree = Tree::of("0tm-core v0\n1a v1\n1b v1\n1c v1\n");
        assert_eq!(beyond(&tree, &["a", "b", "c"], 3), [""; 0]);
        assert_eq!(beyond(&tree, &["a", "b", "c"], 2), ["tm-core: reaches 3 crates, more than 2: a b c"]);
    }

    #[test]
    fn the_blocking_client_reaches_no_async() {
        for name in ["tokio", "reqwest", "hyper"] {
            let complaints =
                complaints_about(&format!("0tm-blocking v0\n1tm-driver v0\n2other v1\n3{name} v1\n"));
            let way = format!("tm-blocking → tm-driver → other → {name}");
            assert_eq!(complaints, [format!("tm-blocking: never to reach what it reaches here: {way}")]);
        }
    }

    #[test]
    fn the_async_client_reaches_no_ureq_and_no_library_the_simulator() {
        assert_eq!(complaints_about("0tm-async v0\n1other v1\n2ureq v3\n").len(), 1);
        for client in ["tm-async", "tm-blocking", "tm-driver", "tm-core"] {
            assert!(!complaints_about(&format!("0{client} v0\n1tm-sim v0\n")).is_empty(), "{client}");
        }
    }

    #[test]
    fn nothing_reaches_a_second_tls_provider() {
        for room in HOUSE {
            assert!(
                !complaints_about(&format!("0{} v0\n1rustls v1\n2ring v1\n", room.name)).is_empty(),
                "{}",
                room.name
            );
        }
    }
}
