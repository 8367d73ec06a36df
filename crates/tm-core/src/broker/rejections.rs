//! Which tokens some service has refused, so that none of them is served again.

use std::{
    array,
    collections::{HashSet, VecDeque},
};

use crate::Token;

/// How many rejected tokens are remembered.
const MOST: usize = 10_000;

/// A hash stands for a token wherever it need not be served: in here, no text of one is kept beyond its time. It is the same in
/// all processes of a fleet.
///
/// Each eight bytes go through a folded multiplication, as in wyhash: less than a fifth of the work of SipHash. Four of them go
/// side by side, so that none waits for the one before. Nobody can aim at another's token: that is secret, and the end of one's
/// own is a signature.
pub(super) fn hash(token: &Token) -> u64 {
    // The digits of square roots and of the golden ratio: odd, and without a pattern.
    const START: [u64; 4] =
        [0x9e37_79b9_7f4a_7c15, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1];
    const KEY: u64 = 0x6a09_e667_f3bc_c909;
    let add = |lanes: [u64; 4], block: &[u8; 32]| {
        let (words, _) = block.as_chunks();
        array::from_fn(|lane| folded(lanes[lane] ^ u64::from_le_bytes(words[lane]), KEY))
    };
    let text = token.secret_bytes();
    let (blocks, rest) = text.as_chunks();
    let mut last = [0; 32];
    last[..rest.len()].copy_from_slice(rest);
    let lanes = add(blocks.iter().fold(START, add), &last);
    // The length, since the last block is filled up with zeros.
    lanes.into_iter().fold(text.len() as u64, |state, lane| folded(state ^ lane, START[0]))
}

#[expect(clippy::cast_possible_truncation, reason = "both halves of the product are taken")]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product >> u64::BITS) as u64 ^ product as u64
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
    fn tokens_that_hardly_differ_have_hashes_that_hardly_agree() {
        let of = |text: &str| hash(&Token::new(text).unwrap());
        let base = "e30.".to_owned() + &"a".repeat(60);
        for at in 0..base.len() {
            let mut other = base.clone();
            other.replace_range(at..=at, "b");
            let differing = (of(&base) ^ of(&other)).count_ones();
            assert!((12..=52).contains(&differing), "{differing} of 64 bits at {at}");
        }
        assert!(of("a") != of("aa") && of("aaaaaaaa") != of("aaaaaaaaa"));
        assert_eq!(of("e30.e30.c2ln"), of("e30.e30.c2ln"));
    }

    #[test]
    fn hundreds_of_thousands_of_tokens_have_as_many_hashes() {
        let (mut hashes, mut starts) = (HashSet::new(), HashSet::new());
        for number in 0..200_000 {
            let hash = hash(&Token::new(&format!("e30.{number}.x")).unwrap());
            hashes.insert(hash);
            starts.insert(hash >> 44);
        }
        assert_eq!(hashes.len(), 200_000);
        assert!((179_000..184_000).contains(&starts.len()), "{} of about 181,800", starts.len());
    }

    #[test]
    fn the_last_ten_thousand_are_remembered() {
        let token = |number: usize| Token::new(&format!("t{number}")).unwrap();
        let mut rejections = Rejections::default();
        for number in (0..MOST).chain([1]) {
            rejections.insert(&token(number));
        }
        assert!(rejections.contains(hash(&token(0))), "one that is known takes no place");
        rejections.insert(&token(MOST));
        let contains = |number| rejections.contains(hash(&token(number)));
        assert!(!contains(0) && contains(1) && contains(MOST));
        assert_eq!(rejections.hashes.len(), MOST);
    }
}
