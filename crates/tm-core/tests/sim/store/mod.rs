//! The simulated store: answers as tm-cache's contract has it, later, and goes wrong by schedule.

mod shelf;
mod troubles;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tm_core::{
    TenantId,
    broker::{Leased, Outcome, StoreAnswer, StoreRequest},
};

pub(crate) use shelf::Shelf;
pub(crate) use troubles::{Mishap, Trouble};

/// What all processes of a fleet share.
pub(crate) struct Store {
    pub(crate) leases: bool,
    /// How long a request takes there and back, from and to.
    pub(crate) latency: (Duration, Duration),
    pub(crate) mishaps: Vec<Mishap>,
    /// When it loses all that it has.
    pub(crate) wipes: BTreeSet<Duration>,
    pub(crate) shelf: Shelf,
    /// Whether it ever lost all that it had.
    pub(crate) forgot: bool,
    /// Whether it ever said that something is older than it is.
    pub(crate) lied: bool,
    rng: fastrand::Rng,
    inbox: BTreeMap<(Duration, u64), Letter>,
    outbox: Vec<Reply>,
    posted: u64,
}

/// A request on its way.
struct Letter {
    owner: u64,
    number: usize,
    request: StoreRequest,
    trouble: Option<Trouble>,
    back_at: Duration,
}

/// An answer on its way to the process that asked.
pub(crate) struct Reply {
    pub(crate) owner: u64,
    /// Which request of that process it answers.
    pub(crate) number: usize,
    pub(crate) at: Duration,
    pub(crate) what: &'static str,
    pub(crate) outcome: Outcome,
}

impl Store {
    pub(crate) fn new(seed: u64, leases: bool) -> Self {
        Self {
            leases,
            latency: (Duration::from_millis(2), Duration::from_millis(2)),
            mishaps: Vec::new(),
            wipes: BTreeSet::new(),
            shelf: Shelf::default(),
            forgot: false,
            lied: false,
            rng: fastrand::Rng::with_seed(seed),
            inbox: BTreeMap::new(),
            outbox: Vec::new(),
            posted: 0,
        }
    }

    /// A process asks. What goes wrong is decided when the request is sent, and what it finds when it arrives. Answers what went wrong.
    pub(crate) fn post(
        &mut self,
        sent: Duration,
        owner: u64,
        number: usize,
        request: StoreRequest,
    ) -> Option<&'static str> {
        let (shortest, longest) = self.latency;
        let mut time = shortest + (longest - shortest).mul_f64(self.rng.f64());
        let rng = &mut self.rng;
        let struck = self.mishaps.iter().find(|mishap| mishap.strikes(sent, rng));
        let trouble = struck.map(|mishap| mishap.what).filter(|trouble| trouble.concerns(&request));
        if let Some(Trouble::Slow(slow)) = trouble {
            time = slow;
        }
        self.posted += 1;
        let letter = Letter { owner, number, request, trouble, back_at: sent + time };
        self.inbox.insert((sent + time / 2, self.posted), letter);
        trouble.map(Trouble::name)
    }

    pub(crate) fn first_at(&self) -> Option<Duration> {
        self.inbox.first_key_value().map(|((at, _), _)| *at)
    }

    /// Does all that has arrived by then.
    pub(crate) fn work_until(&mut self, time: Duration) {
        while let Some(entry) = self.inbox.first_entry().filter(|entry| entry.key().0 <= time) {
            let ((at, _), letter) = entry.remove_entry();
            while self.wipes.first().is_some_and(|wipe| *wipe <= at) {
                self.wipes.pop_first();
                self.shelf.wipe();
                self.forgot = true;
            }
            self.receive(at, letter);
        }
    }

    pub(crate) fn replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.outbox)
    }

    fn receive(&mut self, now: Duration, letter: Letter) {
        let Letter { owner, number, request, trouble, back_at } = letter;
        let does_it = trouble.is_none_or(Trouble::does_it);
        let mut answer = does_it.then(|| self.answer(now, owner, &request));
        if let (Some(answer), Some(trouble)) = (&mut answer, trouble) {
            trouble.spoil(answer);
            self.lied |= trouble == Trouble::Ancient;
        }
        let outcome = match (trouble, answer) {
            (Some(Trouble::Silence | Trouble::Deaf), _) => return,
            (Some(Trouble::Lost), _) => Outcome::Lost,
            (_, Some(answer)) => Outcome::Stored(answer),
            (_, None) => Outcome::StoreFailed,
        };
        let what = trouble.map_or_else(|| name(&request), Trouble::name);
        self.outbox.push(Reply { owner, number, at: back_at, what, outcome });
    }

    fn answer(&mut self, now: Duration, owner: u64, request: &StoreRequest) -> StoreAnswer {
        match request {
            StoreRequest::Load(tenants) => {
                StoreAnswer::Loaded(tenants.iter().map(|tenant| self.shelf.find(tenant, now)).collect())
            }
            StoreRequest::Lease { claims, time } => {
                let lease = |(tenant, has): &(TenantId, Option<_>)| match self
                    .shelf
                    .find_better(tenant, *has, now)
                {
                    Some(kept) => Leased::Found(kept),
                    None if !self.leases || self.shelf.lease(tenant, owner, now, *time) => Leased::Granted,
                    None => Leased::Held,
                };
                StoreAnswer::Leased(claims.iter().map(lease).collect())
            }
            StoreRequest::Save(all) => {
                for (tenant, kept) in all {
                    self.shelf.put(tenant, kept, now);
                }
                StoreAnswer::Done
            }
            StoreRequest::Remove(all) => {
                for (tenant, buried) in all {
                    self.shelf.bury(tenant, buried, now);
                }
                StoreAnswer::Done
            }
            StoreRequest::Release(tenants) => {
                for tenant in tenants {
                    self.shelf.release(tenant, owner);
                }
                StoreAnswer::Done
            }
        }
    }
}

/// How the trace calls it.
pub(crate) fn name(request: &StoreRequest) -> &'static str {
    match request {
        StoreRequest::Load(_) => "load",
        StoreRequest::Lease { .. } => "lease",
        StoreRequest::Save(_) => "save",
        StoreRequest::Remove(_) => "remove",
        StoreRequest::Release(_) => "release",
    }
}
