//! Many at once: writers, owners, and handles on one place.

use std::{sync::Barrier, thread};

use super::{
    Check, Verdict,
    leases::claims,
    place::{HOUR, Place, counted, expect, new_owner, no_error},
};
use crate::Lease;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "handles_on_one_place_see_each_other",
        promise: "What is kept is kept for all who use the place.",
        run: handles_on_one_place_see_each_other,
    },
    Check {
        name: "of_many_writers_the_newest_stays",
        promise: "`put_many` is, per key, atomic: whatever the order of writers, the newest record stays.",
        run: of_many_writers_the_newest_stays,
    },
    Check {
        name: "of_many_owners_one_is_granted",
        promise: "`lease_many` grants a key to one owner at a time, in one atomic step per key.",
        run: of_many_owners_one_is_granted,
    },
];

fn handles_on_one_place_see_each_other(place: &Place<'_>) -> Result<(), Verdict> {
    let other = place.other()?;
    let (keys, record) = (place.some_keys(3), place.record(-100, 1));
    place.put_one(&keys[0], &record)?;
    let seen = counted(3, no_error("get_many", other.get_many(&keys))?)?;
    place.expect_record("through the second handle", Some(&record), seen[0].as_ref())?;
    no_error("remove_many", other.remove_many(&[(keys[0].clone(), place.tombstone(-100, 1))]))?;
    place.expect_kept("after it was refused through the second handle", &keys[0], None)?;
    place.put_one(&keys[0], &record)?;
    place.expect_kept("though it was refused through the second handle", &keys[0], None)?;
    no_error("put_many", other.put_many(&[(keys[1].clone(), record.clone())]))?;
    place.put_one(&keys[1], &place.record(-200, 2))?;
    place.expect_kept("as what came through the second handle is newer", &keys[1], Some(&record))?;
    if place.leases() {
        place.lease(&claims(&keys), &new_owner(), HOUR)?;
        let seen = counted(3, no_error("lease_many", other.lease_many(&claims(&keys), &new_owner(), HOUR))?)?;
        expect(seen[2] == Lease::Held, || {
            let seen = super::leases::tell(place, &seen[2]);
            ("held, as the first handle's owner has a lease".to_owned(), seen)
        })?;
    }
    Ok(())
}

const WRITERS: usize = 4;
const ROUNDS: usize = 24;

/// Each round has a key of its own, and another writer with the newest record. In every other round that one is refused
/// instead, at the same time.
fn of_many_writers_the_newest_stays(place: &Place<'_>) -> Result<(), Verdict> {
    let records = [1, 2, 3, 4].map(|name| place.record(i64::from(name) - 100, name));
    let newest = &records[WRITERS - 1];
    let tombstone = place.tombstone(-96, 4);
    for round in 0..ROUNDS {
        let (key, is_refused, start) = (place.key(), round % 2 == 1, Barrier::new(WRITERS));
        let write = |writer: usize| {
            let (handle, record) = (place.handle(writer), &records[(writer + round / 2) % WRITERS]);
            start.wait();
            if is_refused && record == newest {
                no_error("remove_many", handle.remove_many(&[(key.clone(), tombstone)]))
            } else {
                no_error("put_many", handle.put_many(&[(key.clone(), record.clone())]))
            }
        };
        at_once(WRITERS, write).into_iter().collect::<Result<(), Verdict>>()?;
        if is_refused {
            place.expect_kept("after it was refused while older ones were put", &key, None)?;
        } else {
            place.expect_kept("after four records were put at once", &key, Some(newest))?;
        }
    }
    Ok(())
}

const OWNERS: usize = 8;

fn of_many_owners_one_is_granted(place: &Place<'_>) -> Result<(), Verdict> {
    place.needs_leases()?;
    let keys = place.some_keys(50);
    let start = Barrier::new(OWNERS);
    let lease = |number: usize| -> Result<Vec<Lease>, Verdict> {
        start.wait();
        let leased = place.handle(number).lease_many(&claims(&keys), &new_owner(), HOUR);
        counted(keys.len(), no_error("lease_many", leased)?)
    };
    let answers = at_once(OWNERS, lease).into_iter().collect::<Result<Vec<_>, Verdict>>()?;
    for at in 0..keys.len() {
        let granted = answers.iter().filter(|leases| leases[at] == Lease::Granted).count();
        expect(granted == 1, || {
            (format!("one of {OWNERS} owners is granted key {at} of 50"), format!("{granted} are"))
        })?;
    }
    Ok(())
}

fn at_once<T: Send>(many: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..many).map(|number| scope.spawn(move || work(number))).collect();
        // A panic in the store is the author's to see.
        let joined = |thread: thread::ScopedJoinHandle<'_, T>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(joined).collect()
    })
}
