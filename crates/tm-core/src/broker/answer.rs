//! What an answer means: for each tenant of the call, and for the service as a whole.

use std::{sync::Arc, time::Duration};

use super::{
    Broker, Outcome, Output, backoff,
    flight::{Key, Rest},
    gate::{ALIKE_TO_PAUSE, Health, Hold, PAUSE, Sign},
    lifetime::{Lifetime, ServiceClock, stamp},
    pipeline::Sent,
    rejections::hash,
    schedule::Draw,
    vault::{Held, Worth},
};
use crate::{
    Error, ErrorKind, Now, TransportError, TransportFault, UnixTime,
    wire::{Refusal, batch::Entry},
};

/// What a status other than 2xx is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// 401: the credentials.
    Credentials,
    /// Another 4xx: this very request.
    Request,
    /// 429.
    TooMany,
    /// 503.
    Overload,
    /// 408, 500, 502, 504: an outage that may pass.
    Outage,
    /// 3xx: the service has moved.
    Redirect,
    /// Anything else, which repeating does not mend.
    Broken,
}

impl Meaning {
    pub(crate) fn of(refusal: &Refusal) -> Self {
        match refusal.status {
            401 => Self::Credentials,
            429 => Self::TooMany,
            503 => Self::Overload,
            408 | 500 | 502 | 504 => Self::Outage,
            300..=399 => Self::Redirect,
            400..=499 => Self::Request,
            _ => Self::Broken,
        }
    }

    fn error(self, refusal: &Refusal) -> Error {
        let error = match self {
            Self::Credentials => {
                Error::new(ErrorKind::Unauthorized, "the service refuses the application's credentials")
            }
            Self::Request => {
                Error::new(ErrorKind::TenantRefused, "the service refuses a token for this tenant")
            }
            Self::TooMany => Error::new(ErrorKind::Throttled, "the service asks for patience").transient(),
            Self::Overload | Self::Outage => Error::new(ErrorKind::Service, "the service fails").transient(),
            Self::Redirect => Error::new(
                ErrorKind::Service,
                "the gateway redirects, and redirects are not followed with the key",
            ),
            Self::Broken => Error::new(ErrorKind::Service, "the service answers with an unexpected status"),
        };
        error.with_refusal(refusal.clone())
    }

    fn health(self) -> Health {
        match self {
            Self::Credentials | Self::Request | Self::Redirect => Health::Answering,
            Self::TooMany => Health::Throttling,
            Self::Overload => Health::Overloaded,
            Self::Outage | Self::Broken => Health::Failing,
        }
    }
}

impl Broker {
    /// A call has come to its end, one way or another.
    pub(super) fn called(&mut self, now: Now, call: &Sent, outcome: Outcome) {
        match outcome {
            Outcome::Answered { entries, date } => self.received(now, call, entries, date),
            Outcome::Refused { refusal, retry_after, date } => {
                let wait = retry_after.map(|after| after.wait(date.unwrap_or(now.unix)));
                self.refused(now, call, &refusal, wait);
            }
            Outcome::Undecodable(error) => {
                self.judge(now, call, Health::Answering, None);
                let error = Error::from(error).at(&self.application.gateway);
                self.broken(now, &call.keys, Sign::Nonsense, &error);
            }
            Outcome::Failed(error) => self.unanswered(now, call, error),
            Outcome::Lost | Outcome::Stored(_) | Outcome::StoreFailed => {
                let error =
                    TransportError::new(TransportFault::Interrupted).because("whoever made the call is gone");
                self.unanswered(now, call, error);
            }
        }
    }

    /// Lets the gate learn from the call; a hold that begins answers those who cannot wait for its end.
    fn judge(&mut self, now: Now, call: &Sent, health: Health, error: Option<&Error>) {
        if self.gate.finished(call.id, call.at, now.mono, health, error, &mut self.rng) {
            self.dismiss_all_hopeless(now);
        }
    }

