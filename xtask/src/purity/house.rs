//! The house: each crate, what it may depend on, and what it must never reach. The one place to change a rule, and a
//! rule changes only with a written reason in `docs/decisions/`.

/// One crate of the workspace.
pub(super) struct Room {
    pub(super) name: &'static str,
    /// The crates of ours that it may depend on. An edge that is not here fails, needed or not.
    pub(super) may_use: &'static [&'static str],
    /// Those that its tests, examples and benchmarks may use besides.
    pub(super) tests_may_use: &'static [&'static str],
    /// Crates that it must not reach by any path of normal dependencies.
    pub(super) never: &'static [&'static str],
}

/// A second TLS provider makes rustls panic when it is asked to pick one. Nothing of ours reaches one of these.
pub(super) const NEVER_ANYWHERE: &[&str] =
    &["ring", "openssl", "openssl-sys", "native-tls", "async-std", "smol"];

const CLIENTS: &[&str] = &["reqwest", "ureq", "hyper", "hyper-util"];
const NOT_FOR_BLOCKING: &[&str] = &["reqwest", "hyper", "hyper-util", "tokio", "tm-sim"];

pub(super) const HOUSE: &[Room] = &[
    Room { name: "tm-core", may_use: &[], tests_may_use: &[], never: NOT_FOR_THE_CORE },
    Room { name: "tm-cache", may_use: &["tm-core"], tests_may_use: &["tm-sim"], never: CLIENTS },
    Room {
        name: "tm-driver",
        may_use: &["tm-cache", "tm-core"],
        tests_may_use: &["tm-sim"],
        never: &["reqwest", "ureq", "hyper", "hyper-util", "tokio", "tm-sim"],
    },
    Room {
        name: "tm-async",
        may_use: &["tm-cache", "tm-core", "tm-driver"],
        tests_may_use: &["tm-sim"],
        never: &["ureq", "tm-sim"],
    },
    Room {
        name: "tm-blocking",
        may_use: &["tm-cache", "tm-core", "tm-driver"],
        tests_may_use: &["tm-sim"],
        never: NOT_FOR_BLOCKING,
    },
    // The stand-in for the service: if it shared our code, it would share our mistakes.
    Room { name: "tm-sim", may_use: &[], tests_may_use: &[], never: &["reqwest", "ureq"] },
    Room {
        name: "tm-cli",
        may_use: &["tm-async", "tm-blocking", "tm-core", "tm-sim"],
        tests_may_use: &[],
        never: &[],
    },
    Room {
        name: "tm-tests",
        may_use: &[],
        tests_may_use: &["tm-async", "tm-blocking", "tm-cache", "tm-core", "tm-driver", "tm-sim"],
        never: &[],
    },
    Room { name: "tm-fuzz", may_use: &["tm-cache", "tm-core"], tests_may_use: &[], never: CLIENTS },
    Room { name: "xtask", may_use: &[], tests_may_use: &[], never: &["reqwest", "ureq", "hyper", "tokio"] },
];

/// All that tm-core may reach, itself aside: data and text. Anything else needs a row here, and so a reason.
pub(super) const CORE_MAY_REACH: &[&str] = &[
    "base64",
    "bytes",
    "fastrand", // seeded by the caller: no entropy, no clock
    "http",
    "httpdate",
    "itoa",
    "memchr",
    "percent-encoding",
    "serde",
    "serde_core",
    "serde_json",
    "thiserror",
    "zeroize",
    "zmij",
    // While compiling only.
    "proc-macro2",
    "quote",
    "serde_derive",
    "syn",
    "thiserror-impl",
    "unicode-ident",
];

/// So that the list above does not grow one reasonable row at a time.
pub(super) const CORE_REACHES_AT_MOST: usize = 20;

/// With its default features on this machine, itself aside: what somebody builds who only wants tokens.
pub(super) const BLOCKING_REACHES_AT_MOST: usize = 60;

/// Not in the list above already; named for a complaint that says more.
const NOT_FOR_THE_CORE: &[&str] = &[
    "chrono",
    "futures-executor",
    "getrandom",
    "hyper",
    "jiff",
    "rand",
    "redis",
    "reqwest",
    "rustls",
    "time",
    "tm-sim",
    "tokio",
    "tracing",
    "ureq",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrows_of_the_house_have_no_cycle() {
        let mut placed: Vec<&str> = Vec::new();
        while let Some(room) = HOUSE.iter().find(|room| {
            !placed.contains(&room.name) && room.may_use.iter().all(|name| placed.contains(name))
        }) {
            placed.push(room.name);
        }
        assert_eq!(placed.len(), HOUSE.len(), "{placed:?}");
    }

    #[test]
    fn the_list_for_the_core_is_within_its_own_bound() {
        assert!(CORE_MAY_REACH.len() <= CORE_REACHES_AT_MOST);
        assert!(
            !CORE_MAY_REACH
                .iter()
                .any(|name| NOT_FOR_THE_CORE.contains(name) || NEVER_ANYWHERE.contains(name))
        );
    }

    #[test]
    fn only_the_program_uses_the_simulator() {
        let users: Vec<&str> =
            HOUSE.iter().filter(|room| room.may_use.contains(&"tm-sim")).map(|room| room.name).collect();
        assert_eq!(users, ["tm-cli"]);
    }
}
