//! A lean world for many tenants: no bytes on the wire and no heavy oracles, but callers for every tenant all the time.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::Response;
use serde_json::json;
use tm_core::{
    AppName, AppVersion, Application, Gateway, Now, TenantId, Token, UnixTime,
    broker::{
        Call, Demand, Effect, EffectId, Lane, Outcome, Output, Patience, Settings, StoreRequest, Ticket,
        Wanted,
    },
    wire::{self, IssuedToken},
};

use super::books::Books;
use crate::{
    clock::{START, millis, secs, wall},
    process::Process,
    random::tenants,
    service::credentials,
    store::Store,
};

/// `expires_in` of every token.
pub(crate) const LIFE: Duration = secs(1_799);

/// How often each tenant is asked for, about.
const ASKED_EVERY: Duration = secs(60);

/// How long a caller that was told that there is no token leaves it alone.
const ASKS_AGAIN: Duration = secs(300);

/// One service, processes that use it, and perhaps a store.
pub(crate) struct Town {
    pub(crate) now: Duration,
    pub(crate) books: Books,
    pub(crate) store: Option<Store>,
    /// When the service answers 503 to everything.
    pub(crate) outages: Vec<(Duration, Duration)>,
    shops: Vec<Shop>,
    tenants: Vec<TenantId>,
    pattern: IssuedToken,
    events: BTreeMap<(Duration, u64), (usize, Event)>,
    scheduled: u64,
    /// When each token that was ever made dies, on the true clock.
    dies: Vec<Duration>,
    rng: fastrand::Rng,
}

/// One process.
struct Shop {
    broker: Process,
    wall_error_ms: i64,
    view: Vec<Option<Shown>>,
    waiting: BTreeMap<Ticket, Waiter>,
    requests: Vec<EffectId>,
    calls_under_way: usize,
}

struct Waiter {
    tenant: usize,
    since: Duration,
    in_hand: bool,
}

#[derive(Clone, Copy)]
struct Shown {
    token: usize,
    until: Duration,
    used: bool,
}

enum Event {
    Answer(EffectId, Outcome),
    /// Somebody asks for a tenant.
    Asks(usize),
    StepWall(i64),
}

