//! Under which key a token is kept.

use std::fmt;

/// Names one token in a store: everything that makes two tokens different, and no secret. Made by [`crate::Codec::key`].
///
/// 1 to a few hundred bytes of any value; with a key ring always 32, which tell nothing to who has not the ring.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Box<[u8]>);

impl Key {
    /// From its bytes, as [`Key::as_bytes`] gave them to a store.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The key as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key in lower-case hexadecimal digits, for stores whose names are text.
    ///
    /// ```
    /// # use tm_cache::Key;
    /// assert_eq!(Key::from_bytes(&[0x0f, 0xa0]).to_hex(), "0fa0");
    /// ```
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// A name of 64 hexadecimal digits that stands for this key (its SHA-256), for stores with a bound on names. The first two
    /// digits are as good as random.
    #[cfg(feature = "seal")]
    pub fn to_name(&self) -> String {
        hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.0).as_ref())
    }
}

/// Digit by digit: a start from a store names each of its records, and formatting takes ten times as long.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        hex.push(DIGITS[usize::from(byte >> 4)]);
        hex.push(DIGITS[usize::from(byte & 0x0f)]);
    }
    hex
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_in_full_or_by_its_hash() {
        let key = Key::from_bytes(b"abc");
        assert_eq!((key.as_bytes(), key.to_hex().as_str()), (b"abc".as_slice(), "616263"));
        #[cfg(feature = "seal")]
        assert_eq!(
            key.to_name(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "FIPS 180-2"
        );
    }
}
