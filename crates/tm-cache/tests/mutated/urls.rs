//! URLs of Redis.

use std::net::IpAddr;

use tm_cache::RedisOptions;

use crate::{CANARY, each, texts};

const WORDS: [&str; 16] = [
    "#",
    "@",
    ":",
    "/",
    "//",
    "?",
    "%23",
    "%",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "redis://",
    "rediss://",
    "unix://",
    "?pass=",
    CANARY,
];

const SEEDS: [&str; 7] = [
    "redis://127.0.0.1:6379",
    "redis://[::1]:6379/1",
    "redis://user:hush-7f3a@127.0.0.1/0?protocol=resp3",
    "redis://redis.example:6379",
    "rediss://user:hush-7f3a@redis.example:7000/3",
    "unix:///run/redis.sock?db=1&user=app&pass=hush-7f3a",
    "rediss://redis.example/#insecure",
];

#[test]
fn a_url_is_checked_in_silence_and_leads_nowhere_in_clear_text() {
    let read = each(20_000, &texts(&SEEDS), &WORDS, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let options = RedisOptions::new(text);
        let has_password = options.has_password_in_url();
        let shown = format!("{options:?} {has_password:?}");
        assert!(shown.len() < 1_000 && !shown.contains(CANARY), "{shown}");
        let Ok(has_password) = has_password else { return false };
        assert!(!text.contains('#'), "a fragment");
        assert!(!has_password || text.contains(['@', '?']), "a password from nowhere");
        // Who speaks TLS reads the roots of the system, which takes its time.
        let scheme = text.trim_start().split(':').next().unwrap_or_default().to_ascii_lowercase();
        if scheme != "rediss" && options.open().is_ok() {
            assert!(scheme == "unix" || is_loopback(text), "in clear text");
        }
        true
    });
    assert!((1_000..19_000).contains(&read), "{read}");
}

/// Whether the host is an address of this machine, read as simply as can be.
fn is_loopback(url: &str) -> bool {
    let host = url.split("//").nth(1).and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    host.and_then(|host| host.parse::<IpAddr>().ok()).is_some_and(|address| address.is_loopback())
}
