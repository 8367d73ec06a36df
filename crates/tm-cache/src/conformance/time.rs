//! Time: what ends, what is left, and how long is remembered. The only checks that wait, since a store has a clock of its
//! own. None of them fails on a machine that is slow: what is compared was measured.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    Check, Verdict,
    leases::{Answer, claims, expect_lease_for, tell},
    place::{HOUR, Place, expect, new_owner},
};
use crate::{Lease, Record, Tombstone};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "nothing_is_answered_past_its_end",
        promise: "Nothing is answered past its `remaining`.",
        run: nothing_is_answered_past_its_end,
    },
    Check {
        name: "what_is_answered_tells_what_is_left",
        promise: "What is answered tells what is left of its `remaining`.",
        run: what_is_answered_tells_what_is_left,
    },
    Check {
        name: "a_refusal_is_remembered_for_its_time",
        promise: "A store may forget tombstones when the longest `remaining` of them has gone by, and not before.",
        run: a_refusal_is_remembered_for_its_time,
    },
    Check {
        name: "a_lease_ends_by_itself",
        promise: "A lease that is not released ends by itself; who has it already gets it anew.",
        run: a_lease_ends_by_itself,
    },
];

/// Long enough for a store to be asked before it is over, and a few ticks.
fn short(place: &Place<'_>) -> Duration {
    (4 * place.tick).max(Duration::from_millis(150))
}

/// Sleeps until what was started at `start` is over, a tick of the store included.
fn sleep_past(place: &Place<'_>, start: Instant, time: Duration) {
    thread::sleep((time + place.tick).saturating_sub(start.elapsed()));
}

fn nothing_is_answered_past_its_end(place: &Place<'_>) -> Result<(), Verdict> {
    let keys = place.some_keys(5);
    let time = short(place);
    let brief = |record: Record| record.with_remaining(time);
    let (old, new) = (place.record(-200, 1), place.record(-100, 2));
    place.put(&[
        (keys[0].clone(), brief(new.clone())),
        (keys[1].clone(), old.clone()),
        (keys[2].clone(), brief(old.clone())),
        (keys[3].clone(), new.clone()),
        (keys[4].clone(), new.clone().with_remaining(Duration::ZERO)),
    ])?;
    place.expect_kept("as nothing was left of the record's time", &keys[4], None)?;
    place.put(&[
        (keys[1].clone(), brief(new.clone())),
        (keys[2].clone(), new.clone()),
        (keys[3].clone(), brief(old)),
    ])?;
    sleep_past(place, Instant::now(), time);
    place.expect_kept("as the record's time is over", &keys[0], None)?;
    place.expect_kept("as the time of the record that replaced a longer one is over", &keys[1], None)?;
    place.expect_kept("as it replaced a record whose time is over", &keys[2], Some(&new))?;
    place.expect_kept("as only that of a losing record is over", &keys[3], Some(&new))?;
    expect_lease_for(
        place,
        "as the time of the record is over",
        &keys[0],
        (&new_owner(), time),
        Answer::Granted,
    )
}

/// So much may be lost on the way, by rounding or by caution.
const CAUTION: Duration = Duration::from_secs(2);

fn what_is_answered_tells_what_is_left(place: &Place<'_>) -> Result<(), Verdict> {
    let (key, record) = (place.key(), place.record(-100, 1));
    let before = Instant::now();
    place.put_one(&key, &record)?;
    let after = Instant::now();
    let wait = (3 * place.tick).max(Duration::from_millis(60));
    let mut before_that = HOUR;
    for _ in 0..3 {
        thread::sleep(wait);
        let asked = Instant::now();
        let Some(seen) = place.get(std::slice::from_ref(&key))?.pop().flatten() else {
            return place.expect_kept("as it has an hour", &key, Some(&record));
        };
        let most = HOUR.saturating_sub(asked - after) + place.tick;
        let least = HOUR.saturating_sub(before.elapsed() + CAUTION + place.tick);
        let left = seen.remaining();
        expect((least..=most).contains(&left), || {
            (format!("from {least:?} to {most:?} left of an hour"), format!("{left:?}"))
        })?;
        expect(left <= before_that, || {
            (format!("no more left than before: {before_that:?}"), format!("{left:?}"))
        })?;
        before_that = left;
    }
    let asked = Instant::now();
    let answer = place.lease(&claims(&[key]), &new_owner(), HOUR)?;
    let Lease::Found(found) = &answer[0] else {
        return expect(false, || ("found: the record".to_owned(), tell(place, &answer[0])));
    };
    let most = HOUR.saturating_sub(asked - after) + place.tick;
    expect(found.remaining() <= most, || {
        (format!("at most {most:?} left of what a claim found"), format!("{:?}", found.remaining()))
    })
}

fn a_refusal_is_remembered_for_its_time(place: &Place<'_>) -> Result<(), Verdict> {
    let time = short(place);
    let hour = |issued, name| place.tombstone(issued, name);
    let brief = |issued, name| Tombstone { remaining: time, ..place.tombstone(issued, name) };
    let refusals = [
        (hour(-200, 1), brief(-200, 2), place.record(-200, 1), "the first of two of one instant"),
        (brief(-200, 1), hour(-200, 2), place.record(-200, 2), "the second of two of one instant"),
        (hour(-300, 1), brief(-200, 2), place.record(-300, 1), "the first, which is the older one,"),
        (brief(-300, 1), hour(-200, 2), place.record(-200, 2), "the second, which is the newer one,"),
        (brief(-200, 1), hour(-300, 2), place.record(-300, 2), "the second, which is the older one,"),
    ];
    let keys = place.some_keys(refusals.len());
    for (key, (first, second, ..)) in keys.iter().zip(&refusals) {
        place.bury_one(key, *first)?;
        place.bury_one(key, *second)?;
    }
    sleep_past(place, Instant::now(), time);
    for (key, (.., refused, which)) in keys.iter().zip(&refusals) {
        place.put_one(key, refused)?;
        place.expect_kept(&format!("as of two refusals {which} is for an hour"), key, None)?;
    }
    Ok(())
}

fn a_lease_ends_by_itself(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let keys = place.some_keys(2);
    let (one, two, time) = (new_owner(), new_owner(), 2 * short(place));
    place.lease(&claims(&keys), &one, time)?;
    let leased = Instant::now();
    sleep_past(place, leased, time / 2);
    let renewing = Instant::now();
    place.lease(&claims(&keys[1..]), &one, time)?;
    let renewed = Instant::now();
    sleep_past(place, leased, time);
    expect_lease_for(place, "as the time of the lease is over", &keys[0], (&two, time), Answer::Granted)?;
    let answer = place.lease(&claims(&keys[1..]), &two, time)?;
    // On a slow machine it may be over by now, and be granted.
    let renewed_lives = renewing.elapsed() + place.tick < time;
    expect(!renewed_lives || answer[0] == Lease::Held, || {
        ("held, as the lease was renewed halfway".to_owned(), tell(place, &answer[0]))
    })?;
    sleep_past(place, renewed, time);
    let third = new_owner();
    if answer[0] == Lease::Held {
        expect_lease_for(
            place,
            "as the renewed lease is over too",
            &keys[1],
            (&third, time),
            Answer::Granted,
        )?;
    }
    Ok(())
}
