//! One flight per tenant: what is under way for it, and what is remembered of it.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroU32,
    ops::{Index, IndexMut},
    time::Duration,
};

use super::{Lane, nanos::Nanos, slots::Slots};
use crate::{Error, TenantId};

/// Stands for a tenant inside the broker: small to copy, quick to compare. Valid as long as its flight exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub(super) u32);

/// Where a flight stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) lane: Lane,
    pub(super) serial: Serial,
    pub(super) alone: bool,
}

/// Orders those who wait by when they came. A number of 64 bits in two halves, which fit in beside a lane and a line, and of
/// which the first is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Serial(NonZeroU32, u32);

impl Serial {
    pub(super) const FIRST: Self = Self(NonZeroU32::MIN, 0);

    pub(super) fn next(self) -> Self {
        let Self(high, low) = self;
        low.checked_add(1).map_or(Self(high.saturating_add(1), 0), |low| Self(high, low))
    }
}

/// The three lines in which a tenant may stand one after the other. Without a store there is the last one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// For what the store has.
    Load,
    /// For the right to fetch it.
    Lease,
    /// For a slot at the gate.
    Call,
}

/// Where the work for one tenant stands.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing is under way.
    Idle,
    /// Waits in a line.
    Queued(Line, Place),
    /// What it waited for is being done.
    UnderWay(Line),
    /// Somebody else fetches it: the store is asked again before long.
    Elsewhere,
    /// Not asked for before the rest ends.
    Resting(Box<Rest>),
}

/// Why and until when a tenant is not asked for.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    pub(super) until: Duration,
    pub(super) error: Error,
    /// Callers may not wait for its end: the service has decided about this tenant.
    pub(super) at_once: bool,
}

/// Tokens of this tenant were refused by the services they were for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rejected {
    /// When the last one was.
    pub(super) at: Duration,
    /// How many tokens of this tenant were rejected one after the other.
    pub(super) in_a_row: u32,
}

/// Somebody else has the lease on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub(super) since: Duration,
    pub(super) looked: u32,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; what excludes each other is the stage"
)]
pub(super) struct Flight {
    pub(super) tenant: TenantId,
    pub(super) stage: Stage,
    /// The highest lane that anybody asked in; only raised while something is under way.
    pub(super) lane: Lane,
    /// When it was first queued for the demand under way.
    pub(super) serial: Option<Serial>,
    /// Wanted even if no caller waits.
    pub(super) wished: bool,
    /// The store has nothing for the demand under way.
    pub(super) missed: bool,
    /// Attempts made for the demand under way.
    pub(super) attempts: u16,
    /// When the first of them was sent.
    pub(super) first_sent: Nanos,
    /// Shares no call until it succeeds: a batch failed because of it, or may have.
    pub(super) alone: bool,
    /// The last attempt for it failed.
    pub(super) failing: bool,
    /// How often the service has refused this tenant in a row, as far as it can be counted.
    pub(super) refusals: u8,
    timer: Option<Nanos>,
    rare: Option<Box<Rare>>,
}

/// What most flights have nothing of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rare {
    /// Since when somebody else has been fetching it, and how often the store was asked again.
    pub(super) elsewhere: Option<Elsewhere>,
    /// When the lease that we have on it is to be renewed.
    pub(super) lease: Option<Nanos>,
    pub(super) rejected: Option<Rejected>,
}

impl Flight {
    fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            stage: Stage::Idle,
            lane: Lane::Bulk,
            serial: None,
            wished: false,
            missed: false,
            attempts: 0,
            first_sent: Nanos::ZERO,
            alone: false,
            failing: false,
            refusals: 0,
            timer: None,
            rare: None,
        }
    }

    /// Whether something outlives the demand under way. Who was refused goes alone, too.
    pub(super) fn remembers(&self) -> bool {
        self.alone || self.rare().rejected.is_some()
    }

    pub(super) fn forget_everything(&mut self) {
        self.alone = false;
        self.refusals = 0;
        self.set_rare(Rare { rejected: None, ..self.rare() });
    }

    /// The demand under way has come to its end, well or not.
    pub(super) fn end_demand(&mut self) {
        self.attempts = 0;
        self.lane = Lane::Bulk;
        self.serial = None;
        self.wished = false;
        self.missed = false;
        self.set_rare(Rare { elsewhere: None, ..self.rare() });
    }

    pub(super) fn rare(&self) -> Rare {
        self.rare.as_deref().copied().unwrap_or_default()
    }

    pub(super) fn set_rare(&mut self, rare: Rare) {
        if rare == Rare::default() {
            self.rare = None;
        } else {
            **self.rare.get_or_insert_default() = rare;
        }
    }
}

