//! The application's credentials, as the service wants them: the auth key.

use std::fmt;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::{
    input::{InvalidInput, printable, visible},
    secret::SecretText,
};

/// Padded when written, either way when read: the sample in the vendor's page has lost its padding.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const SCHEME: &str = "Basic ";

/// Client id and secret, held only as the value of `X-SPACE-AUTH-KEY`: `Basic base64(id:secret)`.
///
/// Wiped on drop, shown by nothing but the client id.
///
/// ```
/// # use tm_core::Credentials;
/// let credentials = Credentials::new("client", "secret")?;
/// let prepared = Credentials::from_auth_key("Basic Y2xpZW50OnNlY3JldA")?; // padding lost, accepted
/// assert_eq!(credentials.auth_key(), prepared.auth_key());
/// assert_eq!(credentials.auth_key().as_bytes(), b"Basic Y2xpZW50OnNlY3JldA==");
/// # Ok::<(), tm_core::InvalidInput>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    client_id: Box<str>,
    auth_key: SecretText,
}

impl Credentials {
    /// From a client id (visible ASCII, no `:`, at most 256 characters) and a secret (printable ASCII, at most
    /// 1,024).
    ///
    /// # Errors
    /// Names the field, never its value.
    pub fn new(client_id: &str, client_secret: &str) -> Result<Self, InvalidInput> {
        visible("client id", client_id, 256)?;
        if client_id.contains(':') {
            // RFC 7617 §2: the first colon ends the user id.
            return Err(InvalidInput::new("client id", "has a colon, which would end it"));
        }
        printable("client secret", client_secret, 1_024)?;
        let plain = Zeroizing::new([client_id, ":", client_secret].concat());
        let key = Zeroizing::new(BASE64.encode(plain.as_bytes()));
        let auth_key = SecretText::new(SCHEME, &key)
            .ok_or_else(|| InvalidInput::new("client secret", "does not fit into a header"))?;
        Ok(Self { client_id: client_id.into(), auth_key })
    }

    /// From a key prepared as the vendor's page tells, with or without `Basic ` and with or without padding.
    ///
    /// # Errors
    /// Not base64, or not an id and a secret with a colon between them.
    pub fn from_auth_key(key: &str) -> Result<Self, InvalidInput> {
        const FIELD: &str = "auth key";
        let key = key.trim();
        let encoded = match key.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => rest.trim_start(),
            _ => key,
        };
        printable(FIELD, encoded, 2_048)?;
        let plain = BASE64
            .decode(encoded)
            .map(Zeroizing::new)
            .map_err(|_| InvalidInput::new(FIELD, "is not standard base64"))?;
        let plain =
            std::str::from_utf8(&plain).map_err(|_| InvalidInput::new(FIELD, "does not hold text"))?;
        let (id, secret) = plain
            .split_once(':')
            .ok_or_else(|| InvalidInput::new(FIELD, "holds no colon between id and secret"))?;
        Self::new(id, secret)
    }

    /// Who the application is; not a secret.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The value of `X-SPACE-AUTH-KEY`, marked sensitive.
    pub fn auth_key(&self) -> HeaderValue {
        self.auth_key.header()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(id: &str, secret: &str) -> String {
        Credentials::new(id, secret).unwrap_err().to_string()
    }

    #[test]
    fn the_documented_key_is_reproduced_with_its_padding() {
        let sample = "Basic ZGlvcDEtaGVybWlvbmUtaGVybWlvbmU6c2RqaGZhc2RqaGZqYXNkaGZqa2FzZGhmams";
        let credentials = Credentials::from_auth_key(sample).unwrap();
        assert_eq!(credentials.client_id(), "diop1-hermione-hermione");
        assert_eq!(credentials.auth_key().as_bytes(), format!("{sample}=").as_bytes());
        let written = Credentials::new("diop1-hermione-hermione", "sdjhfasdjhfjasdhfjkasdhfjk").unwrap();
        assert_eq!(written.auth_key(), credentials.auth_key());
    }

    #[test]
    fn each_bad_field_is_named() {
        assert_eq!(refusal("", "s"), "client id: is empty");
        assert_eq!(refusal("a:b", "s"), "client id: has a colon, which would end it");
        assert_eq!(refusal("a", ""), "client secret: is empty");
        assert_eq!(refusal("a", "s\n"), "client secret: has a control character at position 1");
        assert!(Credentials::new("a", "with space and : colon").is_ok());
    }

    #[test]
    fn a_prepared_key_must_be_base64_of_an_id_and_a_secret() {
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Basic %%%",
            "Basic Y2xpZW50",
            "Basic OnNlY3JldA==",
            "Bearer abc def",
            "Bearer Y2xpZW50OnNlY3JldA==", // a good key, were it not for the scheme
        ] {
            assert!(Credentials::from_auth_key(bad).is_err(), "{bad:?}");
        }
        assert!(Credentials::from_auth_key("Y2xpZW50OnNlY3JldA==").is_ok());
        assert!(Credentials::from_auth_key("basic  Y2xpZW50OnNlY3JldA==\n").is_ok());
    }

    #[test]
    fn nothing_shows_the_secret() {
        let credentials = Credentials::new("client", "hush").unwrap();
        assert_eq!(format!("{credentials:?}"), r#"Credentials { client_id: "client", .. }"#);
        assert!(!format!("{:?}", credentials.auth_key()).contains("Y2xp"));
    }
}
