//! Tokens verified as a stranger would: with the key that `/token_keys` publishes, by the cryptographic library.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use tm_sim::{Signing, Simulator};

use crate::client::{Connection, access_token};

/// The claims of a JWT, not verified.
pub(crate) fn claims(jwt: &str) -> Value {
    part(jwt, 1)
}

fn part(jwt: &str, position: usize) -> Value {
    let text = jwt.split('.').nth(position).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("JSON")
}

fn published_key(sim: &Simulator) -> Value {
    let reply = Connection::open(sim).call("GET", "/token_keys", &[], b"");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    reply.json()["keys"][0].clone()
}

fn verifies(jwt: &str, key: &Value) -> bool {
    let pem = key["value"].as_str().expect("a PEM");
    let lines: Vec<_> = pem.lines().collect();
    let [first, body @ .., last] = &lines[..] else { panic!("{pem}") };
    assert_eq!((*first, *last), ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"));
    let der = STANDARD.decode(body.concat()).expect("base64");
    let (signed, signature) = jwt.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).verify(signed.as_bytes(), &signature).is_ok()
}

#[test]
fn a_token_verifies_with_the_published_key_and_a_changed_one_does_not() {
    let sim = Simulator::builder().start().expect("it starts");
    let (token, other) = (access_token(&sim, "tenant-0001"), access_token(&sim, "tenant-0002"));
    let key = published_key(&sim);

    assert!(verifies(&token, &key));
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    let (_, signature_of_other) = other.rsplit_once('.').expect("a signature");
    assert!(!verifies(&format!("{signed}.{signature_of_other}"), &key));

    let header = part(&token, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&Value::from("RS256"), &Value::from("JWT")));
    assert_eq!(header["kid"], key["kid"]);
}

#[test]
fn the_numbers_of_the_published_key_are_the_same_key() {
    let sim = Simulator::builder().start().expect("it starts");
    let token = access_token(&sim, "tenant-0001");
    let key = published_key(&sim);
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().expect(name)).expect("base64url");
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let components = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    components.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).expect("the same key");
    assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&"RSA".into(), &"RS256".into(), &"sig".into()));
}

#[test]
fn reused_signatures_do_not_verify() {
    let sim = Simulator::builder().signing(Signing::Reused).start().expect("it starts");
    let token = access_token(&sim, "tenant-0001");
    assert!((1_000..=1_800).contains(&token.len()), "{}", token.len());
    assert!(!verifies(&token, &published_key(&sim)));
}
