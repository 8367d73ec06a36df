//! What the simulated store keeps, by the rules of tm-cache's contract: the newer wins, and the buried stay buried.

use std::{collections::BTreeMap, time::Duration};

use tm_core::{
    TenantId, Token, UnixTime,
    broker::{Buried, Kept, Stamp},
};

use crate::clock;

/// How far ahead of the store's clock a record's time of issue may lie to be believed.
const AHEAD: Duration = Duration::from_secs(300);

/// Records, graves and leases.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// By how much its wall clock is ahead of the truth.
    pub(crate) skew_ms: i64,
    entries: BTreeMap<TenantId, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    record: Option<(Kept, Duration)>,
    grave: Option<Grave>,
    lease: Option<(u64, Duration)>,
}

#[derive(Debug)]
struct Grave {
    issued: UnixTime,
    tokens: Vec<Token>,
    until: Duration,
}

impl Shelf {
    pub(crate) fn find(&self, tenant: &TenantId, now: Duration) -> Option<Kept> {
        let (kept, end) = self.entries.get(tenant)?.record.as_ref()?;
        (*end > now).then(|| Kept { remaining: *end - now, ..kept.clone() })
    }

    /// When the token that was kept last was issued. It may be over, though an older one is not.
    pub(crate) fn last_issued(&self, tenant: &TenantId) -> Option<UnixTime> {
        self.entries.get(tenant)?.record.as_ref().map(|(kept, _)| kept.stamp.issued)
    }

    /// A record that beats what the claimant has.
    pub(crate) fn find_better(&self, tenant: &TenantId, has: Option<Stamp>, now: Duration) -> Option<Kept> {
        let kept = self.find(tenant, now)?;
        let better = has.is_none_or(|has| kept.stamp > has) && self.is_believable(&kept, now);
        better.then_some(kept)
    }

    pub(crate) fn put(&mut self, tenant: &TenantId, kept: &Kept, now: Duration) {
        let (believable, entry) = (self.is_believable(kept, now), self.entries.get(tenant));
        let before = entry.and_then(|entry| entry.record.as_ref()).filter(|(_, end)| *end > now);
        let beaten = before
            .is_some_and(|(old, _)| self.is_believable(old, now) && (!believable || old.stamp >= kept.stamp));
        let grave = entry.and_then(|entry| entry.grave.as_ref()).filter(|grave| grave.until > now);
        let buried = grave.is_some_and(|grave| grave.buries(kept));
        if !beaten && !buried && !kept.remaining.is_zero() {
            let record = Some((kept.clone(), now + kept.remaining));
            self.entries.entry(tenant.clone()).or_default().record = record;
        }
    }

    pub(crate) fn bury(&mut self, tenant: &TenantId, buried: &Buried, now: Duration) {
        let entry = self.entries.entry(tenant.clone()).or_default();
        let until = now + buried.remaining;
        let grave = entry.grave.get_or_insert_with(|| Grave { issued: buried.issued, tokens: vec![], until });
        if buried.issued > grave.issued {
            *grave = Grave { issued: buried.issued, tokens: vec![], until: grave.until };
        }
        if buried.issued == grave.issued && !grave.tokens.contains(&buried.token) {
            grave.tokens.push(buried.token.clone());
        }
        grave.until = grave.until.max(until);
        entry.record.take_if(|(kept, _)| grave.buries(kept));
    }

    /// Whether this token may not come back, or could not be kept: of two of the same second, which two processes fetched, the
    /// first is kept, until it is buried.
    pub(crate) fn has_buried(&self, tenant: &TenantId, token: &Token, issued: UnixTime) -> bool {
        let grave = self.entries.get(tenant).and_then(|entry| entry.grave.as_ref());
        grave.is_some_and(|grave| issued <= grave.issued || grave.tokens.contains(token))
    }

    /// Whether this owner has the lease from now on.
    pub(crate) fn lease(&mut self, tenant: &TenantId, owner: u64, now: Duration, time: Duration) -> bool {
        let entry = self.entries.entry(tenant.clone()).or_default();
        let held = entry.lease.is_some_and(|(holder, end)| holder != owner && end > now);
        if !held {
            entry.lease = Some((owner, now + time));
        }
        !held
    }

    pub(crate) fn release(&mut self, tenant: &TenantId, owner: u64) {
        if let Some(entry) = self.entries.get_mut(tenant) {
            entry.lease.take_if(|(holder, _)| *holder == owner);
        }
    }

    /// Who holds leases, and on what.
    pub(crate) fn leases(&self, now: Duration) -> Vec<(&TenantId, u64)> {
        let leases = self.entries.iter().filter_map(|(tenant, entry)| Some((tenant, entry.lease?)));
        leases.filter(|(_, (_, end))| *end > now).map(|(tenant, (owner, _))| (tenant, owner)).collect()
    }

    pub(crate) fn wipe(&mut self) {
        self.entries.clear();
    }

    fn is_believable(&self, kept: &Kept, now: Duration) -> bool {
        kept.stamp.issued <= clock::wall(now, self.skew_ms).saturating_add(AHEAD)
    }
}

impl Grave {
    fn buries(&self, kept: &Kept) -> bool {
        kept.stamp.issued < self.issued || self.tokens.contains(&kept.token)
    }
}
