//! Calls: one to five distinct tenants, no tenant in two at once, never more than allowed at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{
    TenantId,
    broker::{EffectId, Stats},
};

use super::{Verdict, rule};
use crate::clock::secs;

/// How long a call may be late before it is given up, at most.
const SLACK: Duration = secs(5);

/// The calls that are under way as far as the broker can know.
#[derive(Debug)]
pub(crate) struct Calls {
    limit: usize,
    under_way: BTreeMap<EffectId, UnderWay>,
    tenants: BTreeMap<TenantId, EffectId>,
    over: BTreeSet<EffectId>,
    singles: u64,
    batches: u64,
    peak: usize,
}

#[derive(Debug)]
struct UnderWay {
    tenants: Vec<TenantId>,
    give_up_at: Duration,
}

impl Calls {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            under_way: BTreeMap::new(),
            tenants: BTreeMap::new(),
            over: BTreeSet::new(),
            singles: 0,
            batches: 0,
            peak: 0,
        }
    }

    /// Before a drain: what the broker gives up now is not under way any longer. Answers which calls, with their tenants.
    pub(crate) fn give_up(&mut self, now: Duration) -> Vec<(EffectId, Vec<TenantId>)> {
        let late = self.under_way.iter().filter(|(_, call)| call.give_up_at <= now);
        let late: Vec<_> = late.map(|(id, call)| (*id, call.tenants.clone())).collect();
        for (id, _) in &late {
            self.remove(*id);
        }
        late
    }

    /// Whether this answer still counts.
    pub(crate) fn answered(&mut self, id: EffectId) -> bool {
        self.remove(id)
    }

    pub(crate) fn started(
        &mut self,
        id: EffectId,
        tenants: &[TenantId],
        time: Duration,
        now: Duration,
        give_up_at: Duration,
    ) -> Verdict {
        let known = self.under_way.contains_key(&id) || self.over.contains(&id);
        rule(!known, || format!("{id:?} was given out twice"))?;
        let distinct: BTreeSet<&TenantId> = tenants.iter().collect();
        let count = tenants.len();
        rule((1..=5).contains(&count), || format!("a call with {count} tenants"))?;
        rule(distinct.len() == count, || format!("a tenant twice in one call: {tenants:?}"))?;
        rule(give_up_at >= now + time && give_up_at <= now + time + SLACK, || {
            format!("a call may take {time:?} from {now:?} on, but is given up at {give_up_at:?}")
        })?;
        for tenant in tenants {
            let other = self.tenants.insert(tenant.clone(), id);
            rule(other.is_none(), || {
                format!("tenant {tenant} is in two calls at once, {id:?} and {other:?}")
            })?;
        }
        self.under_way.insert(id, UnderWay { tenants: tenants.to_vec(), give_up_at });
        *(if count == 1 { &mut self.singles } else { &mut self.batches }) += 1;
        let (at_once, limit) = (self.under_way.len(), self.limit);
        self.peak = self.peak.max(at_once);
        rule(at_once <= limit, || format!("{at_once} calls at once, {limit} are allowed"))
    }

    /// After a drain the broker counts as we do.
    pub(crate) fn rest(&self, stats: &Stats) -> Verdict {
        let ours = (self.under_way.len(), self.singles, self.batches);
        let theirs = (stats.calls_under_way, stats.single_calls, stats.batch_calls);
        rule(ours == theirs, || {
            format!("calls under way, singles and batches are {ours:?}, stats say {theirs:?}")
        })
    }

    pub(crate) fn has(&self, tenant: &TenantId) -> bool {
        self.tenants.contains_key(tenant)
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Most calls at once so far.
    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    pub(crate) fn forget_peak(&mut self) {
        self.peak = 0;
    }

    fn remove(&mut self, id: EffectId) -> bool {
        let Some(call) = self.under_way.remove(&id) else { return false };
        self.over.insert(id);
        for tenant in call.tenants {
            self.tenants.remove(&tenant);
        }
        true
    }
}
