//! One client in virtual time: a driver that follows the contract to the letter, under the eyes of the oracles.

use std::{collections::BTreeSet, time::Duration};

use tm_core::{
    AppName, AppVersion, Application, Error, Gateway, Now, TenantId, Token,
    broker::{EffectId, Settings, Ticket},
};

use crate::{
    answers::APP,
    clock::{Clock, START},
    fuel::Fuel,
    oracles::{
        Calls, Company, Failures, Heard, Holds, Memory, Outages, Requests, Tickets, Verdict, View, rule,
    },
    process::Process,
    queue::{Act, Queue, Wish},
    service::{Service, credentials},
    store::Store,
    tally::Tally,
    trace::Trace,
};

/// A broker with everything around it.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) broker: Process,
    pub(crate) clock: Clock,
    pub(crate) service: Service,
    pub(crate) store: Option<Store>,
    /// Names this process to the store.
    pub(crate) owner: u64,
    pub(crate) queue: Queue,
    pub(crate) callers: Vec<Caller>,
    pub(crate) calls: Vec<Sent>,
    /// What was asked of the store.
    pub(crate) requests: Vec<EffectId>,
    pub(crate) oracles: Oracles,
    pub(crate) tally: Tally,
    pub(crate) trace: Trace,
    /// How reliably the driver steps in time.
    pub(crate) drowsy: bool,
    pub(crate) rng: fastrand::Rng,
    pub(crate) settings: Settings,
    fuel: Fuel,
    /// When the broker was last stepped.
    pub(crate) stepped: Duration,
    /// Of the credentials that the client has.
    pub(crate) generation: u32,
    pub(crate) closed_at: Option<Duration>,
}

/// One caller and what became of it.
pub(crate) struct Caller {
    pub(crate) wish: Wish,
    pub(crate) asked_at: Duration,
    /// For how long the machine had been suspended by then, in all.
    pub(crate) overslept: Duration,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) answer: Option<(Duration, Result<Token, Error>)>,
}

/// One call that was started.
pub(crate) struct Sent {
    pub(crate) id: EffectId,
    pub(crate) at: Duration,
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) generation: u32,
}

/// All that watch.
pub(crate) struct Oracles {
    pub(crate) tickets: Tickets,
    pub(crate) calls: Calls,
    pub(crate) company: Company,
    pub(crate) requests: Requests,
    pub(crate) holds: Holds,
    pub(crate) outages: Outages,
    pub(crate) view: View,
    pub(crate) memory: Memory,
    pub(crate) failures: Failures,
}

impl Oracles {
    /// A call came back, or was given up.
    pub(crate) fn hear(&mut self, now: Now, heard: &Heard<'_>, fresh: &mut Fresh) {
        self.holds.heard(now, heard);
        self.outages.heard(now, heard);
        self.company.heard(now.mono, heard);
        self.requests.heard(now.mono, heard);
        let unserved = heard.tenants.iter().filter(|tenant| !heard.serves(tenant));
        fresh.unserved.extend(unserved.cloned());
    }
}

/// What a step has to look at again when its drain is over.
#[derive(Default)]
pub(crate) struct Fresh {
    pub(crate) shown: Vec<TenantId>,
    /// Tickets given out.
    pub(crate) waiting: Vec<Ticket>,
    /// Whom a call that came back had no token for.
    pub(crate) unserved: BTreeSet<TenantId>,
    /// Whether something came back, and if so, whether a token was in it.
    pub(crate) answered: Option<bool>,
}

impl World {
    pub(crate) fn new(seed: u64, settings: Settings) -> Self {
        Self::of_fleet(seed, settings, None, Duration::ZERO)
    }

    /// With a store of its own.
    pub(crate) fn with_store(seed: u64, settings: Settings, store: Store) -> Self {
        let world = Self::of_fleet(seed, settings, Some(store.leases), Duration::ZERO);
        Self { store: Some(store), ..world }
    }

