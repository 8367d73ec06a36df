//! What a token says of itself. Read, never verified.

use std::sync::LazyLock;

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{Platform, Token, UnixTime};

/// Base64url, 32 characters at a time where the processor can.
static BASE64URL: LazyLock<engine::Base64Url> = LazyLock::new(|| {
    engine::base64url(GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent))
});

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod engine {
    use base64::engine::{GeneralPurposeConfig, Simd};

    pub(super) type Base64Url = Simd;

    pub(super) fn base64url(config: GeneralPurposeConfig) -> Base64Url {
        Simd::url_safe(config)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod engine {
    use base64::{
        alphabet::URL_SAFE,
        engine::{GeneralPurpose, GeneralPurposeConfig},
    };

    pub(super) type Base64Url = GeneralPurpose;

    pub(super) fn base64url(config: GeneralPurposeConfig) -> Base64Url {
        GeneralPurpose::new(&URL_SAFE, config)
    }
}

/// The claims of a JWT (RFC 7519), of either platform.
///
/// **Nothing is verified**: no signature, no audience, no time. Whoever can hand you a token can write anything
/// into it. Use it to show or to schedule, never to decide what somebody may do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// `ten`, or `sws.samauth.ten` on Xcelerator.
    pub tenant: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// Told by the tenant claim, else by the issuer.
    pub platform: Option<Platform>,
    /// `iat`, on the service's clock.
    pub issued_at: Option<UnixTime>,
    /// `exp`, on the service's clock.
    pub expires_at: Option<UnixTime>,
    /// `scope`, a list or words separated by spaces.
    pub scopes: Vec<String>,
}

/// Why no claims could be read. Says where, never what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// Not three parts with dots between.
    #[error("not a JWT: it does not have three parts with dots between")]
    NotAJwt,
    /// Longer than [`Token::MAX_BYTES`].
    #[error("not a JWT: it is too long")]
    TooLong,
    /// The middle part is not base64url.
    #[error("not a JWT: its middle part is not base64url")]
    NotBase64,
    /// The middle part is not a JSON object of the expected types.
    #[error("not a JWT: its claims are not a JSON object with the types of RFC 7519")]
    NotClaims,
}

impl Claims {
    /// Reads the claims of a bare JWT, without the word `Bearer`.
    ///
    /// # Errors
    /// Not a JWT; the text is in no error.
    pub fn read(jwt: &str) -> Result<Self, ClaimsError> {
        let raw = Raw::read(jwt)?;
        let (tenant, platform) = raw.tenant_and_platform();
        Ok(Self {
            tenant,
            platform,
            issued_at: raw.iat.map(NumericDate::time),
            expires_at: raw.exp.map(NumericDate::time),
            scopes: raw.scope.map(Scope::words).unwrap_or_default(),
            issuer: raw.iss,
        })
    }
}

/// The times alone, which is all that a token's life needs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) issued_at: Option<UnixTime>,
    pub(crate) expires_at: Option<UnixTime>,
}

impl Times {
    /// A token without readable claims has no times.
    pub(crate) fn read(jwt: &str) -> Self {
        #[derive(Deserialize)]
        struct Only {
            iat: Option<NumericDate>,
            exp: Option<NumericDate>,
        }
        let read = payload(jwt).ok().and_then(|json| serde_json::from_slice::<Only>(&json).ok());
        read.map_or_else(Self::default, |only| Self {
            issued_at: only.iat.map(NumericDate::time),
            expires_at: only.exp.map(NumericDate::time),
        })
    }
}

fn payload(jwt: &str) -> Result<Zeroizing<Vec<u8>>, ClaimsError> {
    if jwt.len() > Token::MAX_BYTES {
        return Err(ClaimsError::TooLong);
    }
    let mut parts = jwt.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ClaimsError::NotAJwt);
    };
    let json = BASE64URL.decode(payload).map(Zeroizing::new).map_err(|_| ClaimsError::NotBase64)?;
    // serde would take a list for a struct too, field by field in order.
    if json.trim_ascii_start().first() == Some(&b'{') { Ok(json) } else { Err(ClaimsError::NotClaims) }
}

#[derive(Deserialize)]
struct Raw {
    iss: Option<String>,
    iat: Option<NumericDate>,
    exp: Option<NumericDate>,
    scope: Option<Scope>,
    ten: Option<Value>,
    /// The documents name the claim `sws.samauth.ten` and do not tell whether it is flat or nested.
    #[serde(rename = "sws.samauth.ten")]
    flat: Option<Value>,
    sws: Option<Value>,
}

impl Raw {
    fn read(jwt: &str) -> Result<Self, ClaimsError> {
        serde_json::from_slice(&payload(jwt)?).map_err(|_| ClaimsError::NotClaims)
    }

