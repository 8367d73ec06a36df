//! From a wish to a call: queueing, resting, leaving through the gate, and what time brings.

use std::time::Duration;

use super::{
    Broker, Call, Effect, EffectId, Lane, Outcome, Output, Ticket,
    flight::{Key, Place, Rest, Stage},
    gate::Hold,
    waiters::Due,
};
use crate::{Error, ErrorKind, Now, Token, TransportError, TransportFault, wire::MAX_BATCH};

/// How long the memory of a refused, rejected or poisonous tenant outlives its rest.
const MEMORY: Duration = Duration::from_secs(3_600);

/// How many tenants such things are remembered of.
const MAX_MEMORIES: usize = 10_000;

/// How much later than its own time limit an effect is given up.
const GRACE_OF_EFFECTS: Duration = Duration::from_secs(2);

/// A call that has left.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) call: Call,
    pub(super) keys: Vec<Key>,
    pub(super) sent: Duration,
    give_up_at: Duration,
}

impl Broker {
    /// Everything that time has brought, then everything that can leave.
    pub(super) fn advance(&mut self, now: Now) {
        self.gate.tick(now.mono);
        while let Some(key) = self.vault.expire(now.mono) {
            self.let_go(key);
            if self.pinned.contains(&key) {
                self.overdue.set(key, now.mono);
            } else {
                // Whoever still needs it asks, and is a caller then.
                self.flights[key].wished = false;
                self.unqueue_if_unwanted(now, key);
            }
        }
        while let Some(id) = self.overdue_effect(now.mono) {
            self.finish(now, id, Outcome::Failed(TransportError::new(TransportFault::TimedOut)));
        }
        while let Some(key) = self.flights.due(now.mono) {
            self.rested(now, key);
        }
        while let Some(due) = self.waiters.due(now.mono) {
            self.out_of_time(now, due);
        }
        while let Some(key) = self.schedule.take_due(now.mono).or_else(|| self.overdue.take_due(now.mono)) {
            self.refresh(key);
        }
        self.dispatch(now);
    }

    /// Lets calls leave as long as there is room and somebody waits.
    fn dispatch(&mut self, now: Now) {
        while self.gate.has_room() {
            let Some(mut keys) = self.plan.take() else { return };
            self.look_ahead(now, &mut keys);
            debug_assert!(keys.len() <= MAX_BATCH, "a call has room for five");
            self.leave(now, keys);
        }
    }

    fn leave(&mut self, now: Now, keys: Vec<Key>) {
        self.last_effect += 1;
        let id = EffectId(self.last_effect);
        let mut retry = false;
        for key in &keys {
            let flight = &mut self.flights[*key];
            flight.stage = Stage::Calling;
            if flight.attempts == 0 {
                flight.first_sent = now.mono;
            }
            retry |= flight.attempts > 0;
            flight.attempts += 1;
        }
        let call = Call {
            application: self.application.clone(),
            credentials: self.credentials.clone(),
            tenants: keys.iter().map(|key| self.flights[*key].tenant.clone()).collect(),
            time: self.settings.attempt_time,
        };
        let give_up_at = now.mono + self.settings.attempt_time + GRACE_OF_EFFECTS;
        self.count(&call, retry);
        self.gate.started(id);
        self.give_ups.insert((give_up_at, id));
        self.outputs.push_back(Output::Do { id, effect: Effect::Call(call.clone()), give_up_at });
        self.under_way.insert(id, UnderWay { call, keys, sent: now.mono, give_up_at });
    }

    fn count(&mut self, call: &Call, retry: bool) {
        match call.tenants() {
            [_] => self.counted.single_calls += 1,
            _ => self.counted.batch_calls += 1,
        }
        self.counted.retries += u64::from(retry);
    }

    /// Takes an effect off the list of those under way.
    pub(super) fn arrived(&mut self, id: EffectId) -> Option<UnderWay> {
        let arrived = self.under_way.remove(&id)?;
        self.give_ups.remove(&(arrived.give_up_at, id));
        Some(arrived)
    }

