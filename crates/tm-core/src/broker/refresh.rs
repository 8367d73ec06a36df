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

    /// Refreshes take along neighbours that are due soon, so that they leave in fives.
    pub(super) fn round_up(&mut self, now: Now) {
        let first = self.lines.lease.first_refresh().or(self.lines.call.first_refresh());
        let Some(held) = first.and_then(|key| self.vault.get(key, now.mono)) else { return };
        let soon = now.mono + held.lifetime().life / 20;
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