impl Town {
    pub(crate) fn new(seed: u64, tenant_count: usize, processes: usize, store: Option<Store>) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let leases = store.as_ref().map(|store| store.leases);
        let shops = (0..processes).map(|number| {
            let (seed, ahead) = (seed * 100 + number as u64, secs(rng.u64(0..100_000)));
            let settings = Settings::default();
            Shop {
                broker: Process::new(application(), credentials(0), settings, seed, leases, ahead),
                wall_error_ms: 0,
                view: vec![None; tenant_count],
                waiting: BTreeMap::new(),
                requests: Vec::new(),
                calls_under_way: 0,
            }
        });
        Self {
            now: START,
            books: Books::default(),
            store,
            outages: Vec::new(),
            shops: shops.collect(),
            tenants: tenants(tenant_count),
            pattern: pattern(),
            events: BTreeMap::new(),
            scheduled: 0,
            dies: Vec::new(),
            rng,
        }
    }

    /// Every process is asked for all tenants, all in one step.
    pub(crate) fn open(&mut self) {
        for shop in 0..self.shops.len() {
            for tenant in 0..self.tenants.len() {
                let patience = Patience::Idle(secs(30));
                self.want(shop, tenant, Demand { lane: Lane::Bulk, min_remaining: Duration::ZERO, patience });
            }
            self.drain(shop);
        }
    }

    /// A wall clock is set.
    pub(crate) fn step_wall(&mut self, shop: usize, at: Duration, by_ms: i64) {
        self.schedule(at, shop, Event::StepWall(by_ms));
    }

    pub(crate) fn run_until(&mut self, until: Duration) {
        loop {
            let event_at = self.events.first_key_value().map(|((at, _), _)| *at);
            let store_at = self.store.as_ref().and_then(Store::first_at);
            let wakes = self.shops.iter().enumerate();
            let wakes = wakes.filter_map(|(number, shop)| Some((shop.broker.wake_at()?, number)));
            let (wake_at, sleeper) = wakes.min().unzip();
            let next = [event_at, store_at, wake_at].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if store_at == Some(next) {
                self.store_works();
            } else if event_at == Some(next)
                && let Some((_, (shop, event))) = self.events.pop_first()
            {
                self.happen(shop, event);
                self.drain(shop);
            } else if let Some(shop) = sleeper {
                self.drain(shop);
            }
        }
        self.now = self.now.max(until);
    }

    /// How many tenants of this process have a token that is served without asking.
    pub(crate) fn in_hand(&self, shop: usize) -> usize {
        self.shops[shop].view.iter().flatten().filter(|shown| shown.until > self.now).count()
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    fn happen(&mut self, shop: usize, event: Event) {
        match event {
            Event::Answer(id, outcome) => {
                let now = self.clocks(shop);
                if !matches!(outcome, Outcome::Stored(_) | Outcome::StoreFailed) {
                    self.shops[shop].calls_under_way -= 1;
                }
                self.shops[shop].broker.done(now, id, outcome);
            }
            Event::Asks(tenant) => self.ask(shop, tenant),
            Event::StepWall(by_ms) => self.shops[shop].wall_error_ms += by_ms,
        }
    }

    /// One of the callers of this tenant; the next comes later.
    fn ask(&mut self, shop: usize, tenant: usize) {
        match &mut self.shops[shop].view[tenant] {
            Some(shown) if self.now < shown.until => {
                let Shown { token, until, .. } = *shown;
                let first = !std::mem::replace(&mut shown.used, true);
                self.serve(token);
                if first {
                    // The view says so to the broker, and nobody waits for that.
                    let demand = interactive(self.now);
                    let now = self.clocks(shop);
                    let wanted = self.shops[shop].broker.want(now, &self.tenants[tenant], demand);
                    assert!(matches!(wanted, Wanted::Ready(_)), "a first hit was told to wait");
                }
                // Whoever asks again finds the same, until the token is replaced or near its end.
                self.ask_later(shop, tenant, until.saturating_sub(self.now));
            }
            _ => self.want(shop, tenant, interactive(self.now)),
        }
    }

    fn want(&mut self, shop: usize, tenant: usize, demand: Demand) {
        let now = self.clocks(shop);
        match self.shops[shop].broker.want(now, &self.tenants[tenant], demand) {
            Wanted::Ready(token) => {
                self.serve(serial(&token));
                self.ask_later(shop, tenant, secs(5));
            }
            Wanted::Failed(_) => {
                self.books.failed(self.now);
                self.ask_later(shop, tenant, ASKS_AGAIN);
            }
            Wanted::Wait(ticket) => {
                let Shop { waiting, view, .. } = &mut self.shops[shop];
                let in_hand = view[tenant].is_some();
                waiting.insert(ticket, Waiter { tenant, since: self.now, in_hand });
            }
        }
    }

    fn drain(&mut self, shop: usize) {
        let now = self.clocks(shop);
        while let Some(output) = self.shops[shop].broker.next(now) {
            match output {
                Output::Show { tenant, token, until } => {
                    let (tenant, token) = (index(&tenant), serial(&token));
                    let before = self.shops[shop].view[tenant].replace(Shown { token, until, used: false });
                    self.books.shown(self.now, before.map(|before| before.until));
                    let soon = ASKED_EVERY.mul_f64(self.rng.f64());
                    self.schedule(self.now + soon, shop, Event::Asks(tenant));
                }
                Output::Hide(tenant) => {
                    let tenant = index(&tenant);
                    self.shops[shop].view[tenant] = None;
                    let soon = ASKED_EVERY.mul_f64(self.rng.f64());
                    self.schedule(self.now + soon, shop, Event::Asks(tenant));
                }
                Output::Settle(ticket, result) => self.settle(shop, ticket, result.ok().as_ref()),
                Output::Do { id, effect: Effect::Call(call), .. } => self.call(shop, id, &call),
                Output::Do { id, effect: Effect::Store(request), .. } => self.ask_store(shop, id, request),
            }
        }
        let wake_at = self.shops[shop].broker.wake_at();
        assert!(wake_at.is_none_or(|at| at > self.now), "after a drain wake_at is {wake_at:?}");
    }

    fn settle(&mut self, shop: usize, ticket: Ticket, token: Option<&Token>) {
        let waiter = self.shops[shop].waiting.remove(&ticket).expect("it was given out");
        let Waiter { tenant, since, in_hand } = waiter;
        if let Some(token) = token {
            self.books.waited(since, self.now, in_hand);
            self.serve(serial(token));
        } else {
            self.books.failed(self.now);
            self.ask_later(shop, tenant, ASKS_AGAIN);
        }
    }

    fn call(&mut self, shop: usize, id: EffectId, call: &Call) {
        self.books.called(self.now, call.tenants().len());
        self.shops[shop].calls_under_way += 1;
        assert!(
            self.shops[shop].calls_under_way <= Settings::default().calls_at_once,
            "too many calls at once"
        );
        let time = millis(self.rng.u64(40..80));
        let at = self.now + time / 2;
        let down = self.outages.iter().any(|(from, until)| (*from..*until).contains(&at));
        let outcome = if down {
            call.outcome(Ok(unavailable()))
        } else {
            let date = UnixTime::from_secs(wall(at, 0).as_secs());
            let entries = call.tenants().iter().map(|tenant| (tenant.clone(), Ok(self.issue(tenant, at))));
            Outcome::Answered { entries: entries.collect(), date: Some(date) }
        };
        self.schedule(self.now + time, shop, Event::Answer(id, outcome));
    }

    fn issue(&mut self, tenant: &TenantId, at: Duration) -> IssuedToken {
        let number = self.dies.len();
        let issued_at = UnixTime::from_secs(wall(at, 0).as_secs());
        self.dies.push(at + LIFE + secs(1));
        let mut issued = self.pattern.clone();
        issued.token = Token::new(&format!("{tenant}.{number}")).expect("made of good letters");
        issued.timestamp = Some(issued_at);
        issued.issued_at = Some(issued_at);
        issued.expires_at = Some(issued_at.saturating_add(LIFE + secs(1)));
        issued
    }

    fn ask_store(&mut self, shop: usize, id: EffectId, request: StoreRequest) {
        let requests = &mut self.shops[shop].requests;
        requests.push(id);
        let store = self.store.as_mut().expect("only who has a store asks it");
        store.post(self.now, shop as u64, requests.len() - 1, request);
    }

    fn store_works(&mut self) {
        let Some(store) = &mut self.store else { return };
        store.work_until(self.now);
        for reply in store.replies() {
            let shop = usize::try_from(reply.owner).expect("a few processes");
            let id = self.shops[shop].requests[reply.number];
            self.schedule(reply.at, shop, Event::Answer(id, reply.outcome));
        }
    }

    fn serve(&mut self, token: usize) {
        assert!(self.now < self.dies[token], "token {token} is served past its end");
    }

    fn ask_later(&mut self, shop: usize, tenant: usize, after: Duration) {
        let after = after + ASKED_EVERY.mul_f64(self.rng.f64() / 10.0);
        self.schedule(self.now + after, shop, Event::Asks(tenant));
    }

    fn schedule(&mut self, at: Duration, shop: usize, event: Event) {
        self.scheduled += 1;
        self.events.insert((at, self.scheduled), (shop, event));
    }

    fn clocks(&self, shop: usize) -> Now {
        Now { mono: self.now, unix: wall(self.now, self.shops[shop].wall_error_ms) }
    }
}

fn interactive(now: Duration) -> Demand {
    let patience = Patience::Until(now + secs(30));
    Demand { lane: Lane::Interactive, min_remaining: Duration::ZERO, patience }
}

fn index(tenant: &TenantId) -> usize {
    tenant.as_str()[1..].parse().expect("a letter and a number")
}

/// The number in a token's text.
fn serial(token: &Token) -> usize {
    let (_, number) = token.secret().split_once('.').expect("a tenant and a number");
    number.parse().expect("a number")
}

fn application() -> Application {
    Application {
        gateway: Gateway::region("eu1").expect("a region"),
        host_tenant: TenantId::new("operator").expect("a name"),
        name: AppName::new("pump-watch").expect("a name"),
        version: AppVersion::new("1.0.0").expect("a version"),
    }
}

/// A token as the wire has it: parsing a hundred thousand of them again and again would prove nothing new.
fn pattern() -> IssuedToken {
    let body = json!({ "access_token": "a.b.c", "token_type": "bearer", "expires_in": LIFE.as_secs() });
    let response = Response::new(Bytes::from(body.to_string()));
    wire::one_token::answer(&response).expect("a documented answer").value
}

fn unavailable() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    response
}