    fn tenant_and_platform(&self) -> (Option<String>, Option<Platform>) {
        let nested = self.sws.as_ref().and_then(|sws| sws.pointer("/samauth/ten"));
        if let Some(tenant) = self.flat.as_ref().or(nested).and_then(text_or_number) {
            return (Some(tenant), Some(Platform::Xcelerator));
        }
        if let Some(tenant) = self.ten.as_ref().and_then(text_or_number) {
            return (Some(tenant), Some(Platform::InsightsHub));
        }
        let issuer = self.iss.as_deref().unwrap_or_default();
        let platform = [("siemens.com", Platform::Xcelerator), ("mindsphere", Platform::InsightsHub)];
        (None, platform.into_iter().find(|(word, _)| issuer.contains(word)).map(|(_, platform)| platform))
    }
}

fn text_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// RFC 7519 §2: seconds since the epoch, possibly with a fraction.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum NumericDate {
    Whole(i64),
    Fraction(f64),
}

impl NumericDate {
    fn time(self) -> UnixTime {
        match self {
            Self::Whole(secs) => UnixTime::from_secs(secs),
            #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted")]
            Self::Fraction(secs) => UnixTime::from_millis((secs * 1_000.0) as i64),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scope {
    List(Vec<String>),
    Words(String),
}

impl Scope {
    fn words(self) -> Vec<String> {
        match self {
            Self::List(list) => list,
            Self::Words(words) => words.split_ascii_whitespace().map(str::to_owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.sig", BASE64URL.encode(claims))
    }

    #[test]
    fn both_platforms_are_told_apart() {
        let hub =
            Claims::read(&jwt(r#"{"ten":"triadiot","iss":"https://x.piam.eu1.mindsphere.io/oauth/token"}"#));
        let hub = hub.unwrap();
        assert_eq!((hub.tenant.as_deref(), hub.platform), (Some("triadiot"), Some(Platform::InsightsHub)));
        for claims in [
            r#"{"sws.samauth.ten":1000001700}"#,
            r#"{"sws.samauth.ten":"1000001700","ten":"x"}"#,
            r#"{"sws":{"samauth":{"ten":"1000001700"}}}"#,
        ] {
            let read = Claims::read(&jwt(claims)).unwrap();
            assert_eq!(read.tenant.as_deref(), Some("1000001700"), "{claims}");
            assert_eq!(read.platform, Some(Platform::Xcelerator), "{claims}");
        }
        let by_issuer = Claims::read(&jwt(r#"{"iss":"https://eu.sws.siemens.com"}"#)).unwrap();
        assert_eq!((by_issuer.tenant, by_issuer.platform), (None, Some(Platform::Xcelerator)));
        assert_eq!(Claims::read(&jwt("{}")).unwrap().platform, None);
    }

    #[test]
    fn the_longest_token_that_is_a_token_has_claims() {
        let jwt = |signature: usize| format!("e30.e30.{}", "s".repeat(signature));
        let room = Token::MAX_BYTES - jwt(0).len();
        assert!(Claims::read(&jwt(room)).is_ok());
        assert_eq!(Claims::read(&jwt(room + 1)), Err(ClaimsError::TooLong));
    }

    #[test]
    fn times_and_scopes_are_read_in_every_form() {
        let read = Claims::read(&jwt(r#"{"iat":1559120938,"exp":1559122738.5,"scope":["a","b"]}"#)).unwrap();
        assert_eq!(read.issued_at, Some(UnixTime::from_secs(1_559_120_938)));
        assert_eq!(read.expires_at, Some(UnixTime::from_millis(1_559_122_738_500)));
        assert_eq!(read.scopes, ["a", "b"]);
        assert_eq!(Claims::read(&jwt(r#"{"scope":" a  b "}"#)).unwrap().scopes, ["a", "b"]);
        let absurd = Claims::read(&jwt(r#"{"exp":1e300,"iat":-9223372036854775808}"#)).unwrap();
        assert_eq!(absurd.expires_at, Some(UnixTime::from_millis(i64::MAX)));
        assert_eq!(absurd.issued_at, Some(UnixTime::from_millis(i64::MIN)));
    }

    #[test]
    fn rubbish_is_an_error_that_does_not_repeat_it() {
        assert_eq!(Claims::read("a.b"), Err(ClaimsError::NotAJwt));
        assert_eq!(Claims::read("a.b.c.d"), Err(ClaimsError::NotAJwt));
        assert_eq!(Claims::read("a.%%.c"), Err(ClaimsError::NotBase64));
        assert_eq!(Claims::read(&jwt("{}x")), Err(ClaimsError::NotClaims));
        assert_eq!(Claims::read(&jwt("[1,2]")), Err(ClaimsError::NotClaims));
        assert_eq!(Claims::read(&jwt(r#"{"exp":"soon"}"#)), Err(ClaimsError::NotClaims));
        assert_eq!(Claims::read(&jwt(&"[".repeat(4_000))), Err(ClaimsError::NotClaims));
        assert_eq!(Claims::read(&"x".repeat(Token::MAX_BYTES + 1)), Err(ClaimsError::TooLong));
        assert_eq!(Times::read("rubbish"), Times::default());
    }
}
