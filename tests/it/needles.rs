//! Finds secrets in text, in each form in which they may have come there.
//!
//! Depends on std, base64 and serde_json alone.

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};

/// A part of so many bytes betrays a secret: long enough not to occur by chance, short enough to be found in a dump of sixteen
/// bytes a row, wherever the secret begins.
const PART: usize = 8;

/// In a list of numbers from 10 to 99; greater ones make it longer.
const DECIMAL_PART: usize = 3 * PART - 1;

/// The parts of secrets, by form.
#[derive(Default)]
pub(crate) struct Needles {
    text: HashSet<Vec<u8>>,
    hex: HashSet<Vec<u8>>,
    decimal: HashSet<Vec<u8>>,
}

impl Needles {
    pub(crate) fn of(secret: &str) -> Self {
        let mut needles = Self::default();
        needles.add(secret);
        needles
    }

    pub(crate) fn add(&mut self, secret: &str) {
        let json = serde_json::to_string(secret).expect("a text is JSON");
        let json = json[1..json.len() - 1].to_owned();
        let debug = secret.escape_debug().to_string();
        for form in BTreeSet::from([secret.to_owned(), json, debug, percent_encoded(secret)]) {
            self.text.extend(form.as_bytes().windows(PART).map(<[u8]>::to_vec));
            self.add_bytes(form.as_bytes());
        }
    }

    /// A secret that is no text.
    pub(crate) fn add_bytes(&mut self, secret: &[u8]) {
        // Base64 reads three bytes at a time, so there are three ways to read it; its first and last characters
        // depend on what stands beside it.
        for before in 0..3 {
            let bytes = [&b"xxx"[..before], secret].concat();
            for encoded in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
                let inner = &encoded.as_bytes()[4..encoded.len() - 4];
                self.text.extend(inner.windows(PART).map(<[u8]>::to_vec));
            }
        }
        let hex: Vec<_> = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        self.hex.extend(hex.windows(PART).map(|part| part.concat().into_bytes()));
        let decimal = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        self.decimal.extend(decimal.as_bytes().windows(DECIMAL_PART).map(<[u8]>::to_vec));
    }

    /// All keys of a ring, from its text.
    pub(crate) fn add_ring(&mut self, ring: &str) {
        for entry in ring.split_whitespace() {
            let (_, key) = entry.split_once('=').expect("an entry of a ring is NAME=KEY");
            self.add(key);
            self.add_bytes(&STANDARD.decode(key).expect("a key is base64"));
        }
    }

    /// The first part of a secret in this text, whatever white space stands between.
    pub(crate) fn find_in(&self, text: &str) -> Option<String> {
        let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let lower: Vec<u8> = dense.iter().filter(|&&byte| byte != b',').map(u8::to_ascii_lowercase).collect();
        let is_decimal = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b','));
        let is_hex = |part: &[u8]| part.iter().all(u8::is_ascii_hexdigit);
        let found = dense.windows(PART).find(|&part| self.text.contains(part));
        let found =
            found.or_else(|| lower.windows(2 * PART).find(|&part| is_hex(part) && self.hex.contains(part)));
        let found = found.or_else(|| {
            dense.windows(DECIMAL_PART).find(|&part| is_decimal(part) && self.decimal.contains(part))
        });
        found.map(|part| String::from_utf8_lossy(part).into_owned())
    }

    pub(crate) fn any_in(&self, text: &str) -> bool {
        self.find_in(text).is_some()
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        // RFC 3986 §2.3.
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes all that is written into it");
        }
    }
    encoded
}

#[test]
fn a_secret_would_be_found_in_any_form() {
    let secret = "canary-7c1e90d2";
    let bytes = secret.as_bytes();
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let spaced: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let forms = [
        secret.to_owned(),
        format!("Bearer {secret}-7"),
        STANDARD.encode(format!("x:{secret}")),
        STANDARD.encode(format!("xy:{secret}")),
        STANDARD.encode(format!("xyz:{secret}")),
        format!("{bytes:?}"),
        hex.concat(),
        spaced.join(" "),
        // Cut in the middle, as by dumps of sixteen bytes a row.
        secret[5..].to_owned(),
        format!("{} {} ......", hex[..5].concat(), hex[5..10].concat()),
    ];
    for form in forms {
        assert!(Needles::of(secret).any_in(&format!("before {form} after")), "{form}");
    }
    assert!(!Needles::of(secret).any_in("a canary in a mine"));
}

#[test]
fn a_secret_of_signs_alone_would_be_found_in_any_form() {
    let secret = r#""\/+%&=:"\/+%&=:"#;
    let forms = [
        secret.to_owned(),
        serde_json::to_string(secret).unwrap(),
        format!("{secret:?}"),
        "%22%5C%2F%2B%25%26%3D%3A".to_owned(),
        URL_SAFE.encode(secret),
        format!("{:?}", b"%22%5C%2F"),
    ];
    for form in forms {
        assert!(Needles::of(secret).any_in(&form), "{form}");
    }
}

#[test]
fn a_key_of_a_ring_would_be_found_in_any_form() {
    let key = [0xfb; 32];
    let mut needles = Needles::default();
    needles.add_ring(&format!("name={} seal={}", STANDARD.encode([0xfa; 32]), STANDARD.encode(key)));
    for form in [STANDARD.encode(key), URL_SAFE.encode(key), format!("{key:?}"), format!("{key:02x?}")] {
        assert!(needles.any_in(&form), "{form}");
    }
    assert!(!needles.any_in("name= seal="));
}
