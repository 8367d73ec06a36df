//! The core of the contract, on each kind of store.

use std::{slice, time::Duration};

use tm_cache::{Lease, Record};
use tm_core::UnixTime;

use crate::given::{HOUR, bytes, claim, key, keys, now, on_each_store, owner, record, record_at, refusal};

#[test]
fn answers_are_one_a_key_in_the_order_of_the_keys() {
    on_each_store(|store| {
        let keys = keys(1_200);
        let kept: Vec<_> = keys.iter().step_by(3).map(|key| (key.clone(), record(1, 0))).collect();
        store.put_many(&kept).unwrap();
        let answers = store.get_many(&keys).unwrap();
        assert_eq!(answers.len(), 1_200);
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(answer.is_some(), number % 3 == 0, "{number}");
        }
        assert_eq!(bytes(&answers[..1]), [Some(&record(1, 0).bytes()[..])]);
    });
}

#[test]
fn of_nothing_nothing_comes() {
    on_each_store(|store| {
        assert!(store.get_many(&[]).unwrap().is_empty());
        assert!(store.lease_many(&[], &owner(1), HOUR).unwrap().is_empty());
        store.put_many(&[]).unwrap();
        store.remove_many(&[]).unwrap();
        store.release_many(&[], &owner(1)).unwrap();
    });
}

/// All orders of two writers and a refusal.
#[test]
fn whatever_the_order_the_newest_stays_and_the_refused_stays_away() {
    on_each_store(|store| {
        let (old, new) = (record(1, 0), record(2, 1));
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for (refused, stays) in [(&old, Some(&new.bytes()[..])), (&new, None)] {
            for order in orders {
                let key = key(&format!("{order:?} {refused:?}"));
                for step in order {
                    match step {
                        0 => store.put_many(&[(key.clone(), old.clone())]).unwrap(),
                        1 => store.put_many(&[(key.clone(), new.clone())]).unwrap(),
                        _ => store.remove_many(&[(key.clone(), refusal(refused))]).unwrap(),
                    }
                }
                assert_eq!(
                    bytes(&store.get_many(&[key]).unwrap()),
                    [stays],
                    "{order:?}, refused {refused:?}"
                );
            }
        }
    });
}

#[test]
fn of_one_issue_the_later_end_wins() {
    on_each_store(|store| {
        let issued = now();
        let short = record_at(1, issued, issued.saturating_add(HOUR));
        let long = record_at(2, issued, issued.saturating_add(2 * HOUR));
        for records in [[&short, &long], [&long, &short]] {
            let key = key(&format!("{records:?}"));
            for record in records {
                store.put_many(&[(key.clone(), record.clone())]).unwrap();
            }
            assert_eq!(bytes(&store.get_many(&[key]).unwrap()), [Some(&long.bytes()[..])]);
        }
    });
}

/// Where a comparison of strings, of halves without sign, or of floats goes wrong.
#[test]
fn times_are_compared_as_numbers_of_64_bits() {
    on_each_store(|store| {
        let at = |millis| record_at(1, UnixTime::from_millis(millis), UnixTime::from_millis(millis));
        let times = [
            i64::MIN,
            i64::MIN + 1,
            -(1 << 32),
            -1,
            0,
            127,
            128,
            (1 << 31) - 1,
            1 << 31,
            1 << 32,
            (1 << 32) + 255,
        ];
        for pair in times.windows(2) {
            let [early, late] = [at(pair[0]), at(pair[1])];
            for records in [[&early, &late], [&late, &early]] {
                let key = key(&format!("{records:?}"));
                for record in records {
                    store.put_many(&[(key.clone(), record.clone())]).unwrap();
                }
                assert_eq!(bytes(&store.get_many(&[key]).unwrap()), [Some(&late.bytes()[..])], "{pair:?}");
            }
        }
        // Ends may lie as far ahead as they like, and differ beyond what a float can tell.
        let ends = |millis| record_at(1, UnixTime::from_millis(5), UnixTime::from_millis(millis));
        let (short, long) = (ends(i64::MAX - 1), ends(i64::MAX));
        store.put_many(&[(key("ends"), short.clone())]).unwrap();
        store.put_many(&[(key("ends"), long.clone())]).unwrap();
        store.put_many(&[(key("ends"), short)]).unwrap();
        assert_eq!(bytes(&store.get_many(&[key("ends")]).unwrap()), [Some(&long.bytes()[..])]);
    });
}