    fn overdue_effect(&self, now: Duration) -> Option<EffectId> {
        self.give_ups.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// Somebody wants this tenant's token fetched: queues it, or raises its rank in the queue.
    pub(super) fn fly(&mut self, key: Key, lane: Lane) {
        let flight = &mut self.flights[key];
        let lane = match flight.stage {
            Stage::Idle => lane,
            _ => flight.lane.min(lane),
        };
        if let Stage::Queued(place) = flight.stage {
            self.plan.remove(key, place);
        }
        flight.lane = lane;
        if matches!(flight.stage, Stage::Idle | Stage::Queued(_)) {
            self.queue(key);
        }
    }

    /// Puts a flight in front of the gate, where it keeps the place in line that it had before an attempt.
    pub(super) fn queue(&mut self, key: Key) {
        self.flights.set_timer(key, None);
        let flight = &mut self.flights[key];
        let serial = *flight.serial.get_or_insert_with(|| self.plan.serial());
        let place = Place { lane: flight.lane, serial, alone: flight.alone };
        flight.stage = Stage::Queued(place);
        self.plan.insert(key, place);
    }

    /// Queues again what an attempt has left unserved, if anybody still wants it.
    pub(super) fn again(&mut self, now: Now, key: Key) {
        self.flights[key].stage = Stage::Idle;
        if !self.wanted(key) {
            return self.settle_down(now, key);
        }
        self.queue(key);
        self.dismiss_hopeless(now, key);
    }

    /// Leaves a tenant alone for a while. Callers who can be served with the living token are, and so is the refresh tried again
    /// without them; those who cannot or may not wait for the end are answered.
    pub(super) fn rest(&mut self, now: Now, key: Key, rest: &Rest) {
        let flight = &mut self.flights[key];
        flight.stage = Stage::Resting(rest.clone());
        flight.failing = true;
        self.flights.set_timer(key, Some(rest.until));
        for ticket in self.waiters.of(key) {
            let min_remaining =
                self.waiters.get(ticket).map_or(Duration::ZERO, |waiter| waiter.min_remaining);
            if let Some(token) = self.living(now, key, min_remaining) {
                self.flights[key].wished |= !rest.at_once;
                self.settle(ticket, Ok(token));
            }
        }
        self.dismiss_hopeless(now, key);
    }

    /// A rest, or a memory, has ended.
    fn rested(&mut self, now: Now, key: Key) {
        match std::mem::replace(&mut self.flights[key].stage, Stage::Idle) {
            Stage::Idle => {
                self.flights[key].forget_everything();
                self.memories.remove(key);
                self.tidy(key);
            }
            Stage::Resting(_) => self.again(now, key),
            other => self.flights[key].stage = other,
        }
    }

    /// Nothing is under way any more: what is worth remembering is kept for a while.
    pub(super) fn settle_down(&mut self, now: Now, key: Key) {
        let flight = &mut self.flights[key];
        flight.stage = Stage::Idle;
        flight.end_demand();
        let memory = flight.remembers().then(|| now.mono + MEMORY);
        self.flights.set_timer(key, memory);
        self.schedule_again(now, key);
        self.tidy(key);
    }

    /// Takes note that something of this tenant is to be remembered, and forgets the oldest such thing over the bound.
    pub(super) fn remember(&mut self, key: Key) {
        self.memories.insert(key);
        while self.memories.len() > MAX_MEMORIES {
            let Some(oldest) = self.memories.pop_oldest() else { return };
            self.flights[oldest].forget_everything();
            if matches!(&self.flights[oldest].stage, Stage::Resting(rest) if rest.at_once) {
                self.flights[oldest].stage = Stage::Idle;
            }
            if matches!(self.flights[oldest].stage, Stage::Idle) {
                self.flights.set_timer(oldest, None);
                self.tidy(oldest);
            }
        }
    }

    /// Drops a flight of which nothing is left to know.
    pub(super) fn tidy(&mut self, key: Key) {
        let flight = &self.flights[key];
        let idle = matches!(flight.stage, Stage::Idle) && !flight.remembers() && !self.pinned.contains(&key);
        if idle && !self.vault.contains(key) && !self.waiters.any(key) {
            self.flights.remove(key);
        }
    }

    pub(super) fn wanted(&self, key: Key) -> bool {
        self.flights[key].wished || self.waiters.any(key)
    }

    /// What keeps this tenant from being asked for, until when, and whether callers may wait for it.
    pub(super) fn obstacle(&self, key: Key) -> Option<Hold> {
        let rest = match &self.flights[key].stage {
            Stage::Calling => return None,
            Stage::Resting(Rest { until, error, at_once }) => {
                Some(Hold { until: *until, error: error.clone(), at_once: *at_once })
            }
            Stage::Idle | Stage::Queued(_) => None,
        };
        [rest, self.gate.hold()].into_iter().flatten().max_by_key(|hold| (hold.at_once, hold.until))
    }

    /// Answers those of a tenant's callers who would wait in vain.
    fn dismiss_hopeless(&mut self, now: Now, key: Key) {
        let Some(hold) = self.obstacle(key) else { return };
        for ticket in self.waiters.of(key) {
            self.dismiss_if_hopeless(now, ticket, &hold);
        }
    }

    /// The same for all callers, once a hold begins.
    pub(super) fn dismiss_all_hopeless(&mut self, now: Now) {
        let Some(hold) = self.gate.hold() else { return };
        let tickets =
            if hold.at_once { self.waiters.all() } else { self.waiters.impatient_before(hold.until) };
        for ticket in tickets {
            let Some(key) = self.waiters.get(ticket).map(|waiter| waiter.key) else { continue };
            if !matches!(self.flights[key].stage, Stage::Calling) {
                self.dismiss_if_hopeless(now, ticket, &hold);
            }
        }
    }

    fn dismiss_if_hopeless(&mut self, now: Now, ticket: Ticket, hold: &Hold) {
        if !hold.at_once && self.waiters.deadline(ticket) >= hold.until {
            return;
        }
        let Some(waiter) = self.waiters.get(ticket).copied() else { return };
        let living = self.living(now, waiter.key, waiter.min_remaining);
        let error = hold
            .error
            .clone()
            .about(&self.flights[waiter.key].tenant)
            .after(hold.until.saturating_sub(now.mono));
        self.settle(ticket, living.ok_or(error));
        self.unqueue_if_unwanted(now, waiter.key);
    }

    /// A token in hand that lives and lives long enough.
    pub(super) fn living(&self, now: Now, key: Key, min_remaining: Duration) -> Option<Token> {
        let held = self.vault.get(key, now.mono)?;
        (held.remaining(now.mono) >= min_remaining).then(|| held.token.clone())
    }

    pub(super) fn settle(&mut self, ticket: Ticket, result: Result<Token, Error>) {
        if self.waiters.remove(ticket).is_some() {
            self.outputs.push_back(Output::Settle(ticket, result));
        }
    }

    /// Queued work that nobody wants any more is dropped.
    pub(super) fn unqueue_if_unwanted(&mut self, now: Now, key: Key) {
        if self.wanted(key) {
            return;
        }
        match self.flights[key].stage {
            Stage::Queued(place) => {
                self.plan.remove(key, place);
                self.settle_down(now, key);
            }
            Stage::Idle => self.tidy(key),
            Stage::Calling | Stage::Resting(_) => {}
        }
    }

    fn out_of_time(&mut self, now: Now, due: Due) {
        let (Due::Grace(ticket) | Due::Deadline(ticket)) = due;
        let Some(waiter) = self.waiters.get(ticket).copied() else { return };
        let living = self.living(now, waiter.key, waiter.min_remaining);
        match (due, living) {
            (_, Some(token)) => self.settle(ticket, Ok(token)),
            (Due::Grace(_), None) => return self.waiters.end_grace(ticket),
            (Due::Deadline(_), None) => self.settle(ticket, Err(self.deadline_error(waiter.key))),
        }
        self.unqueue_if_unwanted(now, waiter.key);
    }

    /// Tells what the wait was for.
    pub(super) fn deadline_error(&self, key: Key) -> Error {
        let flight = &self.flights[key];
        let error = |what: &str| {
            Error::new(ErrorKind::Deadline, format!("the caller's patience ended {what}"))
                .about(&flight.tenant)
                .transient()
        };
        match (&flight.stage, self.gate.hold()) {
            (Stage::Resting(rest), _) => error("before the next attempt").because(rest.error.clone()),
            (Stage::Calling, _) => error("during a call to the service"),
            (_, Some(hold)) => error("while calls were held").because(hold.error.clone()),
            (Stage::Idle | Stage::Queued(_), None) => error("before a call could leave"),
        }
    }

    /// The token is not held any more.
    pub(super) fn let_go(&mut self, key: Key) {
        self.schedule.remove(key);
        self.overdue.remove(key);
        self.outputs.push_back(Output::Hide(self.flights[key].tenant.clone()));
    }
}
