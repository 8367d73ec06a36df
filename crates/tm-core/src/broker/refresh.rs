//! Tokens are fetched before anybody waits for them: ahead of their end, and on purpose.

use std::time::Duration;

use super::{
    Broker, Lane, closed_error,
    flight::{Key, Stage},
    vault::Worth,
};
use crate::{Error, ErrorKind, Now, TenantId, wire::MAX_BATCH};

/// The shortest pause before what was to be replaced, and was not, is tried again.
const AT_LEAST: Duration = Duration::from_secs(5);

impl Broker {
    /// A token of this tenant is going to be wanted: fetches it if there is none in hand and nothing stands against it. Nobody
    /// is told how that went.
    pub fn prefetch(&mut self, now: Now, tenant: &TenantId) {
        if self.closed {
            return;
        }
        self.gate.tick(now.mono);
        let key = self.flights.find_or_start(tenant);
        let idle = matches!(self.flights[key].stage, Stage::Idle);
        if idle && self.living(now, key, Duration::ZERO).is_none() && self.obstacle(key).is_none() {
            self.flights[key].wished = true;
            self.fly(key, Lane::Bulk);
        }
        self.tidy(key);
    }

    /// Keeps a token of this tenant in hand from now on, whether anybody asks for it or not.
    ///
    /// # Errors
    /// There would be no room for the tokens of all tenants that are kept fresh: [`super::Settings::memory`] is too small.
    pub fn keep_fresh(&mut self, now: Now, tenant: &TenantId) -> Result<(), Error> {
        if self.closed {
            return Err(closed_error());
        }
        let key = self.flights.find_or_start(tenant);
        if self.pinned.contains(&key) {
            return Ok(());
        }
        if !self.vault.has_room_for(self.pinned.len() + 1) {
            self.tidy(key);
            let message =
                format!("memory: has no room to keep more than {} tenants fresh", self.pinned.len());
            return Err(Error::new(ErrorKind::Config, message).about(tenant));
        }
        self.pinned.insert(key);
        match self.vault.raise(key, Worth::Pinned) {
            Some(due) => self.schedule.set(key, due),
            None if self.vault.contains(key) => {} // It is used, and so it is there already.
            None => self.overdue.set(key, now.mono),
        }
        Ok(())
    }

    /// Keeps this tenant fresh no longer than it is used.
    pub fn let_fade(&mut self, now: Now, tenant: &TenantId) {
        let Some(key) = self.flights.find(tenant).filter(|key| self.pinned.remove(key)) else { return };
        self.schedule.remove(key);
        self.overdue.remove(key);
        self.vault.lower(key);
        self.flights[key].wished = false;
        self.unqueue_if_unwanted(now, key);
    }

    /// Replaces a token behind its callers' backs. One that is kept fresh may have none to replace.
    pub(super) fn refresh(&mut self, key: Key) {
        let lane = if self.vault.contains(key) { Lane::Refresh } else { Lane::Bulk };
        self.flights[key].wished = true;
        if matches!(self.flights[key].stage, Stage::Idle) {
            self.fly(key, lane);
        }
    }

    /// Refreshes take along neighbours that are due soon, so that they leave in fives. Soon after the last event, not after now:
    /// while refreshes wait, time alone takes no neighbour along, since [`Broker::wake_at`] does not tell of that.
    pub(super) fn round_up(&mut self, now: Now) {
        let first = self.lines.lease.first_refresh().or(self.lines.call.first_refresh());
        let Some(held) = first.and_then(|key| self.vault.get(key, now.mono)) else { return };
        let soon = self.looking_ahead_from + held.lifetime().life / 20;
        while !self.waiting_refreshes().is_multiple_of(MAX_BATCH)
            && let Some(neighbour) = self.schedule.take_due(soon)
        {
            self.refresh(neighbour);
        }
    }

    /// Another process replaces it. When it is due here, what the other has fetched is in the store; until then it is no company
    /// for others, or looking ahead would ask for it again and again.
    pub(super) fn leave_to_another(&mut self, now: Now, key: Key) {
        self.settle_down(now, key);
        if let Some(due) = self.schedule.remove(key) {
            self.overdue.set(key, due);
        }
    }

    fn waiting_refreshes(&self) -> usize {
        self.lines.lease.refreshes() + self.lines.call.refreshes()
    }

