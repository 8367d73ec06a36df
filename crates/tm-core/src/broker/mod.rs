//! The state machine that decides everything about fetching tokens, for both transports.
//!
//! # The contract
//! A **step** is any number of calls on the broker under one lock, with the clocks sampled once inside it, then a full
//! drain of [`Broker::next`]:
//!
//! 1. lock, sample [`Now`];
//! 2. call [`Broker::want`], [`Broker::done`], … as many as there are;
//! 3. call [`Broker::next`] until it answers `None`; carry out [`Output::Show`] and [`Output::Hide`] at once, keep the rest;
//! 4. read [`Broker::wake_at`], unlock;
//! 5. wake the callers of the settled tickets, start the effects, and step again at `wake_at` at the latest.
//!
//! A step with nothing to do is a no-op. The same calls give the same outputs: randomness is a seed given at the start.

mod answer;
mod backoff;
mod call;
mod demand;
mod flight;
mod gate;
mod kept;
mod leasing;
mod lifetime;
mod lines;
mod loading;
mod memories;
mod nanos;
mod numbered;
mod pipeline;
mod plan;
mod refresh;
mod rejections;
mod saving;
mod schedule;
mod settings;
mod slots;
mod storage;
mod vault;
mod waiters;

pub use call::{Call, Effect, EffectId, Leased, Outcome, StoreAnswer, StoreRequest};
pub use demand::{Demand, Lane, Patience, Ticket, Wanted};
pub use kept::{Buried, Kept, Stamp};
pub use numbered::NumberedMap;
pub use settings::Settings;

pub(crate) use answer::Meaning;
pub(crate) use backoff::before_retry;

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use flight::{Flights, Key, Rare, Rejected, Rest, Stage};
use gate::{Gate, Hold};
use saving::Rejection;
use vault::Worth;

use crate::{Application, Credentials, Error, ErrorKind, Now, TenantId, Token};

/// What the broker wants done, in this order.
#[derive(Debug, Clone)]
pub enum Output {
    /// Put this token into the view, before the lock is given up. It may be served from there until `until` (on the
    /// monotonic clock); after that callers must ask the broker.
    Show {
        /// Whose token.
        tenant: TenantId,
        /// The token.
        token: Token,
        /// The start of its mandatory window.
        until: Duration,
    },
    /// Take the tenant's token out of the view, before the lock is given up.
    Hide(TenantId),
    /// A caller has its answer. Wake it after unlocking.
    Settle(Ticket, Result<Token, Error>),
    /// Carry this out and answer with [`Broker::done`]. After `give_up_at` the broker goes on as if it had failed.
    Do {
        /// Names it in the answer.
        id: EffectId,
        /// What to do.
        effect: Effect,
        /// On the monotonic clock.
        give_up_at: Duration,
    },
}

/// What a broker has done and holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls of `/oauth/token` that were started.
    pub single_calls: u64,
    /// Calls of `/oauthTokens` that were started.
    pub batch_calls: u64,
    /// Those of both that were another attempt.
    pub retries: u64,
    /// Tokens received from the service.
    pub tokens_received: u64,
    /// Tokens taken out of the store.
    pub tokens_loaded: u64,
    /// Requests that the store failed, or did not answer in time.
    pub store_failures: u64,
    /// Calls under way now.
    pub calls_under_way: usize,
    /// Callers waiting now.
    pub waiting: usize,
    /// Tenants that something is known of now: wanted, under way, or remembered.
    pub tenants: usize,
    /// Tokens held now.
    pub tokens_held: usize,
    /// What they count for against [`Settings::memory`], in bytes.
    pub bytes_held: usize,
}

