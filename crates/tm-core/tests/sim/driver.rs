//! The driver: carries a step to the broker, and the broker's decisions to the service and the callers.

use std::{sync::Arc, time::Duration};

use tm_core::{
    Error, ErrorKind, Now, TenantId, Token, TransportError, TransportFault,
    broker::{Call, Demand, Effect, EffectId, Outcome, Output, Patience, Settings, Wanted},
    wire::AUTH_KEY_HEADER,
};

use crate::{
    attempt::is_asked_for,
    oracles::{Failure, Heard, Verdict, Waiting, rule},
    queue::{Act, Wait, Wish},
    service::credentials,
    trace::Event,
    world::{Caller, Fresh, Sent, World},
};

impl World {
    pub(crate) fn apply(&mut self, act: Act, now: Now, fresh: &mut Fresh) -> Verdict {
        match act {
            Act::Want(wishes) => {
                for wish in wishes.into_iter().filter(|wish| is_asked_for(&wish.tenant)) {
                    self.want(wish, now, fresh)?;
                }
            }
            Act::Prefetch(tenants) => {
                self.tally.add("prefetched");
                for tenant in tenants.iter().filter(|tenant| is_asked_for(tenant)) {
                    self.oracles.tickets.asks(tenant, now.mono);
                    self.oracles.tickets.needs_no_caller(tenant);
                    self.broker.prefetch(now, tenant);
                }
            }
            Act::KeepFresh(tenants) => {
                for tenant in &tenants {
                    self.oracles.tickets.keeps_fresh(tenant);
                    self.broker.keep_fresh(now, tenant).map_err(|error| error.to_string())?;
                }
            }
            Act::LetFade(tenants) => {
                for tenant in &tenants {
                    self.oracles.tickets.asks(tenant, now.mono);
                    self.oracles.tickets.lets_fade(tenant);
                    self.oracles.view.fades(tenant);
                    self.broker.let_fade(now, tenant);
                }
            }
            Act::Forget(caller) => {
                if let Some(ticket) = self.callers[caller].ticket.take() {
                    self.trace.record(now.mono, Event::Forgets { caller });
                    self.oracles.tickets.forgotten(ticket);
                    self.tally.add("forgotten");
                    self.broker.forget(now, ticket);
                }
            }
            Act::Reject(token) => {
                let serial = self.service.ledger().serial(&token);
                self.trace.record(now.mono, Event::Rejects { token: serial });
                // It may have given way to others, which the view hears of after this step.
                if self.broker.remaining(now, &token).is_some() {
                    for tenant in self.oracles.view.holders(&token) {
                        self.oracles.requests.must_be_forgotten(tenant, &token);
                    }
                }
                self.oracles.view.rejects(&token, self.service.ledger());
                self.tally.add("rejected");
                self.broker.reject(now, &token);
            }
            Act::Answer { call, what, outcome } => self.answer(call, what, outcome, now, fresh),
            Act::Stored { request, what, outcome } => self.stored(request, what, outcome, now, fresh),
            Act::ChangeKey(generation) => self.service.accept_only(generation),
            Act::SetCredentials(generation) => {
                self.generation = generation;
                self.trace.record(now.mono, Event::NewKey { generation });
                self.oracles.holds.new_credentials();
                self.broker.set_credentials(Arc::new(credentials(generation)));
            }
            Act::Hold(time) => {
                let until = now.mono + time;
                self.trace.record(now.mono, Event::Held { until });
                self.oracles.holds.held(until);
                let error = Error::new(ErrorKind::Throttled, "the list of tenants was asked too often");
                self.broker.hold(now, until, error);
            }
            Act::StepWall(by_ms) => {
                self.trace.record(now.mono, Event::WallSteps { by_ms });
                self.clock.wall_error_ms += by_ms;
            }
            Act::Close => {
                self.trace.record(now.mono, Event::Closed);
                self.closed_at = Some(now.mono);
                self.broker.close(now);
            }
        }
        Ok(())
    }

    fn answer(&mut self, call: usize, what: &'static str, outcome: Outcome, now: Now, fresh: &mut Fresh) {
        let Sent { id, tenants, generation, .. } = &self.calls[call];
        self.trace.record(now.mono, Event::Answered { call, what });
        if self.oracles.calls.answered(*id) {
            let with_token = matches!(&outcome, Outcome::Answered { entries, .. }
                if entries.iter().any(|(tenant, entry)| entry.is_ok() && tenants.contains(tenant)));
            fresh.answered = Some(with_token || fresh.answered == Some(true));
            let current = *generation == self.generation;
            let heard = Heard { id: *id, tenants, outcome: &outcome, current };
            self.oracles.hear(now, &heard, fresh);
            self.tally.add(what);
        }
        self.broker.done(now, *id, outcome);
    }

