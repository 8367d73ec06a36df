//! The rate limit and latency.

use std::time::{Duration, Instant};

use tm_sim::Simulator;

use crate::client::{Connection, access_token, batch, page, single};

#[test]
fn a_call_too_many_is_told_when_to_come_again() {
    let sim = Simulator::builder().rate_limit(2, Duration::from_secs(3_600)).start().expect("it starts");
    let operator = access_token(&sim, "operator");
    assert_eq!(page(&sim, &operator, "").status, 200);

    for reply in [single(&sim, "tenant-0001"), batch(&sim, &["tenant-0001"]), page(&sim, &operator, "")] {
        assert_eq!(reply.status, 429);
        let wait: u64 = reply.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
        assert!((3_500..=3_600).contains(&wait), "{wait}");
    }
    let counters = sim.counters();
    assert_eq!((counters.throttled, counters.refused, counters.tokens_issued), (3, 0, 1));
}

#[test]
fn the_limit_can_be_set_and_lifted_while_it_runs() {
    let sim = Simulator::builder().start().expect("it starts");
    sim.set_rate_limit(Some((0, Duration::from_millis(100))));
    let reply = single(&sim, "tenant-0001");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("1")));
    sim.set_rate_limit(None);
    assert_eq!(single(&sim, "tenant-0001").status, 200);
}

#[test]
fn keys_and_malformed_calls_are_not_throttled() {
    let sim = Simulator::builder().rate_limit(0, Duration::from_secs(60)).start().expect("it starts");
    assert_eq!(Connection::open(&sim).call("GET", "/token_keys", &[], b"").status, 200);
    assert_eq!(batch(&sim, &[]).status, 400);
}

#[test]
fn latency_is_the_least_that_an_answer_takes() {
    let sim = Simulator::builder().start().expect("it starts");
    let latency = Duration::from_millis(30);
    sim.set_latency(latency);
    sim.set_latency_jitter(Duration::from_millis(5));
    for path in ["/token_keys", "/nowhere"] {
        let start = Instant::now();
        Connection::open(&sim).call("GET", path, &[], b"");
        assert!(start.elapsed() >= latency, "{path}");
    }
}
