//! A service that fails is left alone: after five failures in a row nothing is sent for seconds, and then one call at a time
//! until one is answered; and at most a tenth of the traffic is what failed, sent again at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{Now, TenantId, broker::EffectId};

use super::{Heard, Says, Verdict, rule};
use crate::clock::secs;

/// So many failures in a row are an outage.
const IN_A_ROW: u32 = 5;

/// Nothing is sent for so long at least.
const LEFT_ALONE: Duration = secs(5);

/// Whoever is asked for again sooner is asked for again at once.
const AT_ONCE: Duration = secs(1);

/// So many calls may be sent again before there was any success.
const AT_FIRST: usize = 6;

/// The health of the service, and what was sent again.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    failures: u32,
    outage: Option<Outage>,
    /// Tenants of calls that failed and may be sent again, with the call and when it came back.
    failed: BTreeMap<TenantId, Failed>,
    sent_again: BTreeSet<EffectId>,
    successes: usize,
}

#[derive(Debug)]
struct Outage {
    left_alone_until: Duration,
    probe: Option<EffectId>,
}

#[derive(Debug)]
struct Failed {
    call: EffectId,
    at: Duration,
    company: bool,
}

impl Outages {
    /// A call came back, or was given up.
    pub(crate) fn heard(&mut self, now: Now, heard: &Heard<'_>) {
        let (call, at) = (heard.id, now.mono);
        let is_probe = self.outage.as_ref().is_some_and(|outage| outage.probe == Some(call));
        match heard.says() {
            Says::Token | Says::Something => (self.failures, self.outage) = (0, None),
            // An old call says nothing new.
            Says::Nothing if self.outage.is_none() => self.failures += 1,
            Says::Nothing | Says::Busy => {}
        }
        if is_probe && self.outage.is_some() || self.outage.is_none() && self.failures == IN_A_ROW {
            self.outage = Some(Outage { left_alone_until: at + LEFT_ALONE, probe: None });
        }
        self.successes += usize::from(heard.says() == Says::Token);
        let company = heard.tenants.len() > 1;
        for tenant in heard.tenants {
            self.failed.remove(tenant);
            if heard.is_transient() && heard.asks_for(now).is_none() {
                self.failed.insert(tenant.clone(), Failed { call, at, company });
            }
        }
    }

    /// A call leaves.
    pub(crate) fn started(&mut self, now: Duration, id: EffectId, tenants: &[TenantId]) -> Verdict {
        if let Some(outage) = &mut self.outage {
            let until = outage.left_alone_until;
            rule(now >= until, || {
                format!("a call at {now:?}, and the service that fails is left alone until {until:?}")
            })?;
            let probe = outage.probe.replace(id);
            rule(probe.is_none(), || {
                format!("a call at {now:?} beside {probe:?}, which finds out whether the service works again")
            })?;
        }
        for tenant in tenants {
            let Some(Failed { call, at, company }) = self.failed.remove(tenant) else { continue };
            // One of a batch may be asked for alone, to see whether another of it is to blame.
            if now < at + AT_ONCE && company == (tenants.len() > 1) {
                self.sent_again.insert(call);
            }
        }
        let (again, successes) = (self.sent_again.len(), self.successes);
        rule(again <= AT_FIRST + successes / 10, || {
            format!("{again} calls that failed were sent again at once, {successes} had tokens")
        })
    }
}
