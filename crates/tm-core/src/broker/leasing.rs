//! Leases: of several processes that need a token, one fetches it and the others find it in the store. They only save calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    Broker, Leased, Outcome, Stamp, StoreAnswer, StoreRequest,
    flight::{Elsewhere, Key, Line, Rare, Stage},
    nanos::Nanos,
    pipeline::Work,
};
use crate::{Now, TenantId, UnixTime, wire::MAX_BATCH};

/// How long a lease is good for: less than anybody waits for another's fetch, so that the dead hold up nobody for long.
const TIME: Duration = Duration::from_secs(4);

/// Leases in use are renewed after so long.
const RENEWED_AFTER: Duration = Duration::from_secs(2);

/// How long callers wait for another's fetch before we call ourselves, lease or not.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the store is looked into meanwhile: doubling from the first to the last.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LATER_LOOKS: Duration = Duration::from_millis(400);

/// The leases that we have and ask for.
#[derive(Debug, Default)]
pub(super) struct Leases {
    renewals: BTreeSet<(Nanos, Key)>,
    /// Those that are being renewed, and whether they are to be given back after that.
    renewing: BTreeMap<TenantId, bool>,
    /// Fifths of calls that are being asked for.
    asked: usize,
}

impl Leases {
    pub(super) fn first_renewal(&self) -> Option<Duration> {
        self.renewals.first().map(|(at, _)| (*at).into())
    }

    /// So many are not being asked for any longer.
    pub(super) fn answered(&mut self, fifths: usize) {
        self.asked -= fifths;
    }

    /// Whether more may come soon that could go into the next call.
    pub(super) fn are_asked_for(&self) -> bool {
        self.asked > 0
    }
}

impl Broker {
    /// Asks for leases just in time: for as many tenants as there are free slots to take.
    pub(super) fn lease(&mut self, now: Now) {
        loop {
            let room = self.gate.room() * MAX_BATCH;
            self.round_up(now);
            let mut left = room.saturating_sub(self.leases.asked + self.lines.call.fifths());
            let mut keys = Vec::new();
            while left > 0
                && let Some(group) = self.lines.lease.take(left)
            {
                left = left.saturating_sub(self.fifths(&group));
                keys.extend(group);
            }
            if keys.is_empty() {
                return;
            }
            let fifths = self.fifths(&keys);
            self.leases.asked += fifths;
            let claims = keys.iter().map(|key| {
                let has = self.vault.get(*key, now.mono).map(|held| held.stamp);
                (self.flights[*key].tenant.clone(), has)
            });
            let request = StoreRequest::Lease { claims: claims.collect(), time: TIME };
            for key in &keys {
                self.flights[*key].stage = Stage::UnderWay(Line::Lease);
            }
            let time = self.time_for_store(now, &keys);
            self.ask_store(now, request, time, Work::Lease { keys, fifths, asked: now.mono });
        }
    }

    pub(super) fn leased(&mut self, now: Now, keys: &[Key], asked: Duration, outcome: Outcome) {
        let answers = match outcome {
            Outcome::Stored(StoreAnswer::Leased(answers)) if answers.len() == keys.len() => {
                self.storage.succeeded();
                answers.into_iter().map(Some).collect()
            }
            _ => {
                self.store_failed(now);
                vec![None; keys.len()]
            }
        };
        for (key, answer) in keys.iter().zip(answers) {
            match answer {
                Some(Leased::Found(kept)) if self.adopt(now, *key, &kept, asked) => {
                    self.go_on(now, *key, true);
                }
                Some(Leased::Held) => self.held_elsewhere(now, *key),
                Some(Leased::Granted) => {
                    self.set_lease(*key, Some(now.mono + RENEWED_AFTER));
                    self.cleared(now, *key);
                }
                // What was found is no good, or the store does not work: we fetch it, lease or not.
                Some(Leased::Found(_)) | None => self.cleared(now, *key),
            }
        }
    }

    /// Keeps the leases of those who wait for the gate, for the service, or for another attempt.
    pub(super) fn renew(&mut self, now: Now) {
        let mut keys = Vec::new();
        while let Some((at, key)) =
            self.leases.renewals.first().copied().filter(|(at, _)| *at <= now.mono.into())
        {
            if now.mono + RENEWED_AFTER < Duration::from(at) + TIME {
                self.set_lease(key, Some(now.mono + RENEWED_AFTER));
                keys.push(key);
            } else {
                self.lose_lease(key);
            }
        }
        if keys.is_empty() || !self.storage.is_usable(now.mono) {
            return;
        }
        // Nothing beats this: what others have saved meanwhile is of no interest now.
        let last = UnixTime::from_millis(i64::MAX);
        let has = Some(Stamp { issued: last, expires: last });
        let tenants = self.names(&keys);
        self.leases.renewing.extend(tenants.iter().map(|tenant| (tenant.clone(), false)));
        let claims = tenants.iter().map(|tenant| (tenant.clone(), has)).collect();
        let request = StoreRequest::Lease { claims, time: TIME };
        let time = self.time_for_store(now, &keys);
        self.ask_store(now, request, time, Work::Renewal(tenants));
    }

