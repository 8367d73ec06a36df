//! Which tokens are kept, and the bound in bytes.

use std::{collections::BTreeSet, time::Duration};

use super::{Stamp, flight::Key, lifetime::Lifetime, nanos::Nanos, rejections::hash, slots::Slots};
use crate::Token;

/// What is kept around a token's text, as allocated for 100,000 that are in use: its handles, flight, vault, schedule, view.
const AROUND_A_TOKEN: usize = 480;

/// What a token is kept for, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// Nobody asked for it since it came.
    Unused,
    /// Somebody did.
    Used,
    /// It is kept fresh on purpose.
    Pinned,
}

/// A token that lives.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) token: Token,
    pub(super) stamp: Stamp,
    pub(super) cold: bool,
    pub(super) worth: Worth,
    /// The first half of the token's hash.
    hash: u32,
    life: Nanos,
    end: Nanos,
    due: Nanos,
    no_better_before: Nanos,
}

impl Held {
    /// `hash` is the token's, which goes over all of its text, and so is taken once.
    pub(super) fn new(
        token: Token,
        hash: u64,
        stamp: Stamp,
        cold: bool,
        lifetime: &Lifetime,
        due: Duration,
    ) -> Self {
        Self {
            token,
            hash: first_half(hash),
            stamp,
            cold,
            worth: Worth::Unused,
            life: lifetime.life.into(),
            end: lifetime.end.into(),
            due: due.into(),
            no_better_before: Nanos::ZERO,
        }
    }

    pub(super) fn lifetime(&self) -> Lifetime {
        Lifetime::ending(self.end.into(), self.life.into())
    }

    /// From here on it is not served.
    pub(super) fn end(&self) -> Duration {
        self.end.into()
    }

    /// From here on it is to be replaced, if it is used.
    pub(super) fn due(&self) -> Duration {
        self.due.into()
    }

    /// The service has no longer-lived one before about then: asking earlier is of no use.
    pub(super) fn no_better_before(&self) -> Duration {
        self.no_better_before.into()
    }

    pub(super) fn remaining(&self, now: Duration) -> Duration {
        self.end().saturating_sub(now)
    }

    fn bytes(&self) -> usize {
        self.token.bytes() + AROUND_A_TOKEN
    }
}

/// The tokens in hand. Over the bound go those of the least worth, nearest their end; the newcomer stays.
#[derive(Debug)]
pub(super) struct Vault {
    held: Slots<Held>,
    /// By their end, for each worth.
    by_end: [BTreeSet<(Nanos, Key)>; 3],
    /// By the first half of the hash. Several tenants may have been given one token, and several tokens one hash.
    by_hash: BTreeSet<(u32, Key)>,
    bytes: usize,
    bound: usize,
}

impl Vault {
    pub(super) fn new(bound: usize) -> Self {
        let (held, by_end, by_hash) = Default::default();
        Self { held, by_end, by_hash, bytes: 0, bound }
    }

    pub(super) fn get(&self, key: Key, now: Duration) -> Option<&Held> {
        self.held.get(key).filter(|held| held.end() > now)
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.held.contains(key)
    }

