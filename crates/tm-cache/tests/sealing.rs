//! What lies in a store can be read by who has the ring, under the key that it was written for, and by nobody else.
#![cfg(feature = "seal")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use tm_cache::{Codec, Key, KeyRing, NoStore, Record, Storage};
use tm_core::{
    AppName, AppVersion, Application, Credentials, Gateway, TenantId, Token, UnixTime,
    broker::{Kept, Stamp},
};

const HOUR: Duration = Duration::from_secs(3_600);

fn application() -> Application {
    Application {
        gateway: Gateway::parse("https://gateway.example").unwrap(),
        host_tenant: TenantId::new("operator").unwrap(),
        name: AppName::new("pump-watch").unwrap(),
        version: AppVersion::new("1.0.0").unwrap(),
    }
}

fn codec_of(storage: &Storage<NoStore>) -> Codec {
    storage.codec(&application(), &Credentials::new("client", "hush").unwrap())
}

fn sealed_with(ring: &KeyRing) -> Codec {
    codec_of(&Storage::sealed(NoStore, ring.clone()))
}

fn new_ring() -> KeyRing {
    KeyRing::parse(&KeyRing::generate().unwrap()).unwrap()
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn kept(text: &str) -> Kept {
    let stamp = Stamp { issued: UnixTime::from_secs(1_000), expires: UnixTime::from_secs(2_800) };
    Kept { token: Token::new(text).unwrap(), stamp, remaining: HOUR, cold: true }
}

fn with_bytes(record: &Record, change: impl FnOnce(&mut Vec<u8>)) -> Option<Record> {
    let mut bytes = record.bytes().to_vec();
    change(&mut bytes);
    Record::parse(Bytes::from(bytes), record.remaining())
}

#[test]
fn what_is_sealed_comes_back_whole() {
    let codec = sealed_with(&new_ring());
    for text in ["t".to_owned(), "x".repeat(2_000), "y".repeat(Token::MAX_BYTES)] {
        let key = codec.key(&tenant("acme"));
        for cold in [true, false] {
            let kept = Kept { cold, ..kept(&text) };
            let record = codec.record(&key, &kept).unwrap();
            assert_eq!(codec.kept(&key, &record), Some(kept));
        }
    }
}

#[test]
fn with_any_byte_flipped_nothing_opens() {
    let codec = sealed_with(&new_ring());
    let key = codec.key(&tenant("acme"));
    let record = codec.record(&key, &kept("aaa.bbb.ccc")).unwrap();
    for place in 0..record.bytes().len() {
        for bit in 0..8 {
            let flipped = with_bytes(&record, |bytes| bytes[place] ^= 1 << bit);
            let opened = flipped.and_then(|record| codec.kept(&key, &record));
            assert_eq!(opened, None, "bit {bit} of byte {place}");
        }
    }
}

/// Nothing but its fingerprint binds a plain token to its head.
#[test]
fn a_plain_record_with_another_token_in_it_is_a_miss() {
    let codec = codec_of(&Storage::plaintext(NoStore));
    let key = codec.key(&tenant("acme"));
    let record = codec.record(&key, &kept("aaa.bbb.ccc")).unwrap();
    assert_eq!(codec.kept(&key, &record), Some(kept("aaa.bbb.ccc")));
    let other = with_bytes(&record, |bytes| bytes[Record::HEAD] = b'x').unwrap();
    assert_eq!(codec.kept(&key, &other), None);
}

#[test]
fn cut_short_or_prolonged_nothing_opens() {
    let codec = sealed_with(&new_ring());
    let key = codec.key(&tenant("acme"));
    let record = codec.record(&key, &kept("aaa.bbb.ccc")).unwrap();
    for length in (0..record.bytes().len()).chain([record.bytes().len() + 1]) {
        let other = with_bytes(&record, |bytes| bytes.resize(length, 0));
        assert_eq!(other.and_then(|record| codec.kept(&key, &record)), None, "{length} bytes");
    }
}

#[test]
fn records_of_two_tenants_that_are_swapped_do_not_open() {
    let codec = sealed_with(&new_ring());
    let keys = ["acme", "umbrella"].map(|name| codec.key(&tenant(name)));
    let records = keys.each_ref().map(|key| codec.record(key, &kept("aaa.bbb.ccc")).unwrap());
    assert_eq!(codec.kept(&keys[0], &records[1]), None);
    assert_eq!(codec.kept(&keys[1], &records[0]), None);
    assert!(codec.kept(&keys[0], &records[0]).is_some(), "each at its own place does");
}

#[test]
fn what_claims_to_be_plain_is_not_believed_where_records_are_sealed_and_the_other_way_round() {
    let (plain, sealed) = (codec_of(&Storage::plaintext(NoStore)), sealed_with(&new_ring()));
    let key = Key::from_bytes(b"the same");
    let (plain_record, sealed_record) =
        (plain.record(&key, &kept("t")).unwrap(), sealed.record(&key, &kept("t")).unwrap());
    assert_eq!(plain.kept(&key, &plain_record), Some(kept("t")));
    assert_eq!(sealed.kept(&key, &plain_record), None);
    assert_eq!(plain.kept(&key, &sealed_record), None);
}

#[test]
fn a_key_is_replaced_without_a_miss() {
    let text = KeyRing::generate().unwrap();
    let processes = [KeyRing::parse(&text).unwrap(), KeyRing::parse(&text).unwrap()];
    let codecs = processes.each_ref().map(sealed_with);
    let key = codecs[0].key(&tenant("acme"));
    assert_eq!(key, codecs[1].key(&tenant("acme")), "one ring, one key");
    let all_read_all = || {
        for writer in &codecs {
            let record = writer.record(&key, &kept("t")).unwrap();
            assert!(codecs.iter().all(|reader| reader.kept(&key, &record).is_some()));
        }
    };
    let (old, new) = (processes[0].ids()[0], KeyRing::generate_key().unwrap());
    let before = codecs[0].record(&key, &kept("old")).unwrap();
    for ring in &processes {
        ring.add(&new).unwrap();
        all_read_all();
    }
    for ring in &processes {
        ring.promote(ring.ids()[1]).unwrap();
        all_read_all(); // now and then two processes seal with two keys
    }
    assert!(codecs[1].kept(&key, &before).is_some(), "what was sealed before opens until its key is retired");
    processes[1].retire(old).unwrap();
    all_read_all();
    assert_eq!(codecs[1].kept(&key, &before), None);
}

#[test]
fn another_ring_makes_other_keys_and_fingerprints() {
    let (one, two) = (sealed_with(&new_ring()), sealed_with(&new_ring()));
    let keys = [one.key(&tenant("acme")), two.key(&tenant("acme"))];
    assert_ne!(keys[0], keys[1]);
    let records = [one.record(&keys[0], &kept("t")).unwrap(), two.record(&keys[0], &kept("t")).unwrap()];
    assert_ne!(records[0].fingerprint(), records[1].fingerprint());
    assert_eq!(two.kept(&keys[0], &records[0]), None);
}

#[test]
fn nothing_of_a_record_tells_the_token_the_tenant_or_the_ring() {
    let text = KeyRing::generate().unwrap();
    let ring = KeyRing::parse(&text).unwrap();
    let codec = sealed_with(&ring);
    let key = codec.key(&tenant("acme-of-springfield"));
    let record = codec.record(&key, &kept("hushhushhush")).unwrap();
    let all = [key.as_bytes(), record.bytes()].concat();
    for secret in ["acme-of-springfield", "hush", "operator", "client"] {
        assert!(!all.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
    let shown = format!("{ring:?} {codec:?} {record:?} {:?}", ring.add("hush").unwrap_err());
    assert!(!shown.contains("hush"), "{shown}");
    for entry in text.split(' ') {
        let (_, secret) = entry.split_once('=').unwrap();
        assert!(!shown.contains(secret), "{shown}");
    }
}