    pub(super) fn renewed(&mut self, tenants: Vec<TenantId>) {
        for tenant in tenants {
            let over = self.leases.renewing.remove(&tenant) == Some(true);
            if over && !self.has_lease(&tenant) {
                self.telling.releases.push_back(tenant);
            }
        }
    }

    /// Gives a lease back. A renewal that is under way is waited for: it might reach the store last, and take the lease again.
    pub(super) fn release(&mut self, tenant: TenantId) {
        match self.leases.renewing.get_mut(&tenant) {
            Some(over) => *over = true,
            None => self.telling.releases.push_back(tenant),
        }
    }

    pub(super) fn has_lease(&self, tenant: &TenantId) -> bool {
        self.flights.find(tenant).is_some_and(|key| self.flights[key].rare().lease.is_some())
    }

    /// Whether an answer tells soon if there is a lease. None is waited for once the client closes.
    pub(super) fn asks_for_lease(&self, tenant: &TenantId) -> bool {
        let stage = self.flights.find(tenant).map(|key| &self.flights[key].stage);
        self.leases.are_asked_for() && matches!(stage, Some(Stage::UnderWay(Line::Lease)))
    }

    /// The client closes: nothing is fetched any more, and no answer waited for.
    pub(super) fn release_all(&mut self) {
        while let Some((_, key)) = self.leases.renewals.first().copied() {
            self.set_lease(key, None);
            self.telling.releases.push_back(self.flights[key].tenant.clone());
        }
        let Leases { renewing, .. } = std::mem::take(&mut self.leases);
        self.telling
            .releases
            .extend(renewing.into_iter().filter_map(|(tenant, over)| over.then_some(tenant)));
    }

    /// The lease is of no use any more, and is given back if there is one.
    pub(super) fn give_back(&mut self, key: Key) {
        if self.set_lease(key, None) {
            self.release(self.flights[key].tenant.clone());
        }
    }

    /// Sets when the lease is to be renewed. Answers whether there was one.
    pub(super) fn set_lease(&mut self, key: Key, renew_at: Option<Duration>) -> bool {
        let renew_at = renew_at.map(Nanos::from);
        let flight = &mut self.flights[key];
        let rare = flight.rare();
        let before = rare.lease;
        flight.set_rare(Rare { lease: renew_at, ..rare });
        if let Some(at) = before {
            self.leases.renewals.remove(&(at, key));
        }
        self.leases.renewals.extend(renew_at.map(|at| (at, key)));
        before.is_some()
    }

    /// The machine slept, and the lease is over: another may have it since, and a token of theirs may be in the store.
    fn lose_lease(&mut self, key: Key) {
        self.set_lease(key, None);
        if let Stage::Queued(Line::Call, place) = self.flights[key].stage {
            self.lines.remove(Line::Call, key, place);
            self.enter(Line::Lease, key);
        }
    }

    /// Nothing but the gate stands between this tenant and its call.
    fn cleared(&mut self, now: Now, key: Key) {
        self.flights[key].stage = Stage::Idle;
        if !self.wanted(key) {
            return self.settle_down(now, key);
        }
        self.enter(Line::Call, key);
        self.dismiss_hopeless(now, key);
    }

    /// Somebody else fetches it. Who has a living token goes on with that; who has none waits, and looks again before long.
    fn held_elsewhere(&mut self, now: Now, key: Key) {
        self.serve_living(now, key);
        let nobody_waits = !self.waiters.any(key);
        if nobody_waits && (self.vault.contains(key) || !self.flights[key].wished) {
            return self.leave_to_another(now, key);
        }
        let flight = &mut self.flights[key];
        let rare = flight.rare();
        let Elsewhere { since, looked } = rare.elsewhere.unwrap_or(Elsewhere { since: now.mono, looked: 0 });
        if now.mono.saturating_sub(since) >= PATIENCE {
            return self.cleared(now, key);
        }
        let elsewhere = Some(Elsewhere { since, looked: looked.saturating_add(1) });
        flight.set_rare(Rare { elsewhere, ..rare });
        flight.stage = Stage::Elsewhere;
        flight.serial = None;
        flight.missed = false;
        let wait = FIRST_LOOK.saturating_mul(1 << looked.min(16)).min(LATER_LOOKS);
        self.flights.set_timer(key, Some((now.mono + wait).min(since + PATIENCE)));
    }

    fn fifths(&self, keys: &[Key]) -> usize {
        keys.iter().map(|key| if self.flights[*key].alone { MAX_BATCH } else { 1 }).sum()
    }
}
