//! The step: the broker and its view under one lock, and what is left to do after it.

#[cfg(all(test, tm_loom))]
mod models;
#[cfg(test)]
#[cfg(not(tm_loom))]
mod tests;

#[cfg(not(all(test, tm_loom)))]
use std::sync::{Mutex, MutexGuard};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

#[cfg(all(test, tm_loom))]
use loom::sync::{Mutex, MutexGuard};
use tm_cache::{Handle, View};
use tm_core::{
    Application, Credentials, Error, Now, TenantId, Token,
    broker::{
        Broker, Demand, Effect, EffectId, Lane, NumberedMap, Outcome, Output, Patience, Settings, Stats,
        StoreRequest, Ticket, Wanted,
    },
    listing::Listing,
};

use crate::{Clock, Keeper};

/// A waiting caller. Called outside the lock; neither must wait.
pub trait Wake: Sized {
    /// Hands over its answer. It need not be woken for that.
    fn answer(&self, result: Result<Token, Error>);

    /// Wakes it. All others that one step has answered have their answers by then, so one that waits for many is woken for all.
    fn wake(self) {}
}

/// What a caller asks for beyond the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    /// The least life a token must have left. Zero by default.
    pub min_remaining: Duration,
    /// How long the caller waits, if not as long as [`Settings::patience`] says.
    pub patience: Option<Duration>,
}

/// What a driver has to do after a step.
#[derive(Debug, Default)]
#[must_use = "effects that are not carried out are given up only after seconds"]
pub struct Todo {
    /// To be carried out elsewhere.
    pub jobs: Vec<Job>,
    /// How long until the next step, if nothing else happens.
    pub wake_in: Option<Duration>,
}

/// An effect to be carried out, and answered with [`Engine::done`].
#[derive(Debug)]
pub struct Job {
    /// Names it in the answer.
    pub id: EffectId,
    /// What to do.
    pub effect: Effect,
    /// An answer after that comes too late.
    pub within: Duration,
}

impl Job {
    /// Whether it tells the store something, which is done even while the client closes.
    pub fn outlives_the_client(&self) -> bool {
        use StoreRequest::{Release, Remove, Save};
        matches!(self.effect, Effect::Store(Save(_) | Remove(_) | Release(_)))
    }
}

/// What became of a caller's demands.
#[derive(Debug)]
pub struct Asked {
    /// Those answered at once, by their position among the tenants asked for.
    pub answered: Vec<(usize, Result<Token, Error>)>,
    /// Those that wait, by the same position, to be forgotten if their caller goes.
    pub waiting: Vec<(usize, Ticket)>,
    /// What is to be done now.
    pub todo: Todo,
}

/// The state of a client, for a driver that wakes its callers with `W`.
#[derive(Debug)]
pub struct Engine<W> {
    clock: Clock,
    view: View,
    application: Arc<Application>,
    settings: Settings,
    state: Mutex<State<W>>,
}

#[derive(Debug)]
struct State<W> {
    broker: Broker,
    callers: NumberedMap<Ticket, W>,
}

/// Timers of the system may stand still while the machine sleeps, so none is trusted for longer than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

impl<W: Wake> Engine<W> {
    /// For one application; `store_leases` tells whether there is a store, and if so, whether a fleet takes turns by it; `seed`
    /// drives all draws.
    pub fn new(
        application: Application,
        credentials: Credentials,
        settings: Settings,
        store_leases: Option<bool>,
        seed: u64,
    ) -> Self {
        let application = Arc::new(application);
        let mut broker = Broker::new(Arc::clone(&application), Arc::new(credentials), settings.clone(), seed);
        if let Some(leases) = store_leases {
            broker = broker.with_store(leases);
        }
        Self {
            clock: Clock::start(),
            view: View::default(),
            application,
            settings,
            state: Mutex::new(State { broker, callers: NumberedMap::default() }),
        }
    }

    /// A token that can be served without asking the broker.
    pub fn hit<Q: AsRef<str> + ?Sized>(&self, tenant: &Q) -> Option<Token> {
        self.view.hit(tenant, self.clock.mono_at_most())
    }

    /// The same through a handle, which skips the look-up.
    pub fn hit_through(&self, handle: &Handle) -> Option<Token> {
        handle.hit(self.clock.mono_at_most())
    }

    /// A handle on a tenant.
    pub fn handle(&self, tenant: &TenantId) -> Handle {
        self.view.handle(tenant)
    }

