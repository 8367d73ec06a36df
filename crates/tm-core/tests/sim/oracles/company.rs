//! Who shares a call: nobody who may have spoiled one, until it succeeds alone; and no refresh is put at risk for a tenant that was
//! never served.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{Error, ErrorKind, TenantId};

use super::{Heard, Verdict, rule};
use crate::clock::secs;

/// For how long a tenant that spoiled a call is remembered.
const MEMORY: Duration = secs(3_600);

/// What is known of tenants that bears on their company.
#[derive(Debug, Default)]
pub(crate) struct Company {
    /// Each goes alone until then.
    alone: BTreeMap<TenantId, Duration>,
    /// A batch had nothing for these, and they were not asked for alone since; for as long as that is remembered.
    owed: BTreeMap<TenantId, Duration>,
    /// These had a token once.
    served: BTreeSet<TenantId>,
    /// Somebody has waited for these since their last token came.
    awaited: BTreeSet<TenantId>,
}

impl Company {
    /// A call came back.
    pub(crate) fn heard(&mut self, now: Duration, heard: &Heard<'_>) {
        let (tenants, batch) = (heard.tenants, heard.tenants.len() > 1);
        let left_out = batch && tenants.iter().any(|tenant| heard.serves(tenant));
        for tenant in tenants {
            if heard.serves(tenant) {
                self.alone.remove(tenant);
            } else if heard.is_refused() || left_out {
                self.alone.insert(tenant.clone(), now + MEMORY);
                if batch {
                    self.owed.insert(tenant.clone(), now + MEMORY);
                }
            }
        }
    }

    pub(crate) fn waits(&mut self, tenant: &TenantId) {
        self.awaited.insert(tenant.clone());
    }

    pub(crate) fn shown(&mut self, tenant: &TenantId) {
        self.served.insert(tenant.clone());
    }

    /// After a drain: this tenant has a new token, and nobody waits for another.
    pub(crate) fn content(&mut self, tenant: &TenantId) {
        self.awaited.remove(tenant);
    }

    /// A call leaves. `in_hand` tells whether a token of the tenant is.
    pub(crate) fn started(
        &mut self,
        now: Duration,
        tenants: &[TenantId],
        in_hand: impl Fn(&TenantId) -> bool,
    ) -> Verdict {
        if let [tenant] = tenants {
            self.owed.remove(tenant);
            return Ok(());
        }
        for tenant in tenants {
            let until = self.alone.get(tenant).copied().unwrap_or_default();
            rule(now >= until, || {
                format!("tenant {tenant}, which may have spoiled a call, has company: {tenants:?}")
            })?;
        }
        let new = tenants.iter().find(|tenant| !self.served.contains(*tenant));
        let refreshed = tenants.iter().find(|tenant| in_hand(tenant) && !self.awaited.contains(*tenant));
        rule(new.is_none() || refreshed.is_none(), || {
            format!("a refresh for {refreshed:?} shares a call with {new:?}, which was never served")
        })
    }

    /// A caller that waited is told of a failure. `held` tells whether the whole client is paused for one.
    pub(crate) fn told(&self, now: Duration, tenant: &TenantId, error: &Error, held: bool) -> Verdict {
        let of_tenant = matches!(error.kind(), ErrorKind::TenantRefused | ErrorKind::Decode);
        let owed = self.owed.get(tenant).is_some_and(|until| now < *until);
        rule(held || !of_tenant || !owed, || {
            format!(
                "a caller for {tenant} is told of a batch's failure, and it was not asked for alone: {error}"
            )
        })
    }
}