#[test]
fn refused_tokens_of_one_instant_are_remembered_together() {
    on_each_store(|store| {
        let key = key("a");
        let put = |name| store.put_many(&[(key.clone(), record(name, 0))]).unwrap();
        let is_kept = || store.get_many(slice::from_ref(&key)).unwrap()[0].is_some();
        for name in 1..=17 {
            store.remove_many(&[(key.clone(), refusal(&record(name, 0)))]).unwrap();
        }
        store.remove_many(&[(key.clone(), refusal(&record(9, 0)))]).unwrap();
        for name in 2..=17 {
            put(name);
            assert!(!is_kept(), "{name}");
        }
        put(1);
        assert!(is_kept(), "of one instant sixteen are remembered");
        store.remove_many(&[(key.clone(), refusal(&record(200, -1)))]).unwrap();
        assert!(is_kept(), "an older refusal is none of its business");
        store.remove_many(&[(key.clone(), refusal(&record(200, 1)))]).unwrap();
        assert!(!is_kept(), "what is older than a refused one goes");
    });
}

#[test]
fn a_refusal_that_is_older_than_the_last_needs_no_remembering() {
    on_each_store(|store| {
        store.remove_many(&[(key("a"), refusal(&record(1, 0)))]).unwrap();
        store.remove_many(&[(key("a"), refusal(&record(2, -1)))]).unwrap();
        store.put_many(&[(key("a"), record(2, 0))]).unwrap();
        assert!(store.get_many(&[key("a")]).unwrap()[0].is_some());
    });
}

/// And beats all, but for its name.
#[test]
fn a_refused_token_does_not_come_back_with_a_later_issue() {
    on_each_store(|store| {
        store.remove_many(&[(key("a"), refusal(&record(1, 0)))]).unwrap();
        store.put_many(&[(key("a"), record(1, 5))]).unwrap();
        assert_eq!(store.get_many(&[key("a")]).unwrap(), [None]);
    });
}

#[test]
fn a_record_of_the_far_future_loses_to_any_that_is_not() {
    on_each_store(|store| {
        let at = |name, issued: UnixTime| record_at(name, issued, issued.saturating_add(HOUR));
        let good = at(1, now());
        // Too far by more than the clocks of one machine may differ; and as far as it goes.
        let ahead =
            [now().saturating_add(Record::AHEAD + Duration::from_secs(60)), UnixTime::from_millis(i64::MAX)];
        for future in ahead.map(|issued| at(2, issued)) {
            for records in [[&good, &future], [&future, &good]] {
                let key = key(&format!("{records:?}"));
                for record in records {
                    store.put_many(&[(key.clone(), record.clone())]).unwrap();
                }
                assert_eq!(bytes(&store.get_many(&[key]).unwrap()), [Some(&good.bytes()[..])]);
            }
            let key = key(&format!("{future:?}"));
            store.put_many(&[(key.clone(), future)]).unwrap();
            let leases = store.lease_many(&[claim(&key, None)], &owner(1), HOUR).unwrap();
            assert_eq!(leases, [Lease::Granted], "it answers no claim");
        }
        let soon = at(2, now().saturating_add(Record::AHEAD / 2));
        store.put_many(&[(key("soon"), good)]).unwrap();
        store.put_many(&[(key("soon"), soon.clone())]).unwrap();
        assert_eq!(bytes(&store.get_many(&[key("soon")]).unwrap()), [Some(&soon.bytes()[..])]);
    });
}

#[test]
fn what_is_answered_tells_what_is_left_and_what_is_over_is_not_answered() {
    on_each_store(|store| {
        store.put_many(&[(key("a"), record(1, 0).with_remaining(Duration::from_secs(50)))]).unwrap();
        let answer = store.get_many(&[key("a")]).unwrap().remove(0).unwrap();
        assert!(
            answer.remaining() <= Duration::from_secs(50) && answer.remaining() > Duration::from_secs(10)
        );
        store.put_many(&[(key("b"), record(1, 0).with_remaining(Duration::ZERO))]).unwrap();
        store.put_many(&[(key("c"), record(1, 0).with_remaining(Duration::from_millis(20)))]).unwrap();
        assert_eq!(store.get_many(&[key("b")]).unwrap(), [None]);
        // Time has to go by, and in Redis it does so on no clock of ours.
        let is_over = (0..10_000).any(|_| store.get_many(&[key("c")]).unwrap()[0].is_none());
        assert!(is_over);
    });
}

