//! Several processes over one service and one store, in one true time. Each has clocks of its own; some die.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{TenantId, broker::Settings};

use crate::{
    clock::{START, secs},
    oracles::{Verdict, rule},
    queue::Act,
    service::Service,
    store::Store,
    world::World,
};

/// The processes, and what they share.
pub(crate) struct Fleet {
    seed: u64,
    pub(crate) now: Duration,
    pub(crate) service: Service,
    pub(crate) store: Option<Store>,
    pub(crate) members: Vec<Member>,
    settings: Settings,
    leases: Option<bool>,
    started: u64,
    /// Tenants that were in calls of two processes at once.
    pub(crate) twice: usize,
    /// How many tenants each call had, of all processes, those of the dead too.
    pub(crate) calls: Vec<(Duration, usize)>,
    pub(crate) rng: fastrand::Rng,
}

/// One process. A dead one does nothing any more; what it has asked for happens all the same.
pub(crate) struct Member {
    pub(crate) world: World,
    pub(crate) alive: bool,
    /// It does not run before that.
    paused_until: Duration,
    counted: usize,
}

impl Fleet {
    /// `store` is `None` for processes that know nothing of each other.
    pub(crate) fn new(seed: u64, settings: Settings, store: Option<Store>, processes: usize) -> Self {
        let leases = store.as_ref().map(|store| store.leases);
        let mut fleet = Self {
            seed,
            now: START,
            service: Service::new(seed),
            store,
            members: Vec::new(),
            settings,
            leases,
            started: 0,
            twice: 0,
            calls: Vec::new(),
            rng: fastrand::Rng::with_seed(seed ^ 0xf1ee7),
        };
        for _ in 0..processes {
            fleet.start();
        }
        fleet
    }

    /// Starts one more process. Answers its number.
    pub(crate) fn start(&mut self) -> usize {
        self.started += 1;
        let seed = self.seed.wrapping_mul(1_000).wrapping_add(self.started);
        let ahead = secs(self.rng.u64(0..100_000));
        let mut world = World::of_fleet(seed, self.settings.clone(), self.leases, ahead);
        world.clock.mono = self.now;
        world.stepped = self.now;
        self.members.push(Member { world, alive: true, paused_until: Duration::ZERO, counted: 0 });
        self.members.len() - 1
    }

    /// From now on this process does nothing.
    pub(crate) fn kill(&mut self, member: usize) {
        self.members[member].alive = false;
    }

    /// This process ends in good order. A second later nobody is held up by a lease of it, unless the store does not work or was
    /// just being asked for one.
    pub(crate) fn close(&mut self, member: usize) {
        let excused = self.store.as_ref().is_none_or(|store| !store.mishaps.is_empty())
            || self.members[member].paused_until > self.now
            || self.members[member].world.oracles.requests.are_for_leases();
        self.with(member, |world| world.step(vec![Act::Close]));
        self.pass(secs(1));
        let left = self.with(member, |world| world.nothing_is_leased());
        self.must(left.or_else(|broken| rule(excused, || format!("of a closed process {broken}"))));
        self.kill(member);
    }

    /// For so long this process does nothing.
    pub(crate) fn pause(&mut self, member: usize, time: Duration) {
        self.members[member].paused_until = self.now + time;
    }

    /// When nobody stands still any more.
    pub(crate) fn all_go_on_at(&self) -> Duration {
        self.members.iter().fold(self.now, |at, member| at.max(member.paused_until))
    }

    pub(crate) fn alive(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|member| self.members[*member].alive).collect()
    }

    /// Does something with one process now.
    pub(crate) fn with<T>(&mut self, member: usize, work: impl FnOnce(&mut World) -> T) -> T {
        let now = self.now;
        self.lend(member, |world| {
            world.clock.mono = now;
            work(world)
        })
    }

    /// The process has the service and the store for as long as it works.
    fn lend<T>(&mut self, member: usize, work: impl FnOnce(&mut World) -> T) -> T {
        let Self { members, service, store, .. } = self;
        let Member { world, counted, .. } = &mut members[member];
        std::mem::swap(&mut world.service, service);
        std::mem::swap(&mut world.store, store);
        let done = work(world);
        std::mem::swap(&mut world.service, service);
        std::mem::swap(&mut world.store, store);
        let first = std::mem::replace(counted, world.calls.len());
        for call in &members[member].world.calls[first..] {
            self.calls.push((call.at, call.tenants.len()));
            let others = members.iter().enumerate().filter(|(other, _)| *other != member);
            let also =
                |other: &Member, tenant: &TenantId| other.alive && other.world.oracles.calls.has(tenant);
            let has_one =
                |(_, other): (usize, &Member)| call.tenants.iter().any(|tenant| also(other, tenant));
            self.twice += usize::from(others.into_iter().any(has_one));
        }
        done
    }

    /// Lets everything happen that happens until then, in the order of time.
    pub(crate) fn run_until(&mut self, until: Duration) {
        loop {
            let next =
                self.alive().into_iter().filter_map(|member| Some((self.next_at(member)?, member))).min();
            let store_at = self.store.as_ref().and_then(Store::first_at);
            if let Some(at) = store_at.filter(|at| *at <= until && next.is_none_or(|(next, _)| *at <= next)) {
                self.now = self.now.max(at);
                self.store_works(at);
                continue;
            }
            let Some((at, member)) = next.filter(|(at, _)| *at <= until) else { break };
            self.now = self.now.max(at);
            self.lend(member, |world| {
                let planned = world.next_at().unwrap_or(at).max(world.clock.mono);
                world.go_to(planned, at.saturating_sub(planned));
            });
        }
        self.now = self.now.max(until);
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Leases by tenant, of processes that live.
    pub(crate) fn nothing_is_leased(&self) -> Verdict {
        let Some(store) = &self.store else { return Ok(()) };
        let owners: BTreeSet<u64> =
            self.members.iter().filter(|member| member.alive).map(|member| member.world.owner).collect();
        let leases = store.shelf.leases(self.now);
        let left: BTreeMap<&TenantId, u64> =
            leases.into_iter().filter(|(_, owner)| owners.contains(owner)).collect();
        rule(left.is_empty(), || format!("leases are left: {left:?}"))
    }

    #[track_caller]
    pub(crate) fn must<T>(&self, verdict: Verdict<T>) -> T {
        verdict.unwrap_or_else(|broken| {
            panic!("seed {}, fleet, at {:?}: {broken}\n{}", self.seed, self.now, self.traces())
        })
    }

    /// What happened in each process, if there is but one seed.
    pub(crate) fn trace_of_one_alone(&self) -> String {
        if crate::is_one_alone() { self.traces() } else { String::new() }
    }

    fn traces(&self) -> String {
        let traces = self.members.iter().enumerate();
        let traces = traces.map(|(number, member)| format!("process {number}:\n{}", member.world.trace));
        traces.collect::<Vec<_>>().concat()
    }

    fn next_at(&self, member: usize) -> Option<Duration> {
        let Member { world, paused_until, .. } = &self.members[member];
        world.next_at().map(|at| at.max(*paused_until))
    }

    fn store_works(&mut self, now: Duration) {
        let Some(store) = &mut self.store else { return };
        store.work_until(now);
        for reply in store.replies() {
            let asked = self.members.iter_mut().find(|member| member.world.owner == reply.owner);
            if let Some(member) = asked {
                member.world.expect(reply);
            }
        }
    }
}
