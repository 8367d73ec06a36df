//! What `docs/record-format.md` says of the bytes in a store is what they are.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use tm_async::{AppName, AppVersion, Application, Credentials, Gateway, Token};
use tm_cache::{Key, KeyRing, NoStore, Record, Storage};
use tm_core::{
    UnixTime,
    broker::{Kept, Stamp},
};

use crate::harness::tenant;

const DOCUMENT: &str = include_str!("../../docs/record-format.md");

#[test]
fn the_documented_vectors_are_what_is_written_and_read() {
    let vectors = vectors();
    let ring = KeyRing::parse(vectors["ring"]).unwrap();
    for (form, storage) in
        [("plain", Storage::plaintext(NoStore)), ("sealed", Storage::sealed(NoStore, ring))]
    {
        let told = |what: &str| vectors[format!("{form}.{what}").as_str()].to_owned();
        let codec = storage.codec(&application(), &Credentials::new("client", "secret").unwrap());
        let key = codec.key(&tenant("acme"));
        assert_eq!((key.to_hex(), key.to_name()), (told("key"), told("name")));

        let record = Record::parse(Bytes::from(bytes(&told("record"))), kept().remaining).unwrap();
        assert_eq!(codec.kept(&key, &record), Some(kept()), "what is documented is read");
        assert_eq!(Key::from_bytes(record.fingerprint().as_bytes()).to_hex(), told("fingerprint"));

        let written = codec.record(&key, &kept()).unwrap();
        assert_eq!(written.head(), record.head());
        assert_eq!(written.body().len(), record.body().len());
        assert_eq!(written.body() == record.body(), form == "plain", "a nonce is never drawn twice");
    }
}

fn vectors() -> BTreeMap<&'static str, &'static str> {
    let (_, rest) = DOCUMENT.split_once("```text\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    block
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, value)| (name, value.trim()))
        .collect()
}

fn application() -> Application {
    Application {
        gateway: Gateway::region("eu1").unwrap(),
        host_tenant: tenant("operator"),
        name: AppName::new("pump-watch").unwrap(),
        version: AppVersion::new("1.0.0").unwrap(),
    }
}

fn kept() -> Kept {
    let issued = UnixTime::from_secs(1_700_000_000);
    let life = Duration::from_secs(1_800);
    let stamp = Stamp { issued, expires: issued.saturating_add(life) };
    Kept { token: Token::new("aaa.bbb.ccc").unwrap(), stamp, remaining: life, cold: true }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