#[test]
fn one_owner_at_a_time_has_a_lease() {
    on_each_store(|store| {
        assert!(store.leases());
        let keys = keys(3);
        let claims: Vec<_> = keys.iter().map(|key| claim(key, None)).collect();
        let lease = |name| store.lease_many(&claims, &owner(name), HOUR).unwrap();
        assert_eq!(lease(1), [Lease::Granted, Lease::Granted, Lease::Granted]);
        assert_eq!(lease(2), [Lease::Held, Lease::Held, Lease::Held]);
        assert_eq!(lease(1), [Lease::Granted, Lease::Granted, Lease::Granted], "renewed");
        store.release_many(&keys[..1], &owner(2)).unwrap();
        assert_eq!(lease(2)[0], Lease::Held, "nobody gives back what is another's");
        store.release_many(&keys[..1], &owner(1)).unwrap();
        assert_eq!(lease(2), [Lease::Granted, Lease::Held, Lease::Held]);
    });
}

#[test]
fn a_lease_ends_by_itself() {
    on_each_store(|store| {
        let claims = [claim(&key("a"), None)];
        assert_eq!(
            store.lease_many(&claims, &owner(1), Duration::from_millis(20)).unwrap(),
            [Lease::Granted]
        );
        let is_over =
            (0..10_000).any(|_| store.lease_many(&claims, &owner(2), HOUR).unwrap() == [Lease::Granted]);
        assert!(is_over);
        store.lease_many(&[claim(&key("b"), None)], &owner(1), Duration::ZERO).unwrap();
    });
}

#[test]
fn a_claim_is_answered_by_what_beats_what_the_claimant_has() {
    on_each_store(|store| {
        let (old, new) = (record(1, 0), record(2, 1));
        store.put_many(&[(key("a"), new.clone())]).unwrap();
        // Another's lease does not keep it from whom it serves.
        store.lease_many(&[claim(&key("a"), Some(&new))], &owner(9), HOUR).unwrap();
        let lease = |has| store.lease_many(&[claim(&key("a"), has)], &owner(1), HOUR).unwrap().remove(0);
        for has in [None, Some(&old)] {
            let Lease::Found(found) = lease(has) else { panic!("it is there") };
            assert_eq!(found.bytes(), new.bytes());
            assert!(!found.remaining().is_zero() && found.remaining() <= HOUR);
        }
        assert_eq!(lease(Some(&new)), Lease::Held);
        store.release_many(&[key("a")], &owner(9)).unwrap();
        assert_eq!(lease(Some(&new)), Lease::Granted);
    });
}

#[test]
fn a_tombstone_with_no_time_left_still_takes_its_token_along() {
    on_each_store(|store| {
        let mut tombstone = refusal(&record(1, 0));
        tombstone.remaining = Duration::ZERO;
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        store.remove_many(&[(key("a"), tombstone)]).unwrap();
        assert_eq!(store.get_many(&[key("a")]).unwrap(), [None]);
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        assert!(store.get_many(&[key("a")]).unwrap()[0].is_some(), "nothing is left to remember");
    });
}

#[test]
fn many_threads_may_use_a_store_at_once() {
    on_each_store(|store| {
        std::thread::scope(|scope| {
            for name in 0..8 {
                scope.spawn(move || {
                    for issued in 0..20 {
                        store.put_many(&[(key("a"), record(name, issued))]).unwrap();
                        assert!(store.get_many(&[key("a")]).unwrap()[0].is_some());
                    }
                });
            }
        });
        let answer = store.get_many(&[key("a")]).unwrap().remove(0).unwrap();
        assert_eq!(answer.stamp().issued.as_secs() - record(0, 0).stamp().issued.as_secs(), 19);
    });
}