/// See the [module](self).
pub struct Broker {
    application: Arc<Application>,
    credentials: Arc<Credentials>,
    settings: Settings,
    rng: fastrand::Rng,
    flights: Flights,
    memories: memories::Memories,
    waiters: waiters::Waiters,
    lines: lines::Lines,
    gate: Gate,
    budget: backoff::RetryBudget,
    vault: vault::Vault,
    rejections: rejections::Rejections,
    /// Tokens in use that are due some time.
    schedule: schedule::Schedule,
    /// Those that were due and are still to be replaced, and those that are kept fresh and are not in hand.
    overdue: schedule::Schedule,
    /// When a refresh was last due, or an effect ended.
    looking_ahead_from: Duration,
    places: schedule::Places,
    storage: storage::Storage,
    leases: leasing::Leases,
    telling: saving::Telling,
    /// Loads under way.
    loads: usize,
    /// What the last dated answer told.
    service_clock: Option<lifetime::ServiceClock>,
    under_way: NumberedMap<EffectId, pipeline::UnderWay>,
    give_ups: BTreeSet<(Duration, EffectId)>,
    outputs: VecDeque<Output>,
    last_effect: u64,
    /// Whose tokens are kept fresh, whether anybody asks for them or not.
    pinned: HashSet<Key>,
    counted: Stats,
    closed: bool,
}

