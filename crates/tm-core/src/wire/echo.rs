//! What the service repeats of a request: error pages like to.

use std::collections::HashSet;

use base64::Engine as _;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::credentials::BASE64;

/// So many letters and digits of a secret in a row are no chance.
const TELLING: usize = 12;

/// A proxy that encodes what a proxy has encoded.
const MOST_ENCODINGS: usize = 3;

/// A secret of fewer letters and digits is only looked for within the key: it may be a word.
const WORD: usize = 8;

/// Whether a text has a part of this credential in it, after its scheme (`Basic `, `Bearer `), or of the secret in the key: as it
/// is, percent-encoded, as JSON escapes it, in HTML's entities, wrapped or with anything else between its letters and digits.
pub(super) fn repeats(text: &str, credential: &HeaderValue) -> bool {
    let encoded = after(b' ', credential.as_bytes()).unwrap_or(credential.as_bytes());
    let key = BASE64.decode(encoded).map(Zeroizing::new).unwrap_or_default();
    let secret = letters(after(b':', &key).unwrap_or_default());
    let encoded = letters(encoded);
    let mut text = Zeroizing::new(text.as_bytes().to_vec());
    for _ in 0..=MOST_ENCODINGS {
        let shown = letters(&text);
        if has_part(&shown, &encoded) || (secret.len() >= WORD && has_part(&shown, &secret)) {
            return true;
        }
        text = decoded(&text);
    }
    false
}

fn after(end: u8, text: &[u8]) -> Option<&[u8]> {
    let at = text.iter().position(|byte| *byte == end)?;
    text.get(at + 1..)
}

fn has_part(shown: &[u8], secret: &[u8]) -> bool {
    let telling = TELLING.min(secret.len()).max(1);
    let known: HashSet<_> = shown.windows(telling).collect();
    secret.windows(telling).any(|part| known.contains(part))
}

/// Letters and digits are what no encoding needs to touch.
fn letters(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len())); // by growing, a copy would be left behind
    letters.extend(text.iter().filter(|byte| byte.is_ascii_alphanumeric()));
    letters
}

/// One encoding less. What is none stays as it is.
fn decoded(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((first, others)) = rest.split_first() {
        let (byte, length) = escaped(rest).unwrap_or((*first, 1));
        plain.push(byte);
        rest = others.get(length - 1..).unwrap_or_default();
    }
    plain
}

/// The character that is escaped at the beginning of a text, and how many bytes that takes.
fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    let number = |from: usize, to: usize, radix| {
        let digits = std::str::from_utf8(text.get(from..to)?).ok()?;
        u8::try_from(u32::from_str_radix(digits, radix).ok()?).ok()
    };
    match text {
        [b'%', ..] => Some((number(1, 3, 16)?, 3)),
        // As JSON has it within JSON.
        [b'\\', b'\\', ..] => Some((b'\\', 2)),
        // As our own texts have what nobody would see.
        [b'\\', b'u', b'{', ..] => {
            let end = text.iter().take(12).position(|byte| *byte == b'}')?;
            Some((number(3, end, 16).unwrap_or(b' '), end + 1))
        }
        [b'\\', b'u', ..] => Some((number(2, 6, 16)?, 6)),
        // `\n` is a line break, and no letter of what follows.
        [b'\\', _, ..] => Some((b' ', 2)),
        [b'&', b'#', b'x' | b'X', ..] => entity(text, 3).and_then(|end| Some((number(3, end, 16)?, end + 1))),
        [b'&', b'#', ..] => entity(text, 2).and_then(|end| Some((number(2, end, 10)?, end + 1))),
        _ => None,
    }
}

/// Where the semicolon of a numeric entity of HTML stands.
fn entity(text: &[u8], digits: usize) -> Option<usize> {
    let end = text.iter().take(digits + 7).position(|byte| *byte == b';')?;
    (end > digits).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Base64 with both characters that are neither letters nor digits.
    const KEY: &str = "QWFiOndoYXQ/ZXZlcj95b3U/bGlrZT85+w==";

    fn key() -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {KEY}")).unwrap()
    }

    fn by_character(encode: impl Fn(char) -> String) -> String {
        KEY.chars().map(encode).collect()
    }

    #[test]
    fn a_secret_is_found_however_it_is_encoded() {
        let percent = |character: char| format!("%{:02X}", u32::from(character));
        let json = |character: char| format!("\\u{:04x}", u32::from(character));
        let encodings = [
            KEY.to_owned(),
            format!("Basic%20{}", KEY.replace('/', "%2F").replace('+', "%2b").replace('=', "%3D")),
            by_character(percent),
            by_character(percent).replace('%', "%25"),
            by_character(json),
            format!("\\\"{}\\nnext", KEY.replace('/', "\\/").replace('=', "\\u003d")),
            by_character(|character| format!("&#{};", u32::from(character))),
            by_character(|character| format!("&#x{:X};", u32::from(character))),
            KEY.as_bytes()
                .chunks(16)
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect::<Vec<_>>()
                .join("\r\n "),
            by_character(|character| json(character).replace('\\', "\\\\")),
            by_character(|character| format!("\\u{{0}}{character}")),
            by_character(|character| format!("{character}\\u{{200b}}")),
            format!("a word before {}", &KEY[..17]),
            "Bad credentials: Aab, whatever;you like 9".to_owned(),
            KEY[9..].to_owned(),
        ];
        for text in encodings {
            assert!(repeats(&text, &key()), "{text}");
        }
    }

    #[test]
    fn what_is_no_part_of_it_is_not() {
        for text in [
            "",
            "no",
            "Basic",
            "%",
            "%2",
            "%zz",
            "\\",
            "\\u00",
            "\\u12345",
            "&#;",
            "&#x;",
            "&#99999999;",
            "&#",
        ] {
            assert!(!repeats(text, &key()), "{text}");
        }
        assert!(!repeats("see https://developer.mindsphere.io/apis/core-tokenmanagement", &key()));
        assert!(!repeats(&KEY[..11], &key()), "eleven may be a chance");
    }

    #[test]
    fn a_short_secret_is_found_too() {
        let key = HeaderValue::from_static("Basic YTpi");
        assert!(repeats("the key YTpi is not good", &key) && !repeats("the key is not good", &key));
    }
}
