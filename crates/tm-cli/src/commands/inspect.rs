//! `tm inspect`: what a token says of itself. Nothing is verified.

use std::fmt::Write as _;

use serde::Serialize;
use tm_core::{Claims, Platform, Token, UnixTime};

use crate::{
    args::InspectArguments,
    exit::{Halt, Status},
    input, life, output,
};

/// A token with its `Bearer` and white space around it.
const LIMIT: usize = Token::MAX_BYTES + 1_024;

#[derive(Serialize)]
struct Shown<'a> {
    tenant: Option<&'a str>,
    platform: Option<&'static str>,
    issuer: Option<&'a str>,
    issued_at: Option<String>,
    expires_at: Option<String>,
    /// By this machine's clock.
    expired: Option<bool>,
    scopes: &'a [String],
    verified: bool,
}

pub(crate) fn run(arguments: &InspectArguments) -> Result<Status, Halt> {
    let read = input::text(input::stdin(), "the token on stdin", LIMIT)?;
    let claims = Claims::read(bare(&read)).map_err(|error| Halt::Usage(error.to_string()))?;
    let shown = if arguments.json { json(&claims, life::now()) } else { text(&claims, life::now()) };
    output::write(shown.as_bytes())?;
    Ok(Status::Done)
}

/// Without `Bearer`, in any case of letters (RFC 9110 §11.1).
fn bare(read: &str) -> &str {
    let trimmed = read.trim();
    match trimmed.split_once(char::is_whitespace) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => trimmed,
    }
}

fn json(claims: &Claims, now: UnixTime) -> String {
    let shown = Shown {
        tenant: claims.tenant.as_deref(),
        platform: claims.platform.map(Platform::as_str),
        issuer: claims.issuer.as_deref(),
        issued_at: claims.issued_at.map(|time| time.to_string()),
        expires_at: claims.expires_at.map(|time| time.to_string()),
        expired: claims.expires_at.map(|end| end <= now),
        scopes: &claims.scopes,
        verified: false,
    };
    // Text always makes JSON.
    let mut line = serde_json::to_string(&shown).unwrap_or_default();
    line.push('\n');
    line
}

fn text(claims: &Claims, now: UnixTime) -> String {
    let or_not_told = |told: Option<String>| told.unwrap_or_else(|| "not told".to_owned());
    let life = match claims.expires_at {
        Some(end) if end <= now => format!("expired since {}", life::spoken(now.saturating_since(end))),
        Some(end) => format!("{} left", life::spoken(end.saturating_since(now))),
        None => "not told".to_owned(),
    };
    let scopes = match claims.scopes.as_slice() {
        [] => "none".to_owned(),
        scopes => scopes.join(" "),
    };
    let rows = [
        ("tenant", or_not_told(claims.tenant.clone())),
        ("platform", or_not_told(claims.platform.map(|platform| platform.to_string()))),
        ("issuer", or_not_told(claims.issuer.clone())),
        ("issued at", or_not_told(claims.issued_at.map(|time| time.to_string()))),
        ("expires at", or_not_told(claims.expires_at.map(|time| time.to_string()))),
        ("life", life),
        ("scopes", scopes),
        (
            "verified",
            "no: nothing was, neither signature nor issuer; this is what the token says of itself".to_owned(),
        ),
    ];
    let mut shown = String::new();
    for (name, value) in rows {
        // A string takes all that is written into it.
        let _ = writeln!(shown, "{name:<12}{}", output::visible(&value));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_bearer_is_no_part_of_a_token() {
        for read in ["a.b.c", " a.b.c\n", "Bearer a.b.c", "bearer \t a.b.c\r\n", "BEARER\na.b.c"] {
            assert_eq!(bare(read), "a.b.c", "{read:?}");
        }
        assert_eq!(bare("Basic a.b.c"), "Basic a.b.c");
    }

    #[test]
    fn what_a_token_does_not_tell_is_null() {
        let claims = Claims::read("e30.e30.x").unwrap();
        let json = json(&claims, UnixTime::from_secs(0));
        let expected = r#"{"tenant":null,"platform":null,"issuer":null,"issued_at":null,"expires_at":null,"expired":null,"scopes":[],"verified":false}"#;
        assert_eq!(json.trim_end(), expected);
        assert!(text(&claims, UnixTime::from_secs(0)).contains("life        not told"));
    }
}
