//! From a wish to a call: queueing, resting, leaving through the gate, and what time brings. With a store, a tenant stands in
//! three lines one after the other: for what the store has, for the lease, and for the call.

use std::time::Duration;

use super::{
    Broker, Call, Effect, EffectId, Lane, Outcome, Output, Ticket,
    flight::{Key, Line, Place, Rest, Stage},
    gate::Hold,
    saving::{Rejection, Saved},
    waiters::Due,
};
use crate::{Error, ErrorKind, Now, TenantId, Token, TransportError, TransportFault, wire::MAX_BATCH};

/// How long the memory of a refused, rejected or poisonous tenant outlives its rest.
const MEMORY: Duration = Duration::from_secs(3_600);

/// How many tenants such things are remembered of.
const MAX_MEMORIES: usize = 10_000;

/// How much later than its own time limit an effect is given up.
const GRACE_OF_EFFECTS: Duration = Duration::from_secs(2);

/// An effect that is being carried out.
#[derive(Debug)]
pub(super) struct UnderWay {
    work: Work,
    give_up_at: Duration,
}

impl UnderWay {
    /// Whether something is to be told even after the client is closed.
    pub(super) fn outlives_the_client(&self) -> bool {
        matches!(self.work, Work::Save(_))
    }
}

/// What an effect is about.
#[derive(Debug)]
pub(super) enum Work {
    Call(Sent),
    Load { keys: Vec<Key>, asked: Duration },
    Lease { keys: Vec<Key>, fifths: usize, asked: Duration },
    Renewal(Vec<TenantId>),
    Save(Saved),
    Remove(Vec<Rejection>),
    Release,
}

/// A call that has left.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: EffectId,
    pub(super) call: Call,
    pub(super) keys: Vec<Key>,
    pub(super) at: Duration,
}