    /// Keeps a token in place of the tenant's last one.
    pub(super) fn put(&mut self, key: Key, held: Held) {
        self.remove(key);
        self.bytes += held.bytes();
        self.by_end[held.worth as usize].insert((held.end, key));
        self.by_hash.insert((held.hash, key));
        self.held.insert(key, held);
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Held> {
        let held = self.held.remove(key)?;
        self.bytes -= held.bytes();
        self.by_end[held.worth as usize].remove(&(held.end, key));
        self.by_hash.remove(&(held.hash, key));
        Some(held)
    }

    /// Takes the next token out that the bound has no room for. The newcomer goes last, though it cannot have been used yet:
    /// otherwise it would find no room among those that were used once.
    pub(super) fn evict(&mut self, newcomer: Key) -> Option<Key> {
        if self.bytes <= self.bound {
            return None;
        }
        let mut others = self.by_end.iter().flatten().map(|(_, key)| *key).filter(|key| *key != newcomer);
        let key = others.next().unwrap_or(newcomer);
        self.remove(key);
        Some(key)
    }

    /// Takes the next token out that has come to its end.
    pub(super) fn expire(&mut self, now: Duration) -> Option<Key> {
        let (_, key) = self.first().filter(|(end, _)| *end <= now.into())?;
        self.remove(key);
        Some(key)
    }

    /// The token is worth that much at least. Answers when it is due, the first time that it is worth more than nothing, but no
    /// time at which asking is of no use.
    pub(super) fn raise(&mut self, key: Key, worth: Worth) -> Option<Duration> {
        let held = self.held.get_mut(key).filter(|held| held.worth < worth)?;
        let before = std::mem::replace(&mut held.worth, worth);
        self.by_end[before as usize].remove(&(held.end, key));
        self.by_end[worth as usize].insert((held.end, key));
        (before == Worth::Unused).then_some(held.due.max(held.no_better_before).into())
    }

    /// The token is worth no more than that nobody has asked for it.
    pub(super) fn lower(&mut self, key: Key) {
        let Some(held) = self.held.get_mut(key) else { return };
        self.by_end[held.worth as usize].remove(&(held.end, key));
        held.worth = Worth::Unused;
        self.by_end[held.worth as usize].insert((held.end, key));
    }

    /// Whether so many tokens are likely to fit, by the size of those in hand.
    pub(super) fn has_room_for(&self, tokens: usize) -> bool {
        const TYPICAL: usize = 2 * 1024 + AROUND_A_TOKEN;
        let each = self.bytes.checked_div(self.held.len()).unwrap_or(TYPICAL);
        tokens.saturating_mul(each) <= self.bound
    }

    pub(super) fn no_better_before(&mut self, key: Key, at: Duration) {
        if let Some(held) = self.held.get_mut(key) {
            held.no_better_before = held.no_better_before.max(at.into());
        }
    }

    /// Whose token this is.
    pub(super) fn holders(&self, token: &Token) -> Vec<Key> {
        let half = first_half(hash(token));
        let alike = self.by_hash.range((half, Key(0))..=(half, Key(u32::MAX))).map(|(_, key)| *key);
        alike.filter(|key| self.held.get(*key).is_some_and(|held| held.token == *token)).collect()
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) -> Vec<Key> {
        let keys: Vec<_> = self.by_end.iter().flatten().map(|(_, key)| *key).collect();
        *self = Self::new(self.bound);
        keys
    }

    pub(super) fn first_end(&self) -> Option<Duration> {
        self.first().map(|(end, _)| end.into())
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Who comes first to its end, whatever it is worth.
    fn first(&self) -> Option<(Nanos, Key)> {
        self.by_end.iter().filter_map(BTreeSet::first).min().copied()
    }
}

fn first_half(hash: u64) -> u32 {
    (hash >> u32::BITS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixTime;

    fn held(text: &str, end: u64) -> Held {
        let (issued, expires) = (UnixTime::from_secs(0), UnixTime::from_secs(1));
        let end = Duration::from_secs(end);
        let lifetime = Lifetime { life: end, mandatory_from: end, end };
        let token = Token::new(text).unwrap();
        Held::new(token.clone(), hash(&token), Stamp { issued, expires }, false, &lifetime, end)
    }

    #[test]
    fn over_the_bound_the_unused_go_first_then_the_nearest_end() {
        let mut vault = Vault::new(3 * (AROUND_A_TOKEN + 10));
        for (key, end) in [(1, 10), (2, 20), (3, 30), (4, 40)] {
            vault.put(Key(key), held(&format!("tk{key}"), end));
        }
        assert_eq!(vault.raise(Key(1), Worth::Used), Some(Duration::from_secs(10)));
        assert_eq!(vault.raise(Key(1), Worth::Used), None);
        vault.no_better_before(Key(4), Duration::from_secs(60));
        assert_eq!(vault.raise(Key(4), Worth::Used), Some(Duration::from_secs(60)), "of no use before");
        vault.lower(Key(4));
        assert_eq!(vault.evict(Key(4)), Some(Key(2)));
        assert_eq!((vault.evict(Key(4)), vault.len()), (None, 3));
        vault.put(Key(5), held("tk5", 50));
        for key in [3, 4] {
            vault.raise(Key(key), Worth::Used);
        }
        assert_eq!(vault.evict(Key(5)), Some(Key(1)), "the newcomer stays, though it is unused");
        assert!(vault.bytes() <= 3 * (AROUND_A_TOKEN + 10));
    }

    #[test]
    fn tokens_leave_at_their_end_whether_used_or_not() {
        let mut vault = Vault::new(usize::MAX);
        vault.put(Key(1), held("a", 10));
        vault.put(Key(2), held("b", 5));
        vault.raise(Key(2), Worth::Used);
        assert_eq!(vault.first_end(), Some(Duration::from_secs(5)));
        assert!(vault.get(Key(2), Duration::from_secs(5)).is_none());
        assert_eq!(vault.expire(Duration::from_secs(5)), Some(Key(2)));
        assert_eq!(vault.expire(Duration::from_secs(9)), None);
        assert_eq!(vault.expire(Duration::from_secs(10)), Some(Key(1)));
        assert_eq!((vault.len(), vault.bytes(), vault.first_end()), (0, 0, None));
    }

    #[test]
    fn a_token_is_found_with_all_who_hold_it() {
        let mut vault = Vault::new(usize::MAX);
        vault.put(Key(1), held("same", 10));
        vault.put(Key(2), held("same", 10));
        vault.put(Key(3), held("other", 10));
        vault.put(Key(1), held("newer", 10));
        assert_eq!(vault.holders(&Token::new("same").unwrap()), [Key(2)]);
        assert!(vault.holders(&Token::new("unknown").unwrap()).is_empty());
    }
}
