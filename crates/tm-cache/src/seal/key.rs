//! One key that seals.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
};
use tm_core::Token;
use zeroize::{Zeroize as _, Zeroizing};

/// Thirty-two bytes, the secret itself. On the heap: an array leaves a copy wherever it is moved from.
pub(super) type KeyBytes = Zeroizing<Vec<u8>>;

/// Names a sealing key without telling anything of it: the first eight bytes of its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// Its bytes, as they stand in the head of a record.
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// AES-256-GCM-SIV (RFC 8452): a nonce that is drawn twice by chance gives nothing away but that two texts are equal, so that
/// any number of processes may draw them at random.
pub(super) struct SealingKey {
    id: KeyId,
    cipher: RandomizedNonceKey,
}

impl SealingKey {
    pub(super) fn new(bytes: &KeyBytes) -> Option<Self> {
        let hash = digest(&SHA256, &bytes[..]);
        let (id, _) = hash.as_ref().split_first_chunk()?;
        let cipher = RandomizedNonceKey::new(&AES_256_GCM_SIV, &bytes[..]).ok()?;
        Some(Self { id: KeyId(*id), cipher })
    }

    pub(super) fn id(&self) -> KeyId {
        self.id
    }

    /// The nonce, the sealed text and its tag. `None` if the system has no randomness to give.
    pub(super) fn seal(&self, head: &[u8], key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        // With room for the tag: were it to grow, the text would stay behind where it was.
        let mut sealed = Wiped(Vec::with_capacity(text.len() + AES_256_GCM_SIV.tag_len()));
        sealed.0.extend_from_slice(text);
        let nonce = self.cipher.seal_in_place_append_tag(bound_to(head, key), &mut sealed.0).ok()?;
        Some([nonce.as_ref().as_slice(), &sealed.0].concat())
    }

    /// The token that was sealed with this key, under this head, for this key of the store.
    pub(super) fn open(&self, head: &[u8], key: &[u8], body: &[u8]) -> Option<Token> {
        let (nonce, sealed) = body.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Wiped(sealed.to_vec());
        let opened = self.cipher.open_in_place(nonce, bound_to(head, key), &mut text.0).ok()?;
        Token::new(std::str::from_utf8(opened).ok()?)
    }
}

/// Bytes that are wiped in the end, all at once: a `Zeroizing<Vec<_>>` goes byte by byte, which takes a third as long as to open a
/// record. What it has room for beyond its length was never written.
struct Wiped(Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// What is sealed stays with its head and its key: a record that is copied to another tenant does not open. The head has a
/// fixed length, so that the two do not run into each other.
fn bound_to(head: &[u8], key: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([head, key].concat())
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKey({})", self.id)
    }
}