    fn received(&mut self, now: Now, call: &Sent, entries: Vec<Entry>, date: Option<UnixTime>) {
        let any = entries.iter().any(|(tenant, token)| token.is_ok() && call.call.tenants().contains(tenant));
        self.judge(now, call, if any { Health::Good } else { Health::Answering }, None);
        if any {
            self.waiters.progressed(now.mono);
            self.budget.give();
        }
        if let Some(date) = date {
            self.service_clock = Some(ServiceClock::new(date, call.at));
        }
        let of_call = Draw::of_call(&mut self.places);
        let slept = now.mono >= call.at + self.settings.attempt_time;
        let mut entries: Vec<_> = entries.into_iter().map(Some).collect();
        for key in &call.keys {
            let tenant = self.flights[*key].tenant.clone();
            let mine =
                entries.iter_mut().find(|entry| entry.as_ref().is_some_and(|(named, _)| *named == tenant));
            match mine.and_then(Option::take) {
                Some((_, Ok(issued))) => {
                    let lifetime = Lifetime::of(&issued, date, call.at, now);
                    let hash = hash(&issued.token);
                    let draw = if self.storage.leases() { self.draw(hash) } else { of_call };
                    let (stamp, cold) = (stamp(&issued, date, now), !self.vault.contains(*key));
                    let due = draw.due(&lifetime, cold);
                    let held = Held::new(issued.token, hash, stamp, cold, &lifetime, due);
                    self.issued(now, *key, hash, held, slept);
                }
                _ if call.keys.len() > 1 => self.ask_alone(now, *key),
                Some((_, Err(error))) => self.fail(now, *key, &error.into()),
                None => self.fail(now, *key, &Error::new(ErrorKind::Decode, "the answer has no token")),
            }
        }
    }

    /// One tenant has its token; what it is worth is decided here. `slept` tells that it was on its way for longer than it may be.
    fn issued(&mut self, now: Now, key: Key, hash: u64, held: Held, slept: bool) {
        self.counted.tokens_received += 1;
        if self.rejections.contains(hash) {
            let error =
                Error::new(ErrorKind::Service, "the service hands out again a token that was rejected");
            return self.fail(now, key, &error.transient());
        }
        if held.end() <= now.mono {
            if slept && u32::from(self.flights[key].attempts) < self.settings.attempts {
                return self.again(now, key);
            }
            let error = Error::new(ErrorKind::TooShort, "the service hands out a token that is at its end");
            return self.fail(now, key, &error.transient());
        }
        let flight = &mut self.flights[key];
        flight.alone = false;
        flight.failing = false;
        flight.refusals = 0;
        self.keep(now, key, held);
        self.serve(now, key);
        if self.flights[key].rare().rejected.is_none() {
            self.memories.remove(key);
        }
        self.settle_down(now, key);
    }

    /// Keeps the token, here and in the store, unless the one in hand lives as long.
    fn keep(&mut self, now: Now, key: Key, new: Held) {
        if let Some(held) = self.vault.get(key, now.mono)
            && (held.token == new.token || held.end() >= new.end())
        {
            // The service caches: it has nothing newer for a while.
            let half = held.remaining(now.mono) / 2;
            return self.vault.no_better_before(key, now.mono + half.max(Duration::from_secs(30)));
        }
        self.save(key, &new);
        self.put(now, key, new);
    }

    /// Takes a token in hand in place of the last one, as far as there is room.
    pub(super) fn put(&mut self, now: Now, key: Key, new: Held) {
        let shown = self.vault.contains(key);
        self.schedule.remove(key);
        self.overdue.remove(key);
        self.vault.put(key, new.clone());
        if self.pinned.contains(&key) {
            self.vault.raise(key, Worth::Pinned);
        }
        while let Some(evicted) = self.vault.evict(key) {
            if evicted != key {
                self.let_go(evicted);
                self.tidy(evicted);
            }
        }
        if self.vault.contains(key) {
            let tenant = self.flights[key].tenant.clone();
            let until = new.lifetime().mandatory_from;
            self.outputs.push_back(Output::Show { tenant, token: new.token, until });
        } else {
            // There is no room for it: whoever waits gets it all the same.
            if shown {
                self.let_go(key);
            }
            self.hand_over(now, key, &new);
        }
    }

