//! Holds are kept: nothing is sent before the service, or the memory of its refusals, allows it.

use std::{collections::BTreeMap, time::Duration};

use tm_core::{Now, TenantId, broker::Outcome};

use super::{Heard, Says, Verdict, rule};
use crate::clock::{millis, secs};

/// After refused credentials, and after a tenant's first refusal.
const PAUSE: Duration = secs(30);

/// After a failure that was the last word to a caller.
const REST: Duration = secs(1);

/// After every failure for one tenant alone: nothing is tried again at once.
const MOMENT: Duration = millis(1);

/// From when on which calls may start again.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    client: Duration,
    credentials: Duration,
    tenants: BTreeMap<TenantId, Duration>,
    /// What the broker itself said after the last drain.
    announced: Option<Duration>,
}

impl Holds {
    /// A call came back, or was given up.
    pub(crate) fn heard(&mut self, now: Now, heard: &Heard<'_>) {
        if matches!(heard.says(), Says::Token | Says::Something) {
            // Any answer may close the breaker, and with it end what was announced.
            self.announced = None;
        }
        if let Some(wait) = heard.asks_for(now) {
            self.client = self.client.max(now.mono + wait);
        }
        let rest = match heard.outcome {
            Outcome::Refused { refusal, .. } if refusal.status == 401 => {
                if heard.current {
                    self.credentials = now.mono + PAUSE;
                }
                return;
            }
            Outcome::Answered { .. } => return,
            _ if heard.is_refused() => PAUSE,
            _ if heard.is_transient() => MOMENT,
            _ => REST,
        };
        // Of a batch, each may be asked for alone at once, or all together once more.
        if heard.tenants.len() == 1 || rest == REST {
            for tenant in heard.tenants {
                self.rests(tenant, now.mono + rest);
            }
        }
    }

    /// A caller whose demand has had all its attempts was told of a failure of the last one.
    pub(crate) fn told(&mut self, tenant: &TenantId, now: Duration) {
        self.rests(tenant, now + REST);
    }

    fn rests(&mut self, tenant: &TenantId, until: Duration) {
        let rest = self.tenants.entry(tenant.clone()).or_default();
        *rest = until.max(*rest);
    }

    pub(crate) fn held(&mut self, until: Duration) {
        self.client = self.client.max(until);
    }

    pub(crate) fn new_credentials(&mut self) {
        self.credentials = Duration::ZERO;
        self.announced = None;
    }

    pub(crate) fn started(&self, now: Duration, tenants: &[TenantId]) -> Verdict {
        let kept = |what: &str, until: Duration| {
            rule(now >= until, || {
                format!("a call for {tenants:?} at {now:?}, but {what} holds until {until:?}")
            })
        };
        kept("the service's Retry-After", self.client)?;
        kept("the refusal of the credentials", self.credentials)?;
        kept("Broker::held", self.announced.unwrap_or_default())?;
        for tenant in tenants {
            kept("the failure for this tenant", self.tenants.get(tenant).copied().unwrap_or_default())?;
        }
        Ok(())
    }

    /// After a drain: what the broker says now. True if it has just begun to say it, or says more.
    pub(crate) fn announced(&mut self, held_until: Option<Duration>, now: Duration) -> Verdict<bool> {
        let owed = self.client.max(self.credentials);
        rule(owed <= now || held_until.is_some_and(|until| until >= owed), || {
            format!("nothing may be sent before {owed:?}, but held says {held_until:?}")
        })?;
        rule(held_until.is_none_or(|until| until > now), || {
            format!("held says {held_until:?}, which is over at {now:?}")
        })?;
        let more = held_until > self.announced;
        self.announced = held_until;
        Ok(more)
    }
}
