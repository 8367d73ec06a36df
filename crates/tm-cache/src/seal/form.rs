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
