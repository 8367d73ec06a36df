//! Tombstones: what is refused goes, and never comes back.

use super::{
    Check, Verdict,
    newest::orders,
    place::{Place, record_of},
};
use crate::{Grave, Record, Tombstone};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "a_refused_token_goes",
        promise: "`remove_many` puts tombstones: what they bury goes.",
        run: a_refused_token_goes,
    },
    Check {
        name: "a_refused_token_never_comes_back",
        promise: "A record that a `Grave` buries is not kept, whatever the order of writers.",
        run: a_refused_token_never_comes_back,
    },
    Check {
        name: "a_newer_token_survives_a_refusal",
        promise: "`remove_many` puts tombstones: what they do not bury stays.",
        run: a_newer_token_survives_a_refusal,
    },
    Check {
        name: "another_token_of_the_same_instant_survives_a_refusal",
        promise: "`remove_many` puts tombstones: what they do not bury stays, of the same instant too.",
        run: another_token_of_the_same_instant_survives_a_refusal,
    },
    Check {
        name: "refused_tokens_of_one_instant_all_stay_refused",
        promise: "Of two tombstones of one key and one instant, both stay.",
        run: refused_tokens_of_one_instant_all_stay_refused,
    },
    Check {
        name: "the_later_refusal_stands",
        promise: "Of two tombstones of one key the one of the later issue stays.",
        run: the_later_refusal_stands,
    },
];

fn a_refused_token_goes(place: &Place<'_>) -> Result<(), Verdict> {
    let keys = place.some_keys(2);
    let record = place.record(-100, 1);
    place.put(&[(keys[0].clone(), record.clone()), (keys[1].clone(), record.clone())])?;
    place.bury_one(&keys[0], place.tombstone(-100, 1))?;
    place.expect_kept("after it was refused", &keys[0], None)?;
    place.expect_kept("as only the token of another key was refused", &keys[1], Some(&record))
}

fn a_refused_token_never_comes_back(place: &Place<'_>) -> Result<(), Verdict> {
    let (older, refused, newer) = (place.record(-300, 1), place.record(-200, 2), place.record(-100, 3));
    let bury = Bury(place.tombstone(-200, 2));
    ends_with(place, None, &[Put(&refused), bury])?;
    ends_with(place, None, &[Put(&older), bury])?;
    ends_with(place, None, &[Put(&older), Put(&refused), bury])?;
    ends_with(place, Some(&newer), &[Put(&refused), Put(&newer), bury])?;
    ends_with(place, Some(&newer), &[Put(&older), Put(&refused), Put(&newer), bury])?;
    let again = place.record_ending(-200, 9_000, 2);
    ends_with(place, None, &[Put(&refused), Put(&again), bury])
}

fn a_newer_token_survives_a_refusal(place: &Place<'_>) -> Result<(), Verdict> {
    let newer = place.record(-100, 2);
    ends_with(place, Some(&newer), &[Put(&newer), Bury(place.tombstone(-200, 1))])?;
    let a_little = record_of(place.millis(-199_999), 2, b"a millisecond later");
    ends_with(place, Some(&a_little), &[Put(&a_little), Bury(place.tombstone(-200, 1))])
}

fn another_token_of_the_same_instant_survives_a_refusal(place: &Place<'_>) -> Result<(), Verdict> {
    let (refused, other) = (place.record(-100, 1), place.record_ending(-100, 9_000, 2));
    let bury = Bury(place.tombstone(-100, 1));
    ends_with(place, Some(&other), &[Put(&other), bury])?;
    ends_with(place, Some(&other), &[Put(&refused), Put(&other), bury])
}

fn refused_tokens_of_one_instant_all_stay_refused(place: &Place<'_>) -> Result<(), Verdict> {
    let (one, two) = (place.record(-100, 1), place.record_ending(-100, 9_000, 2));
    let (bury_one, bury_two) = (Bury(place.tombstone(-100, 1)), Bury(place.tombstone(-100, 2)));
    ends_with(place, None, &[Put(&one), Put(&two), bury_one, bury_two])?;
    // As many as there may be, and some of them twice.
    let most = u8::try_from(Grave::MOST).unwrap_or(u8::MAX);
    let (key, names) = (place.key(), || 1..=most);
    for name in names().chain(1..=3) {
        place.bury_one(&key, place.tombstone(-100, name))?;
    }
    for name in names() {
        place.put_one(&key, &place.record(-100, name))?;
        place.expect_kept(&format!("as tokens 1 to {most} of one instant were refused"), &key, None)?;
    }
    let good = place.record(-100, most + 1);
    place.put_one(&key, &good)?;
    place.expect_kept("as it was not refused", &key, Some(&good))
}

fn the_later_refusal_stands(place: &Place<'_>) -> Result<(), Verdict> {
    let (between, newer) = (place.record(-200, 3), place.record(-50, 4));
    let (bury_old, bury_new) = (Bury(place.tombstone(-300, 1)), Bury(place.tombstone(-100, 2)));
    ends_with(place, None, &[bury_old, bury_new, Put(&between)])?;
    ends_with(place, None, &[bury_old, bury_new, Put(&place.record(-300, 1)), Put(&place.record(-100, 2))])?;
    ends_with(place, Some(&newer), &[bury_old, bury_new, Put(&newer)])?;
    ends_with(place, Some(&newer), &[bury_old, bury_new, Put(&between), Put(&newer)])
}

#[derive(Clone, Copy)]
enum Write<'a> {
    Put(&'a Record),
    Bury(Tombstone),
}
use Write::{Bury, Put};

/// Writes in every order, each under a key of its own; the end is the same.
fn ends_with(place: &Place<'_>, expected: Option<&Record>, writes: &[Write<'_>]) -> Result<(), Verdict> {
    for order in orders(writes.len()) {
        let (key, mut told) = (place.key(), Vec::new());
        for n in order {
            match writes[n] {
                Put(record) => place.put_one(&key, record)?,
                Bury(tombstone) => place.bury_one(&key, tombstone)?,
            }
            told.push(tell(place, writes[n]));
        }
        let given = format!("after: {}", told.join("; "));
        place.expect_kept(&given, &key, expected)?;
    }
    Ok(())
}

fn tell(place: &Place<'_>, write: Write<'_>) -> String {
    match write {
        Put(record) => format!("put {}", place.describe(Some(record))),
        Bury(tombstone) => {
            let buried = record_of(
                tm_core::broker::Stamp { issued: tombstone.issued, expires: tombstone.issued },
                tombstone.fingerprint.as_bytes()[0],
                &[],
            );
            format!("refuse {}", place.describe(Some(&buried)))
        }
    }
}