    /// A token that is used, or kept fresh, is due some time; if it was to be replaced and was not, it is tried again while it
    /// lives, and one that is kept fresh after that too. Looking ahead does not shorten such a pause.
    pub(super) fn schedule_again(&mut self, now: Now, key: Key) {
        let pinned = self.pinned.contains(&key);
        match self.vault.get(key, now.mono) {
            Some(held) if !pinned && held.worth == Worth::Unused => {}
            Some(held) if held.due() > now.mono.max(held.no_better_before()) => {
                self.schedule.set(key, held.due());
            }
            Some(held) => {
                let later = now.mono + (held.remaining(now.mono) / 20).max(AT_LEAST);
                self.overdue.set(key, later.max(held.no_better_before()));
            }
            None if pinned => self.overdue.set(key, now.mono + AT_LEAST),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        AppName, AppVersion, Application, Credentials, Gateway, Token, UnixTime,
        broker::{
            Demand, Effect, EffectId, Kept, Leased, Outcome, Output, Patience, Settings, Stamp, StoreAnswer,
            StoreRequest, Wanted,
        },
    };

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn tenant(number: usize) -> TenantId {
        TenantId::new(format!("t{number}")).unwrap()
    }

    fn at(mono: Duration) -> Now {
        Now { mono, unix: UnixTime::from_secs(1_700_000_000).saturating_add(mono) }
    }

    /// A client whose store has tokens of 1,805 s for these tenants. All are in hand and used.
    fn broker(tenants: &[TenantId]) -> Broker {
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1.0").unwrap(),
        };
        let credentials = Credentials::new("client", "secret").unwrap();
        let mut broker =
            Broker::new(application.into(), Arc::new(credentials), Settings::default(), 7).with_store(true);
        let now = at(Duration::ZERO);
        for tenant in tenants {
            broker.prefetch(now, tenant);
        }
        let id = asks_store(&mut broker, now).expect("a load").0;
        let stamp = Stamp { issued: now.unix, expires: now.unix.saturating_add(Duration::from_secs(1_805)) };
        let remaining = Duration::from_secs(1_800);
        let kept = tenants.iter().map(|tenant| Token::new(tenant.as_str()).unwrap());
        let kept = kept.map(|token| Some(Kept { token, stamp, remaining, cold: true }));
        broker.done(now, id, Outcome::Stored(StoreAnswer::Loaded(kept.collect())));
        assert!(asks_store(&mut broker, now).is_none());
        let demand = Demand {
            lane: Lane::Interactive,
            min_remaining: Duration::ZERO,
            patience: Patience::Until(Duration::from_secs(30)),
        };
        for tenant in tenants {
            let wanted = broker.want(now, tenant, demand);
            assert!(matches!(wanted, Wanted::Ready(_)), "{wanted:?}");
        }
        broker
    }

    /// Drains the broker. Answers what the store is asked for, and for how many.
    fn asks_store(broker: &mut Broker, now: Now) -> Option<(EffectId, usize)> {
        std::iter::from_fn(|| broker.next(now)).fold(None, |asked, output| match output {
            Output::Do { id, effect: Effect::Store(StoreRequest::Load(tenants)), .. } => {
                Some((id, tenants.len()))
            }
            Output::Do { id, effect: Effect::Store(StoreRequest::Lease { claims, .. }), .. } => {
                Some((id, claims.len()))
            }
            Output::Do { effect, .. } => panic!("{effect:?}"),
            Output::Show { .. } | Output::Hide(_) | Output::Settle(..) => asked,
        })
    }

    #[test]
    fn while_a_refresh_waits_neighbours_go_along_when_something_happens_not_when_time_passes() {
        let tenants = [0, 1, 2].map(tenant);
        let mut broker = broker(&tenants);
        let (due, ahead) = (Duration::from_secs(1_000), Duration::from_secs(90));
        // The second is due 5 ms too late to be asked for with the first, and the last 25 ms.
        for (tenant, due) in tenants.iter().zip([due, due + ahead + millis(5), due + ahead + millis(25)]) {
            let key = broker.flights.find(tenant).unwrap();
            broker.schedule.set(key, due);
        }

        let (first, claims) = asks_store(&mut broker, at(due)).expect("a lease for the first");
        assert_eq!(claims, 1);
        let granted = || Outcome::Stored(StoreAnswer::Leased(vec![Leased::Granted]));
        let later = at(due + millis(20));
        broker.done(later, first, granted());
        let (second, claims) = asks_store(&mut broker, later).expect("a lease for its neighbour");
        assert_eq!(claims, 1);

        let (spurious, wake_at) = (at(due + millis(30)), broker.wake_at());
        assert!(wake_at > Some(spurious.mono));
        assert_eq!(asks_store(&mut broker, spurious), None, "nothing was announced before {wake_at:?}");

        broker.done(spurious, second, granted());
        assert_eq!(asks_store(&mut broker, spurious).map(|(_, claims)| claims), Some(1), "the last");
    }
}