    /// Who asks.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// How the client behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A walk through the list of tenants, from its first page.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn listing(&self) -> Result<Listing, Error> {
        Ok(Listing::new(Arc::clone(&self.application), &self.settings, crate::setup::seed()?))
    }

    /// The clocks.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// One caller wants one token.
    pub fn ask(&self, tenant: &TenantId, wish: Wish, caller: impl FnMut(usize) -> W) -> Asked {
        let patience = wish.patience.unwrap_or(self.settings.patience);
        let patience = Patience::Until(self.clock.mono().saturating_add(patience));
        let demand = Demand { lane: Lane::Interactive, min_remaining: wish.min_remaining, patience };
        self.ask_all([(0, tenant)], demand, caller)
    }

    /// One caller wants many tokens, which are seen together and leave in fives.
    pub fn ask_bulk<'a>(
        &self,
        tenants: impl IntoIterator<Item = (usize, &'a TenantId)>,
        caller: impl FnMut(usize) -> W,
    ) -> Asked {
        let patience = Patience::Idle(self.settings.bulk_patience);
        self.ask_all(tenants, Demand { lane: Lane::Bulk, min_remaining: Duration::ZERO, patience }, caller)
    }

    /// Tokens of these tenants are going to be wanted.
    pub fn prefetch<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId>) -> Todo {
        let tenants = outside_the_lock(tenants);
        self.step(|state, now| {
            for tenant in tenants {
                state.broker.prefetch(now, tenant);
            }
        })
        .1
    }

    /// Keeps tokens of these tenants in hand, whether anybody asks for them or not.
    ///
    /// # Errors
    /// There is no room for all of them. Those before the one that is named are kept.
    pub fn keep_fresh<'a>(
        &self,
        tenants: impl IntoIterator<Item = &'a TenantId>,
    ) -> (Result<(), Error>, Todo) {
        let tenants = outside_the_lock(tenants);
        self.step(|state, now| {
            tenants.into_iter().try_for_each(|tenant| state.broker.keep_fresh(now, tenant))
        })
    }

    /// Keeps these tenants fresh no longer than they are used.
    pub fn let_fade<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId>) -> Todo {
        let tenants = outside_the_lock(tenants);
        self.step(|state, now| {
            for tenant in tenants {
                state.broker.let_fade(now, tenant);
            }
        })
        .1
    }

    /// The caller of these tickets is gone.
    pub fn forget(&self, tickets: impl IntoIterator<Item = Ticket>) -> Todo {
        self.step(|state, now| {
            for ticket in tickets {
                state.broker.forget(now, ticket);
                state.callers.remove(&ticket);
            }
        })
        .1
    }

    /// Some service refused this very token.
    pub fn reject(&self, token: &Token) -> Todo {
        self.step(|state, now| state.broker.reject(now, token)).1
    }

    /// How long this token is served yet, if it is in hand.
    pub fn remaining(&self, token: &Token) -> Option<Duration> {
        let state = self.lock();
        state.broker.remaining(self.clock.now(), token)
    }

    /// Replaces the credentials, in the client's store too.
    pub fn set_credentials<S: ?Sized>(&self, credentials: Credentials, keeper: Option<&Keeper<S>>) -> Todo {
        let set = |credentials| self.step(|state, _| state.broker.set_credentials(Arc::new(credentials))).1;
        match keeper {
            Some(keeper) => keeper.set_credentials(credentials, set),
            None => set(credentials),
        }
    }

    /// Holds all calls for so long, since the service asked for it.
    pub fn hold(&self, wait: Duration, error: Error) -> Todo {
        self.step(|state, now| state.broker.hold(now, now.mono + wait, error)).1
    }

    /// How long no call leaves, if so, for one who has the patience of the bulk.
    ///
    /// # Errors
    /// It is not worth waiting for; the reason.
    pub fn held(&self) -> Result<Option<Duration>, Error> {
        let state = self.lock();
        let now = self.clock.now();
        let until = state.broker.held(now, self.settings.bulk_patience)?;
        Ok(until.map(|until| until.saturating_sub(now.mono)))
    }

    /// What became of an effect.
    pub fn done(&self, id: EffectId, outcome: Outcome) -> Todo {
        self.step(|state, now| state.broker.done(now, id, outcome)).1
    }

    /// Time has passed.
    pub fn wake(&self) -> Todo {
        self.step(|_, _| ()).1
    }

    /// Answers all callers and lets go of all tokens. What the store has still to be told is to be done.
    pub fn close(&self) -> Todo {
        self.step(|state, now| state.broker.close(now)).1
    }

    /// What has been done and is held.
    pub fn stats(&self) -> Stats {
        self.lock().broker.stats()
    }

    fn ask_all<'a>(
        &self,
        tenants: impl IntoIterator<Item = (usize, &'a TenantId)>,
        demand: Demand,
        mut caller: impl FnMut(usize) -> W,
    ) -> Asked {
        let (mut answered, mut waiting) = (Vec::new(), Vec::new());
        let ((), todo) = self.step(|state, now| {
            for (position, tenant) in tenants {
                match state.broker.want(now, tenant, demand) {
                    Wanted::Ready(token) => answered.push((position, Ok(token))),
                    Wanted::Failed(error) => answered.push((position, Err(error))),
                    Wanted::Wait(ticket) => {
                        state.callers.insert(ticket, caller(position));
                        waiting.push((position, ticket));
                    }
                }
            }
        });
        Asked { answered, waiting, todo }
    }

    /// The contract of the broker: lock, sample the clocks, call, drain, unlock; then wake.
    fn step<R>(&self, calls: impl FnOnce(&mut State<W>, Now) -> R) -> (R, Todo) {
        let mut todo = Todo::default();
        let mut settled = Vec::new();
        let mut state = self.lock();
        let now = self.clock.now();
        let answer = calls(&mut state, now);
        while let Some(output) = state.broker.next(now) {
            match output {
                Output::Show { tenant, token, until } => self.view.show(&tenant, token, until),
                Output::Hide(tenant) => self.view.hide(&tenant),
                Output::Settle(ticket, result) => {
                    settled.extend(state.callers.remove(&ticket).map(|who| (who, result)));
                }
                Output::Do { id, effect, give_up_at } => {
                    todo.jobs.push(Job { id, effect, within: give_up_at.saturating_sub(now.mono) });
                }
            }
        }
        todo.wake_in = state.broker.wake_at().map(|at| at.saturating_sub(now.mono).min(LONGEST_SLEEP));
        drop(state);
        let mut answered = Vec::with_capacity(settled.len());
        for (caller, result) in settled {
            caller.answer(result);
            answered.push(caller);
        }
        answered.into_iter().for_each(W::wake);
        (answer, todo)
    }

    /// No code of users runs under this lock, so it is poisoned only by a bug of ours; the client goes on then, rather than
    /// to fail all callers for good.
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An iterator is code of a user: it may ask the client itself.
fn outside_the_lock<T>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    items.into_iter().collect()
}
