//! The form in which nothing is sealed.

use tm_core::Token;

use super::Form;
use crate::{Fingerprint, Head, Key, Record};

/// Whoever can read the store can read the tokens.
#[derive(Debug)]
pub(crate) struct Plain;

impl Form for Plain {
    fn key(&self, name: &[u8]) -> Key {
        Key::from_bytes(name)
    }

    /// FNV-1a of 128 bits: it tells tokens of one tenant apart, no more, and the token stands beside it.
    fn fingerprint(&self, token: &Token) -> Fingerprint {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let add = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
        Fingerprint::new(token.secret().bytes().fold(OFFSET, add).to_be_bytes())
    }

    fn write(&self, head: Head, _key: &Key, token: &Token) -> Option<(Head, Vec<u8>)> {
        Some((head, token.secret().as_bytes().to_vec()))
    }

    fn read(&self, _key: &Key, record: &Record) -> Option<Token> {
        if record.head().flags & Head::SEALED != 0 {
            return None;
        }
        let token = Token::new(std::str::from_utf8(record.body()).ok()?)?;
        (self.fingerprint(&token) == record.fingerprint()).then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_a_published_function() {
        // draft-eastlake-fnv, the test vector of the letter `a`.
        let token = Token::new("a").unwrap();
        let expected = 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964_u128.to_be_bytes();
        assert_eq!(Plain.fingerprint(&token).as_bytes(), &expected);
    }
}
