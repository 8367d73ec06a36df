//! What must hold whenever a drain is over.

use std::time::Duration;

use tm_core::{Now, broker::Patience};

use crate::{
    clock::secs,
    oracles::{Verdict, Waiting, rule},
    trace::Event,
    world::{Fresh, World},
};

impl World {
    /// All that must hold after a drain.
    pub(crate) fn rest(&mut self, now: Now, fresh: &Fresh) -> Verdict {
        if let Some(with_token) = fresh.answered {
            self.oracles.tickets.answered(now.mono, with_token);
        }
        let stats = self.broker.stats();
        let oracles = &mut self.oracles;
        if self.closed_at.is_some() {
            let waiting = oracles.tickets.waiting();
            rule(waiting == 0, || format!("{waiting} callers wait for a closed client"))?;
            rule(self.broker.wake_at().is_none(), || "a closed client wants to be woken".to_owned())?;
            return Ok(());
        }
        oracles.calls.rest(&stats)?;
        oracles.tickets.rest(now.mono)?;
        for tenant in &fresh.shown {
            if oracles.tickets.of(tenant).next().is_none() {
                oracles.company.content(tenant);
            }
        }
        let evicted = oracles.view.rest(self.service.ledger())?;
        oracles.memory.rest(&stats, &oracles.view, oracles.tickets.waiting(), evicted)?;
        let long = self.oracles.tickets.long_waiting(now.mono);
        self.nobody_waits_with_a_token_in_hand(now.mono, fresh, &long)?;
        self.nobody_waits_in_vain(now, fresh, &long)?;
        self.store_is_at_peace(now)?;
        self.sleeps(now.mono)
    }

    /// A caller waits for a fresher token for a second, not longer, and never when one has just come that is not near its end.
    fn nobody_waits_with_a_token_in_hand(&self, now: Duration, fresh: &Fresh, long: &[Waiting]) -> Verdict {
        let (tickets, view) = (&self.oracles.tickets, &self.oracles.view);
        let good = fresh.shown.iter().filter(|tenant| view.until(tenant).is_some_and(|until| until > now));
        let served = good.flat_map(|tenant| tickets.of(tenant));
        for Waiting { caller, tenant, demand, asked_at, .. } in served.chain(long) {
            let in_hand = view.satisfies(tenant, demand.min_remaining, now, self.service.ledger());
            rule(in_hand.is_none(), || {
                format!(
                    "caller {caller} waits since {asked_at:?} though a token is in hand until {in_hand:?}"
                )
            })?;
        }
        Ok(())
    }

    /// Whoever's deadline lies before the end of a hold is told so at once, or once the store has had its time: half a second to
    /// be asked, if it is busy, and half a second to answer.
    fn nobody_waits_in_vain(&mut self, now: Now, fresh: &Fresh, long: &[Waiting]) -> Verdict {
        let held_until = match self.broker.held(now, Duration::MAX) {
            Ok(until) => until,
            Err(error) => error.retry_after().map(|wait| now.mono + wait),
        };
        let oracles = &mut self.oracles;
        let longer = oracles.holds.announced(held_until, now.mono)?;
        let Some(until) = held_until else { return Ok(()) };
        let tickets = &oracles.tickets;
        let new = fresh.waiting.iter().filter_map(|ticket| tickets.find(*ticket));
        let all = tickets.all().take(if longer { usize::MAX } else { 0 });
        let stored = self.store.is_some();
        for Waiting { caller, tenant, demand, asked_at, .. } in new.chain(all).chain(long) {
            let Patience::Until(deadline) = demand.patience else { continue };
            let store_may_come = stored && (now.mono < *asked_at + secs(1) || oracles.requests.has(tenant));
            let may_come = oracles.calls.has(tenant) || store_may_come;
            rule(deadline >= until || may_come, || {
                format!("caller {caller} waits in vain until {deadline:?}: no call leaves before {until:?}")
            })?;
        }
        Ok(())
    }

    fn sleeps(&mut self, now: Duration) -> Verdict {
        let until = self.broker.wake_at();
        self.trace.record(now, Event::Sleeps { until });
        rule(until.is_none_or(|at| at > now), || format!("after a drain at {now:?} wake_at is {until:?}"))?;
        let (waiting, under_way) = (self.oracles.tickets.waiting(), self.oracles.calls.under_way());
        let requests = self.oracles.requests.under_way();
        rule(until.is_some() || (waiting, under_way, requests) == (0, 0, 0), || {
            format!(
                "wake_at is None with {waiting} callers waiting, {under_way} calls and {requests} requests under way"
            )
        })
    }
}
