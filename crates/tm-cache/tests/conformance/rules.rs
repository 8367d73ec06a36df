//! Stores with one wrong rule each, and the check that finds it.

use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use tm_cache::{Lease, Record};

use crate::{
    Fault,
    sloppy::{Ask, Known, Rules, Sloppy, believable, leases, now, replaces},
};

pub(crate) fn faults() -> Vec<Fault> {
    [puts(), refusals(), times(), claims(), leasing(), at_once()].into_iter().flatten().collect()
}

fn puts() -> Vec<Fault> {
    vec![
        wrong("the_newest_record_stays", "whatever comes last stays", |rules| rules.replaces = |_, _| true),
        wrong("the_newest_record_stays", "whatever comes first stays", |rules| {
            rules.replaces = |_, there| !believable(there);
        }),
        wrong("the_newest_record_stays", "the end does not count", |rules| {
            rules.replaces =
                |record, there| replaces(record, there) && record.stamp().issued > there.stamp().issued;
        }),
        wrong("the_newest_record_stays", "the end counts first", |rules| {
            rules.replaces = |record, there| {
                believable(record) && record.stamp().expires > there.stamp().expires || !believable(there)
            };
        }),
        wrong("the_newest_record_stays", "milliseconds do not count", |rules| {
            rules.replaces = |record, there| {
                let seconds = |record: &Record| {
                    (record.stamp().issued.as_millis() / 10_000, record.stamp().expires.as_secs())
                };
                replaces(record, there) && seconds(record) > seconds(there)
            };
        }),
        wrong("a_record_of_the_same_stamp_does_not_replace", "an equal one replaces", |rules| {
            rules.replaces = |record, there| replaces(record, there) || record.stamp() == there.stamp();
        }),
        wrong("a_record_of_the_same_stamp_does_not_replace", "the same again has its time anew", |rules| {
            rules.replaces = |record, there| replaces(record, there) || record.bytes() == there.bytes();
        }),
        wrong("a_record_from_the_future_loses", "what claims the future wins", |rules| {
            rules.replaces = Record::beats;
        }),
        wrong("a_record_from_the_future_loses", "what claims the future stays", |rules| {
            rules.replaces = |record, there| believable(record) && record.beats(there);
        }),
        wrong("a_record_a_little_ahead_wins", "clocks are taken to be equal", |rules| {
            rules.replaces = |record, there| record.stamp().issued <= now() && replaces(record, there);
        }),
    ]
}

fn refusals() -> Vec<Fault> {
    vec![
        wrong("a_refused_token_goes", "what is refused stays", |rules| rules.drops = |_, _, _| {}),
        wrong("a_refused_token_never_comes_back", "refusals are forgotten", |rules| {
            rules.remembers = |_, _, _| {};
        }),
        wrong("a_refused_token_never_comes_back", "older ones come back", |rules| {
            rules.buries = |refused, record| record.fingerprint() == refused.fingerprint;
        }),
        wrong("a_refused_token_never_comes_back", "it comes back itself", |rules| {
            rules.buries = |refused, record| record.stamp().issued < refused.issued;
        }),
        wrong("a_newer_token_survives_a_refusal", "whatever is there goes", |rules| {
            rules.drops = |known, _, _| known.record = None;
        }),
        wrong("a_newer_token_survives_a_refusal", "nothing is put after a refusal", |rules| {
            rules.buries = |_, _| true;
        }),
        wrong("another_token_of_the_same_instant_survives_a_refusal", "the instant is refused", |rules| {
            rules.buries = |refused, record| record.stamp().issued <= refused.issued;
        }),
        wrong("refused_tokens_of_one_instant_all_stay_refused", "one refusal is remembered", |rules| {
            rules.remembers = |known, refused, now| {
                let later = known.refused.iter().any(|(other, _)| other.issued > refused.issued);
                if !later {
                    known.refused = vec![(refused, now + refused.remaining)];
                }
            };
        }),
        wrong("the_later_refusal_stands", "the last refusal is remembered", |rules| {
            rules.remembers = |known, refused, now| {
                known.refused.retain(|(other, _)| other.issued == refused.issued);
                known.refused.push((refused, now + refused.remaining));
            };
        }),
        wrong("the_later_refusal_stands", "the first refusal is remembered", |rules| {
            rules.remembers = |known, refused, now| {
                if known.refused.iter().all(|(other, _)| other.issued == refused.issued) {
                    known.refused.push((refused, now + refused.remaining));
                }
            };
        }),
    ]
}

