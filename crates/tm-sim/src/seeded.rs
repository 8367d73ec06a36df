//! Randomness that depends on the seed and on what it is for, never on the order in which things happen.

use fastrand::Rng;

/// A generator for one purpose: the `n`-th use of `what`. Two threads that ask in another order get the same.
pub(crate) fn rng(seed: u64, what: &str, n: u64) -> Rng {
    // FNV-1a: short, stable across releases of Rust (std promises nothing for its hasher), and good enough for
    // seeding; fastrand mixes further.
    let bytes = what.bytes().chain(seed.to_le_bytes()).chain(n.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    Rng::with_seed(hash)
}

/// `bytes` random bytes in hexadecimal.
pub(crate) fn hex(rng: &mut Rng, bytes: usize) -> String {
    use std::fmt::Write as _;
    (0..bytes).fold(String::with_capacity(bytes * 2), |mut text, _| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:02x}", rng.u8(..));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_use_gives_the_same_and_another_use_another() {
        let draw = |seed, what, n| hex(&mut rng(seed, what, n), 16);
        assert_eq!(draw(1, "jti acme", 3), draw(1, "jti acme", 3));
        assert_ne!(draw(1, "jti acme", 3), draw(1, "jti acme", 4));
        assert_ne!(draw(1, "jti acme", 3), draw(2, "jti acme", 3));
        assert_ne!(draw(1, "jti acme", 3), draw(1, "jti beta", 3));
    }
}
