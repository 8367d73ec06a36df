//! The big runs: many tenants over many lives of their tokens, in one process and in a fleet, and through outages.

mod books;
mod town;

use std::time::Duration;

use books::ratio;
use town::{LIFE, Town};

use crate::{
    clock::{START, millis, secs},
    store::Store,
};

/// How many tenants the big runs have, unless `TM_SIM_TENANTS` says otherwise: 100,000 take five times as long, and give
/// the same figures.
fn many() -> usize {
    crate::number_from("TM_SIM_TENANTS")
        .map_or(20_000, |count| usize::try_from(count).expect("a number of tenants"))
}

/// Well after everybody has been served for the first time.
const WARM: Duration = secs(300);

/// Nobody waits, nobody is refused, and no token is replaced late.
#[track_caller]
fn nobody_notices(town: &Town, from: Duration) {
    let (books, now) = (&town.books, town.now);
    assert_eq!(books.waits(from, now), (0, Duration::ZERO), "callers that waited, and how long");
    assert_eq!(books.failures(from, now), 0, "callers that were refused");
    assert_eq!(books.late, 0, "tokens that came late");
}

#[test]
fn many_tenants_are_served_for_five_lives_in_fives_at_an_even_rate() {
    let mut town = Town::new(7, many(), 1, None);
    for (step, by_ms) in [(1_000, 3_600_000), (3_000, -7_200_000), (6_000, 3_600_000)] {
        town.step_wall(0, START + secs(step), by_ms);
    }

    town.open();
    for life in 1..=5 {
        let from = town.now;
        town.pass(LIFE);
        let peak = town.books.peak_over_mean(from, town.now);
        println!("life {life}: {peak:.3} of the mean in the busiest ten seconds");
        assert!(life == 1 || peak <= 1.25, "life {life}: {peak:.3} of the mean in the busiest ten seconds");
    }

    let fill = town.books.fill(START, town.now);
    println!("five lives of {} tenants: {fill:.3} tenants a call", many());
    assert!(fill >= 4.95, "{fill:.3} tenants a call");
    nobody_notices(&town, START + WARM);
}

#[test]
fn after_an_outage_of_forty_minutes_the_rate_is_even_again() {
    let mut town = Town::new(8, many(), 1, None);
    town.open();
    let (from, until) = (START + secs(3_000), START + secs(3_000 + 2_400));
    town.outages = vec![(from, until)];

    town.run_until(until);
    assert_eq!(town.in_hand(0), 0, "no token lives so long");
    let tried = town.books.calls_between(from, until);
    assert!(tried <= 500, "{tried} calls to a service that fails");

    // All are fetched again, and their first refreshes are spread over the life after that.
    town.run_until(until + LIFE);
    let again = town.now;
    for life in 1..=3 {
        let from = town.now;
        town.pass(LIFE);
        let (peak, fill) = (town.books.peak_over_mean(from, town.now), town.books.fill(from, town.now));
        println!("after an outage, life {life}: {peak:.3} of the mean, {fill:.3} tenants a call");
        assert!(peak <= 1.25, "life {life}: {peak:.3} of the mean in the busiest ten seconds");
        assert!(fill >= 4.95, "life {life}: {fill:.3} tenants a call");
    }
    assert_eq!(town.in_hand(0), many());
    nobody_notices(&town, again);
}

#[test]
fn an_outage_of_five_minutes_goes_unnoticed_whenever_it_comes() {
    for start in [310, 900, 1_700, 2_500, 3_100, 3_700].map(secs) {
        let mut town = Town::new(9, 3_000, 1, None);
        town.open();
        let (from, until) = (START + start, START + start + secs(300));
        town.outages = vec![(from, until)];

        town.run_until(until + secs(60));
        let books = &town.books;
        // Of the tokens that live through it, no caller notices anything. The last are due 269 s before their ends.
        let impatient = books.waits_in_hand.iter().filter(|(since, _)| *since < until).count();
        assert_eq!(impatient, 0, "{start:?}: callers waited with a token in hand");
        let moments = books.waits_in_hand.iter().map(|(since, until)| *until - *since);
        assert!(moments.max().is_none_or(|moment| moment <= secs(1)), "near its end, for a newer one");
        let refused = books.failures(START + WARM, town.now);
        assert!(refused <= 3_000 / 20, "{start:?}: {refused} tokens came to their ends");
        // What came due meanwhile is made up for, in fives, and not more at once than ever.
        let after = books.calls_between(until, until + secs(60));
        assert!(after <= 3_000 / 5, "{start:?}: {after} calls in the first minute after it");

        town.pass(LIFE);
        assert_eq!(town.in_hand(0), 3_000, "{start:?}");
    }
}

#[test]
fn eight_processes_over_one_store_make_hardly_more_calls_than_one_alone() {
    let five_lives = |processes: usize, store: Option<Store>| {
        let mut town = Town::new(10, 1_000, processes, store);
        for process in 0..processes {
            for (step, by_ms) in [(1_000, 3_600_000), (3_000, -7_200_000), (6_000, 3_600_000)] {
                town.step_wall(
                    process,
                    START + secs(step) + secs(50) * u32::try_from(process).unwrap(),
                    by_ms,
                );
            }
        }
        town.open();
        town.pass(5 * LIFE);
        nobody_notices(&town, START + WARM);
        town
    };

    let alone = five_lives(1, None);
    let mut store = Store::new(10, true);
    store.latency = (millis(1), millis(5));
    let fleet = five_lives(8, Some(store));

    let more = ratio(fleet.books.calls.len(), alone.books.calls.len());
    assert!(more <= 1.1, "{more:.3} times the calls of one process");
    let fill = fleet.books.fill(START, fleet.now);
    assert!(fill >= 4.75, "{fill:.3} tenants a call");
    println!("eight processes make {more:.3} times the calls of one, with {fill:.3} tenants a call");
}