    /// One of several processes; service and store are those of the fleet. `leases` tells what the store can, and `ahead` by
    /// how much the monotonic clock is.
    pub(crate) fn of_fleet(seed: u64, settings: Settings, leases: Option<bool>, ahead: Duration) -> Self {
        let application = Application {
            gateway: Gateway::region("eu1").expect("a region"),
            host_tenant: TenantId::new(APP[2]).expect("a name"),
            name: AppName::new(APP[0]).expect("a name"),
            version: AppVersion::new(APP[1]).expect("a version"),
        };
        let oracles = Oracles {
            tickets: Tickets::default(),
            calls: Calls::new(settings.calls_at_once),
            company: Company::default(),
            requests: Requests::new(settings.calls_at_once),
            holds: Holds::default(),
            outages: Outages::default(),
            view: View::default(),
            memory: Memory::new(settings.memory),
            failures: Failures::default(),
        };
        Self {
            seed,
            broker: Process::new(application, credentials(0), settings.clone(), seed, leases, ahead),
            clock: Clock::new(),
            service: Service::new(seed),
            store: None,
            owner: seed,
            queue: Queue::default(),
            callers: Vec::new(),
            calls: Vec::new(),
            requests: Vec::new(),
            oracles,
            tally: Tally::default(),
            trace: Trace::default(),
            drowsy: false,
            rng: fastrand::Rng::with_seed(!seed),
            settings,
            fuel: Fuel::default(),
            stepped: START,
            generation: 0,
            closed_at: None,
        }
    }

    /// Lets everything happen that happens until then.
    pub(crate) fn run_until(&mut self, until: Duration) {
        loop {
            let next = [self.next_at(), self.store_at()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            let overslept = self.oversleeps();
            self.go_to(next, overslept);
        }
        self.clock.mono = self.clock.mono.max(until);
    }

    /// When this process has something to do.
    pub(crate) fn next_at(&self) -> Option<Duration> {
        [self.queue.first_at(), self.broker.wake_at()].into_iter().flatten().min()
    }

    /// Does what there is to do at this time, or that much later.
    pub(crate) fn go_to(&mut self, next: Duration, overslept: Duration) {
        self.step_for_nothing(next);
        self.oracles.tickets.overslept += overslept;
        self.clock.mono = next.max(self.clock.mono) + overslept;
        self.store_works();
        if self.next_at().is_none_or(|at| at > self.clock.mono) {
            return;
        }
        let mut acts = self.queue.pop_until(self.clock.mono);
        if self.rng.bool() {
            for act in acts.drain(..) {
                self.step(vec![act]);
            }
        }
        self.step(acts);
    }

    /// A step: the calls, then a full drain.
    pub(crate) fn step(&mut self, acts: Vec<Act>) {
        let verdict = self.try_step(acts);
        self.must(verdict);
    }

    /// Fails the run unless the rule holds.
    pub(crate) fn must<T>(&self, verdict: Verdict<T>) -> T {
        verdict.unwrap_or_else(|broken| {
            panic!("seed {}, at {:?}: {broken}\nthe last events:\n{}", self.seed, self.clock.mono, self.trace)
        })
    }

    /// Suspends, and threads that get no processor.
    fn oversleeps(&mut self) -> Duration {
        if !self.drowsy {
            return Duration::ZERO;
        }
        match self.rng.u32(0..400) {
            0 => Duration::from_secs(self.rng.u64(1..7_200)),
            1..=40 => Duration::from_micros(self.rng.u64(0..30_000)),
            _ => Duration::ZERO,
        }
    }

    /// A step that nobody asked for, at some time before the next event, must find nothing to do.
    fn step_for_nothing(&mut self, before: Duration) {
        let span = before.saturating_sub(self.clock.mono);
        if span.is_zero() || self.rng.u8(0..8) != 0 {
            return;
        }
        let mut early = self.clock;
        early.mono += span.mul_f64(self.rng.f64()).min(span - Duration::from_nanos(1));
        let found = self.broker.next(early.now());
        let (at, wake_at) = (early.mono, self.broker.wake_at());
        self.must(rule(found.is_none(), || {
            format!("a spurious step at {at:?} found {found:?}; wake_at {wake_at:?}")
        }));
        // It counts as a step: whatever was due in it, was looked at.
        self.stepped = self.stepped.max(early.mono);
    }

    fn try_step(&mut self, acts: Vec<Act>) -> Verdict {
        let now = self.clock.now();
        self.fuel.step()?;
        let mut fresh = Fresh::default();
        for act in acts {
            self.apply(act, now, &mut fresh)?;
        }
        // An answer that comes in the very step that would give its call up is not late.
        self.give_up(now, &mut fresh);
        self.oracles.requests.give_up(now.mono);
        while let Some(output) = self.broker.next(now) {
            self.fuel.output()?;
            self.carry_out(output, now, &mut fresh)?;
        }
        self.rest(now, &fresh)?;
        self.stepped = now.mono;
        Ok(())
    }
}
