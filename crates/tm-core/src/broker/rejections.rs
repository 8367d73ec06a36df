//! Which tokens some service has refused, so that none of them is served again.

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hasher},
};

use crate::Token;

/// How many rejected tokens are remembered.
const MOST: usize = 10_000;

/// A hash stands for a token wherever it need not be served: in here, no text of one is kept beyond its time.
pub(super) fn hash(token: &Token) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(token.secret().as_bytes());
    hasher.finish()
}

/// The last tokens that were rejected, whoever's they are and whether they were held or not.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    hashes: HashSet<u64>,
    by_age: VecDeque<u64>,
}

impl Rejections {
    pub(super) fn insert(&mut self, token: &Token) {
        let hash = hash(token);
        if !self.hashes.insert(hash) {
            return;
        }
        self.by_age.push_back(hash);
        if self.by_age.len() > MOST
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.hashes.remove(&oldest);
        }
    }

    /// Whether the token of this hash was rejected.
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.hashes.contains(&hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ten_thousand_are_remembered() {
        let token = |number: usize| Token::new(&format!("t{number}")).unwrap();
        let mut rejections = Rejections::default();
        for number in 0..=MOST {
            rejections.insert(&token(number));
            rejections.insert(&token(number));
        }
        let contains = |number| rejections.contains(hash(&token(number)));
        assert!(!contains(0) && contains(1) && contains(MOST));
        assert_eq!(rejections.hashes.len(), MOST);
    }
}