/// All flights, with at most one timer each.
#[derive(Debug, Default)]
pub(super) struct Flights {
    by_tenant: HashMap<TenantId, Key>,
    slots: Slots<Flight>,
    /// Keys below the highest that stand for nobody.
    free: Vec<Key>,
    timers: BTreeSet<(Nanos, Key)>,
}

impl Flights {
    pub(super) fn find(&self, tenant: &TenantId) -> Option<Key> {
        self.by_tenant.get(tenant).copied()
    }

    pub(super) fn find_or_start(&mut self, tenant: &TenantId) -> Key {
        if let Some(key) = self.find(tenant) {
            return key;
        }
        // Without a free one, each key below the number of flights stands for one of them.
        let next = || Key(u32::try_from(self.slots.len()).expect("memory ends before 4 billion tenants"));
        let key = self.free.pop().unwrap_or_else(next);
        self.slots.insert(key, Flight::new(tenant.clone()));
        self.by_tenant.insert(tenant.clone(), key);
        key
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.set_timer(key, None);
        if let Some(flight) = self.slots.remove(key) {
            self.by_tenant.remove(&flight.tenant);
            self.free.push(key);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_tenant.len()
    }

    pub(super) fn set_timer(&mut self, key: Key, at: Option<Duration>) {
        let Some(flight) = self.slots.get_mut(key) else { return };
        let at = at.map(Nanos::from);
        if let Some(old) = flight.timer.take() {
            self.timers.remove(&(old, key));
        }
        flight.timer = at;
        self.timers.extend(at.map(|at| (at, key)));
    }

    /// Takes the timer that is due first.
    pub(super) fn due(&mut self, now: Duration) -> Option<Key> {
        let (at, key) = *self.timers.first()?;
        if at > now.into() {
            return None;
        }
        self.set_timer(key, None);
        Some(key)
    }

    pub(super) fn first_timer(&self) -> Option<Duration> {
        self.timers.first().map(|(at, _)| (*at).into())
    }
}

impl Index<Key> for Flights {
    type Output = Flight;
    fn index(&self, key: Key) -> &Flight {
        self.slots.get(key).expect("a key is dropped with its flight")
    }
}

impl IndexMut<Key> for Flights {
    fn index_mut(&mut self, key: Key) -> &mut Flight {
        self.slots.get_mut(key).expect("a key is dropped with its flight")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[test]
    fn a_flight_has_one_timer_and_takes_it_along() {
        let mut flights = Flights::default();
        let (a, b) = (flights.find_or_start(&tenant("a")), flights.find_or_start(&tenant("b")));
        flights.set_timer(a, Some(Duration::from_secs(9)));
        flights.set_timer(a, Some(Duration::from_secs(2)));
        flights.set_timer(b, Some(Duration::from_secs(3)));
        assert_eq!(flights.due(Duration::from_secs(1)), None);
        flights.remove(a);
        assert_eq!(flights.due(Duration::from_secs(5)), Some(b));
        assert_eq!(flights.first_timer(), None);
    }

    #[test]
    fn a_flight_is_no_larger_than_need_be() {
        assert_eq!((size_of::<Stage>(), size_of::<Option<Flight>>()), (16, 72));
    }

    #[test]
    fn a_serial_is_before_the_next_one() {
        let last_low = Serial(NonZeroU32::MIN, u32::MAX);
        for serial in [Serial::FIRST, last_low] {
            assert!(serial < serial.next() && serial.next() < serial.next().next());
        }
        assert!(Serial::FIRST < last_low);
    }

    #[test]
    fn keys_are_used_again() {
        let mut flights = Flights::default();
        let a = flights.find_or_start(&tenant("a"));
        flights.remove(a);
        assert_eq!(flights.find_or_start(&tenant("b")), a);
        assert_eq!((flights.len(), flights.find(&tenant("a"))), (1, None));
    }
}