impl Broker {
    /// Everything that time has brought, then everything that can leave.
    pub(super) fn advance(&mut self, now: Now) {
        self.gate.tick(now.mono);
        self.let_go_of_the_ended(now);
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
            self.looking_ahead_from = now.mono;
            self.refresh(key);
        }
        self.renew(now);
        self.dispatch(now);
        self.tell_the_store(now);
    }

    /// Lets those go on who can.
    fn dispatch(&mut self, now: Now) {
        let stored = self.storage.is_usable(now.mono);
        if stored {
            self.load(now);
            self.lease(now);
        } else {
            self.skip_the_store(now);
        }
        while self.gate.has_room() {
            if !stored {
                self.round_up(now);
                self.skip_the_store(now);
            } else if self.leases.are_asked_for() && !self.lines.call.next_is_whole() {
                return;
            }
            let Some(keys) = self.lines.call.take(MAX_BATCH) else { return };
            self.leave(now, keys);
        }
    }

    fn leave(&mut self, now: Now, keys: Vec<Key>) {
        let mut retry = false;
        for key in &keys {
            let flight = &mut self.flights[*key];
            flight.stage = Stage::UnderWay(Line::Call);
            if flight.attempts == 0 {
                flight.first_sent = now.mono.into();
            }
            retry |= flight.attempts > 0;
            flight.attempts = flight.attempts.saturating_add(1);
        }
        let call = Call {
            application: self.application.clone(),
            credentials: self.credentials.clone(),
            tenants: self.names(&keys),
            time: self.settings.attempt_time,
        };
        let give_up_at = now.mono + self.settings.attempt_time + GRACE_OF_EFFECTS;
        self.count(&call, retry);
        let id = self.next_effect();
        let effect = Effect::Call(call.clone());
        self.gate.started(id);
        self.start(id, give_up_at, Work::Call(Sent { id, call, keys, at: now.mono }));
        self.outputs.push_back(Output::Do { id, effect, give_up_at });
    }

    pub(super) fn next_effect(&mut self) -> EffectId {
        self.last_effect += 1;
        EffectId(self.last_effect)
    }

    pub(super) fn start(&mut self, id: EffectId, give_up_at: Duration, work: Work) {
        self.give_ups.insert((give_up_at, id));
        self.under_way.insert(id, UnderWay { work, give_up_at });
    }

    /// What became of an effect. Late and repeated answers find nothing.
    pub(super) fn finish(&mut self, now: Now, id: EffectId, outcome: Outcome) {
        let Some(UnderWay { work, give_up_at }) = self.under_way.remove(&id) else { return };
        self.give_ups.remove(&(give_up_at, id));
        self.looking_ahead_from = now.mono;
        match work {
            Work::Call(sent) => self.called(now, &sent, outcome),
            Work::Load { keys, asked } => self.loaded(now, &keys, asked, outcome),
            Work::Lease { keys, fifths, asked } => {
                self.leases.answered(fifths);
                self.leased(now, &keys, asked, outcome);
            }
            Work::Renewal(tenants) => self.renewed(tenants),
            Work::Save(saved) => self.saved(now, saved, &outcome),
            Work::Remove(rejections) => self.removed(now, rejections, &outcome),
            Work::Release => self.told(now, &outcome),
        }
    }

    fn count(&mut self, call: &Call, retry: bool) {
        match call.tenants() {
            [_] => self.counted.single_calls += 1,
            _ => self.counted.batch_calls += 1,
        }
        self.counted.retries += u64::from(retry);
    }

    fn overdue_effect(&self, now: Duration) -> Option<EffectId> {
        self.give_ups.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// Somebody wants this tenant's token fetched: queues it, or raises its rank in the queue.
    pub(super) fn fly(&mut self, key: Key, lane: Lane) {
        let flight = &mut self.flights[key];
        match flight.stage {
            Stage::Idle => {
                flight.lane = lane;
                self.queue(key);
            }
            Stage::Queued(queue, place) => {
                flight.lane = flight.lane.min(lane);
                self.lines.remove(queue, key, place);
                self.enter(queue, key);
            }
            Stage::UnderWay(_) | Stage::Elsewhere | Stage::Resting(_) => flight.lane = flight.lane.min(lane),
        }
    }

    /// Puts a flight into the first line that it has to stand in.
    fn queue(&mut self, key: Key) {
        let flight = &self.flights[key];
        let line = if !self.storage.exists() || flight.rare().lease.is_some() {
            Line::Call
        } else if flight.missed || self.vault.contains(key) {
            Line::Lease
        } else {
            Line::Load
        };
        self.enter(line, key);
    }

    /// Puts a flight into a line, where it keeps the place that it had before.
    pub(super) fn enter(&mut self, line: Line, key: Key) {
        self.flights.set_timer(key, None);
        let flight = &mut self.flights[key];
        let serial = *flight.serial.get_or_insert_with(|| self.lines.next_serial());
        let place = Place { lane: flight.lane, serial, alone: flight.alone };
        flight.stage = Stage::Queued(line, place);
        self.lines.insert(line, key, place);
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

    /// Leaves a tenant alone for a while, with its lease if it has one. Callers who can be served with the living token are, and
    /// the refresh is tried again without them; those who cannot or may not wait for the end are answered.
    pub(super) fn rest(&mut self, now: Now, key: Key, rest: &Rest) {
        let flight = &mut self.flights[key];
        flight.stage = Stage::Resting(Box::new(rest.clone()));
        flight.failing = true;
        self.flights.set_timer(key, Some(rest.until));
        if self.serve_living(now, key) {
            self.flights[key].wished = true;
        }
        self.dismiss_hopeless(now, key);
    }

    /// Gives the token in hand to all whom it serves. Answers whether there was one such.
    pub(super) fn serve_living(&mut self, now: Now, key: Key) -> bool {
        let mut any = false;
        for ticket in self.waiters.of(key) {
            let least = self.waiters.get(ticket).map_or(Duration::ZERO, |waiter| waiter.min_remaining);
            if let Some(token) = self.living(now, key, least) {
                any = true;
                self.settle(ticket, Ok(token));
            }
        }
        any
    }

    /// A rest, or a memory, has ended.
    fn rested(&mut self, now: Now, key: Key) {
        match std::mem::replace(&mut self.flights[key].stage, Stage::Idle) {
            Stage::Idle => {
                self.flights[key].forget_everything();
                self.memories.remove(key);
                self.tidy(key);
            }
            Stage::Resting(_) | Stage::Elsewhere => self.again(now, key),
            other => self.flights[key].stage = other,
        }
    }

    /// Nothing is under way any more: what is worth remembering is kept for a while.
    pub(super) fn settle_down(&mut self, now: Now, key: Key) {
        self.give_back(key);
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
            // It may come at any moment.
            Stage::UnderWay(_) | Stage::Queued(Line::Load, _) => return None,
            Stage::Resting(rest) => {
                Some(Hold { until: rest.until, error: rest.error.clone(), at_once: rest.at_once })
            }
            Stage::Idle | Stage::Elsewhere | Stage::Queued(Line::Lease | Line::Call, _) => None,
        };
        [rest, self.gate.hold()].into_iter().flatten().max_by_key(|hold| (hold.at_once, hold.until))
    }

    /// Answers those of a tenant's callers who would wait in vain.
    pub(super) fn dismiss_hopeless(&mut self, now: Now, key: Key) {
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
            if !matches!(self.flights[key].stage, Stage::UnderWay(_) | Stage::Queued(Line::Load, _)) {
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
            Stage::Queued(line, place) => {
                self.lines.remove(line, key, place);
                self.settle_down(now, key);
            }
            Stage::Elsewhere => self.settle_down(now, key),
            Stage::Idle => self.tidy(key),
            Stage::Resting(_) => self.give_back(key),
            Stage::UnderWay(_) => {}
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
            (Stage::UnderWay(Line::Call), _) => error("during a call to the service"),
            (Stage::UnderWay(_) | Stage::Queued(Line::Load, _), _) => error("while the store was asked"),
            (Stage::Elsewhere, _) => error("while another process fetched the token"),
            (_, Some(hold)) => error("while calls were held").because(hold.error.clone()),
            (Stage::Idle | Stage::Queued(..), None) => error("before a call could leave"),
        }
    }

    /// What has come to its end is not held any more.
    pub(super) fn let_go_of_the_ended(&mut self, now: Now) {
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
    }

    /// The token is not held any more.
    pub(super) fn let_go(&mut self, key: Key) {
        self.schedule.remove(key);
        self.overdue.remove(key);
        self.storage.forget(key);
        self.outputs.push_back(Output::Hide(self.flights[key].tenant.clone()));
    }
}
