//! A broker in virtual time, with a service that answers everything after 5 ms.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use canned::Answers;
use http::Response;
use measure::thread_time;
use tm_cache::View;
use tm_core::{
    Now, TenantId, UnixTime,
    broker::{Broker, Call, Demand, Effect, EffectId, Lane, Outcome, Output, Patience, Settings, Wanted},
};

const LATENCY: Duration = Duration::from_millis(5);

pub struct World {
    broker: Broker,
    view: View,
    answers: Answers,
    now: Duration,
    arrivals: BinaryHeap<Reverse<(Duration, EffectId)>>,
    calls: HashMap<EffectId, Call>,
    shown: Vec<TenantId>,
    spent: Spent,
}

/// What a run has cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Steps of the broker.
    pub steps: usize,
    /// The nanoseconds that they took.
    pub in_steps: f64,
    /// The nanoseconds for making requests and reading answers.
    pub on_the_wire: f64,
    /// In virtual time.
    pub took: Duration,
}

impl Spent {
    pub fn nanos_each(&self) -> f64 {
        self.in_steps / self.steps as f64
    }

    pub fn all_nanos(&self) -> f64 {
        self.in_steps + self.on_the_wire
    }
}

impl World {
    /// All tenants have a token and use it, and the first refreshes have begun.
    pub fn supplied(tenants: usize) -> Self {
        let mut settings = Settings::default();
        settings.memory = 4 << 30;
        let application = Arc::new(canned::application("https://127.0.0.1:1"));
        let broker = Broker::new(application, Arc::new(canned::credentials()), settings, 1);
        let mut world = Self {
            broker,
            view: View::default(),
            answers: Answers::new(200, 0),
            now: Duration::from_secs(1),
            arrivals: BinaryHeap::new(),
            calls: HashMap::new(),
            shown: Vec::new(),
            spent: Spent::default(),
        };
        let all = canned::tenants(tenants);
        world.step(|broker, now| {
            for tenant in &all {
                broker.want(now, tenant, demand());
            }
        });
        while world.broker.stats().tokens_held < tenants {
            world.go_on();
        }
        let refreshing = world.now + Duration::from_secs(400);
        while world.now < refreshing {
            world.go_on();
        }
        world
    }

    /// What so many steps cost from here on.
    pub fn run(mut self, steps: usize) -> Spent {
        self.spent = Spent::default();
        let start = self.now;
        while self.spent.steps < steps {
            self.go_on();
        }
        Spent { took: self.now - start, ..self.spent }
    }

    /// To the next thing that happens.
    fn go_on(&mut self) {
        // Whoever uses a token asks the broker at its first hit.
        for tenant in std::mem::take(&mut self.shown) {
            if self.view.hit(&tenant, self.now).is_none() {
                self.step(|broker, now| {
                    let wanted = broker.want(now, &tenant, demand());
                    assert!(matches!(wanted, Wanted::Ready(_)), "it has just come");
                });
            }
        }
        let arrival = self.arrivals.peek().map(|Reverse((at, _))| *at);
        let wake = self.broker.wake_at();
        let at = [arrival, wake].into_iter().flatten().min().expect("something is always due");
        self.now = self.now.max(at);
        if arrival != Some(at) {
            return self.step(|_, _| ());
        }
        let Some(Reverse((_, id))) = self.arrivals.pop() else { return };
        let call = self.calls.remove(&id).expect("it was made");
        let outcome = self.answered(&call);
        self.step(|broker, now| broker.done(now, id, outcome));
    }

    fn answered(&mut self, call: &Call) -> Outcome {
        let start = thread_time();
        let request = call.request();
        let made = thread_time();
        let body = self.answers.answer(request.uri().path(), request.body());
        let answered = thread_time();
        let outcome = call.outcome(Ok(Response::new(body.into())));
        self.spent.on_the_wire += thread_time() - answered + made - start;
        outcome
    }

    fn step(&mut self, calls: impl FnOnce(&mut Broker, Now)) {
        let start = thread_time();
        // Far from what the tokens say, so that they live for as long as the answers say.
        let now = Now { mono: self.now, unix: UnixTime::from_secs(9_000_000_000) };
        calls(&mut self.broker, now);
        while let Some(output) = self.broker.next(now) {
            match output {
                Output::Show { tenant, token, until } => {
                    self.view.show(&tenant, token, until);
                    self.shown.push(tenant);
                }
                Output::Hide(tenant) => self.view.hide(&tenant),
                Output::Settle(_, result) => drop(result.expect("the service is well")),
                Output::Do { id, effect: Effect::Call(call), .. } => {
                    self.arrivals.push(Reverse((self.now + LATENCY, id)));
                    self.calls.insert(id, call);
                }
                Output::Do { .. } => unreachable!("there is no store"),
            }
        }
        self.spent.in_steps += thread_time() - start;
        self.spent.steps += 1;
    }
}

fn demand() -> Demand {
    let patience = Patience::Idle(Duration::from_secs(3_600));
    Demand { lane: Lane::Bulk, min_remaining: Duration::ZERO, patience }
}
