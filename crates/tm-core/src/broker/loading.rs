//! What the store has: asked for before the service is, and taken if it is any good.

use std::time::Duration;

use super::{
    Broker, Effect, Kept, Outcome, Output, StoreAnswer, StoreRequest,
    flight::{Key, Line, Stage},
    lifetime::Lifetime,
    pipeline::Work,
    rejections::hash,
    saving::Rejection,
    schedule::Draw,
    vault::Held,
};
use crate::{Now, TenantId, wire::MAX_LIFE};

/// How long a store may take when somebody waits, and when a token in hand will do.
const TIME: Duration = Duration::from_millis(500);
const TIME_WITH_TOKEN: Duration = Duration::from_millis(100);

/// Tenants in one request, so that none is too large for anybody.
const MAX_TENANTS: usize = 500;

/// Loads at once: a second one need not wait for a slow first.
const MAX_LOADS: usize = 4;

impl Broker {
    /// Asks the store for all who wait for that.
    pub(super) fn load(&mut self, now: Now) {
        while self.loads < MAX_LOADS && !self.lines.load.is_empty() {
            let keys = self.lines.load.take_any(MAX_TENANTS);
            for key in &keys {
                self.flights[*key].stage = Stage::UnderWay(Line::Load);
            }
            self.loads += 1;
            let request = StoreRequest::Load(self.names(&keys));
            self.ask_store(now, request, TIME, Work::Load { keys, asked: now.mono });
        }
    }

    pub(super) fn loaded(&mut self, now: Now, keys: &[Key], asked: Duration, outcome: Outcome) {
        self.loads -= 1;
        let kept = match outcome {
            Outcome::Stored(StoreAnswer::Loaded(kept)) if kept.len() == keys.len() => {
                self.storage.succeeded();
                kept
            }
            _ => {
                self.store_failed(now);
                vec![None; keys.len()]
            }
        };
        for (key, kept) in keys.iter().zip(kept) {
            self.flights[*key].missed = true;
            let found = kept.is_some_and(|kept| self.adopt(now, *key, &kept, asked));
            self.go_on(now, *key, found);
        }
    }

    /// Takes a token out of the store into our own hand, if it is any better than what is there. Serves those whom it serves. One
    /// that was rejected here when it was no longer in hand is something that the store has not been told.
    pub(super) fn adopt(&mut self, now: Now, key: Key, kept: &Kept, asked: Duration) -> bool {
        let hash = hash(&kept.token);
        if self.rejections.contains(hash) {
            let (tenant, token) = (self.flights[key].tenant.clone(), kept.token.clone());
            let until = now.mono + kept.remaining.min(MAX_LIFE);
            self.bury(Rejection { tenant, token, issued: kept.stamp.issued, until });
            return false;
        }
        let service_now = self.service_clock.map(|clock| clock.at(now.mono));
        let lifetime = Lifetime::of_kept(kept, service_now, asked, now);
        let in_hand = self.vault.get(key, now.mono);
        let better = in_hand.is_none_or(|held| held.stamp < kept.stamp && held.end() < lifetime.end);
        if !better || lifetime.end <= now.mono {
            return false;
        }
        self.counted.tokens_loaded += 1;
        self.waiters.progressed(now.mono);
        let due = self.draw(hash).due(&lifetime, kept.cold);
        self.put(now, key, Held::new(kept.token.clone(), hash, kept.stamp, kept.cold, &lifetime, due));
        self.serve_living(now, key);
        true
    }

    /// A token's own draw of when it is due, by its hash.
    pub(super) fn draw(&mut self, hash: u64) -> Draw {
        if self.storage.leases() {
            Draw::shared(hash, &mut self.rng)
        } else {
            Draw::of_call(&mut self.places)
        }
    }

    /// The store has been asked. Who still wants a token from the service is queued for it.
    pub(super) fn go_on(&mut self, now: Now, key: Key, found: bool) {
        let flight = &mut self.flights[key];
        flight.stage = Stage::Idle;
        flight.wished &= !found;
        self.again(now, key);
    }

    /// The store does not work: who waits for it waits for the service instead.
    pub(super) fn skip_the_store(&mut self, now: Now) {
        let mut keys = self.lines.load.take_any(usize::MAX);
        keys.extend(self.lines.lease.take_any(usize::MAX));
        for key in keys {
            if let Stage::Queued(_, place) = self.flights[key].stage {
                self.flights[key].stage = Stage::Queued(Line::Call, place);
                self.lines.insert(Line::Call, key, place);
                self.dismiss_hopeless(now, key);
            }
        }
    }

    pub(super) fn store_failed(&mut self, now: Now) {
        self.counted.store_failures += 1;
        self.storage.failed(now.mono);
    }

    /// How long to wait for the store on behalf of these.
    pub(super) fn time_for_store(&self, now: Now, keys: &[Key]) -> Duration {
        let in_hand = keys.iter().all(|key| self.vault.get(*key, now.mono).is_some());
        if in_hand { TIME_WITH_TOKEN } else { TIME }
    }

    pub(super) fn ask_store(&mut self, now: Now, request: StoreRequest, time: Duration, work: Work) {
        let give_up_at = now.mono + time;
        let id = self.next_effect();
        self.start(id, give_up_at, work);
        self.outputs.push_back(Output::Do { id, effect: Effect::Store(request), give_up_at });
    }

    pub(super) fn names(&self, keys: &[Key]) -> Vec<TenantId> {
        keys.iter().map(|key| self.flights[*key].tenant.clone()).collect()
    }
}