    /// Serves those who wait with a token that is not kept.
    fn hand_over(&mut self, now: Now, key: Key, new: &Held) {
        for ticket in self.waiters.of(key) {
            if self.waiters.get(ticket).is_some_and(|waiter| waiter.min_remaining <= new.remaining(now.mono))
            {
                self.settle(ticket, Ok(new.token.clone()));
            }
        }
    }

    /// Serves those who wait with the token in hand. One fetch is all that a demand gets: for whom it is too short, that
    /// is the answer.
    fn serve(&mut self, now: Now, key: Key) {
        let mut too_short = false;
        for ticket in self.waiters.of(key) {
            let Some(waiter) = self.waiters.get(ticket).copied() else { continue };
            let living = self.living(now, key, waiter.min_remaining);
            too_short |= living.is_none();
            let result = living.ok_or_else(|| self.too_short(now, key, waiter.min_remaining));
            self.settle(ticket, result);
        }
        if too_short && let Some(held) = self.vault.get(key, now.mono) {
            let half = held.remaining(now.mono) / 2;
            self.vault.no_better_before(key, now.mono + half.max(Duration::from_secs(30)));
        }
    }

    pub(super) fn too_short(&self, now: Now, key: Key, wanted: Duration) -> Error {
        let life = self.vault.get(key, now.mono).map_or(Duration::ZERO, |held| held.remaining(now.mono));
        let message = format!(
            "the service's token lives {} s more, and the caller wants {} s",
            life.as_secs(),
            wanted.as_secs()
        );
        Error::new(ErrorKind::TooShort, message).about(&self.flights[key].tenant)
    }

