//! Leases: found, held or granted, in one step; and what a store says that has none.

use std::time::Duration;

use super::{
    Check, Verdict,
    place::{HOUR, Place, expect, new_owner},
};
use crate::{Claim, Key, Lease, Owner, Record};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "what_is_not_there_is_granted",
        promise: "`lease_many` answers *granted* if there is neither a record that beats what the claimant has nor another's lease.",
        run: what_is_not_there_is_granted,
    },
    Check {
        name: "only_what_beats_what_the_claimant_has_is_found",
        promise: "`lease_many` answers *found* if a record is there that beats what the claimant has.",
        run: only_what_beats_what_the_claimant_has_is_found,
    },
    Check {
        name: "claims_are_answered_in_their_order",
        promise: "Answers are one per key, in the order of the keys.",
        run: claims_are_answered_in_their_order,
    },
    Check {
        name: "what_is_refused_answers_no_claim",
        promise: "A record that a `Grave` buries is not kept.",
        run: what_is_refused_answers_no_claim,
    },
    Check {
        name: "a_record_from_the_future_answers_no_claim",
        promise: "A record that claims to be issued more than `Record::AHEAD` ahead of the store's clock answers no claim.",
        run: a_record_from_the_future_answers_no_claim,
    },
    Check {
        name: "a_lease_touches_no_record",
        promise: "Correctness never rests on a lease: records are put and removed as if there were none.",
        run: a_lease_touches_no_record,
    },
    Check {
        name: "without_leases_nothing_is_held",
        promise: "A store that does not lease answers `false` to `leases`, and grants to everybody.",
        run: without_leases_nothing_is_held,
    },
    Check {
        name: "what_another_has_is_held",
        promise: "`lease_many` answers *held* if somebody else has a lease on the key.",
        run: what_another_has_is_held,
    },
    Check {
        name: "who_has_the_lease_gets_it_anew",
        promise: "Who has the lease already gets it anew.",
        run: who_has_the_lease_gets_it_anew,
    },
    Check {
        name: "found_beats_held",
        promise: "*Found* if a record is there that beats what the claimant has, else *held*, else *granted*.",
        run: found_beats_held,
    },
    Check {
        name: "what_is_found_is_not_leased",
        promise: "*Found* is no lease: only what was granted is held for others.",
        run: what_is_found_is_not_leased,
    },
    Check {
        name: "only_its_owner_releases_a_lease",
        promise: "`release_many` gives leases back, those that this owner has.",
        run: only_its_owner_releases_a_lease,
    },
    Check {
        name: "what_is_released_is_granted_to_the_next",
        promise: "`release_many` gives leases back.",
        run: what_is_released_is_granted_to_the_next,
    },
];

fn what_is_not_there_is_granted(place: &Place<'_>) -> Result<(), Verdict> {
    let key = place.key();
    expect_lease(place, "as nothing was ever there", &key, &new_owner(), Answer::Granted)
}

fn only_what_beats_what_the_claimant_has_is_found(place: &Place<'_>) -> Result<(), Verdict> {
    let record = place.record(-100, 1);
    let has = |issued, expires| Some(place.stamp(issued, expires));
    for (given, has, found) in [
        ("to a claimant that has nothing", None, true),
        ("to a claimant that has an older one", has(-101, 9_000), true),
        ("to a claimant that has one that ends earlier", has(-100, 3_499), true),
        ("to a claimant that has this one", has(-100, 3_500), false),
        ("to a claimant that has one that ends later", has(-100, 3_501), false),
        ("to a claimant that has a newer one", has(-99, 1_000), false),
    ] {
        let key = place.key();
        place.put_one(&key, &record)?;
        let seen = place.lease(&[Claim { key, has }], &new_owner(), HOUR)?;
        let expected = if found { Answer::Found(&record) } else { Answer::Granted };
        expect_answer(place, given, &seen[0], expected)?;
    }
    Ok(())
}

fn claims_are_answered_in_their_order(place: &Place<'_>) -> Result<(), Verdict> {
    let keys = place.some_keys(5);
    let (one, two) = (place.record(-100, 1), place.record(-100, 2));
    place.put(&[(keys[1].clone(), one.clone()), (keys[4].clone(), two.clone())])?;
    let third = if place.leases() {
        place.lease(&claims(&keys[2..=2]), &new_owner(), HOUR)?;
        Answer::Held
    } else {
        Answer::Granted
    };
    let expected = [Answer::Granted, Answer::Found(&one), third, Answer::Granted, Answer::Found(&two)];
    let seen = place.lease(&claims(&keys), &new_owner(), HOUR)?;
    for (at, (expected, seen)) in expected.into_iter().zip(&seen).enumerate() {
        expect_answer(place, &format!("as answer {at} of 5"), seen, expected)?;
    }
    Ok(())
}

fn what_is_refused_answers_no_claim(place: &Place<'_>) -> Result<(), Verdict> {
    let key = place.key();
    place.put_one(&key, &place.record(-100, 1))?;
    place.bury_one(&key, place.tombstone(-100, 1))?;
    place.put_one(&key, &place.record(-100, 1))?;
    expect_lease(place, "as the record was refused", &key, &new_owner(), Answer::Granted)
}

fn a_record_from_the_future_answers_no_claim(place: &Place<'_>) -> Result<(), Verdict> {
    let key = place.key();
    place.put_one(&key, &place.record(7_200, 1))?;
    expect_lease(place, "as the record is issued in two hours", &key, &new_owner(), Answer::Granted)
}

