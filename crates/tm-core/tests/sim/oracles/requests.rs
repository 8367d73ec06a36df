//! Requests to the store: few at once, none too large, given up in time; and no call without having looked there first.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{
    TenantId, Token,
    broker::{StoreAnswer, StoreRequest},
};

use super::{Heard, Verdict, rule};
use crate::clock::{millis, secs};

/// Tenants in one request that looks for something, and in one that tells something.
const MOST: usize = 500;
const MOST_TOLD: usize = 100;
/// Requests to load, and requests to tell something, at once.
const AT_ONCE: usize = 4;
/// How long after a failure another attempt leaves, unless all calls are held.
const LONGEST_BACKOFF: Duration = secs(5);

/// The requests of one process.
#[derive(Debug)]
pub(crate) struct Requests {
    calls_at_once: usize,
    open: BTreeMap<usize, Open>,
    /// The store was asked for these, and there was no newer token since.
    looked: BTreeSet<TenantId>,
    /// When a call for these last failed in a way that another may mend.
    failed_at: BTreeMap<TenantId, Duration>,
    /// Rejected tokens that the store has, and is to forget.
    owed: Vec<(TenantId, Token)>,
    /// Whether the store has ever failed this process.
    pub(crate) failed: bool,
}

#[derive(Debug)]
struct Open {
    kind: Kind,
    tenants: Vec<TenantId>,
    give_up_at: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Load,
    Lease,
    Telling,
}

impl Requests {
    pub(crate) fn new(calls_at_once: usize) -> Self {
        Self {
            calls_at_once,
            open: BTreeMap::new(),
            looked: BTreeSet::new(),
            failed_at: BTreeMap::new(),
            owed: Vec::new(),
            failed: false,
        }
    }

    pub(crate) fn started(
        &mut self,
        number: usize,
        request: &StoreRequest,
        now: Duration,
        give_up_at: Duration,
    ) -> Verdict {
        let (kind, longest) = match request {
            StoreRequest::Load(_) => (Kind::Load, millis(500)),
            StoreRequest::Lease { .. } => (Kind::Lease, millis(500)),
            StoreRequest::Save(_) | StoreRequest::Remove(_) | StoreRequest::Release(_) => {
                (Kind::Telling, secs(2))
            }
        };
        let tenants = tenants_of(request);
        let (count, distinct) = (tenants.len(), tenants.iter().collect::<BTreeSet<_>>().len());
        let most = if kind == Kind::Telling { MOST_TOLD } else { MOST };
        rule((1..=most).contains(&count), || format!("a {kind:?} of the store about {count} tenants"))?;
        rule(distinct == count, || format!("a tenant twice in {request:?}"))?;
        rule(give_up_at > now && give_up_at <= now + longest, || {
            format!("a {kind:?} of {now:?} is given up at {give_up_at:?}")
        })?;
        if let StoreRequest::Release(tenants) = request {
            self.looked.retain(|tenant| !tenants.contains(tenant));
        }
        self.open.insert(number, Open { kind, tenants, give_up_at });
        // Leases and their renewals: each of one tenant of a call at least.
        let limit = if kind == Kind::Lease { 10 * self.calls_at_once } else { AT_ONCE };
        let at_once = self.open.values().filter(|open| open.kind == kind).count();
        rule(at_once <= limit, || format!("{at_once} requests of the kind {kind:?} at once"))
    }

    /// Before a drain: what the broker gives up now is not under way any longer.
    pub(crate) fn give_up(&mut self, now: Duration) {
        let before = self.open.len();
        self.open.retain(|_, open| open.give_up_at > now);
        self.failed |= self.open.len() < before;
    }

    /// Whether this answer is one to what was asked, if it still counts.
    pub(crate) fn answered(&mut self, number: usize, answer: Option<&StoreAnswer>) -> Option<bool> {
        let open = self.open.remove(&number)?;
        match answer {
            Some(StoreAnswer::Leased(leased))
                if open.kind == Kind::Lease && leased.len() == open.tenants.len() =>
            {
                self.looked.extend(open.tenants);
            }
            Some(StoreAnswer::Loaded(found))
                if open.kind == Kind::Load && found.len() == open.tenants.len() => {}
            Some(StoreAnswer::Done) if open.kind == Kind::Telling => {}
            _ => {
                self.failed = true;
                return Some(false);
            }
        }
        Some(true)
    }

    /// A call with this tenant leaves.
    pub(crate) fn called(&self, tenant: &TenantId) -> Verdict {
        rule(self.failed || self.looked.contains(tenant), || {
            format!("a call with tenant {tenant}, and the store was not asked")
        })
    }

    /// A call came back, or was given up.
    pub(crate) fn heard(&mut self, now: Duration, heard: &Heard<'_>) {
        if heard.is_transient() {
            self.failed_at.extend(heard.tenants.iter().map(|tenant| (tenant.clone(), now)));
        }
    }

    /// Whether this tenant may be about to be tried again.
    pub(crate) fn may_try_again(&self, tenant: &TenantId, now: Duration) -> bool {
        self.failed_at.get(tenant).is_some_and(|at| now < *at + LONGEST_BACKOFF)
    }

    /// The tenant has a new token.
    pub(crate) fn shown(&mut self, tenant: &TenantId) {
        self.looked.remove(tenant);
    }

    /// The client knows that this token was rejected, and that the store may have it.
    pub(crate) fn must_be_forgotten(&mut self, tenant: &TenantId, token: &Token) {
        self.owed.push((tenant.clone(), token.clone()));
    }

    /// What the store must have forgotten, while nothing is under way.
    pub(crate) fn forgotten(&mut self) -> Vec<(TenantId, Token)> {
        std::mem::take(&mut self.owed)
    }

    /// Whether the store is being asked for this tenant.
    pub(crate) fn has(&self, tenant: &TenantId) -> bool {
        let asking = self.open.values().filter(|open| open.kind != Kind::Telling);
        asking.flat_map(|open| &open.tenants).any(|asked| asked == tenant)
    }

    /// Whether a lease is asked for, or renewed.
    pub(crate) fn are_for_leases(&self) -> bool {
        self.open.values().any(|open| open.kind == Kind::Lease)
    }

    pub(crate) fn under_way(&self) -> usize {
        self.open.len()
    }
}

pub(crate) fn tenants_of(request: &StoreRequest) -> Vec<TenantId> {
    match request {
        StoreRequest::Load(tenants) | StoreRequest::Release(tenants) => tenants.clone(),
        StoreRequest::Lease { claims, .. } => claims.iter().map(|(tenant, _)| tenant.clone()).collect(),
        StoreRequest::Save(all) => all.iter().map(|(tenant, _)| tenant.clone()).collect(),
        StoreRequest::Remove(all) => all.iter().map(|(tenant, _)| tenant.clone()).collect(),
    }
}
