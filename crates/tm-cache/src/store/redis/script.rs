//! The scripts, and the names under which a server remembers them.

use std::{fmt::Write as _, sync::LazyLock};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// A script for Redis: its text, and the hash by which EVALSHA names it.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    sha: LazyLock<String>,
}

macro_rules! script {
    ($file:literal) => {{
        const TEXT: &str = concat!(include_str!("common.lua"), include_str!($file));
        Script { text: TEXT, sha: LazyLock::new(|| sha_of(TEXT)) }
    }};
}

pub(super) static PUT: Script = script!("put.lua");
pub(super) static BURY: Script = script!("bury.lua");
pub(super) static LEASE: Script = script!("lease.lua");
pub(super) static RELEASE: Script = script!("release.lua");

impl Script {
    pub(super) fn text(&self) -> &str {
        self.text
    }

    pub(super) fn sha(&self) -> &str {
        &self.sha
    }
}

/// SHA-1, since that is what Redis names scripts by; nothing's safety rests on it.
fn sha_of(text: &str) -> String {
    let mut hex = String::with_capacity(40);
    for byte in digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_named_as_redis_names_it() {
        // redis-cli SCRIPT LOAD "return 1"
        assert_eq!(sha_of("return 1"), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    }
}
