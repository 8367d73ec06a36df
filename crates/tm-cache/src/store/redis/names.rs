//! Under which names a token lies in Redis, and in which slot of a Cluster.

use crate::{Key, StoreError};

/// What all names begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix(String);

/// How many slots a Cluster has.
const SLOTS: u16 = 16_384;

impl Prefix {
    /// # Errors
    /// There are braces in it: a Cluster would hash what is in them, and tear apart what belongs together.
    pub(super) fn new(prefix: &str) -> Result<Self, StoreError> {
        if prefix.contains(['{', '}']) {
            return Err(StoreError::new("a prefix for Redis may not hold braces"));
        }
        Ok(Self(prefix.to_owned()))
    }
}

/// The names of one token. The first two digits stand in braces, so that a Cluster hashes those alone: all that belongs to
/// the token lies in one slot, and 256 slots hold all tokens.
pub(super) struct Names<'a> {
    prefix: &'a Prefix,
    name: String,
}

impl<'a> Names<'a> {
    pub(super) fn new(prefix: &'a Prefix, key: &Key) -> Self {
        Self { prefix, name: key.to_name() }
    }

    pub(super) fn record(&self) -> String {
        self.of("r")
    }

    pub(super) fn grave(&self) -> String {
        self.of("g")
    }

    pub(super) fn lease(&self) -> String {
        self.of("l")
    }

    pub(super) fn slot(&self) -> u16 {
        crc16(self.tag().as_bytes()) % SLOTS
    }

    fn tag(&self) -> &str {
        &self.name[..2]
    }

    fn of(&self, what: &str) -> String {
        [&self.prefix.0, "{", self.tag(), "}:", what, ":", &self.name].concat()
    }
}

/// CRC-16/XMODEM, by which a Cluster finds the slot of a name.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_token_bears_its_tag_in_braces() {
        let prefix = Prefix::new("tm:").unwrap();
        let names = Names::new(&prefix, &Key::from_bytes(b"abc"));
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(names.record(), format!("tm:{{ba}}:r:{sha256}"));
        assert_eq!(names.grave(), format!("tm:{{ba}}:g:{sha256}"));
        assert_eq!(names.lease(), format!("tm:{{ba}}:l:{sha256}"));
    }

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(crc16(b"foo") % SLOTS, 12_182);
    }

    #[test]
    fn a_prefix_with_braces_is_refused() {
        assert!(Prefix::new("tm{1}:").is_err());
        assert!(Prefix::new("").is_ok());
    }
}
