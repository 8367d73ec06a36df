//! A ring of keys: one seals, all open, and one more makes names that tell nothing.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use tm_core::InvalidInput;
use zeroize::Zeroizing;

use super::key::{KeyBytes, KeyId, SealingKey};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const FIELD: &str = "key ring";

/// The keys of one fleet. Processes that share a store must share a ring.
///
/// As text it is `name=KEY seal=KEY [seal=KEY …]`, with white space or commas between, each `KEY` 32 random bytes in base64.
/// The first `seal` key seals, all of them open, so a key is replaced without a miss: *add* the new one behind the others
/// in every process, then *promote* it to the first place, and *retire* the old one when what it sealed has ended, half an hour
/// later. The `name` key makes the keys of the store and the fingerprints; it stays.
///
/// A clone is the same ring: what is added to one is added to all.
///
/// ```
/// # use tm_cache::KeyRing;
/// let ring = KeyRing::parse(&KeyRing::generate()?)?;
/// let (old, new) = (ring.ids()[0], ring.add(&KeyRing::generate_key()?)?);
/// ring.promote(new)?;
/// ring.retire(old)?;
/// assert_eq!(ring.ids(), [new]);
/// # Ok::<(), tm_core::InvalidInput>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    name: Arc<hmac::Key>,
    /// At least one; the first seals.
    sealing: Arc<ArcSwap<Vec<Arc<SealingKey>>>>,
}

impl KeyRing {
    /// Most keys that a ring holds.
    pub const MOST: usize = 16;

    /// Reads a ring from its text.
    ///
    /// # Errors
    /// Tells what is wrong with which entry; shows none of them.
    pub fn parse(text: &str) -> Result<Self, InvalidInput> {
        let (mut name, mut sealing) = (None, Vec::<Arc<SealingKey>>::new());
        let entries = text.split(|letter: char| letter.is_whitespace() || letter == ',');
        for (number, entry) in (1..).zip(entries.filter(|entry| !entry.is_empty())) {
            let bad = |what: &str| InvalidInput::new(FIELD, format!("entry {number} {what}"));
            match entry.split_once('=') {
                Some(("name", key)) if name.is_none() => {
                    name = Some(hmac::Key::new(HMAC_SHA256, &key_bytes(key).map_err(bad)?[..]));
                }
                Some(("name", _)) => return Err(bad("is a second name key")),
                Some(("seal", key)) => sealing.push(sealing_key(key).map_err(bad)?),
                _ => return Err(bad("is neither name=KEY nor seal=KEY")),
            }
        }
        let name = Arc::new(name.ok_or_else(|| InvalidInput::new(FIELD, "has no entry name=KEY"))?);
        check(&sealing)?;
        Ok(Self { name, sealing: Arc::new(ArcSwap::from_pointee(sealing)) })
    }

    /// The text of a new ring with one key.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn generate() -> Result<Zeroizing<String>, InvalidInput> {
        let (name, seal) = (Self::generate_key()?, Self::generate_key()?);
        let parts = ["name=", &name, " seal=", &seal];
        Ok(Zeroizing::new(parts.concat())) // in one piece: what grows leaves copies behind
    }

    /// A new key for a ring: 32 random bytes in base64.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn generate_key() -> Result<Zeroizing<String>, InvalidInput> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut bytes[..])
            .map_err(|_| InvalidInput::new(FIELD, "cannot be drawn: the system gives no randomness"))?;
        Ok(Zeroizing::new(BASE64.encode(&bytes[..])))
    }

    /// Which keys seal and open, the one that seals first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.sealing.load().iter().map(|key| key.id()).collect()
    }

    /// Adds a key that opens, behind the others. One that is there stays where it is.
    ///
    /// # Errors
    /// It is not 32 bytes in base64, or the ring is full.
    pub fn add(&self, key: &str) -> Result<KeyId, InvalidInput> {
        let key = sealing_key(key).map_err(|what| InvalidInput::new(FIELD, format!("the key {what}")))?;
        let id = key.id();
        self.change(|keys| {
            if keys.iter().all(|known| known.id() != id) {
                keys.push(Arc::clone(&key));
            }
            Ok(())
        })?;
        Ok(id)
    }

    /// From now on this key seals.
    ///
    /// # Errors
    /// It is not in the ring.
    pub fn promote(&self, id: KeyId) -> Result<(), InvalidInput> {
        self.change(|keys| {
            let key = keys.remove(place(keys, id)?);
            keys.insert(0, key);
            Ok(())
        })
    }

    /// Forgets a key: what it has sealed is a miss from now on.
    ///
    /// # Errors
    /// It is not in the ring, or it is the one that seals.
    pub fn retire(&self, id: KeyId) -> Result<(), InvalidInput> {
        self.change(|keys| match place(keys, id)? {
            0 => Err(InvalidInput::new(FIELD, format!("cannot retire {id}, which seals: promote another"))),
            place => {
                keys.remove(place);
                Ok(())
            }
        })
    }

    pub(super) fn active(&self) -> Arc<SealingKey> {
        Arc::clone(&self.sealing.load()[0])
    }

    pub(super) fn find(&self, id: [u8; 8]) -> Option<Arc<SealingKey>> {
        self.sealing.load().iter().find(|key| *key.id().as_bytes() == id).map(Arc::clone)
    }

    /// Thirty-two bytes that stand for `text` and tell nothing to who has not the ring. What is signed for one purpose is never
    /// what is signed for another.
    pub(super) fn sign(&self, purpose: &[u8], text: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.name);
        context.update(purpose);
        context.update(&[0]);
        context.update(text);
        let mut tag = [0; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }

    fn change(
        &self,
        mut change: impl FnMut(&mut Vec<Arc<SealingKey>>) -> Result<(), InvalidInput>,
    ) -> Result<(), InvalidInput> {
        let mut outcome = Ok(());
        self.sealing.rcu(|keys| {
            let mut changed = Vec::clone(keys);
            outcome = change(&mut changed).and_then(|()| check(&changed));
            if outcome.is_ok() { Arc::new(changed) } else { Arc::clone(keys) }
        });
        outcome
    }
}