    /// What has been under way for too long came to nothing.
    pub(crate) fn give_up(&mut self, now: Now, fresh: &mut Fresh) {
        let outcome = Outcome::Failed(TransportError::new(TransportFault::TimedOut));
        for (id, tenants) in self.oracles.calls.give_up(now.mono) {
            let heard = Heard { id, tenants: &tenants, outcome: &outcome, current: true };
            self.oracles.hear(now, &heard, fresh);
        }
    }

    fn want(&mut self, wish: Wish, now: Now, fresh: &mut Fresh) -> Verdict {
        let caller = self.callers.len();
        let patience = match wish.patience {
            Wait::For(time) => Patience::Until(now.mono + time),
            Wait::Idle(span) => Patience::Idle(span),
        };
        let (tenant, least) = (wish.tenant.clone(), wish.least);
        let demand = Demand { lane: wish.lane, min_remaining: least, patience };
        let (Wait::For(span) | Wait::Idle(span)) = wish.patience;
        let idle = matches!(wish.patience, Wait::Idle(_));
        self.trace.record(
            now.mono,
            Event::Asks { caller, tenant: tenant.clone(), lane: wish.lane, least, span, idle },
        );
        let overslept = self.oracles.tickets.overslept;
        self.callers.push(Caller { wish, asked_at: now.mono, overslept, ticket: None, answer: None });
        let looks = self.callers[caller].wish.looks && least.is_zero();
        let hit = self.oracles.view.hit(&tenant, now.mono).filter(|_| looks).cloned();
        let wanted = if let Some(token) = hit {
            Wanted::Ready(token)
        } else {
            self.oracles.tickets.asks(&tenant, now.mono);
            let before = self.broker.wake_at();
            let wanted = self.broker.want(now, &tenant, demand);
            if let Wanted::Ready(token) = &wanted {
                self.oracles.view.reads(&tenant, token, now.mono, [before, self.broker.wake_at()])?;
            }
            wanted
        };
        // What came in this very step may have thrown a token out, of which the view is told last.
        let is_told = fresh.answered.is_none();
        match wanted {
            Wanted::Wait(ticket) => {
                self.trace.record(now.mono, Event::Waits { caller });
                rule(self.closed_at.is_none(), || "a caller waits for a closed client".to_owned())?;
                let asked_at = now.mono;
                self.oracles.company.waits(&tenant);
                self.oracles.tickets.waits(ticket, Waiting { caller, tenant, demand, asked_at, calls: 0 })?;
                self.callers[caller].ticket = Some(ticket);
                if let Some(after) = self.callers[caller].wish.forgets_after {
                    self.queue.push(now.mono + after, Act::Forget(caller));
                }
                fresh.waiting.push(ticket);
                Ok(())
            }
            Wanted::Ready(token) => self.hears(caller, Ok(token), now, is_told),
            Wanted::Failed(error) => self.hears(caller, Err(error), now, is_told),
        }
    }

