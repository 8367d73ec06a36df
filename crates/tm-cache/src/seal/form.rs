//! The form in which records are sealed.

use tm_core::Token;

use super::KeyRing;
use crate::{Fingerprint, Head, Key, Record, codec::Form};

impl Form for KeyRing {
    fn key(&self, name: &[u8]) -> Key {
        Key::from_bytes(&self.sign(b"key", name))
    }

    fn fingerprint(&self, token: &Token) -> Fingerprint {
        let [bytes, _] = halves(self.sign(b"token", token.secret().as_bytes()));
        Fingerprint::new(bytes)
    }

    fn write(&self, head: Head, key: &Key, token: &Token) -> Option<(Head, Vec<u8>)> {
        let sealing = self.active();
        let head = Head { flags: head.flags | Head::SEALED, key_id: *sealing.id().as_bytes(), ..head };
        let body = sealing.seal(&head.to_bytes(), key.as_bytes(), token.secret().as_bytes())?;
        Some((head, body))
    }

    /// The fingerprint is not made again, which would take longer than to open the record: head and token are sealed as one, so
    /// that nobody without the key can have changed either, and who sealed them made the fingerprint of this token.
    fn read(&self, key: &Key, record: &Record) -> Option<Token> {
        let head = record.head();
        if head.flags & Head::SEALED == 0 {
            return None;
        }
        let head_bytes = &record.bytes()[..Record::HEAD];
        self.find(head.key_id)?.open(head_bytes, key.as_bytes(), record.body())
    }
}

fn halves(bytes: [u8; 32]) -> [[u8; 16]; 2] {
    let (chunks, _) = bytes.as_chunks();
    [chunks[0], chunks[1]]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tm_core::{UnixTime, broker::Stamp};

    use super::*;

    #[test]
    fn what_claims_to_be_plain_is_not_opened_even_if_it_is_sealed() {
        let ring = KeyRing::parse(&KeyRing::generate().unwrap()).unwrap();
        let (sealing, key) = (ring.active(), Key::from_bytes(b"acme"));
        let opens = |flags| {
            let (issued, expires) = (UnixTime::from_secs(1_000), UnixTime::from_secs(2_800));
            let (stamp, fingerprint) = (Stamp { issued, expires }, Fingerprint::new([0; 16]));
            let head = Head { flags, key_id: *sealing.id().as_bytes(), stamp, fingerprint };
            let body = sealing.seal(&head.to_bytes(), key.as_bytes(), b"t").unwrap();
            ring.read(&key, &Record::new(&head, &body, Duration::from_secs(60))).is_some()
        };
        assert!(opens(Head::SEALED) && opens(Head::SEALED | Head::COLD));
        assert!(!opens(0) && !opens(Head::COLD));
    }
}