fn place(keys: &[Arc<SealingKey>], id: KeyId) -> Result<usize, InvalidInput> {
    let place = keys.iter().position(|key| key.id() == id);
    place.ok_or_else(|| InvalidInput::new(FIELD, format!("has no key {id}")))
}

fn check(keys: &[Arc<SealingKey>]) -> Result<(), InvalidInput> {
    if keys.is_empty() {
        return Err(InvalidInput::new(FIELD, "has no entry seal=KEY"));
    }
    if keys.len() > KeyRing::MOST {
        return Err(InvalidInput::new(FIELD, format!("has more than {} sealing keys", KeyRing::MOST)));
    }
    let twice =
        keys.iter().enumerate().find(|(place, key)| keys[..*place].iter().any(|k| k.id() == key.id()));
    match twice {
        Some((_, key)) => Err(InvalidInput::new(FIELD, format!("has the key {} twice", key.id()))),
        None => Ok(()),
    }
}

fn sealing_key(text: &str) -> Result<Arc<SealingKey>, &'static str> {
    SealingKey::new(&key_bytes(text)?).map(Arc::new).ok_or("is no key")
}

/// Either alphabet of base64, padded or not.
fn key_bytes(text: &str) -> Result<KeyBytes, &'static str> {
    let standard = |letter| match letter {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    };
    let text = Zeroizing::new(text.bytes().map(standard).collect::<Vec<_>>()); // of known length, so in one piece
    let bytes = Zeroizing::new(BASE64.decode(&*text).map_err(|_| "is not base64")?);
    if bytes.len() != 32 {
        return Err("is not 32 bytes long");
    }
    Ok(bytes)
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.ids()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn refusal(text: &str) -> String {
        KeyRing::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_a_ring_is_told_without_showing_it() {
        assert_eq!(refusal(""), "key ring: has no entry name=KEY");
        assert_eq!(refusal(&format!("name={ZEROS}")), "key ring: has no entry seal=KEY");
        assert_eq!(refusal(&format!("name={ZEROS},seal=%%")), "key ring: entry 2 is not base64");
        assert_eq!(refusal(&format!("name={ZEROS} seal=AAAA")), "key ring: entry 2 is not 32 bytes long");
        assert_eq!(refusal("hush"), "key ring: entry 1 is neither name=KEY nor seal=KEY");
        assert_eq!(refusal(&format!("name={ZEROS} name={ZEROS}")), "key ring: entry 2 is a second name key");
        let twice = refusal(&format!("name={ZEROS} seal={ZEROS} seal={ZEROS}"));
        assert_eq!(twice, "key ring: has the key 66687aadf862bd77 twice");
    }

    #[test]
    fn both_alphabets_and_no_padding_are_accepted() {
        let ring = KeyRing::parse(&format!("name={ZEROS}\nseal={}\n", ZEROS.trim_end_matches('='))).unwrap();
        assert_eq!(format!("{ring:?}"), "KeyRing([KeyId(66687aadf862bd77)])");
        let url_safe = "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8";
        let standard = url_safe.replace('-', "+").replace('_', "/");
        let of = |key: &str| KeyRing::parse(&format!("name={ZEROS} seal={key}")).unwrap().ids();
        assert_eq!(of(url_safe), of(&standard));
    }

    #[test]
    fn a_ring_is_never_without_a_key_that_seals() {
        let ring = KeyRing::parse(&KeyRing::generate().unwrap()).unwrap();
        let (twin, first) = (ring.clone(), ring.ids()[0]);
        assert!(ring.retire(first).unwrap_err().to_string().contains("promote another"));
        let second = ring.add(&KeyRing::generate_key().unwrap()).unwrap();
        assert_eq!(ring.ids(), [first, second], "added behind the others");
        ring.promote(second).unwrap();
        assert_eq!(twin.ids(), [second, first], "a clone is the same ring");
        ring.retire(first).unwrap();
        assert!(ring.retire(first).is_err() && ring.promote(first).is_err());
        assert_eq!(twin.ids(), [second]);
    }

    #[test]
    fn a_ring_has_a_bound() {
        let ring = KeyRing::parse(&KeyRing::generate().unwrap()).unwrap();
        for _ in 1..KeyRing::MOST {
            ring.add(&KeyRing::generate_key().unwrap()).unwrap();
        }
        assert!(ring.add(&KeyRing::generate_key().unwrap()).is_err());
        assert_eq!(ring.ids().len(), KeyRing::MOST);
    }
}
