//! The part of the driver that carries requests to the store, and its answers back.

use std::time::Duration;

use tm_core::{
    Now, TenantId,
    broker::{EffectId, Kept, Leased, Outcome, StoreAnswer, StoreRequest},
};

use crate::{
    clock::secs,
    oracles::{Verdict, rule, tenants_of},
    queue::Act,
    store::{Reply, Store, name},
    trace::Event,
    world::{Fresh, Oracles, World},
};

/// How often a token in hand was looked for in the store, and was there.
pub(crate) const IN_STORE: &str = "in the store";

impl World {
    pub(crate) fn ask_store(
        &mut self,
        id: EffectId,
        request: StoreRequest,
        give_up_at: Duration,
        now: Now,
    ) -> Verdict {
        let number = self.requests.len();
        let tenants = tenants_of(&request);
        self.trace.record(now.mono, Event::AsksStore { request: number, what: name(&request), tenants });
        self.tally.add(name(&request));
        if self.closed_at.is_none() {
            self.oracles.requests.started(number, &request, now.mono, give_up_at)?;
        }
        self.tells_the_truth(&request, now)?;
        self.requests.push(id);
        let owner = self.owner;
        let Some(store) = &mut self.store else { return Err("there is no store, and it is asked".into()) };
        if let Some(trouble) = store.post(now.mono, owner, number, request) {
            self.tally.add(trouble);
        }
        Ok(())
    }

    /// Lets the store of a single process do its work, and hears its answers in time.
    pub(crate) fn store_works(&mut self) {
        let now = self.clock.mono;
        let replies = self.store.as_mut().map(|store| {
            store.work_until(now);
            store.replies()
        });
        for reply in replies.into_iter().flatten() {
            self.expect(reply);
        }
    }

    pub(crate) fn expect(&mut self, reply: Reply) {
        let Reply { number, at, what, outcome, .. } = reply;
        let act = Act::Stored { request: number, what, outcome };
        if self.rng.u8(0..50) == 0 {
            self.queue.push(at + at.saturating_sub(self.clock.mono), act.clone());
        }
        self.queue.push(at, act);
    }

    pub(crate) fn stored(
        &mut self,
        request: usize,
        what: &'static str,
        outcome: Outcome,
        now: Now,
        fresh: &mut Fresh,
    ) {
        self.trace.record(now.mono, Event::StoreAnswers { request, what });
        let answer = match &outcome {
            Outcome::Stored(answer) => Some(answer),
            _ => None,
        };
        if let Some(is_good) = self.oracles.requests.answered(request, answer) {
            fresh.answered = fresh.answered.or(Some(false));
            for kept in found_in(answer) {
                let issued = self.service.ledger().find(&kept.token).expect("the store has what it was told");
                if is_good && self.oracles.view.is_rejected(issued.serial) {
                    self.oracles.requests.must_be_forgotten(&issued.tenant, &kept.token);
                }
                self.oracles.view.finds(issued.serial);
            }
            if let Some(StoreAnswer::Leased(leased)) = answer {
                for leased in leased {
                    self.tally.add(match leased {
                        Leased::Found(_) => "found",
                        Leased::Granted => "granted",
                        Leased::Held => "held",
                    });
                }
            }
        }
        self.broker.done(now, self.requests[request], outcome);
    }

    /// When the store has something to do next.
    pub(crate) fn store_at(&self) -> Option<Duration> {
        self.store.as_ref().and_then(Store::first_at)
    }

    /// While nothing is under way the store has every token in hand, or a newer one, and nobody has a lease. It is excused for
    /// what it has lost.
    pub(crate) fn store_knows_what_it_must(&mut self) -> Verdict {
        if self.has_something_under_way() {
            return Ok(());
        }
        self.nothing_is_leased()?;
        self.nothing_rejected_is_kept()?;
        let Some(store) = &self.store else { return Ok(()) };
        for (tenant, token) in self.oracles.view.all() {
            let ledger = self.service.ledger();
            let issued = ledger.find(token).ok_or("a token that the service never made")?;
            let known = store.shelf.last_issued(tenant).is_some_and(|last| last >= issued.born_at);
            let over = issued.earliest_end <= self.clock.mono + secs(5);
            let buried = store.shelf.has_buried(tenant, token, issued.born_at);
            // What it said to be ancient was newer, and was buried under the wrong time.
            if over || buried || store.forgot || store.lied {
                continue;
            }
            rule(known, || format!("the store was not told of token {} of {tenant}", issued.serial))?;
            self.tally.add(IN_STORE);
        }
        Ok(())
    }

