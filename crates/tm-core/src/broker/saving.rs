//! What the store is told: new tokens, rejected ones, and leases given back. Nobody waits for it.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use super::{
    Broker, Buried, Kept, Outcome, StoreAnswer, StoreRequest, flight::Key, pipeline::Work, vault::Held,
};
use crate::{Now, TenantId, Token, UnixTime};

/// How long a store may take to be told.
const TIME: Duration = Duration::from_secs(2);

/// Tenants in one request. Fewer than are looked for in one: to make a file takes 2 to 5 ms on a slow disk, so
/// that five hundred would hardly be done in time, and all of them would count as failed.
const MAX_TOLD: usize = 100;

/// How many requests tell the store something at once; what comes meanwhile goes into the next together.
const MAX_TELLING: usize = 4;

/// What the store is to be told next.
#[derive(Debug, Default)]
pub(super) struct Telling {
    saves: VecDeque<Saving>,
    pub(super) removes: VecDeque<Rejection>,
    pub(super) releases: VecDeque<TenantId>,
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

/// A rejected token that the store is to forget.
#[derive(Debug, Clone)]
pub(super) struct Rejection {
    pub(super) tenant: TenantId,
    pub(super) token: Token,
    pub(super) issued: UnixTime,
    /// When the token ends, and with it all interest in it.
    pub(super) until: Duration,
}

/// Who was in a request to save.
#[derive(Debug)]
pub(super) struct Saved {
    tenants: Vec<TenantId>,
    leased: Vec<TenantId>,
    caught_up: bool,
}

impl Telling {
    fn is_empty(&self) -> bool {
        self.saves.is_empty() && self.removes.is_empty() && self.releases.is_empty()
    }
}

impl Broker {
    /// Has the store keep this token too. The lease is given back once that is done.
    pub(super) fn save(&mut self, key: Key, held: &Held) {
        if self.storage.exists() {
            let leased = self.set_lease(key, None);
            let (tenant, held) = (self.flights[key].tenant.clone(), held.clone());
            self.telling.saves.push_back(Saving { key, tenant, held, leased });
        }
    }

    /// Has the store forget this token, and never be told to keep it after that.
    pub(super) fn bury(&mut self, rejection: Rejection) {
        for save in std::mem::take(&mut self.telling.saves) {
            if save.held.token != rejection.token {
                self.telling.saves.push_back(save);
            } else if save.leased {
                self.release(save.tenant);
            }
        }
        self.telling.removes.push_back(rejection);
    }

    /// Tells the store what there is to tell, once the callers have their answers.
    pub(super) fn tell_the_store(&mut self, now: Now) {
        if !self.storage.is_usable(now.mono) {
            return self.keep_for_later();
        }
        if self.storage.may_catch_up(now.mono) {
            self.telling.removes.extend(self.storage.take_unburied(now.mono));
        }
        while self.telling.under_way < MAX_TELLING && !self.telling.removes.is_empty() {
            let rejections = take_for_one_request(&mut self.telling.removes, |rejection| &rejection.tenant);
            self.telling.under_way += 1;
            let buried = rejections.iter().map(|rejection| rejection.told_at(now.mono)).collect();
            self.ask_store(now, StoreRequest::Remove(buried), TIME, Work::Remove(rejections));
        }
        while self.telling.under_way < MAX_TELLING && !self.telling.saves.is_empty() {
            let saves = take_for_one_request(&mut self.telling.saves, |save| &save.tenant);
            self.send_saves(now, saves, false);
        }
        let mut put_off = Vec::new();
        while self.telling.under_way < MAX_TELLING && !self.telling.releases.is_empty() {
            let mut released = take_for_one_request(&mut self.telling.releases, |tenant| tenant);
            put_off.extend(released.extract_if(.., |tenant| self.asks_for_lease(tenant)));
            // It was taken again while this waited.
            released.retain(|tenant| !self.has_lease(tenant));
            if !released.is_empty() {
                self.telling.under_way += 1;
                self.ask_store(now, StoreRequest::Release(released), TIME, Work::Release);
            }
        }
        self.telling.releases.extend(put_off);
        self.catch_up(now);
    }

    /// The client closes: everything that is still to be told is told now, in as many requests as that takes.
    pub(super) fn tell_the_rest(&mut self, now: Now) {
        self.release_all();
        loop {
            // Nobody may be there for the answers: they are not waited for.
            self.telling.under_way = 0;
            if self.telling.is_empty() {
                break;
            }
            self.tell_the_store(now);
        }
        self.storage.forget_all();
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
        for tenant in saved.leased {
            self.release(tenant);
        }
    }

    pub(super) fn removed(&mut self, now: Now, rejections: Vec<Rejection>, outcome: &Outcome) {
        self.told(now, outcome);
        if !is_done(outcome) && !self.closed {
            self.storage.missed_rejections(rejections);
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

    /// When to tell the store what it has missed. As long as it is told other things, their answers are waited for.
    pub(super) fn tells_again_at(&self) -> Option<Duration> {
        let busy = self.telling.under_way >= MAX_TELLING;
        self.storage.retry_at(self.telling.catching_up).filter(|_| !busy)
    }

    fn send_saves(&mut self, now: Now, saves: Vec<Saving>, caught_up: bool) {
        let mut leased = Vec::new();
        let mut kept = Vec::with_capacity(saves.len());
        for save in saves {
            if save.leased {
                leased.push(save.tenant.clone());
            }
            let (remaining, Held { token, stamp, cold, .. }) = (save.held.remaining(now.mono), save.held);
            // One that has ended while it waited is of no use to anybody.
            if !remaining.is_zero() {
                kept.push((save.tenant, Kept { token, stamp, remaining, cold }));
            }
        }
        if kept.is_empty() {
            return leased.into_iter().for_each(|tenant| self.release(tenant));
        }
        let tenants = kept.iter().map(|(tenant, _)| tenant.clone()).collect();
        self.telling.under_way += 1;
        self.telling.catching_up |= caught_up;
        let work = Work::Save(Saved { tenants, leased, caught_up });
        self.ask_store(now, StoreRequest::Save(kept), TIME, work);
    }

    /// The store works again: it gets the tokens that it has missed.
    fn catch_up(&mut self, now: Now) {
        let busy = self.telling.catching_up || self.telling.under_way >= MAX_TELLING;
        if busy || !self.storage.may_catch_up(now.mono) {
            return;
        }
        let keys = self.storage.take_unsaved(MAX_TOLD);
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
            if self.vault.contains(save.key) {
                self.storage.missed(save.key);
            }
        }
        let rejections = std::mem::take(&mut self.telling.removes);
        if !self.closed {
            self.storage.missed_rejections(rejections);
        }
    }
}

impl Rejection {
    fn told_at(&self, now: Duration) -> (TenantId, Buried) {
        let remaining = self.until.saturating_sub(now);
        (self.tenant.clone(), Buried { token: self.token.clone(), issued: self.issued, remaining })
    }
}

/// Takes what goes into one request: none too many, and no tenant twice. What stays keeps its order, and is not looked at.
fn take_for_one_request<T>(queue: &mut VecDeque<T>, tenant: impl Fn(&T) -> &TenantId) -> Vec<T> {
    let (mut named, mut next, mut twice) = (HashSet::new(), Vec::new(), Vec::new());
    while named.len() < MAX_TOLD
        && let Some(item) = queue.pop_front()
    {
        if named.insert(tenant(&item).clone()) {
            next.push(item);
        } else {
            twice.push(item);
        }
    }
    for item in twice.into_iter().rev() {
        queue.push_front(item);
    }
    next
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Stored(StoreAnswer::Done))
}
