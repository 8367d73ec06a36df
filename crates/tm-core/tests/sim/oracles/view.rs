//! Tokens: only living ones, only the tenant's own, never a rejected one; and the view never gets worse without cause.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{TenantId, Token};

use super::{Verdict, rule};
use crate::{
    clock::secs,
    ledger::{Issued, Ledger},
};

/// The view as a driver would keep it, and the tokens that were rejected.
#[derive(Debug, Default)]
pub(crate) struct View {
    shown: BTreeMap<TenantId, Shown>,
    rejected: BTreeSet<u64>,
    /// In this step.
    rejected_now: BTreeSet<u64>,
    /// What the store had. How long that may be served depends on what it says of it.
    found: BTreeSet<u64>,
    /// How many tokens were taken out of the view though they were alive and not rejected.
    evicted_now: usize,
    pub(crate) evicted: usize,
    pub(crate) expired: usize,
}

#[derive(Debug, Clone)]
struct Shown {
    token: Token,
    until: Duration,
    /// Whether somebody got it who asked for it.
    used: bool,
}

impl View {
    /// A caller gets this token.
    pub(crate) fn serves(
        &self,
        tenant: &TenantId,
        token: &Token,
        least: Duration,
        now: Duration,
        ledger: &Ledger,
    ) -> Verdict {
        let issued = self.good(tenant, token, now, ledger)?;
        // The service's clock is known to the second.
        let left = (issued.dies_at + secs(1)).saturating_sub(now);
        rule(left >= least, || {
            format!("token {} of {tenant} lives for {left:?}, the caller asked for {least:?}", issued.serial)
        })
    }

    pub(crate) fn shows(
        &mut self,
        tenant: &TenantId,
        token: &Token,
        until: Duration,
        now: Duration,
        ledger: &Ledger,
    ) -> Verdict {
        let issued = self.good(tenant, token, now, ledger)?;
        let (serial, end) = (issued.serial, self.latest_end(issued));
        rule(until <= end, || format!("token {serial} is shown until {until:?}, it ends at {end:?}"))?;
        if let Some(old) = self.shown.get(tenant).and_then(|old| ledger.find(&old.token)) {
            let old_end = self.earliest_end(tenant, old);
            let displaced = old.serial != serial && old_end > now && old_end > end;
            rule(!displaced, || {
                let old = old.serial;
                format!(
                    "token {old}, which lives until {old_end:?}, made room for {serial}, which ends at {end:?}"
                )
            })?;
        }
        self.shown.insert(tenant.clone(), Shown { token: token.clone(), until, used: false });
        Ok(())
    }

    /// A caller who asked got the token in hand at once. Who reads it again changes nothing, so that it is due when it was due:
    /// `wake_at` is when the client does something by itself, before and after. One that came in this very step is not shown yet.
    pub(crate) fn reads(
        &mut self,
        tenant: &TenantId,
        token: &Token,
        now: Duration,
        wake_at: [Option<Duration>; 2],
    ) -> Verdict {
        let shown = self.shown.get_mut(tenant).filter(|shown| shown.token == *token);
        let Some(shown) = shown else { return Ok(()) };
        let again = std::mem::replace(&mut shown.used, true);
        let [before, after] = wake_at;
        let at_rest = now < shown.until && before.is_none_or(|at| at > now);
        rule(!again || !at_rest || before == after, || {
            format!("a read of the token of {tenant} moves what comes next from {before:?} to {after:?}")
        })
    }

    /// The tenant is not kept fresh any longer: its token is in use if somebody uses it from now on.
    pub(crate) fn fades(&mut self, tenant: &TenantId) {
        if let Some(shown) = self.shown.get_mut(tenant) {
            shown.used = false;
        }
    }

    /// `for_memory` tells whether the bound can be the cause.
    pub(crate) fn hides(
        &mut self,
        tenant: &TenantId,
        now: Duration,
        for_memory: bool,
        ledger: &Ledger,
    ) -> Verdict {
        let Some(shown) = self.shown.remove(tenant) else {
            return Err(format!("tenant {tenant} is hidden and was not shown"));
        };
        let issued = ledger.find(&shown.token).ok_or("a token that the service never made")?;
        let found = self.found.contains(&issued.serial);
        let earliest_end = if found { shown.until.min(issued.earliest_end) } else { issued.earliest_end };
        if earliest_end <= now {
            self.expired += 1;
        } else if !self.rejected.contains(&issued.serial) {
            self.evicted_now += 1;
            self.evicted += 1;
            rule(for_memory, || {
                let serial = issued.serial;
                format!(
                    "token {serial} of {tenant} is hidden at {now:?} without cause: it lives until {earliest_end:?}"
                )
            })?;
        }
        Ok(())
    }

