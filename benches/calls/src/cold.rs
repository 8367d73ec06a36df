//! Many tenants and no token in hand, with a service that takes 20 ms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use canned::{Answers, Server};
use measure::{Line, Pair, by_turns, nanos_since, wanted, wanted_group};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::bare::{Reqwest, Ureq};

const LATENCY: Duration = Duration::from_millis(20);
const TENANTS: usize = 1_000;
const AT_ONCE: usize = 8;
const ROUNDS: usize = 5;

pub fn run() {
    if !wanted_group("cold-") && !wanted_group("all-tokens-") {
        return;
    }
    let server = Server::start(Answers::new(1_500, 10_000), LATENCY);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let url = server.url.as_str();
    let ideal = ideal(TENANTS);

    let (asynchronous, blocking) = (|| cold_async(&runtime, url), || cold_blocking(url));
    if wanted("cold-async") {
        let (reqwest, fives) = (Reqwest::new(url), fives(TENANTS));
        let pair = by_turns(ROUNDS, asynchronous, || bare_reqwest(&runtime, &reqwest, &fives));
        report("cold-async", "async", pair, "bare reqwest, 8 at once", ideal);
    }
    if wanted("cold-blocking") {
        let (ureq, fives) = (Ureq::new(url), fives(TENANTS));
        let pair = by_turns(ROUNDS, blocking, || bare_ureq(&ureq, &fives));
        report("cold-blocking", "blocking", pair, "bare ureq, 8 at once", ideal);
    }
    if wanted("all-tokens-async") {
        let reqwest = Reqwest::new(url);
        let pair =
            by_turns(ROUNDS, || first_of_all_async(&runtime, url), || first_by_hand(&runtime, &reqwest));
        Line::of("all-tokens-async", "ms", "token, page, batch by bare reqwest", millis(pair))
            .at_most(1.2)
            .print();
    }
    if wanted("all-tokens-blocking") {
        let ureq = Ureq::new(url);
        let pair = by_turns(ROUNDS, || first_of_all_blocking(url), || first_by_hand_blocking(&ureq));
        Line::of("all-tokens-blocking", "ms", "token, page, batch by bare ureq", millis(pair))
            .at_most(1.2)
            .print();
    }
}

/// Three lines of one measurement. Asking one by one is measured for 20 tenants: the rest is more of the same.
fn report(name: &str, kind: &str, pair: Pair, against: &str, ideal: f64) {
    Line::of(name, "ms", against, millis(pair)).at_most(1.05).print();
    let to_ideal = Pair { ours: pair.ours, baseline: ideal, ratio: pair.ours / ideal };
    Line::of(&format!("{name}-ideal"), "ms", "⌈200 / 8⌉ × 20 ms", millis(to_ideal)).at_most(1.2).print();
    let one_by_one = TENANTS as f64 * LATENCY.as_nanos() as f64;
    let times = Pair { ours: pair.ours, baseline: one_by_one, ratio: one_by_one / pair.ours };
    let against = "1,000 × 20 ms, one by one";
    Line::of(&format!("cold-times-{kind}"), "ms", against, millis(times)).at_least(35.0).print();
}

fn ideal(tenants: usize) -> f64 {
    (tenants / 5).div_ceil(AT_ONCE) as f64 * LATENCY.as_nanos() as f64
}

fn cold_async(runtime: &Runtime, url: &str) -> f64 {
    let client = tm_async::Client::new(canned::setup(url)).expect("set up");
    let start = Instant::now();
    let rows = runtime.block_on(client.tokens(canned::tenants(TENANTS)));
    let took = nanos_since(start);
    assert!(rows.iter().all(|(_, token)| token.is_ok()));
    took
}

fn cold_blocking(url: &str) -> f64 {
    let client = tm_blocking::Client::new(canned::setup(url)).expect("set up");
    let start = Instant::now();
    let rows = client.tokens(canned::tenants(TENANTS));
    let took = nanos_since(start);
    assert!(rows.iter().all(|(_, token)| token.is_ok()));
    took
}

fn fives(tenants: usize) -> Arc<Vec<Vec<String>>> {
    let names: Vec<_> = (0..tenants).map(canned::tenant).collect();
    Arc::new(names.chunks(5).map(<[String]>::to_vec).collect())
}

/// The client is used again and again, connections and all; ours is new each time.
fn bare_reqwest(runtime: &Runtime, client: &Reqwest, fives: &Arc<Vec<Vec<String>>>) -> f64 {
    let start = Instant::now();
    runtime.block_on(async {
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, fives, next) = (client.clone(), Arc::clone(fives), Arc::clone(&next));
            workers.spawn(async move {
                let mut tokens = Vec::new();
                while let Some(five) = fives.get(next.fetch_add(1, Ordering::Relaxed)) {
                    tokens.push(client.tokens(five).await);
                }
                tokens
            });
        }
        workers.join_all().await
    });
    nanos_since(start)
}

fn bare_ureq(client: &Ureq, fives: &[Vec<String>]) -> f64 {
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                let mut tokens = Vec::new();
                while let Some(five) = fives.get(next.fetch_add(1, Ordering::Relaxed)) {
                    tokens.push(client.tokens(five));
                }
                tokens
            });
        }
    });
    nanos_since(start)
}

fn first_of_all_async(runtime: &Runtime, url: &str) -> f64 {
    let client = tm_async::Client::new(canned::setup(url)).expect("set up");
    runtime.block_on(async {
        let start = Instant::now();
        let mut all = client.all_tokens();
        all.next().await.expect("a row").expect("a token");
        nanos_since(start)
    })
}

fn first_by_hand(runtime: &Runtime, client: &Reqwest) -> f64 {
    let five: Vec<_> = (0..5).map(canned::tenant).collect();
    runtime.block_on(async {
        let start = Instant::now();
        let token = client.token("operator").await;
        client.page(&token.access_token).await;
        client.tokens(&five).await;
        nanos_since(start)
    })
}

fn first_of_all_blocking(url: &str) -> f64 {
    let client = tm_blocking::Client::new(canned::setup(url)).expect("set up");
    let start = Instant::now();
    client.all_tokens().next().expect("a row").expect("a token");
    nanos_since(start)
}

fn first_by_hand_blocking(client: &Ureq) -> f64 {
    let five: Vec<_> = (0..5).map(canned::tenant).collect();
    let start = Instant::now();
    let token = client.token("operator");
    client.page(&token.access_token);
    client.tokens(&five);
    nanos_since(start)
}

fn millis(pair: Pair) -> Pair {
    Pair { ours: pair.ours / 1e6, baseline: pair.baseline / 1e6, ..pair }
}
