//! One token as the service hands it out.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroize;

use super::decode::DecodeError;
use crate::{Token, UnixTime, claims::Times};

/// A token with what the service said of its life. What that life is worth, [`crate::broker`] decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// `expires_in`, in seconds; negative numbers count as zero, absurd ones as a day.
    pub expires_in: Option<Duration>,
    /// `timestamp`: when it was issued, on the service's clock. Not "now": the service may hand out a token again.
    pub timestamp: Option<UnixTime>,
    /// The claim `iat`.
    pub issued_at: Option<UnixTime>,
    /// The claim `exp`.
    pub expires_at: Option<UnixTime>,
}

/// Longest life of a token that is believed. The documented life is 1,799 s.
pub(crate) const MAX_LIFE: Duration = Duration::from_secs(86_400);

/// The documented fields that matter. Others are accepted and left alone.
#[derive(Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(borrow)]
    access_token: Secret<'a>,
    #[serde(default, deserialize_with = "lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "lenient_integer")]
    timestamp: Option<i64>,
    #[serde(borrow)]
    token_type: Option<Cow<'a, str>>,
}

impl Wire<'_> {
    pub(super) fn issued(self, what: &'static str) -> Result<IssuedToken, DecodeError> {
        if self.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(DecodeError::new(what, "its token_type is not bearer"));
        }
        let token = Token::new(&self.access_token.0)
            .ok_or_else(|| DecodeError::new(what, "its access_token is not a bearer token"))?;
        let times = Times::read(&self.access_token.0);
        if self.expires_in.is_none() && times.expires_at.is_none() {
            return Err(DecodeError::new(what, "neither expires_in nor the token itself tells when it ends"));
        }
        let expires_in =
            self.expires_in.map(|secs| Duration::from_secs(secs.max(0).unsigned_abs()).min(MAX_LIFE));
        Ok(IssuedToken {
            token,
            expires_in,
            timestamp: self.timestamp.map(UnixTime::from_millis),
            issued_at: times.issued_at,
            expires_at: times.expires_at,
        })
    }
}

/// Borrowed where the JSON allows; a copy that had to be made is wiped.
#[derive(Deserialize)]
struct Secret<'a>(#[serde(borrow)] Cow<'a, str>);

impl Drop for Secret<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

/// A number, with or without a fraction, or a string of one. `timestamp` is documented as a string. Rubbish is as
/// good as nothing: the token itself still tells its end.
fn lenient_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(saturating)),
        Value::String(text) => {
            let text = text.trim();
            let fraction = || text.parse().ok().filter(|number: &f64| number.is_finite()).map(saturating);
            text.parse().ok().or_else(fraction)
        }
        _ => None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted")]
fn saturating(number: f64) -> i64 {
    number as i64
}
