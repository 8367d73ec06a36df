//! Every ticket settles exactly once and in time, or is forgotten and never heard of again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{
    Error, ErrorKind, TenantId, Token,
    broker::{Demand, Patience, Ticket},
};

use super::{Verdict, rule};
use crate::clock::secs;

/// Longest wait for a fresher token while a living one is in hand.
const REFRESH_WAIT: Duration = secs(1);

/// A token is refreshed only if it was asked for since it came, so the last time lies within a life.
const LATELY: Duration = secs(1_800);

/// One caller that was told to wait.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) caller: usize,
    pub(crate) tenant: TenantId,
    pub(crate) demand: Demand,
    pub(crate) asked_at: Duration,
    /// Calls with this tenant that were started meanwhile.
    pub(crate) calls: usize,
}

/// All tickets of a run.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    waiting: BTreeMap<Ticket, Waiting>,
    of_tenant: BTreeMap<TenantId, BTreeSet<Ticket>>,
    deadlines: BTreeSet<(Duration, Ticket)>,
    /// When each must be content with a token in hand (design.md, "mandatory window").
    content: BTreeSet<(Duration, Ticket)>,
    /// For how long the machine was suspended, in all.
    pub(crate) overslept: Duration,
    /// When somebody last asked for each tenant, whatever came of it, in time awake.
    asked: BTreeMap<TenantId, Duration>,
    kept_fresh: BTreeSet<TenantId>,
    /// Foreseen once, or refreshed perhaps.
    unasked: BTreeSet<TenantId>,
    called: BTreeSet<TenantId>,
    forgotten_now: BTreeSet<Ticket>,
    /// Settled or forgotten.
    over: BTreeSet<Ticket>,
    /// When the client last got anything at all back from the service.
    last_answer: Duration,
    /// When it last got a token.
    last_token: Duration,
}

impl Tickets {
    pub(crate) fn asks(&mut self, tenant: &TenantId, now: Duration) {
        self.asked.insert(tenant.clone(), now.saturating_sub(self.overslept));
    }

    pub(crate) fn waits(&mut self, ticket: Ticket, waiting: Waiting) -> Verdict {
        let known = self.waiting.contains_key(&ticket) || self.over.contains(&ticket);
        rule(!known, || format!("{ticket:?} was given out twice"))?;
        self.of_tenant.entry(waiting.tenant.clone()).or_default().insert(ticket);
        if let Patience::Until(deadline) = waiting.demand.patience {
            self.deadlines.insert((deadline, ticket));
        }
        self.content.insert((waiting.asked_at + REFRESH_WAIT, ticket));
        self.waiting.insert(ticket, waiting);
        Ok(())
    }

    pub(crate) fn forgotten(&mut self, ticket: Ticket) {
        self.remove(ticket);
        self.forgotten_now.insert(ticket);
    }

    /// Whether this was forgotten in this very step. An earlier call of the step may have settled it already.
    pub(crate) fn just_forgotten(&mut self, ticket: Ticket) -> bool {
        self.forgotten_now.remove(&ticket)
    }