    fn refused(&mut self, now: Now, call: &Sent, refusal: &Refusal, wait: Option<Duration>) {
        let meaning = Meaning::of(refusal);
        let error = meaning.error(refusal);
        self.judge(now, call, meaning.health(), Some(&error));
        match meaning {
            Meaning::Credentials => self.unauthorized(now, call, error),
            Meaning::Request if call.keys.len() > 1 => {
                for key in &call.keys {
                    self.ask_alone(now, *key);
                }
            }
            Meaning::Request => self.tenant_refused(now, call.keys[0], refusal, error),
            Meaning::Redirect | Meaning::Broken => {
                self.broken(now, &call.keys, Sign::Refused(refusal.status, refusal.code.clone()), &error);
            }
            Meaning::TooMany | Meaning::Overload => {
                if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
                    self.gate.pause(Hold { until: now.mono + wait, error: error.clone(), at_once: false });
                    self.dismiss_all_hopeless(now);
                }
                self.try_again(now, call, &error, Duration::from_secs(1), wait);
            }
            Meaning::Outage => self.try_again(now, call, &error, Duration::from_millis(200), None),
        }
    }

    fn unauthorized(&mut self, now: Now, call: &Sent, error: Error) {
        if !Arc::ptr_eq(&call.call.credentials, &self.credentials) {
            // It was asked with credentials that have been replaced: that says nothing about the new ones.
            for key in &call.keys {
                self.flights[*key].attempts -= 1;
                self.again(now, *key);
            }
            return;
        }
        for key in &call.keys {
            self.answer_waiters(now, *key, &error.clone().after(PAUSE));
            self.settle_down(now, *key);
        }
        self.pause_for_set_up(now, error);
    }

    /// The service has decided about this tenant: asked again and again, it is asked less and less.
    fn tenant_refused(&mut self, now: Now, key: Key, refusal: &Refusal, error: Error) {
        let flight = &mut self.flights[key];
        flight.end_demand();
        flight.alone = true;
        flight.refusals = flight.refusals.saturating_add(1);
        let until = now.mono + backoff::after_refusal(flight.refusals.into());
        self.remember(key);
        self.give_back(key);
        self.answer_waiters(now, key, &error.clone().after(until.saturating_sub(now.mono)));
        self.rest(now, key, &Rest { until, error, at_once: true });
        if self.gate.let_down(Sign::Refused(refusal.status, refusal.code.clone()), &[key]) {
            let message = format!(
                "{ALIKE_TO_PAUSE} tenants in a row were refused alike, so check the host tenant, the app name and the app \
                 version"
            );
            let error = Error::new(ErrorKind::TenantRefused, message).with_refusal(refusal.clone());
            self.pause_for_set_up(now, error);
        }
    }

    fn unanswered(&mut self, now: Now, call: &Sent, error: TransportError) {
        let transient = error.is_transient();
        let health =
            if error.fault() == TransportFault::TooLarge { Health::Answering } else { Health::Failing };
        let error = Error::from(error).at(&self.application.gateway);
        self.judge(now, call, health, Some(&error));
        if transient {
            self.try_again(now, call, &error, Duration::from_millis(200), None);
        } else {
            for key in &call.keys {
                self.fail(now, *key, &error);
            }
        }
    }

    /// Another attempt for those who have one left, if the budget has one; all together, so that a five stays a five.
    /// Where the service has named the time, there is no budget to spend and no backoff to draw.
    fn try_again(&mut self, now: Now, call: &Sent, error: &Error, base: Duration, told: Option<Duration>) {
        let most = call.keys.iter().map(|key| self.flights[*key].attempts).max().unwrap_or(1);
        let told = told.filter(|wait| !wait.is_zero());
        let affordable = told.is_some() || self.budget.take();
        let wait = told.unwrap_or_else(|| backoff::before_retry(&mut self.rng, most.into(), base));
        for key in &call.keys {
            let flight = &self.flights[*key];
            if !self.wanted(*key) {
                self.fail(now, *key, error);
            } else if affordable && u32::from(flight.attempts) < self.settings.attempts {
                // Before long it leaves again, and keeps its lease: a release, still on its way when the lease is asked for
                // anew, might reach the store after that. While calls are held others may be luckier.
                if self.gate.hold().is_some() {
                    self.give_back(*key);
                }
                self.rest(now, *key, &Rest { until: now.mono + wait, error: error.clone(), at_once: false });
            } else if call.keys.len() > 1
                && error.kind() == ErrorKind::Service
                && self.gate.succeeded_since(flight.first_sent.into())
            {
                // Others are served meanwhile, so it may be one of these five.
                self.ask_alone(now, *key);
            } else {
                self.fail(now, *key, error);
            }
        }
    }

    /// One of a batch may be poison: each is asked on its own, once.
    fn ask_alone(&mut self, now: Now, key: Key) {
        self.flights[key].alone = true;
        self.remember(key);
        self.again(now, key);
    }

    /// The service answers, but nothing that asking again would mend, whoever is asked for.
    fn broken(&mut self, now: Now, keys: &[Key], sign: Sign, error: &Error) {
        for key in keys {
            self.fail(now, *key, error);
        }
        if self.gate.let_down(sign, keys) {
            self.pause_for_set_up(now, error.clone());
        }
    }

    /// Waiting does not help, so nobody waits.
    fn pause_for_set_up(&mut self, now: Now, error: Error) {
        self.gate.pause(Hold { until: now.mono + PAUSE, error, at_once: true });
        self.dismiss_all_hopeless(now);
    }

    /// The demand ends without a new token. The next is not made at once.
    fn fail(&mut self, now: Now, key: Key, error: &Error) {
        let until = now.mono + backoff::after_failure(&mut self.rng);
        self.flights[key].end_demand();
        self.give_back(key);
        let of_use = self.gate.hold().map_or(until, |hold| until.max(hold.until));
        self.answer_waiters(now, key, &error.clone().after(of_use.saturating_sub(now.mono)));
        self.rest(now, key, &Rest { until, error: error.clone(), at_once: false });
    }

    /// Whoever can be served with the token in hand is; the others get the error.
    fn answer_waiters(&mut self, now: Now, key: Key, error: &Error) {
        let error = error.clone().about(&self.flights[key].tenant);
        for ticket in self.waiters.of(key) {
            let min_remaining =
                self.waiters.get(ticket).map_or(Duration::ZERO, |waiter| waiter.min_remaining);
            let living = self.living(now, key, min_remaining);
            self.settle(ticket, living.ok_or_else(|| error.clone()));
        }
    }
}
