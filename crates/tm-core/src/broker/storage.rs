//! What the broker knows of its store: whether there is one, whether it works, and what it still has to be told.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use super::{flight::Key, saving::Rejection};

/// After so many failures in a row the store is left alone for a while.
const FAILURES_TO_OPEN: u32 = 3;

/// For how long.
const PAUSE: Duration = Duration::from_secs(5);

/// How many rejections it still has to be told are remembered.
const MAX_UNTOLD: usize = 10_000;

/// Without a store, nothing of this is used.
#[derive(Debug, Default)]
pub(super) struct Storage {
    kind: Kind,
    failures_in_a_row: u32,
    /// After a failure: when it is worth telling it again what it has missed.
    retry_at: Option<Duration>,
    /// Whose token in hand the store has not taken.
    unsaved: BTreeSet<Key>,
    /// Rejected tokens that the store has not been told of.
    unburied: VecDeque<Rejection>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    None,
    Keeps,
    Leases,
}

impl Storage {
    pub(super) fn new(leases: bool) -> Self {
        Self { kind: if leases { Kind::Leases } else { Kind::Keeps }, ..Self::default() }
    }

    pub(super) fn exists(&self) -> bool {
        self.kind != Kind::None
    }

    /// Whether a fleet takes turns by it.
    pub(super) fn leases(&self) -> bool {
        self.kind == Kind::Leases
    }

    /// Whether it is worth asking.
    pub(super) fn is_usable(&self, now: Duration) -> bool {
        let paused = self.failures_in_a_row >= FAILURES_TO_OPEN && !self.may_catch_up(now);
        self.exists() && !paused
    }

    /// Whether it is worth telling it what it has missed.
    pub(super) fn may_catch_up(&self, now: Duration) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// It has answered. What it has missed may be told now.
    pub(super) fn succeeded(&mut self) {
        self.failures_in_a_row = 0;
        self.retry_at = None;
    }

    pub(super) fn failed(&mut self, now: Duration) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.retry_at = Some(now + PAUSE);
    }

    /// When to tell it what it has missed, if there is anything. `catching_up` tells whether it is being told of tokens already.
    pub(super) fn retry_at(&self, catching_up: bool) -> Option<Duration> {
        let untold = (!catching_up && !self.unsaved.is_empty()) || !self.unburied.is_empty();
        self.retry_at.filter(|_| untold)
    }

    /// It has not taken this one's token.
    pub(super) fn missed(&mut self, key: Key) {
        self.unsaved.insert(key);
    }

    /// It has not heard of these rejections.
    pub(super) fn missed_rejections(&mut self, rejections: impl IntoIterator<Item = Rejection>) {
        self.unburied.extend(rejections);
        let too_many = self.unburied.len().saturating_sub(MAX_UNTOLD);
        self.unburied.drain(..too_many);
    }

    /// The token of this one is gone.
    pub(super) fn forget(&mut self, key: Key) {
        self.unsaved.remove(&key);
    }

    pub(super) fn take_unsaved(&mut self, most: usize) -> Vec<Key> {
        std::iter::from_fn(|| self.unsaved.pop_first()).take(most).collect()
    }

    /// Takes those rejections that are still of interest.
    pub(super) fn take_unburied(&mut self, now: Duration) -> impl Iterator<Item = Rejection> {
        std::mem::take(&mut self.unburied).into_iter().filter(move |rejection| rejection.until > now)
    }

    /// There will be no telling it anything any more.
    pub(super) fn forget_all(&mut self) {
        self.unsaved.clear();
        self.unburied.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TenantId, Token, UnixTime};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn three_failures_in_a_row_are_a_pause_and_one_more_is_another() {
        let mut storage = Storage::new(true);
        storage.failed(secs(1));
        storage.failed(secs(1));
        storage.succeeded();
        storage.failed(secs(1));
        storage.failed(secs(1));
        assert!(storage.is_usable(secs(1)));
        storage.failed(secs(1));
        assert!(!storage.is_usable(secs(5)) && storage.is_usable(secs(6)));
        storage.failed(secs(6));
        assert!(!storage.is_usable(secs(10)));
        storage.succeeded();
        assert!(storage.is_usable(secs(10)));
    }

    #[test]
    fn the_end_of_a_pause_is_of_interest_only_to_who_has_something_to_tell() {
        let mut storage = Storage::new(false);
        for _ in 0..3 {
            storage.failed(secs(1));
        }
        assert_eq!(storage.retry_at(false), None);
        storage.missed(Key(7));
        assert_eq!((storage.retry_at(false), storage.retry_at(true)), (Some(secs(6)), None));
        assert_eq!(storage.take_unsaved(9), [Key(7)]);
        assert_eq!(storage.retry_at(false), None);
    }

    #[test]
    fn a_rejection_is_of_no_interest_from_the_end_of_its_token_on() {
        let (tenant, token) = (TenantId::new("acme").unwrap(), Token::new("t").unwrap());
        let issued = UnixTime::from_secs(0);
        let rejected =
            |until| Rejection { tenant: tenant.clone(), token: token.clone(), issued, until: secs(until) };
        let mut storage = Storage::new(true);
        storage.missed_rejections([5, 6].map(rejected));

        let told: Vec<_> = storage.take_unburied(secs(5)).map(|rejection| rejection.until).collect();

        assert_eq!(told, [secs(6)]);
    }

    #[test]
    fn without_a_store_none_is_used() {
        assert!(!Storage::default().is_usable(secs(9)) && !Storage::default().exists());
    }
}