    /// `previous_step` is when the broker was last stepped before this step.
    pub(crate) fn settled(
        &mut self,
        ticket: Ticket,
        result: &Result<Token, Error>,
        now: Duration,
        previous_step: Duration,
    ) -> Verdict<Waiting> {
        let Some(waiting) = self.remove(ticket) else {
            let why =
                if self.over.contains(&ticket) { "settled or forgotten before" } else { "never given out" };
            return Err(format!("{ticket:?} was settled, but was {why}"));
        };
        let is_deadline = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Deadline);
        let caller = waiting.caller;
        match waiting.demand.patience {
            Patience::Until(deadline) => {
                rule(!is_deadline || now >= deadline, || {
                    format!("caller {caller} was told Deadline at {now:?}, before its deadline {deadline:?}")
                })?;
                let in_time = now <= deadline || previous_step < deadline || waiting.asked_at == now;
                rule(in_time, || {
                    format!("caller {caller} was settled at {now:?}, after its deadline {deadline:?}")
                })?;
            }
            Patience::Idle(span) => {
                let idle_since = waiting.asked_at.max(self.last_token);
                rule(!is_deadline || now >= idle_since + span, || {
                    format!(
                        "caller {caller} was told Deadline at {now:?}, {span:?} after progress at {idle_since:?}"
                    )
                })?;
                let due = waiting.asked_at.max(self.last_answer) + span;
                rule(now <= due || previous_step < due, || {
                    format!(
                        "caller {caller} waited until {now:?}, though nothing came back since {due:?} - {span:?}"
                    )
                })?;
            }
        }
        Ok(waiting)
    }

    /// Something came back from the service; called after the step that it was handed over in.
    pub(crate) fn answered(&mut self, now: Duration, with_token: bool) {
        self.last_answer = now;
        if with_token {
            self.last_token = now;
        }
    }

    /// From now on this tenant's token may be fetched though nobody waits for it.
    pub(crate) fn needs_no_caller(&mut self, tenant: &TenantId) {
        self.unasked.insert(tenant.clone());
    }

    /// Whether there is a reason to fetch this tenant's token.
    pub(crate) fn is_wanted(&self, tenant: &TenantId) -> bool {
        self.unasked.contains(tenant)
            || self.kept_fresh.contains(tenant)
            || self.of_tenant.contains_key(tenant)
    }

    pub(crate) fn keeps_fresh(&mut self, tenant: &TenantId) {
        self.kept_fresh.insert(tenant.clone());
    }

    pub(crate) fn lets_fade(&mut self, tenant: &TenantId) {
        self.kept_fresh.remove(tenant);
    }

    /// A call with this tenant was started: no demand gets more calls than its attempts and a little for splitting.
    /// And no call is made for somebody whom nobody has asked for lately, a suspend of the machine left aside.
    pub(crate) fn called(&mut self, tenant: &TenantId, attempts: u32, now: Duration) -> Verdict {
        self.called.insert(tenant.clone());
        let lately =
            self.asked.get(tenant).is_some_and(|last| now.saturating_sub(self.overslept) <= *last + LATELY);
        rule(lately || self.kept_fresh.contains(tenant) || self.of_tenant.contains_key(tenant), || {
            format!("a call with tenant {tenant}, unasked")
        })?;
        let limit = attempts as usize + 3;
        for ticket in self.of_tenant.get(tenant).into_iter().flatten() {
            let waiting = self.waiting.get_mut(ticket).expect("both maps hold the same tickets");
            waiting.calls += 1;
            let (caller, calls) = (waiting.caller, waiting.calls);
            rule(calls <= limit, || {
                format!(
                    "{calls} calls with tenant {tenant} for the one demand of caller {caller}, {attempts} attempts"
                )
            })?;
        }
        Ok(())
    }

    /// After a drain nobody waits past its deadline.
    pub(crate) fn rest(&mut self, now: Duration) -> Verdict {
        self.forgotten_now.clear();
        match self.deadlines.first() {
            Some((deadline, ticket)) if *deadline <= now => {
                let caller = self.waiting[ticket].caller;
                Err(format!("caller {caller} still waits at {now:?}, its deadline was {deadline:?}"))
            }
            _ => Ok(()),
        }
    }

    /// After a drain: those that have waited as long as anybody does who has a token in hand. Each once.
    pub(crate) fn long_waiting(&mut self, now: Duration) -> Vec<Waiting> {
        let mut found = Vec::new();
        while let Some((due, ticket)) = self.content.first().copied().filter(|(due, _)| *due <= now) {
            self.content.remove(&(due, ticket));
            found.push(self.waiting[&ticket].clone());
        }
        found
    }

    /// Whether any call ever asked for this tenant.
    pub(crate) fn was_called(&self, tenant: &TenantId) -> bool {
        self.called.contains(tenant)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values()
    }

    pub(crate) fn find(&self, ticket: Ticket) -> Option<&Waiting> {
        self.waiting.get(&ticket)
    }

    pub(crate) fn of(&self, tenant: &TenantId) -> impl Iterator<Item = &Waiting> {
        self.of_tenant.get(tenant).into_iter().flatten().map(|ticket| &self.waiting[ticket])
    }

    fn remove(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.waiting.remove(&ticket)?;
        self.over.insert(ticket);
        self.content.remove(&(waiting.asked_at + REFRESH_WAIT, ticket));
        if let Patience::Until(deadline) = waiting.demand.patience {
            self.deadlines.remove(&(deadline, ticket));
        }
        if let Some(tickets) = self.of_tenant.get_mut(&waiting.tenant) {
            tickets.remove(&ticket);
            if tickets.is_empty() {
                self.of_tenant.remove(&waiting.tenant);
            }
        }
        Some(waiting)
    }
}