    pub(crate) fn carry_out(&mut self, output: Output, now: Now, fresh: &mut Fresh) -> Verdict {
        let ledger = self.service.ledger();
        match output {
            Output::Show { tenant, token, until } => {
                let serial = ledger.serial(&token);
                self.trace.record(now.mono, Event::Shown { tenant: tenant.clone(), token: serial, until });
                self.oracles.view.shows(&tenant, &token, until, now.mono, ledger)?;
                let found = self.oracles.view.was_found(serial);
                rule(found || self.oracles.tickets.was_called(&tenant), || {
                    format!("tenant {tenant} is shown, and no call ever asked for it")
                })?;
                self.oracles.requests.shown(&tenant);
                self.oracles.tickets.needs_no_caller(&tenant);
                self.oracles.company.shown(&tenant);
                if found {
                    fresh.answered = Some(true);
                }
                fresh.shown.push(tenant);
            }
            Output::Hide(tenant) => {
                self.trace.record(now.mono, Event::Hidden { tenant: tenant.clone() });
                let may_evict = self.closed_at.is_some() || self.settings.memory < Settings::default().memory;
                self.oracles.view.hides(&tenant, now.mono, may_evict, ledger)?;
            }
            Output::Settle(ticket, _) if self.oracles.tickets.just_forgotten(ticket) => {}
            Output::Settle(ticket, result) => {
                let waiting = self.oracles.tickets.settled(ticket, &result, now.mono, self.stepped)?;
                self.callers[waiting.caller].ticket = None;
                if let Err(error) = &result {
                    self.told(&waiting, error, now, fresh)?;
                }
                self.hears(waiting.caller, result, now, true)?;
            }
            Output::Do { id, effect: Effect::Call(call), give_up_at } => {
                self.send(id, &call, give_up_at, now)?;
            }
            Output::Do { id, effect: Effect::Store(request), give_up_at } => {
                self.ask_store(id, request, give_up_at, now)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, id: EffectId, call: &Call, give_up_at: Duration, now: Now) -> Verdict {
        let tenants = call.tenants().to_vec();
        let number = self.calls.len();
        self.trace.record(now.mono, Event::Called { call: number, tenants: tenants.clone(), give_up_at });
        rule(self.closed_at.is_none(), || format!("a closed client calls for {tenants:?}"))?;
        self.oracles.calls.started(id, &tenants, call.time(), now.mono, give_up_at)?;
        self.oracles.holds.started(now.mono, &tenants)?;
        self.oracles.outages.started(now.mono, id, &tenants)?;
        let (view, ledger) = (&self.oracles.view, self.service.ledger());
        let in_hand = |tenant: &TenantId| view.satisfies(tenant, Duration::ZERO, now.mono, ledger).is_some();
        self.oracles.company.started(now.mono, &tenants, in_hand)?;
        for tenant in &tenants {
            if self.store.is_some() {
                self.oracles.requests.called(tenant)?;
            }
            self.oracles.tickets.called(tenant, self.settings.attempts, now.mono)?;
        }
        let key = call.request().headers().get(AUTH_KEY_HEADER).cloned();
        let generation = self.generation;
        rule(key == Some(credentials(generation).auth_key()), || {
            format!("a call without credentials {generation}")
        })?;
        let answer = self.service.ask(now.mono, call);
        if let Some(outcome) = answer.outcome {
            let act = Act::Answer { call: number, what: answer.what, outcome };
            if self.rng.u8(0..50) == 0 {
                // Answers may be repeated, which must change nothing.
                self.queue.push(now.mono + answer.after * 2, act.clone());
            }
            self.queue.push(now.mono + answer.after, act);
        } else {
            self.tally.add(answer.what);
        }
        self.calls.push(Sent { id, at: now.mono, tenants, generation });
        Ok(())
    }

    /// A caller that waited is told of a failure.
    fn told(&mut self, waiting: &Waiting, error: &Error, now: Now, fresh: &Fresh) -> Verdict {
        let held = self.broker.held(now, Duration::MAX);
        self.oracles.company.told(now.mono, &waiting.tenant, error, held.is_err())?;
        // While calls are held, who has not the patience for that is told too.
        let last = waiting.calls >= self.settings.attempts as usize && matches!(held, Ok(None));
        // That somebody's time is over says nothing of the tenant.
        let failed = error.is_transient() && error.kind() != ErrorKind::Deadline;
        if last && failed && fresh.unserved.contains(&waiting.tenant) {
            self.oracles.holds.told(&waiting.tenant, now.mono);
        }
        Ok(())
    }

    /// A caller has its answer. `is_told` is whether the view is up to date.
    fn hears(&mut self, caller: usize, result: Result<Token, Error>, now: Now, is_told: bool) -> Verdict {
        let (ledger, view) = (self.service.ledger(), &self.oracles.view);
        let Caller { wish, asked_at, overslept, answer, .. } = &mut self.callers[caller];
        let (tenant, least) = (&wish.tenant, wish.least);
        rule(answer.is_none(), || format!("caller {caller} is answered twice"))?;
        // What was decided in the step of closing, before that, still counts.
        let open = self.closed_at.is_none_or(|at| at == now.mono);
        match &result {
            Ok(token) => {
                self.trace.record(now.mono, Event::Served { caller, token: ledger.serial(token) });
                view.serves(tenant, token, least, now.mono, ledger)?;
                rule(open, || "a closed client serves a token".to_owned())?;
                if let Some(after) = wish.rejects_after {
                    self.queue.push(now.mono + after, Act::Reject(token.clone()));
                }
                self.tally.add("served");
            }
            Err(error) => {
                let (kind, retry_after) = (error.kind(), error.retry_after());
                self.trace.record(now.mono, Event::Refused { caller, kind, retry_after });
                let says_so = kind == ErrorKind::Closed;
                rule(if says_so { self.closed_at.is_some() } else { open }, || {
                    format!("closed: {:?}, error: {kind}", self.closed_at)
                })?;
                let asleep = self.oracles.tickets.overslept - *overslept;
                let waited = (now.mono - *asked_at).saturating_sub(asleep);
                let in_hand_until = view.satisfies(tenant, least, now.mono, ledger).filter(|_| is_told);
                let failure = Failure { tenant, error, least, waited, asleep, in_hand_until };
                self.oracles.failures.happens(&failure)?;
                self.tally.add(kind.as_str());
            }
        }
        *answer = Some((now.mono, result));
        Ok(())
    }
}
