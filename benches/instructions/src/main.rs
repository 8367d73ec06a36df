//! What callgrind counts, within `counted` only: `instructions WHAT` does it [`TIMES`] times.

use std::{hint::black_box, process::ExitCode, sync::Arc, time::Duration};

use canned::{Answers, InProcess};
use http::Response;
use tm_core::{
    Now, TenantId, UnixTime,
    broker::{Broker, Call, Demand, Effect, EffectId, Lane, Output, Patience, Settings},
};

/// As `cargo xtask instructions` divides by.
const TIMES: usize = 1_000;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("hit-async") => hit_async(),
        Some("hit-blocking") => hit_blocking(),
        Some("batch") => batch(),
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

/// The name that callgrind is told.
#[inline(never)]
fn counted(work: impl FnOnce()) {
    work();
}

fn hit_async() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let transport = InProcess(Answers::new(200, 0));
    let client =
        tm_async::Client::builder(canned::setup("https://127.0.0.1:1")).transport(transport).build().expect("set up");
    let tenants = canned::tenants(100);
    runtime.block_on(async {
        client.tokens(tenants.clone()).await;
        for tenant in &tenants {
            client.token(tenant).await.expect("a token");
        }
    });
    let hits = async {
        for tenant in tenants.iter().cycle().take(TIMES) {
            black_box(client.token(black_box(tenant)).await.expect("a hit"));
        }
    };
    counted(|| runtime.block_on(hits));
}

fn hit_blocking() {
    let transport = InProcess(Answers::new(200, 0));
    let client =
        tm_blocking::Client::builder(canned::setup("https://127.0.0.1:1")).transport(transport).build().expect("set up");
    let tenants = canned::tenants(100);
    client.tokens(tenants.clone());
    for tenant in &tenants {
        client.token(tenant).expect("a token");
    }
    counted(|| {
        for tenant in tenants.iter().cycle().take(TIMES) {
            black_box(client.token(black_box(tenant)).expect("a hit"));
        }
    });
}

/// Five tenants that were never asked for: wanted, sent for, answered and settled, request and answer included.
fn batch() {
    let application = Arc::new(canned::application("https://127.0.0.1:1"));
    let mut broker = Broker::new(application, Arc::new(canned::credentials()), Settings::default(), 1);
    let answers = Answers::new(1_500, 0);
    let tenants = canned::tenants(5 * TIMES);
    // The answers are there before: making them is no work of ours.
    let ready: Vec<_> = tenants
        .chunks(5)
        .map(|five| {
            let ids: Vec<_> = five.iter().map(|id| format!("\"{id}\"")).collect();
            let body = format!(r#"{{"userTenantIds":[{}]}}"#, ids.join(","));
            bytes::Bytes::from(answers.answer("/oauthTokens", body.as_bytes()))
        })
        .collect();
    let now = Now { mono: Duration::from_secs(1), unix: UnixTime::from_secs(9_000_000_000) };
    counted(|| {
        for (five, answer) in tenants.chunks(5).zip(ready) {
            one_batch(&mut broker, now, five, answer);
        }
    });
    assert_eq!(broker.stats().tokens_held, 5 * TIMES);
}

fn one_batch(broker: &mut Broker, now: Now, five: &[TenantId], answer: bytes::Bytes) {
    let patience = Patience::Until(Duration::from_secs(31));
    let demand = Demand { lane: Lane::Interactive, min_remaining: Duration::ZERO, patience };
    for tenant in five {
        black_box(broker.want(now, tenant, demand));
    }
    let (id, call) = drained(broker, now).expect("a call leaves");
    black_box(call.request());
    let outcome = call.outcome(Ok(Response::new(answer)));
    broker.done(now, id, outcome);
    assert!(drained(broker, now).is_none());
}

fn drained(broker: &mut Broker, now: Now) -> Option<(EffectId, Call)> {
    let mut found = None;
    while let Some(output) = broker.next(now) {
        match output {
            Output::Do { id, effect: Effect::Call(call), .. } => found = Some((id, call)),
            other => drop(black_box(other)),
        }
    }
    found
}
