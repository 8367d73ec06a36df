//! What the store is told: new tokens, rejected ones, and leases given back. Nobody waits for it.

use std::time::Duration;

use super::{
    Broker, Buried, Kept, Outcome, StoreAnswer, StoreRequest, flight::Key, loading::MAX_TENANTS,
    pipeline::Work, vault::Held,
};
use crate::{Now, TenantId};

/// How long a store may take to be told.
const TIME: Duration = Duration::from_secs(2);

/// How many requests tell the store something at once; what comes meanwhile goes into the next together.
const MAX_TELLING: usize = 4;

/// What the store is to be told next.
#[derive(Debug, Default)]
pub(super) struct Telling {
    saves: Vec<Saving>,
    pub(super) removes: Vec<(TenantId, Buried)>,
    pub(super) releases: Vec<TenantId>,
    under_way: usize,
    /// What the store has missed goes one request after the other.
    catching_up: bool,
}

/// A token on its way into the store.
#[derive(Debug)]
struct Saving {
    key: Key,
    tenant: TenantId,
    held: Held,
    leased: bool,
}

/// Who was in a request to save.
#[derive(Debug)]
pub(super) struct Saved {
    tenants: Vec<TenantId>,
    leased: Vec<TenantId>,
    caught_up: bool,
}

impl Broker {
    /// Has the store keep this token too. The lease is given back once that is done.
    pub(super) fn save(&mut self, key: Key, held: &Held) {
        if self.storage.exists() {
            let leased = self.set_lease(key, None);
            let (tenant, held) = (self.flights[key].tenant.clone(), held.clone());
            self.telling.saves.push(Saving { key, tenant, held, leased });
        }
    }

    /// Tells the store what there is to tell, once the callers have their answers.
    pub(super) fn tell_the_store(&mut self, now: Now) {
        if !self.storage.is_usable(now.mono) {
            return self.keep_for_later();
        }
        while self.telling.under_way < MAX_TELLING && !self.telling.saves.is_empty() {
            let most = self.telling.saves.len().min(MAX_TENANTS);
            let saves = self.telling.saves.drain(..most).collect();
            self.send_saves(now, saves, false);
        }
        if self.telling.under_way < MAX_TELLING && self.storage.may_catch_up(now.mono) {
            self.telling.removes.extend(self.storage.take_unburied());
        }
        if self.telling.under_way < MAX_TELLING && !self.telling.removes.is_empty() {
            let buried = std::mem::take(&mut self.telling.removes);
            self.telling.under_way += 1;
            let request = StoreRequest::Remove(buried.clone());
            self.ask_store(now, request, TIME, Work::Remove(buried));
        }
        if self.telling.under_way < MAX_TELLING && !self.telling.releases.is_empty() {
            let released = std::mem::take(&mut self.telling.releases);
            self.telling.under_way += 1;
            self.ask_store(now, StoreRequest::Release(released), TIME, Work::Release);
        }
        self.catch_up(now);
    }

    /// The client closes: everything that is still to be told is told now.
    pub(super) fn tell_the_rest(&mut self, now: Now) {
        for (_, key) in std::mem::take(&mut self.leases).into_renewals() {
            self.telling.releases.push(self.flights[key].tenant.clone());
        }
        self.telling.under_way = 0;
        self.tell_the_store(now);
    }

    pub(super) fn saved(&mut self, now: Now, saved: Saved, outcome: &Outcome) {
        self.told(now, outcome);
        if saved.caught_up {
            self.telling.catching_up = false;
        }
        if !is_done(outcome) {
            for tenant in &saved.tenants {
                if let Some(key) = self.flights.find(tenant).filter(|key| self.vault.contains(*key)) {
                    self.storage.missed(key);
                }
            }
        }
        self.telling.releases.extend(saved.leased);
    }

    pub(super) fn removed(&mut self, now: Now, buried: Vec<(TenantId, Buried)>, outcome: &Outcome) {
        self.told(now, outcome);
        if !is_done(outcome) {
            for (tenant, buried) in buried {
                self.storage.missed_rejection(tenant, buried);
            }
        }
    }

    pub(super) fn told(&mut self, now: Now, outcome: &Outcome) {
        self.telling.under_way = self.telling.under_way.saturating_sub(1);
        if is_done(outcome) {
            self.storage.succeeded();
        } else {
            self.store_failed(now);
        }
    }

    fn send_saves(&mut self, now: Now, saves: Vec<Saving>, caught_up: bool) {
        let mut leased = Vec::new();
        let mut kept = Vec::with_capacity(saves.len());
        for save in saves {
            self.storage.forget(save.key);
            if save.leased {
                leased.push(save.tenant.clone());
            }
            let Held { token, stamp, cold, .. } = save.held.clone();
            kept.push((save.tenant, Kept { token, stamp, remaining: save.held.remaining(now.mono), cold }));
        }
        let tenants = kept.iter().map(|(tenant, _)| tenant.clone()).collect();
        self.telling.under_way += 1;
        self.telling.catching_up |= caught_up;
        let work = Work::Save(Saved { tenants, leased, caught_up });
        self.ask_store(now, StoreRequest::Save(kept), TIME, work);
    }

    /// The store works again: it gets the tokens that it has missed.
    fn catch_up(&mut self, now: Now) {
        if self.telling.catching_up || !self.storage.may_catch_up(now.mono) {
            return;
        }
        let keys = self.storage.take_unsaved(MAX_TENANTS);
        let saves: Vec<_> = keys
            .into_iter()
            .filter_map(|key| {
                let held = self.vault.get(key, now.mono)?.clone();
                Some(Saving { key, tenant: self.flights[key].tenant.clone(), held, leased: false })
            })
            .collect();
        if !saves.is_empty() {
            self.send_saves(now, saves, true);
        }
    }

    /// The store does not work: what it has to know is kept for it, and leases end by themselves.
    fn keep_for_later(&mut self) {
        self.telling.releases.clear();
        for save in std::mem::take(&mut self.telling.saves) {
            if self.flights.find(&save.tenant) == Some(save.key) && self.vault.contains(save.key) {
                self.storage.missed(save.key);
            }
        }
        for (tenant, buried) in std::mem::take(&mut self.telling.removes) {
            self.storage.missed_rejection(tenant, buried);
        }
    }
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Stored(StoreAnswer::Done))
}