    pub(crate) fn rejects(&mut self, token: &Token, ledger: &Ledger) {
        let serial = ledger.serial(token);
        if self.rejected.insert(serial) {
            self.rejected_now.insert(serial);
        }
    }

    /// Whose token in hand this is.
    pub(crate) fn holders(&self, token: &Token) -> impl Iterator<Item = &TenantId> {
        self.shown.iter().filter(|(_, shown)| shown.token == *token).map(|(tenant, _)| tenant)
    }

    /// The store has answered with this token.
    pub(crate) fn finds(&mut self, serial: u64) {
        self.found.insert(serial);
    }

    pub(crate) fn was_found(&self, serial: u64) -> bool {
        self.found.contains(&serial)
    }

    /// Whether this was rejected in an earlier step.
    pub(crate) fn is_rejected(&self, serial: u64) -> bool {
        self.rejected.contains(&serial) && !self.rejected_now.contains(&serial)
    }

    /// After a drain nothing that was rejected is left. Answers how many were evicted since the last.
    pub(crate) fn rest(&mut self, ledger: &Ledger) -> Verdict<usize> {
        if !std::mem::take(&mut self.rejected_now).is_empty() {
            for (tenant, shown) in &self.shown {
                let serial = ledger.serial(&shown.token);
                let rejected = self.rejected.contains(&serial);
                rule(!rejected, || format!("token {serial} of {tenant} is rejected and still shown"))?;
            }
        }
        Ok(std::mem::take(&mut self.evicted_now))
    }

    /// A token in hand that surely satisfies a demand at this time.
    pub(crate) fn satisfies(
        &self,
        tenant: &TenantId,
        least: Duration,
        now: Duration,
        ledger: &Ledger,
    ) -> Option<Duration> {
        let issued = ledger.find(&self.shown.get(tenant)?.token)?;
        let end = self.earliest_end(tenant, issued);
        let good = end > now + least && !self.rejected.contains(&issued.serial);
        good.then_some(end)
    }

    /// What a driver serves without asking the broker; not in the middle of a step.
    pub(crate) fn hit(&self, tenant: &TenantId, now: Duration) -> Option<&Token> {
        let shown = self.shown.get(tenant).filter(|_| self.rejected_now.is_empty())?;
        (now < shown.until).then_some(&shown.token)
    }

    /// Until when a tenant's token may be served without asking.
    pub(crate) fn until(&self, tenant: &TenantId) -> Option<Duration> {
        self.shown.get(tenant).map(|shown| shown.until)
    }

    /// All that is in it.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&TenantId, &Token)> {
        self.shown.iter().map(|(tenant, shown)| (tenant, &shown.token))
    }

    pub(crate) fn len(&self) -> usize {
        self.shown.len()
    }

    fn latest_end(&self, issued: &Issued) -> Duration {
        if self.found.contains(&issued.serial) { issued.dies_at } else { issued.latest_end }
    }

    /// Until when the tenant's token is in hand for sure.
    fn earliest_end(&self, tenant: &TenantId, issued: &Issued) -> Duration {
        let shown = self.shown.get(tenant).filter(|_| self.found.contains(&issued.serial));
        shown.map_or(issued.earliest_end, |shown| shown.until.min(issued.earliest_end))
    }

    fn good<'a>(
        &self,
        tenant: &TenantId,
        token: &Token,
        now: Duration,
        ledger: &'a Ledger,
    ) -> Verdict<&'a Issued> {
        let issued = ledger.find(token).ok_or("a token that the service never made")?;
        let (serial, latest_end) = (&issued.serial, self.latest_end(issued));
        rule(issued.tenant == *tenant, || {
            format!("tenant {tenant} is given token {serial} of {}", issued.tenant)
        })?;
        rule(now < latest_end, || {
            format!(
                "token {serial} of {tenant} is given at {now:?}, a client may serve it until {latest_end:?}"
            )
        })?;
        // What was decided in the same step, before that, still counts.
        rule(!self.is_rejected(*serial), || {
            format!("token {serial} of {tenant} is given after it was rejected")
        })?;
        Ok(issued)
    }
}