fn times() -> Vec<Fault> {
    vec![
        wrong("nothing_is_answered_past_its_end", "nothing ends", |rules| {
            rules.left = |whole, gone| whole.saturating_sub(gone).max(Duration::from_millis(1));
        }),
        wrong("what_is_answered_tells_what_is_left", "all is left until the end", |rules| {
            rules.left = |whole, gone| if gone < whole { whole } else { Duration::ZERO };
        }),
        wrong("what_is_answered_tells_what_is_left", "half is left from the start", |rules| {
            rules.left = |whole, gone| (whole / 2).saturating_sub(gone);
        }),
        wrong("a_refusal_is_remembered_for_its_time", "all refusals end with the last", |rules| {
            rules.remembers = |known, refused, now| {
                known.refused.push((refused, now));
                known.refused.iter_mut().for_each(|(_, end)| *end = now + refused.remaining);
            };
        }),
        wrong("a_refusal_is_remembered_for_its_time", "all refusals end with the first", |rules| {
            rules.remembers = |known, refused, now| {
                let end = known.refused.first().map_or(now + refused.remaining, |(_, end)| *end);
                known.refused.push((refused, end));
            };
        }),
        wrong("a_lease_ends_by_itself", "a lease never ends", |rules| {
            rules.leases =
                |known, found, ask| leases(known, found, &Ask { time: Duration::from_secs(60), ..*ask });
        }),
        wrong("a_lease_ends_by_itself", "a renewal does not count", |rules| {
            rules.leases = |known, found, ask| {
                let before = known.lease.filter(|(_, end)| *end > ask.now);
                let answer = leases(known, found, ask);
                known.lease = before.or(known.lease);
                answer
            };
        }),
    ]
}

fn claims() -> Vec<Fault> {
    vec![
        wrong("what_is_not_there_is_granted", "nothing is granted", |rules| {
            rules.leases = |_, found, _| found.map_or(Lease::Held, Lease::Found);
        }),
        wrong("only_what_beats_what_the_claimant_has_is_found", "whatever is there is found", |rules| {
            rules.answers = |_, record| believable(record);
        }),
        wrong("only_what_beats_what_the_claimant_has_is_found", "an equal one is found", |rules| {
            rules.answers = |claim, record| claim.has.is_none_or(|has| record.stamp() >= has);
        }),
        wrong("only_what_beats_what_the_claimant_has_is_found", "nothing is found", |rules| {
            rules.answers = |_, _| false;
        }),
        wrong("what_is_refused_answers_no_claim", "what is refused is found", |rules| {
            rules.drops = |_, _, _| {};
        }),
        wrong("a_record_from_the_future_answers_no_claim", "what claims the future is found", |rules| {
            rules.answers = Lease::answers;
        }),
        wrong("without_leases_nothing_is_held", "it leases and denies it", |rules| {
            rules.says_it_leases = false;
        }),
    ]
}

fn leasing() -> Vec<Fault> {
    vec![
        wrong("a_lease_touches_no_record", "a release takes the record along", |rules| {
            rules.releases = |known, _| *known = Known::default();
        }),
        wrong("what_another_has_is_held", "everything is granted", |rules| {
            rules.leases = |_, found, _| found.map_or(Lease::Granted, Lease::Found);
        }),
        wrong("who_has_the_lease_gets_it_anew", "it is held from its holder too", |rules| {
            rules.leases = |known, found, ask| {
                let held = found.is_none() && known.lease.is_some();
                if held { Lease::Held } else { leases(known, found, ask) }
            };
        }),
        wrong("found_beats_held", "held beats found", |rules| {
            rules.leases = |known, found, ask| match leases(known, None, ask) {
                Lease::Granted => found.map_or(Lease::Granted, Lease::Found),
                answer => answer,
            };
        }),
        wrong("what_is_found_is_not_leased", "what is found is leased too", |rules| {
            rules.leases = |known, found, ask| {
                let answer = leases(known, None, ask);
                found.map_or(answer, Lease::Found)
            };
        }),
        wrong("only_its_owner_releases_a_lease", "anybody releases it", |rules| {
            rules.releases = |known, _| known.lease = None;
        }),
        wrong("what_is_released_is_granted_to_the_next", "nobody releases it", |rules| {
            rules.releases = |_, _| {};
        }),
    ]
}

/// Stores that look, wait until all others have looked too, and then write.
fn at_once() -> Vec<Fault> {
    vec![
        wrong("of_many_writers_the_newest_stays", "writing is not atomic", |rules| {
            rules.meets = Some(Arc::new(Barrier::new(4)));
        }),
        wrong("of_many_owners_one_is_granted", "leasing is not atomic", |rules| {
            rules.meets = Some(Arc::new(Barrier::new(8)));
        }),
    ]
}

fn wrong(found_by: &'static str, what: &'static str, change: fn(&mut Rules)) -> Fault {
    Fault::new(found_by, what, move || {
        let mut store = Sloppy::default();
        change(&mut store.rules);
        store
    })
}
