//! Of which tenants something bad is remembered, the oldest first.

use std::collections::{BTreeMap, HashMap};

use super::flight::Key;

/// An ordered set by age of mention.
#[derive(Debug, Default)]
pub(super) struct Memories {
    by_age: BTreeMap<u64, Key>,
    ages: HashMap<Key, u64>,
    mentions: u64,
}

impl Memories {
    /// Makes this the youngest.
    pub(super) fn insert(&mut self, key: Key) {
        self.remove(key);
        self.mentions += 1;
        self.by_age.insert(self.mentions, key);
        self.ages.insert(key, self.mentions);
    }

    pub(super) fn remove(&mut self, key: Key) {
        if let Some(age) = self.ages.remove(&key) {
            self.by_age.remove(&age);
        }
    }

    pub(super) fn pop_oldest(&mut self) -> Option<Key> {
        let (_, key) = self.by_age.pop_first()?;
        self.ages.remove(&key);
        Some(key)
    }

    pub(super) fn len(&self) -> usize {
        self.ages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_mention_goes_first() {
        let mut memories = Memories::default();
        for key in [1, 2, 3, 1] {
            memories.insert(Key(key));
        }
        memories.remove(Key(3));
        assert_eq!(memories.len(), 2);
        assert_eq!(
            [memories.pop_oldest(), memories.pop_oldest(), memories.pop_oldest()],
            [Some(Key(2)), Some(Key(1)), None]
        );
    }
}
