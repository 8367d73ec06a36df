//! Clocks that step, and machines that start anew.

use std::time::Duration;

use tm_cache::{FileClock, FileStore};
use tm_core::UnixTime;

use crate::support::{HOUR, Place, SECOND, bury, found, key, put, record, text, tombstone};

const MINUTE: Duration = Duration::from_secs(60);

/// A place where a record was put a minute ago.
fn a_minute_later() -> Place {
    let place = Place::new();
    put(&place.store(), &key("k"), record("t", 100));
    place.clock.pass(MINUTE);
    place
}

fn left(place: &Place) -> Option<Duration> {
    found(&place.store(), &key("k")).map(|record| record.remaining())
}

#[test]
fn in_one_boot_a_step_of_the_wall_clock_changes_nothing() {
    let place = a_minute_later();
    for unix in [0, 1_000_060 - 3_600, 1_000_060 + 3_600, 1_000_000_000] {
        place.clock.change(|now| now.unix = UnixTime::from_secs(unix));
        assert_eq!(left(&place), Some(HOUR - MINUTE), "at {unix}");
    }
}

#[test]
fn after_another_boot_the_wall_clock_tells() {
    let place = a_minute_later();
    place.clock.reboot();
    assert_eq!(left(&place), Some(HOUR - MINUTE));
    place.clock.pass(HOUR - 2 * MINUTE);
    assert_eq!(left(&place), Some(MINUTE));
    place.clock.pass(MINUTE);
    assert_eq!(left(&place), None);
}

#[test]
fn where_the_system_tells_no_boot_the_wall_clock_tells() {
    let place = a_minute_later();
    place.clock.change(|now| now.boot = None);
    assert_eq!(left(&place), Some(HOUR - MINUTE));
    put(&place.store(), &key("k"), record("newer", 101));
    place.clock.pass(MINUTE);
    assert_eq!(left(&place), Some(HOUR - MINUTE));
}

#[test]
fn after_another_boot_a_wall_clock_that_is_behind_makes_a_miss_until_it_has_caught_up() {
    let place = a_minute_later();
    place.clock.reboot();
    let caught_up = UnixTime::from_secs(1_000_000);
    place.clock.change(|now| now.unix = caught_up.saturating_sub(SECOND));
    assert_eq!(left(&place), None);
    place.clock.change(|now| now.unix = caught_up);
    assert_eq!(left(&place), Some(HOUR));
}

#[test]
fn a_refusal_outlives_a_clock_that_is_behind() {
    let place = Place::new();
    bury(&place.store(), &key("k"), tombstone("refused", 100));
    place.clock.reboot();
    place.clock.change(|now| now.unix = UnixTime::from_secs(500));
    put(&place.store(), &key("k"), record("refused", 100));
    assert_eq!(text(&place.store(), &key("k")), None);
}

#[test]
fn a_write_in_another_boot_keeps_the_end_of_what_it_leaves() {
    let place = a_minute_later();
    place.clock.reboot();
    bury(&place.store(), &key("k"), tombstone("bad", 100));
    place.clock.change(|now| now.unix = UnixTime::from_secs(0));
    place.clock.change(|now| now.boot = now.boot.map(|(id, since)| (id, since + MINUTE)));
    assert_eq!(left(&place), Some(HOUR - 2 * MINUTE));
}

#[test]
fn what_a_write_waits_counts() {
    let place = Place::new();
    let (clock, system) = (place.clock.clone(), place.clock.file_clock());
    let ticking = FileClock::new(move || {
        clock.pass(SECOND);
        system.now()
    });
    let store = FileStore::with_clock(place.path(), ticking).unwrap();
    let now = || place.clock.file_clock().now().unix;
    let start = now().saturating_add(SECOND);
    put(&store, &key("k"), record("t", 100));
    let found = found(&store, &key("k")).unwrap();
    assert_eq!(found.remaining(), HOUR - now().saturating_since(start));
}
