//! Tickets and deadlines: who waits for which tenant, and until when.

use std::{collections::BTreeSet, time::Duration};

use super::{Demand, NumberedMap, Patience, Ticket, flight::Key};

#[derive(Debug, Clone, Copy)]
pub(super) struct Waiter {
    pub(super) key: Key,
    pub(super) min_remaining: Duration,
    patience: Patience,
    joined: Duration,
    /// While a living token is in hand, this waiter gets it at this time.
    pub(super) grace: Option<Duration>,
    /// Under which it stands in `deadlines`; may lie before the true one, never after.
    filed: Duration,
}

/// What a due ticket is due for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// To be given the living token.
    Grace(Ticket),
    /// Its patience has ended.
    Deadline(Ticket),
}

/// All waiting callers.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: NumberedMap<Ticket, Waiter>,
    by_tenant: BTreeSet<(Key, Ticket)>,
    deadlines: BTreeSet<(Duration, Ticket)>,
    last_ticket: u64,
    last_progress: Duration,
}

impl Waiters {
    pub(super) fn add(&mut self, key: Key, demand: Demand, grace: Option<Duration>, now: Duration) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let Demand { min_remaining, patience, .. } = demand;
        let mut waiter = Waiter { key, min_remaining, patience, joined: now, grace, filed: now };
        waiter.filed = self.due_time(&waiter);
        self.deadlines.insert((waiter.filed, ticket));
        self.by_tenant.insert((key, ticket));
        self.waiting.insert(ticket, waiter);
        ticket
    }

    /// A no-op for a ticket that is settled.
    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiting.remove(&ticket)?;
        self.by_tenant.remove(&(waiter.key, ticket));
        self.deadlines.remove(&(waiter.filed, ticket));
        Some(waiter)
    }

    pub(super) fn of(&self, key: Key) -> Vec<Ticket> {
        self.tickets(key).collect()
    }

    pub(super) fn any(&self, key: Key) -> bool {
        self.tickets(key).next().is_some()
    }

    pub(super) fn all(&self) -> Vec<Ticket> {
        self.by_tenant.iter().map(|(_, ticket)| *ticket).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Waiter> {
        self.waiting.get(&ticket)
    }

    /// Those whose patience may end before `time`: of others it is known that it does not.
    pub(super) fn impatient_before(&self, time: Duration) -> Vec<Ticket> {
        self.deadlines.range(..(time, Ticket(0))).map(|(_, ticket)| *ticket).collect()
    }

    /// When this caller's patience ends, as things stand.
    pub(super) fn deadline(&self, ticket: Ticket) -> Duration {
        self.waiting.get(&ticket).map_or(Duration::MAX, |waiter| self.end_of(waiter.patience, waiter.joined))
    }

    /// When a patience ends that begins at `joined`.
    pub(super) fn end_of(&self, patience: Patience, joined: Duration) -> Duration {
        match patience {
            Patience::Until(deadline) => deadline,
            Patience::Idle(span) => joined.max(self.last_progress).saturating_add(span),
        }
    }

    /// Something came back: who waits without a deadline goes on waiting.
    pub(super) fn progressed(&mut self, now: Duration) {
        self.last_progress = now;
    }

    /// Takes note that there is no living token to fall back on.
    pub(super) fn end_grace(&mut self, ticket: Ticket) {
        if let Some(waiter) = self.waiting.get_mut(&ticket) {
            waiter.grace = None;
            self.file(ticket);
        }
    }

    /// The next ticket whose time has come.
    pub(super) fn due(&mut self, now: Duration) -> Option<Due> {
        loop {
            let (filed, ticket) = *self.deadlines.first()?;
            if filed > now {
                return None;
            }
            let waiter = *self.waiting.get(&ticket)?;
            if self.due_time(&waiter) > now {
                self.file(ticket);
                continue;
            }
            let in_grace = waiter.grace.is_some_and(|grace| grace <= now);
            return Some(if in_grace { Due::Grace(ticket) } else { Due::Deadline(ticket) });
        }
    }

    pub(super) fn first_due(&self) -> Option<Duration> {
        self.deadlines.first().map(|(filed, _)| *filed)
    }

    fn tickets(&self, key: Key) -> impl Iterator<Item = Ticket> {
        self.by_tenant.range((key, Ticket(0))..=(key, Ticket(u64::MAX))).map(|(_, ticket)| *ticket)
    }

    fn due_time(&self, waiter: &Waiter) -> Duration {
        let end = self.end_of(waiter.patience, waiter.joined);
        waiter.grace.map_or(end, |grace| grace.min(end))
    }

    /// Files a ticket under its true time.
    fn file(&mut self, ticket: Ticket) {
        let Some(waiter) = self.waiting.get(&ticket) else { return };
        let due = self.due_time(waiter);
        self.deadlines.remove(&(waiter.filed, ticket));
        self.deadlines.insert((due, ticket));
        if let Some(waiter) = self.waiting.get_mut(&ticket) {
            waiter.filed = due;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Lane;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn demand(patience: Patience) -> Demand {
        Demand { lane: Lane::Bulk, min_remaining: Duration::ZERO, patience }
    }

    #[test]
    fn tickets_are_due_in_the_order_of_their_deadlines() {
        let mut waiters = Waiters::default();
        let late = waiters.add(Key(1), demand(Patience::Until(secs(9))), None, secs(0));
        let early = waiters.add(Key(1), demand(Patience::Until(secs(4))), None, secs(0));
        assert_eq!((waiters.first_due(), waiters.due(secs(3))), (Some(secs(4)), None));
        assert_eq!(waiters.due(secs(9)), Some(Due::Deadline(early)));
        waiters.remove(early);
        assert_eq!(waiters.due(secs(9)), Some(Due::Deadline(late)));
        assert_eq!(waiters.of(Key(1)), [late]);
    }

    #[test]
    fn progress_prolongs_the_patience_of_the_bulk() {
        let mut waiters = Waiters::default();
        let ticket = waiters.add(Key(1), demand(Patience::Idle(secs(30))), None, secs(0));
        waiters.progressed(secs(20));
        assert_eq!(waiters.due(secs(40)), None);
        assert_eq!(waiters.first_due(), Some(secs(50)));
        assert_eq!(
            (waiters.impatient_before(secs(50)), waiters.impatient_before(secs(51))),
            (vec![], vec![ticket])
        );
        assert_eq!(waiters.due(secs(50)), Some(Due::Deadline(ticket)));
    }

    #[test]
    fn grace_comes_before_the_deadline_and_may_end() {
        let mut waiters = Waiters::default();
        let ticket = waiters.add(Key(1), demand(Patience::Until(secs(9))), Some(secs(1)), secs(0));
        assert_eq!(waiters.due(secs(1)), Some(Due::Grace(ticket)));
        waiters.end_grace(ticket);
        assert_eq!((waiters.due(secs(1)), waiters.first_due()), (None, Some(secs(9))));
    }
}