impl Broker {
    /// A broker for one application. The same `seed` and the same calls give the same outputs.
    pub fn new(
        application: Arc<Application>,
        credentials: Arc<Credentials>,
        settings: Settings,
        seed: u64,
    ) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let places = schedule::Places::new(&mut rng);
        Self {
            application,
            credentials,
            rng,
            places,
            flights: Flights::default(),
            memories: memories::Memories::default(),
            waiters: waiters::Waiters::default(),
            lines: lines::Lines::default(),
            gate: Gate::new(settings.calls_at_once),
            budget: backoff::RetryBudget::full(),
            vault: vault::Vault::new(settings.memory),
            rejections: rejections::Rejections::default(),
            schedule: schedule::Schedule::default(),
            overdue: schedule::Schedule::default(),
            looking_ahead_from: Duration::ZERO,
            storage: storage::Storage::default(),
            leases: leasing::Leases::default(),
            telling: saving::Telling::default(),
            loads: 0,
            service_clock: None,
            under_way: NumberedMap::default(),
            give_ups: BTreeSet::new(),
            outputs: VecDeque::new(),
            last_effect: 0,
            pinned: HashSet::new(),
            counted: Stats::default(),
            closed: false,
            settings,
        }
    }

    /// The same with a store. `leases` tells whether it grants a tenant to one process at a time, so that a fleet takes turns.
    #[must_use]
    pub fn with_store(mut self, leases: bool) -> Self {
        self.storage = storage::Storage::new(leases);
        self
    }

    /// A caller wants a token. Ten thousand callers for one tenant make one call.
    pub fn want(&mut self, now: Now, tenant: &TenantId, demand: Demand) -> Wanted {
        if self.closed {
            return Wanted::Failed(closed_error());
        }
        self.gate.tick(now.mono);
        let key = self.flights.find_or_start(tenant);
        let wanted = self.decide(now, key, demand);
        if let Wanted::Failed(_) = wanted {
            self.tidy(key);
        }
        wanted
    }

    /// The caller is gone. Queued work that nobody else wants goes too; work under way goes on. A no-op for a ticket that
    /// is settled.
    pub fn forget(&mut self, now: Now, ticket: Ticket) {
        if let Some(waiter) = self.waiters.remove(ticket) {
            self.unqueue_if_unwanted(now, waiter.key);
        }
    }

    /// Some service refused this very token: it is not served again, even if it is handed out again. For a
    /// token that is not held any more, that is all.
    pub fn reject(&mut self, now: Now, token: &Token) {
        /// Rejections further apart are not in a row.
        const IN_A_ROW: Duration = Duration::from_secs(300);
        self.rejections.insert(token);
        for key in self.vault.holders(token) {
            if let Some(held) = self.vault.remove(key).filter(|_| self.storage.exists()) {
                let (tenant, until) = (self.flights[key].tenant.clone(), held.end());
                self.bury(Rejection { tenant, token: held.token, issued: held.stamp.issued, until });
            }
            self.let_go(key);
            let flight = &mut self.flights[key];
            let rare = flight.rare();
            let before = rare.rejected.filter(|last| now.mono.saturating_sub(last.at) < IN_A_ROW);
            let in_a_row = before.map_or(0, |last| last.in_a_row).saturating_add(1);
            flight.set_rare(Rare { rejected: Some(Rejected { at: now.mono, in_a_row }), ..rare });
            self.remember(key);
            if matches!(self.flights[key].stage, Stage::Idle) {
                self.rest_after_rejection(now, key, in_a_row);
            }
            if self.pinned.contains(&key) {
                self.overdue.set(key, now.mono);
            }
        }
    }

    /// How long this token is served yet, if it is in hand.
    pub fn remaining(&self, now: Now, token: &Token) -> Option<Duration> {
        let holders = self.vault.holders(token);
        let lives = holders.into_iter().filter_map(|key| self.vault.get(key, now.mono));
        lives.map(|held| held.remaining(now.mono)).max()
    }

    /// Replaces the credentials, and lifts the pause that refused ones brought.
    pub fn set_credentials(&mut self, credentials: Arc<Credentials>) {
        self.credentials = credentials;
        self.gate.lift();
    }

    /// Holds all calls until then, since the service asked for it elsewhere. Callers without the patience are answered.
    pub fn hold(&mut self, now: Now, until: Duration, error: Error) {
        self.gate.pause(Hold { until, error, at_once: false });
        self.dismiss_all_hopeless(now);
    }

    /// Until when no call leaves, if so: what goes to the service past the broker has to mind that too.
    ///
    /// # Errors
    /// It is not worth waiting for, with this patience or with any: the reason, with `retry_after`.
    pub fn held(&self, now: Now, patience: Duration) -> Result<Option<Duration>, Error> {
        let Some(hold) = self.gate.hold().filter(|hold| hold.until > now.mono) else { return Ok(None) };
        let wait = hold.until.saturating_sub(now.mono);
        if hold.at_once || wait > patience {
            return Err(hold.error.after(wait));
        }
        Ok(Some(hold.until))
    }

    /// What became of an effect. Late and repeated answers are no-ops.
    pub fn done(&mut self, now: Now, id: EffectId, outcome: Outcome) {
        self.gate.tick(now.mono);
        // What has ended makes room for what has come.
        self.let_go_of_the_ended(now);
        self.finish(now, id, outcome);
    }

    /// Settles all with an error of kind `closed`, lets go of all tokens, and tells the store what it has still to be told;
    /// after that, nothing more, but that leases are given back once what they were for is saved.
    pub fn close(&mut self, now: Now) {
        if self.closed {
            return;
        }
        for ticket in self.waiters.all() {
            self.settle(ticket, Err(closed_error()));
        }
        self.tell_the_rest(now);
        for key in self.vault.clear() {
            self.let_go(key);
        }
        self.closed = true;
        self.flights = Flights::default();
        self.memories = memories::Memories::default();
        self.lines = lines::Lines::default();
        self.gate = Gate::new(self.settings.calls_at_once);
        self.leases = leasing::Leases::default();
        self.schedule = schedule::Schedule::default();
        self.overdue = schedule::Schedule::default();
        self.pinned.clear();
        self.under_way.retain(|_, under_way| under_way.outlives_the_client());
        self.give_ups.clear();
    }

    /// The next thing to do. To be called until it answers `None` after any of the calls above, and at every wake-up.
    pub fn next(&mut self, now: Now) -> Option<Output> {
        if self.outputs.is_empty() {
            if self.closed {
                self.tell_the_store(now);
            } else {
                self.advance(now);
            }
        }
        self.outputs.pop_front()
    }

    /// When to step with nothing else happening, on the monotonic clock. Never in the past after a drain.
    pub fn wake_at(&self) -> Option<Duration> {
        if self.closed {
            return None;
        }
        let hold = self.gate.hold().filter(|_| !self.lines.is_empty());
        [
            self.vault.first_end(),
            self.schedule.first(),
            self.overdue.first(),
            self.give_ups.first().map(|(at, _)| *at),
            self.flights.first_timer(),
            self.waiters.first_due(),
            self.leases.first_renewal(),
            self.tells_again_at(),
            hold.map(|hold| hold.until),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What has been done and is held.
    pub fn stats(&self) -> Stats {
        Stats {
            calls_under_way: self.gate.under_way(),
            waiting: self.waiters.len(),
            tenants: self.flights.len(),
            tokens_held: self.vault.len(),
            bytes_held: self.vault.bytes(),
            ..self.counted
        }
    }

    fn decide(&mut self, now: Now, key: Key, demand: Demand) -> Wanted {
        let mut grace = None;
        if let Some(token) = self.living(now, key, demand.min_remaining) {
            if let Some(due) = self.vault.raise(key, Worth::Used) {
                self.schedule.set(key, due);
            }
            grace = self.worth_a_moment(now, key);
            if grace.is_none() {
                return Wanted::Ready(token);
            }
        } else if let Some(error) = self.refusal_from_memory(now, key, demand) {
            return Wanted::Failed(error);
        }
        self.fly(key, demand.lane);
        Wanted::Wait(self.waiters.add(key, demand, grace, now.mono))
    }

    /// Why a caller without a token in hand need not wait.
    fn refusal_from_memory(&self, now: Now, key: Key, demand: Demand) -> Option<Error> {
        if let Some(held) = self.vault.get(key, now.mono).filter(|held| held.no_better_before() > now.mono) {
            let error = self.too_short(now, key, demand.min_remaining);
            return Some(error.after(held.no_better_before().saturating_sub(now.mono)));
        }
        let idle = matches!(self.flights[key].stage, Stage::Idle);
        if idle && !self.vault.contains(key) && self.storage.is_usable(now.mono) {
            return None; // The store may have it.
        }
        let hold = self.obstacle(key).filter(|hold| hold.until > now.mono)?;
        let in_vain = hold.at_once || self.waiters.end_of(demand.patience, now.mono) < hold.until;
        in_vain
            .then(|| hold.error.about(&self.flights[key].tenant).after(hold.until.saturating_sub(now.mono)))
    }

    /// Until when a caller may wait for a newer token although one lives: in the mandatory window, as long as no refresh
    /// has failed, and if a call is under way or can leave now.
    fn worth_a_moment(&mut self, now: Now, key: Key) -> Option<Duration> {
        const MOMENT: Duration = Duration::from_secs(1);
        const BEFORE_ITS_END: Duration = Duration::from_millis(1);
        let held = self.vault.get(key, now.mono)?;
        if now.mono < held.lifetime().mandatory_from || held.no_better_before() > now.mono {
            return None;
        }
        let until = (now.mono + MOMENT).min(held.end().saturating_sub(BEFORE_ITS_END));
        let flight = &self.flights[key];
        let soon = match flight.stage {
            Stage::UnderWay(_) => flight.attempts <= 1 && !flight.failing,
            Stage::Resting(_) | Stage::Elsewhere => false,
            Stage::Idle | Stage::Queued(..) => self.gate.has_room() && !flight.failing,
        };
        if !soon && matches!(flight.stage, Stage::Idle | Stage::Queued(..)) {
            self.flights[key].wished = true;
            self.fly(key, Lane::Refresh);
        }
        soon.then_some(until)
    }

    fn rest_after_rejection(&mut self, now: Now, key: Key, in_a_row: u32) {
        let wait = backoff::after_rejection(in_a_row);
        if wait.is_zero() {
            return self.settle_down(now, key);
        }
        let message =
            format!("{in_a_row} tokens of this tenant in a row were rejected by the services they were for");
        let error = Error::new(ErrorKind::Service, message).transient();
        self.rest(now, key, &Rest { until: now.mono + wait, error, at_once: false });
    }
}

fn closed_error() -> Error {
    Error::new(ErrorKind::Closed, "the client is closed")
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("application", &self.application)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
