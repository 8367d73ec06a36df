//! The text of a ring of keys.

use tm_cache::KeyRing;

use crate::{CANARY, each, texts};

const WORDS: [&str; 8] = [" ", ",", "\n", "=", "name=", "seal=", "\u{e9}", CANARY];

/// Thirty-two bytes in base64.
fn key(letter: &str) -> String {
    letter.repeat(42) + "A="
}

#[test]
fn a_ring_is_read_or_refused_in_silence() {
    let seal: Vec<String> = ('a'..='p').map(|letter| format!("seal={}", key(&letter.to_string()))).collect();
    let name = format!("name={}", key("N"));
    let seeds = [
        format!("{name} {}", seal[0]),
        format!("{},{},\n{name}\n", seal[0], seal[1].trim_end_matches('=')),
        format!("{name}\n{}", seal.join("\n")),
        format!("{name} seal={}", key("_")),
    ];
    let read = each(20_000, &texts(&seeds), &WORDS, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let ring = KeyRing::parse(text);
        check_silent(text, &format!("{ring:?}"));
        let Ok(ring) = ring else { return false };
        let ids = ring.ids();
        assert!((1..=KeyRing::MOST).contains(&ids.len()));
        assert_eq!(ids.len(), text.matches("seal=").count());
        assert!((1..ids.len()).all(|end| !ids[..end].contains(&ids[end])), "a key twice");
        true
    });
    assert!((500..15_000).contains(&read), "{read}");
}

fn check_silent(text: &str, shown: &str) {
    assert!(shown.len() < 1_000 && !shown.contains(CANARY), "{shown}");
    let entries = text.split(|letter: char| letter.is_whitespace() || letter == ',');
    let keys = entries.filter_map(|entry| entry.split_once('=')).map(|(_, key)| key);
    assert!(!keys.filter(|key| key.len() >= 16).any(|key| shown.contains(key)), "{shown}");
}
