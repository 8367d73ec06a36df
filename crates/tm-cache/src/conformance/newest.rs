//! Put if it beats: whatever the order of writers, the newest record stays.

use tm_core::{UnixTime, broker::Stamp};

use super::{
    Check, Verdict,
    place::{HOUR, Place, expect, record_of},
};
use crate::Record;

const END_OF_TIME: UnixTime = UnixTime::from_millis(i64::MAX);

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "the_newest_record_stays",
        promise: "`put_many` is *put if it beats*: whatever the order of writers, the newest record stays.",
        run: the_newest_record_stays,
    },
    Check {
        name: "a_record_of_the_same_stamp_does_not_replace",
        promise: "`put_many` is *put if it beats*: of two records of one stamp, neither beats the other.",
        run: a_record_of_the_same_stamp_does_not_replace,
    },
    Check {
        name: "each_key_of_a_call_is_put_by_itself",
        promise: "`put_many` is *put if it beats* per key.",
        run: each_key_of_a_call_is_put_by_itself,
    },
    Check {
        name: "a_record_from_the_future_loses",
        promise: "A record that claims to be issued more than `Record::AHEAD` ahead of the store's clock loses to any that does not.",
        run: a_record_from_the_future_loses,
    },
    Check {
        name: "a_record_a_little_ahead_wins",
        promise: "Only a record more than `Record::AHEAD` ahead of the store's clock is not believed.",
        run: a_record_a_little_ahead_wins,
    },
];

fn the_newest_record_stays(place: &Place<'_>) -> Result<(), Verdict> {
    let early = place.record_ending(-500, 9_000, 1);
    let middle = place.record_ending(-200, 1_000, 2);
    let latest = place.record_ending(-200, 1_001, 3);
    stays(place, &latest, &[&early, &middle, &latest])?;
    let (before, after) =
        (record_of(place.millis(-1_001), 4, b"before"), record_of(place.millis(-1_000), 5, b"after"));
    stays(place, &after, &[&before, &after])
}

fn a_record_of_the_same_stamp_does_not_replace(place: &Place<'_>) -> Result<(), Verdict> {
    let (first, second, key) = (place.record(-100, 1), place.record(-100, 2), place.key());
    place.put_one(&key, &first)?;
    place.put_one(&key, &second)?;
    place.expect_kept("as of two records of one stamp the first stays", &key, Some(&first))?;
    place.put_one(&key, &first.clone().with_remaining(2 * HOUR))?;
    let seen = place.get(&[key])?.pop().flatten();
    place.expect_record("after it was put a second time", Some(&first), seen.as_ref())?;
    let left = seen.map_or(HOUR, |record| record.remaining());
    expect(left <= HOUR + place.tick, || {
        (
            "an hour left at most, since the same record put again changes nothing".to_owned(),
            format!("{left:?}"),
        )
    })
}

fn each_key_of_a_call_is_put_by_itself(place: &Place<'_>) -> Result<(), Verdict> {
    let keys = place.some_keys(3);
    let (old, new) = (place.record(-200, 1), place.record(-100, 2));
    place.put(&[(keys[0].clone(), new.clone()), (keys[1].clone(), old.clone())])?;
    place.put(&[
        (keys[0].clone(), old.clone()),
        (keys[1].clone(), new.clone()),
        (keys[2].clone(), old.clone()),
    ])?;
    place.expect_kept("as the second call had an older one for this key", &keys[0], Some(&new))?;
    place.expect_kept("as the second call had a newer one for this key", &keys[1], Some(&new))?;
    place.expect_kept("as nothing was under this key", &keys[2], Some(&old))
}

fn a_record_from_the_future_loses(place: &Place<'_>) -> Result<(), Verdict> {
    let (believable, future) = (place.record(-100, 1), place.record(7_200, 2));
    stays(place, &believable, &[&believable, &future])?;
    let far = record_of(Stamp { issued: END_OF_TIME, expires: END_OF_TIME }, 3, b"far");
    stays(place, &believable, &[&believable, &future, &far])
}

fn a_record_a_little_ahead_wins(place: &Place<'_>) -> Result<(), Verdict> {
    let (past, ahead) = (place.record(-100, 1), place.record(100, 2));
    stays(place, &ahead, &[&past, &ahead])
}

/// Puts the records in every order, each under a key of its own.
fn stays(place: &Place<'_>, newest: &Record, records: &[&Record]) -> Result<(), Verdict> {
    for order in orders(records.len()) {
        let key = place.key();
        for n in &order {
            place.put_one(&key, records[*n])?;
        }
        let put: Vec<String> = order.iter().map(|n| place.describe(Some(records[*n]))).collect();
        place.expect_kept(&format!("after putting [{}]", put.join("; ")), &key, Some(newest))?;
    }
    Ok(())
}

/// All orders of the numbers below `many`.
pub(super) fn orders(many: usize) -> Vec<Vec<usize>> {
    (0..many).fold(vec![vec![]], |orders, next| {
        let longer = |order: &Vec<usize>| {
            let with = |at: usize| [&order[..at], &[next], &order[at..]].concat();
            (0..=order.len()).map(with).collect::<Vec<_>>()
        };
        orders.iter().flat_map(longer).collect()
    })
}
