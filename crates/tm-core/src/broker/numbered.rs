//! Maps by numbers that were given out one after the other.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// A map by one integer, or a newtype of one, that nobody outside chooses: those given out together lie together, and are met
/// together again. For keys of any other kind it is a bad map: all that counts is what was hashed last.
pub type NumberedMap<K, V> = HashMap<K, V, BuildHasherDefault<Numbered>>;

/// Leaves the lower bits as they are, which choose the place, and mixes the upper seven, by which the map tells neighbours apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbered(u64);

impl Hasher for Numbered {
    fn finish(&self) -> u64 {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio
        const UPPER: u64 = !(u64::MAX >> 7);
        self.0.wrapping_add(self.0.wrapping_mul(MIX) & UPPER)
    }

    /// The bytes of a number, in this machine's order.
    fn write(&mut self, bytes: &[u8]) {
        let mut number = [0; 8];
        number.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.0 = u64::from_ne_bytes(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_again_wherever_they_begin() {
        for start in [0, 1 << 40, u64::MAX - 10_000] {
            let mut map = NumberedMap::default();
            map.extend((start..=start + 10_000).map(|number| (number, number)));
            assert!((start..=start + 10_000).all(|number| map.remove(&number) == Some(number)));
            assert!(map.is_empty());
        }
    }

    #[test]
    fn neighbours_lie_side_by_side_and_are_told_apart() {
        let hash = |number: u64| {
            let mut hasher = Numbered::default();
            hasher.write_u64(number);
            hasher.finish()
        };
        for number in 1_000..2_000 {
            assert_eq!(hash(number + 1) << 7, (hash(number) << 7) + (1 << 7));
        }
        let uppers: std::collections::HashSet<_> = (0..128).map(|number| hash(number) >> 57).collect();
        assert!(uppers.len() > 64, "{} of 128", uppers.len());
    }
}
