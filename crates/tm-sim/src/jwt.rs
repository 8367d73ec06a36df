//! RS256: the key of this process, signed JWTs, and the public key as `/token_keys` publishes it.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Value, json};

use crate::choices::Signing;

/// The cryptographic library had no key or no signature to give, which means that the system is out of order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsigned;

/// Makes JWTs. All signers of a process share one key, for making one takes up to a second.
#[derive(Debug)]
pub(crate) struct Signer {
    key: &'static SigningKey,
    header: String,
    /// The signature that ends every token, when signing is not what is measured.
    reused: Option<String>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

impl Signer {
    pub(crate) fn new(signing: Signing) -> Result<Self, Unsigned> {
        let key = signing_key()?;
        let header = Header { alg: "RS256", kid: &key.kid, typ: "JWT" };
        let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).map_err(|_| Unsigned)?);
        let reused = match signing {
            Signing::Real => None,
            Signing::Reused => Some(key.sign(&header)?),
        };
        Ok(Self { key, header, reused })
    }

    /// `header.payload.signature`.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, Unsigned> {
        let payload = serde_json::to_vec(claims).map_err(|_| Unsigned)?;
        let mut jwt = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(payload));
        let signature = match &self.reused {
            Some(signature) => signature.clone(),
            None => self.key.sign(&jwt)?,
        };
        jwt.push('.');
        jwt.push_str(&signature);
        Ok(jwt)
    }

    /// How long a JWT is whose payload is `payload` bytes of JSON.
    pub(crate) fn length_for(&self, payload: usize) -> usize {
        self.header.len() + (payload * 4).div_ceil(3) + SIGNATURE_CHARS + 2
    }

    /// The answer of `/token_keys`.
    pub(crate) fn public_keys(&self) -> Value {
        let key = self.key;
        json!({"keys": [{
            "kid": key.kid, "kty": "RSA", "alg": "RS256", "use": "sig",
            "value": key.pem, "n": key.modulus, "e": key.exponent,
        }]})
    }
}

/// 2,048 bits in base64url.
const SIGNATURE_CHARS: usize = 342;

#[derive(Debug)]
struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
    pem: String,
    modulus: String,
    exponent: String,
}

fn signing_key() -> Result<&'static SigningKey, Unsigned> {
    static KEY: OnceLock<Result<SigningKey, Unsigned>> = OnceLock::new();
    KEY.get_or_init(SigningKey::generate).as_ref().map_err(|&error| error)
}

impl SigningKey {
    fn generate() -> Result<Self, Unsigned> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| Unsigned)?;
        let spki = pair.public_key().as_der().map_err(|_| Unsigned)?;
        let (modulus, exponent) = rsa_numbers(pair.public_key().as_ref()).ok_or(Unsigned)?;
        let fingerprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, spki.as_ref()));
        Ok(Self {
            kid: format!("key-id-{}", fingerprint.get(..8).unwrap_or_default()),
            pem: pem(spki.as_ref()),
            modulus: URL_SAFE_NO_PAD.encode(modulus),
            exponent: URL_SAFE_NO_PAD.encode(exponent),
            pair,
        })
    }

    fn sign(&self, input: &str) -> Result<String, Unsigned> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature)
            .map_err(|_| Unsigned)?;
        Ok(URL_SAFE_NO_PAD.encode(signature))
    }
}

fn pem(spki: &[u8]) -> String {
    let mut text = String::from("-----BEGIN PUBLIC KEY-----\n");
    let mut rest = &*STANDARD.encode(spki);
    while !rest.is_empty() {
        // 64 characters a line: RFC 7468 §2.
        let (line, tail) = rest.split_at_checked(64).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str("-----END PUBLIC KEY-----\n");
    text
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1): a sequence of two integers, without leading zeros.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let (sequence, _) = der_value(der, SEQUENCE)?;
    let (modulus, rest) = der_value(sequence, INTEGER)?;
    let (exponent, _) = der_value(rest, INTEGER)?;
    let unsigned = |number| <[u8]>::strip_prefix(number, &[0]).unwrap_or(number);
    Some((unsigned(modulus), unsigned(exponent)))
}

/// The first value and what follows it, if it has this tag.
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        (digits.iter().fold(0, |sum, &digit| (sum << 8) | usize::from(digit)), rest)
    };
    (first == tag).then_some(())?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_known_before_signing() {
        let signer = Signer::new(Signing::Real).expect("a key");
        let claims = json!({"ten": "acme"});
        let jwt = signer.sign(&claims).expect("a signature");
        assert_eq!(jwt.len(), signer.length_for(claims.to_string().len()));
    }

    #[test]
    fn the_numbers_of_the_key_are_those_of_rsa_2048() {
        let key = signing_key().expect("a key");
        assert_eq!(URL_SAFE_NO_PAD.decode(&key.modulus).expect("base64").len(), 256);
        assert_eq!(key.exponent, "AQAB");
    }

    #[test]
    fn a_reused_signature_ends_every_token() {
        let signer = Signer::new(Signing::Reused).expect("a key");
        let signature = |claims: &Value| {
            let jwt = signer.sign(claims).expect("a token");
            jwt.rsplit_once('.').map(|(_, signature)| signature.to_owned())
        };
        assert_eq!(signature(&json!({"a": 1})), signature(&json!({"b": 2})));
    }

    #[test]
    fn der_that_is_cut_off_is_refused() {
        let key = signing_key().expect("a key");
        let der = key.pair.public_key().as_ref();
        assert!(rsa_numbers(der).is_some());
        for end in 0..der.len() {
            assert!(rsa_numbers(&der[..end]).is_none(), "{end} bytes");
        }
    }
}
