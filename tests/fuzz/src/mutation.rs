//! Inputs made of seeds, blind. Read by path too, by the tests of what is not built without C.

use fastrand::Rng;

/// Longer than anything that is read, but for a page.
const MOST_BYTES: usize = 80 * 1024;

/// One of the seeds, with some changes. Some of them put a word in.
pub(crate) fn mutated(seeds: &[Vec<u8>], words: &[&[u8]], rng: &mut Rng) -> Vec<u8> {
    let mut input = rng.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..1 << rng.u32(0..5) {
        mutate(&mut input, seeds, words, rng);
    }
    input.truncate(MOST_BYTES);
    input
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]], rng: &mut Rng) {
    let at = rng.usize(0..=input.len());
    let to = (at + rng.usize(0..16)).min(input.len());
    match rng.u8(0..8) {
        0 => input.truncate(at),
        1 => drop(input.drain(at..to)),
        2 => drop(input.splice(at..to, rng.choice(words).copied().unwrap_or_default().iter().copied())),
        3 => input.extend((0..rng.usize(1..40)).map(|_| rng.u8(..))),
        4 => {
            let piece = input[at..to].repeat(rng.usize(1..20));
            drop(input.splice(at..at, piece));
        }
        5 => {
            let other = rng.choice(seeds).map_or(&[][..], Vec::as_slice);
            let from = rng.usize(0..=other.len());
            let piece = other[from..].iter().take(200).copied();
            drop(input.splice(at..to, piece));
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte = if rng.bool() { rng.u8(..) } else { *byte ^ (1 << rng.u32(0..8)) };
            }
        }
    }
}
