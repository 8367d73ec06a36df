//! Hits by the tenant's id and through its handle.

use std::{
    collections::HashMap,
    hint::black_box,
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use canned::{Answers, InProcess};
use measure::{Line, by_turns, nanos_each, thread_time, wanted};
use tm_core::TenantId;

const AGAINST: &str = "HashMap, Arc clone, clock";
const ROUNDS: usize = 21;

pub fn run() {
    for (count, label, target) in [(100, "100", 1.15), (100_000, "100k", 1.3)] {
        let (name_async, name_blocking) = (format!("hit-async-{label}"), format!("hit-blocking-{label}"));
        let tenants = shuffled(canned::tenants(count));
        let plain = Plain::new(&tenants);
        if wanted(&name_async) {
            let client = Async::new(&tenants);
            let pair = by_turns(ROUNDS, || client.hits(&tenants), || plain.hits(&tenants));
            Line::of(&name_async, "ns", AGAINST, pair).at_most(target).print();
        }
        if wanted(&name_blocking) {
            let client = blocking(&tenants);
            let pair = by_turns(ROUNDS, || blocking_hits(&client, &tenants), || plain.hits(&tenants));
            Line::of(&name_blocking, "ns", AGAINST, pair).at_most(target).print();
        }
    }
    if wanted("hit-two-threads") {
        let tenants = canned::tenants(100);
        let (client, plain) = (blocking(&tenants), Plain::new(&tenants));
        let one = &tenants[7..8];
        let pair = by_turns(
            ROUNDS,
            || on_two_threads(&|| blocking_hits(&client, one)),
            || on_two_threads(&|| plain.hits(one)),
        );
        Line::of("hit-two-threads", "ns", AGAINST, pair).at_most(1.5).print();
    }
    if wanted("hit-handle") {
        let tenants = canned::tenants(100);
        let client = Async::new(&tenants);
        let handle = client.client.tenant(&tenants[7]).expect("a good id");
        let plain = Plain::new(&tenants);
        let hits = || {
            client.runtime.block_on(async {
                let start = thread_time();
                for _ in 0..HITS {
                    black_box(handle.token().await.expect("a hit"));
                }
                (thread_time() - start) / HITS as f64
            })
        };
        Line::of("hit-handle", "ns", AGAINST, by_turns(ROUNDS, hits, || plain.hits(&tenants))).print();
    }
}

const HITS: usize = 200_000;

struct Async {
    client: tm_async::Client,
    runtime: tokio::runtime::Runtime,
}

impl Async {
    fn new(tenants: &[TenantId]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let transport = InProcess(Answers::new(200, 0));
        let client = tm_async::Client::builder(canned::setup("https://127.0.0.1:1")).transport(transport).build()
            .expect("set up");
        runtime.block_on(async {
            client
                .tokens(tenants.iter().cloned())
                .await
                .into_iter()
                .for_each(|(_, token)| drop(token.expect("a token")));
            for tenant in tenants {
                client.token(tenant).await.expect("a token"); // the first hit of a token asks the broker
            }
        });
        Self { client, runtime }
    }

    fn hits(&self, tenants: &[TenantId]) -> f64 {
        self.runtime.block_on(async {
            let (mut left, start) = (HITS, thread_time());
            while left > 0 {
                for tenant in tenants {
                    black_box(self.client.token(black_box(tenant)).await.expect("a hit"));
                }
                left = left.saturating_sub(tenants.len());
            }
            (thread_time() - start) / HITS.next_multiple_of(tenants.len()) as f64
        })
    }
}

fn blocking(tenants: &[TenantId]) -> tm_blocking::Client {
    let transport = InProcess(Answers::new(200, 0));
    let client =
        tm_blocking::Client::builder(canned::setup("https://127.0.0.1:1")).transport(transport).build().expect("set up");
    client.tokens(tenants.iter().cloned()).into_iter().for_each(|(_, token)| drop(token.expect("a token")));
    for tenant in tenants {
        client.token(tenant).expect("a token");
    }
    client
}

fn blocking_hits(client: &tm_blocking::Client, tenants: &[TenantId]) -> f64 {
    each(tenants, |tenant| client.token(tenant).expect("a hit"))
}

fn each<T>(tenants: &[TenantId], mut hit: impl FnMut(&TenantId) -> T) -> f64 {
    let rounds = HITS.div_ceil(tenants.len());
    nanos_each(rounds, |_| {
        for tenant in tenants {
            black_box(hit(black_box(tenant)));
        }
    }) / tenants.len() as f64
}

/// What one would write who needs no concurrency, no expiry but a look at the clock, and nobody to be told what is used.
struct Plain {
    entries: HashMap<TenantId, Entry, rapidhash::quality::RandomState>,
    start: Instant,
}

struct Entry {
    token: Arc<String>,
    until: Duration,
}

impl Plain {
    fn new(tenants: &[TenantId]) -> Self {
        let entry = |tenant: &TenantId| {
            let entry = Entry { token: Arc::new("x".repeat(200)), until: Duration::from_secs(1_700) };
            (tenant.clone(), entry)
        };
        Self { entries: tenants.iter().map(entry).collect(), start: Instant::now() }
    }

    fn hits(&self, tenants: &[TenantId]) -> f64 {
        each(tenants, |tenant| {
            let entry = self.entries.get(tenant.as_str())?;
            (self.start.elapsed() < entry.until).then(|| Arc::clone(&entry.token))
        })
    }
}

fn on_two_threads(hits: &(impl Fn() -> f64 + Sync)) -> f64 {
    let both = Barrier::new(2);
    let one = || {
        both.wait();
        hits()
    };
    std::thread::scope(|threads| {
        let other = threads.spawn(one);
        (one() + other.join().expect("no panic")) / 2.0
    })
}

/// In an order that no prefetcher guesses, the same in each run.
fn shuffled(mut tenants: Vec<TenantId>) -> Vec<TenantId> {
    let mut random = 1_u64;
    for at in (1..tenants.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tenants.swap(at, (random >> 33) as usize % (at + 1));
    }
    tenants
}
