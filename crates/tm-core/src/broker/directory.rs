//! Which key a tenant has.

use std::hash::{BuildHasher, RandomState};

use super::flight::Key;
use crate::TenantId;

/// Keys by the hash of their tenants' names, which lie with the flights: eight bytes a place, where a map of names takes 25.
/// Open addressing with linear probing; when one leaves, those behind it move up.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// As many as a power of two, or none at all.
    places: Vec<Place>,
    len: usize,
    hasher: RandomState,
}

/// Half of a hash, whose low bits tell where the key belongs.
#[derive(Debug, Clone, Copy)]
struct Place {
    hash: u32,
    key: Key,
}

/// The key that nobody has.
const NOBODY: Key = Key(u32::MAX);

const FEWEST: usize = 16;

impl Directory {
    /// `is_it` tells whether this key is the tenant's.
    pub(super) fn find(&self, tenant: &TenantId, is_it: impl Fn(Key) -> bool) -> Option<Key> {
        self.position(tenant, is_it).map(|at| self.places[at].key)
    }

    /// For a tenant that has none yet.
    pub(super) fn insert(&mut self, tenant: &TenantId, key: Key) {
        // An eighth stays free, so that ways are short enough: eight places lie in one line of a cache.
        if self.len >= self.places.len() / 8 * 7 {
            self.grow();
        }
        self.len += 1;
        self.put(Place { hash: self.hash(tenant), key });
    }

    pub(super) fn remove(&mut self, tenant: &TenantId, is_it: impl Fn(Key) -> bool) {
        let Some(mut free) = self.position(tenant, is_it) else { return };
        self.len -= 1;
        let mut at = free;
        loop {
            at = self.after(at);
            let place = self.places[at];
            if place.key == NOBODY {
                break;
            }
            // Whoever belongs behind the free place stays: it would not be found before its own.
            let behind = |from: usize| at.wrapping_sub(from) & (self.places.len() - 1);
            if behind(self.home(place.hash)) >= behind(free) {
                self.places[free] = place;
                free = at;
            }
        }
        self.places[free].key = NOBODY;
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn position(&self, tenant: &TenantId, is_it: impl Fn(Key) -> bool) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let hash = self.hash(tenant);
        let mut at = self.home(hash);
        loop {
            let place = self.places[at];
            if place.key == NOBODY {
                return None;
            }
            if place.hash == hash && is_it(place.key) {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    fn put(&mut self, place: Place) {
        let mut at = self.home(place.hash);
        while self.places[at].key != NOBODY {
            at = self.after(at);
        }
        self.places[at] = place;
    }

    fn grow(&mut self) {
        let size = (self.places.len() * 2).max(FEWEST);
        let before = std::mem::replace(&mut self.places, vec![Place { hash: 0, key: NOBODY }; size]);
        for place in before.into_iter().filter(|place| place.key != NOBODY) {
            self.put(place);
        }
    }

    fn hash(&self, tenant: &TenantId) -> u32 {
        (self.hasher.hash_one(tenant) >> u32::BITS) as u32
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.places.len() - 1)
    }

    fn after(&self, at: usize) -> usize {
        (at + 1) & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u32) -> TenantId {
        TenantId::new(format!("t{number}")).unwrap()
    }

    #[test]
    fn whoever_came_and_has_not_left_is_found() {
        let mut directory = Directory::default();
        let mut rng = fastrand::Rng::with_seed(1);
        let mut there = [false; 300];
        for _ in 0..20_000 {
            let number = rng.u32(0..300);
            let is_it = |key: Key| key == Key(number);
            if rng.u8(..) < 128 && !there[number as usize] {
                directory.insert(&tenant(number), Key(number));
                there[number as usize] = true;
            } else {
                directory.remove(&tenant(number), is_it);
                there[number as usize] = false;
            }
            let other = rng.u32(0..300);
            let found = directory.find(&tenant(other), |key| key == Key(other));
            assert_eq!(found, there[other as usize].then_some(Key(other)));
            assert_eq!(directory.len(), there.iter().filter(|there| **there).count());
        }
        for number in 0..300 {
            directory.remove(&tenant(number), |key| key == Key(number));
        }
        assert!(directory.len() == 0 && directory.places.iter().all(|place| place.key == NOBODY));
    }

    #[test]
    fn tenants_with_one_hash_are_told_apart() {
        let mut directory = Directory::default();
        directory.insert(&tenant(1), Key(1));
        let hash = directory.hash(&tenant(1));
        directory.put(Place { hash, key: Key(2) });
        assert_eq!(directory.find(&tenant(1), |key| key == Key(2)), Some(Key(2)));
        directory.remove(&tenant(1), |key| key == Key(1));
        assert_eq!(directory.find(&tenant(1), |key| key == Key(2)), Some(Key(2)));
        assert_eq!(directory.find(&tenant(1), |key| key == Key(1)), None);
    }
}