fn a_lease_touches_no_record(place: &Place<'_>) -> Result<(), Verdict> {
    let (key, owner) = (place.key(), new_owner());
    place.lease(&claims(std::slice::from_ref(&key)), &owner, HOUR)?;
    place.expect_kept("under a key that is leased", &key, None)?;
    let (one, two) = (place.record(-200, 1), place.record(-100, 2));
    place.put_one(&key, &one)?;
    place.expect_kept("after it was put under a leased key", &key, Some(&one))?;
    place.bury_one(&key, place.tombstone(-200, 1))?;
    place.expect_kept("after it was refused under a leased key", &key, None)?;
    place.put_one(&key, &two)?;
    place.release(std::slice::from_ref(&key), &owner)?;
    place.expect_kept("after the lease was released", &key, Some(&two))
}

fn without_leases_nothing_is_held(place: &Place<'_>) -> Result<(), Verdict> {
    if place.leases() {
        return Err(Verdict::Skipped("the store leases".to_owned()));
    }
    let key = place.key();
    expect_lease(place, "to the first", &key, &new_owner(), Answer::Granted)?;
    expect_lease(place, "to the second", &key, &new_owner(), Answer::Granted)
}

fn what_another_has_is_held(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let (one, two, keys) = (new_owner(), new_owner(), place.some_keys(2));
    expect_lease(place, "to the first", &keys[0], &one, Answer::Granted)?;
    expect_lease(place, "to the second", &keys[0], &two, Answer::Held)?;
    expect_lease(place, "as the lease is on another key", &keys[1], &two, Answer::Granted)
}

fn who_has_the_lease_gets_it_anew(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let (one, key) = (new_owner(), place.key());
    expect_lease(place, "to the first", &key, &one, Answer::Granted)?;
    expect_lease(place, "to the same again", &key, &one, Answer::Granted)?;
    expect_lease(place, "to another", &key, &new_owner(), Answer::Held)
}

fn found_beats_held(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let (one, two, key, record) = (new_owner(), new_owner(), place.key(), place.record(-100, 1));
    expect_lease(place, "to the first", &key, &one, Answer::Granted)?;
    place.put_one(&key, &record)?;
    expect_lease(place, "to another, though the key is held", &key, &two, Answer::Found(&record))?;
    expect_lease(place, "to the holder", &key, &one, Answer::Found(&record))?;
    let has = Some(record.stamp());
    let seen = place.lease(&[Claim { key, has }], &two, HOUR)?;
    expect_answer(place, "to another that has the record already", &seen[0], Answer::Held)
}

fn what_is_found_is_not_leased(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let (key, record) = (place.key(), place.record(-100, 1));
    place.put_one(&key, &record)?;
    expect_lease(place, "to the first", &key, &new_owner(), Answer::Found(&record))?;
    let seen = place.lease(&[Claim { key, has: Some(record.stamp()) }], &new_owner(), HOUR)?;
    expect_answer(place, "to the second, that has the record already", &seen[0], Answer::Granted)
}

fn only_its_owner_releases_a_lease(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let (one, two, key) = (new_owner(), new_owner(), place.key());
    expect_lease(place, "to the first", &key, &one, Answer::Granted)?;
    place.release(std::slice::from_ref(&key), &two)?;
    expect_lease(place, "after somebody else released it", &key, &two, Answer::Held)
}

fn what_is_released_is_granted_to_the_next(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let (one, two, keys) = (new_owner(), new_owner(), place.some_keys(2));
    place.lease(&claims(&keys), &one, HOUR)?;
    place.release(std::slice::from_ref(&keys[0]), &one)?;
    expect_lease(place, "after it was released", &keys[0], &two, Answer::Granted)?;
    expect_lease(place, "as only another key was released", &keys[1], &two, Answer::Held)?;
    place.release(std::slice::from_ref(&keys[0]), &one)?;
    let third = new_owner();
    expect_lease(place, "after its former holder released it once more", &keys[0], &third, Answer::Held)
}

#[derive(Clone, Copy)]
pub(super) enum Answer<'a> {
    Found(&'a Record),
    Granted,
    Held,
}

pub(super) fn claims(keys: &[Key]) -> Vec<Claim> {
    keys.iter().map(|key| Claim { key: key.clone(), has: None }).collect()
}

/// Leases one key for an hour, for somebody who has nothing.
fn expect_lease(
    place: &Place<'_>,
    given: &str,
    key: &Key,
    owner: &Owner,
    expected: Answer<'_>,
) -> Result<(), Verdict> {
    expect_lease_for(place, given, key, (owner, HOUR), expected)
}

pub(super) fn expect_lease_for(
    place: &Place<'_>,
    given: &str,
    key: &Key,
    (owner, time): (&Owner, Duration),
    expected: Answer<'_>,
) -> Result<(), Verdict> {
    let seen = place.lease(&claims(std::slice::from_ref(key)), owner, time)?;
    expect_answer(place, given, &seen[0], expected)
}

fn expect_answer(place: &Place<'_>, given: &str, seen: &Lease, expected: Answer<'_>) -> Result<(), Verdict> {
    let same = match (expected, seen) {
        (Answer::Found(expected), Lease::Found(seen)) => expected.bytes() == seen.bytes(),
        (Answer::Granted, Lease::Granted) | (Answer::Held, Lease::Held) => true,
        _ => false,
    };
    let expected = match expected {
        Answer::Found(record) => format!("found: {}", place.describe(Some(record))),
        Answer::Granted => "granted".to_owned(),
        Answer::Held => "held".to_owned(),
    };
    expect(same, || (format!("{expected}, {given}"), tell(place, seen)))
}

pub(super) fn tell(place: &Place<'_>, seen: &Lease) -> String {
    match seen {
        Lease::Found(record) => format!("found: {}", place.describe(Some(record))),
        Lease::Granted => "granted".to_owned(),
        Lease::Held => "held".to_owned(),
    }
}