    /// While nothing is under way, a store that works holds nobody up for this process, and has what it has heard of.
    pub(crate) fn store_is_at_peace(&mut self, now: Now) -> Verdict {
        let busy = self.has_something_under_way() || self.oracles.requests.failed;
        if busy || !matches!(self.broker.held(now, Duration::MAX), Ok(None)) {
            return Ok(());
        }
        self.nothing_is_leased_but_for_another_attempt()?;
        self.nothing_rejected_is_kept()
    }

    /// The store has none of the tokens that it knows to be rejected. It is excused for what it has lost, and who was told a wrong
    /// time of issue by it cannot bury that token.
    fn nothing_rejected_is_kept(&mut self) -> Verdict {
        let excused = |store: &&Store| store.forgot || store.lied;
        let Some(store) = self.store.as_ref().filter(|store| !excused(store)) else { return Ok(()) };
        for (tenant, token) in self.oracles.requests.forgotten() {
            let kept = store.shelf.find(&tenant, self.clock.mono).filter(|kept| kept.token == token);
            rule(kept.is_none(), || format!("the store has a token of {tenant} that was rejected"))?;
        }
        Ok(())
    }

    fn has_something_under_way(&self) -> bool {
        let Oracles { calls, requests, .. } = &self.oracles;
        (calls.under_way(), requests.under_way()) != (0, 0)
    }

    /// Nobody has a lease.
    pub(crate) fn nothing_is_leased(&self) -> Verdict {
        let leases: Vec<_> = self.leases().collect();
        rule(leases.is_empty(), || format!("leases are left: {leases:?}"))
    }

    /// The same, but for tenants of whom another attempt is made before long.
    fn nothing_is_leased_but_for_another_attempt(&self) -> Verdict {
        let Oracles { tickets, requests, .. } = &self.oracles;
        let excused =
            |tenant: &&TenantId| requests.may_try_again(tenant, self.clock.mono) && tickets.is_wanted(tenant);
        let leases: Vec<_> = self.leases().filter(|tenant| !excused(tenant)).collect();
        rule(leases.is_empty(), || format!("leases are left: {leases:?}"))
    }

    /// The tenants that this process has leases on.
    fn leases(&self) -> impl Iterator<Item = &TenantId> {
        let leases = self.store.iter().flat_map(|store| store.shelf.leases(self.clock.mono));
        leases.filter(|(_, owner)| *owner == self.owner).map(|(tenant, _)| tenant)
    }

    /// What is said of tokens on their way into the store is what the service knows of them.
    fn tells_the_truth(&self, request: &StoreRequest, now: Now) -> Verdict {
        let ledger = self.service.ledger();
        match request {
            StoreRequest::Save(all) => {
                for (tenant, Kept { token, stamp, remaining, .. }) in all {
                    let issued = ledger.find(token).ok_or("a token is saved that the service never made")?;
                    let serial = issued.serial;
                    rule(issued.tenant == *tenant, || format!("token {serial} is saved for {tenant}"))?;
                    rule((stamp.issued, stamp.expires) == (issued.born_at, issued.expires_at), || {
                        format!("token {serial} is saved with {stamp:?}")
                    })?;
                    rule(now.mono + *remaining <= issued.dies_at, || {
                        format!("token {serial} is saved with {remaining:?} to live")
                    })?;
                    rule(!self.oracles.view.is_rejected(serial), || {
                        format!("token {serial} of {tenant} is saved after it was rejected")
                    })?;
                }
            }
            StoreRequest::Remove(all) => {
                for (tenant, buried) in all {
                    let issued = ledger.find(&buried.token).ok_or("a token is buried that nobody made")?;
                    let serial = issued.serial;
                    let issued_then = buried.issued == issued.born_at || self.oracles.view.was_found(serial);
                    rule(issued.tenant == *tenant && issued_then, || {
                        format!("token {serial} is buried for {tenant}")
                    })?;
                }
            }
            StoreRequest::Load(_) | StoreRequest::Lease { .. } | StoreRequest::Release(_) => {}
        }
        Ok(())
    }
}

fn found_in(answer: Option<&StoreAnswer>) -> Vec<&Kept> {
    match answer {
        Some(StoreAnswer::Loaded(found)) => found.iter().flatten().collect(),
        Some(StoreAnswer::Leased(leased)) => {
            let found = leased.iter().filter_map(|leased| match leased {
                Leased::Found(kept) => Some(kept),
                Leased::Granted | Leased::Held => None,
            });
            found.collect()
        }
        Some(StoreAnswer::Done) | None => Vec::new(),
    }
}
