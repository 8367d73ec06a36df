//! Each scripted fault, as a client sees it, and which calls meet it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tm_sim::{Endpoint, Fault, Simulator};

use crate::client::{Connection, PATIENCE, access_token, batch, page, single};

fn sim() -> Simulator {
    Simulator::builder().start().expect("it starts")
}

/// What a call of `tenant-0001` sends and then reads to the end of the connection.
fn raw_single(sim: &Simulator) -> Connection {
    let mut connection = Connection::open(sim);
    connection.send_single(sim, "tenant-0001");
    connection
}

#[test]
fn a_scripted_status_has_its_headers_and_body() {
    let sim = sim();
    let headers = vec![("Retry-After".into(), "7".into()), ("Content-Type".into(), "text/plain".into())];
    sim.fault(Fault::Status { code: 503, headers, body: Bytes::from_static(b"later") });
    let reply = single(&sim, "tenant-0001");
    assert_eq!((reply.status, reply.header("retry-after"), &*reply.body), (503, Some("7"), &b"later"[..]));
    assert_eq!(reply.header("content-type"), Some("text/plain"));
    assert_eq!(sim.counters().tokens_issued, 0);
}

#[test]
fn a_status_that_is_no_http_becomes_a_500_that_says_so() {
    let sim = sim();
    let header = |name: &str, value: &str| Fault::Status {
        code: 200,
        headers: vec![(name.into(), value.into())],
        body: Bytes::new(),
    };
    for fault in [Fault::status(7), Fault::status(100), header("no name", "x"), header("x", "a\nb")] {
        let id = sim.fault(fault.clone());
        let reply = single(&sim, "tenant-0001");
        assert_eq!(reply.status, 500, "{fault:?}");
        assert!(reply.body.starts_with(b"tm-sim:"), "{fault:?}");
        sim.clear_fault(id);
    }
    // A false length would be a fault of the simulator's own.
    sim.fault(header("content-length", "99"));
    assert_eq!(single(&sim, "tenant-0001").header("content-length"), Some("0"));
}

#[test]
fn a_status_without_room_for_a_body_has_none() {
    let sim = sim();
    sim.fault(Fault::Status { code: 204, headers: Vec::new(), body: Bytes::from_static(b"lost") });
    let mut connection = raw_single(&sim);
    assert_eq!(connection.receive().status, 204);
    connection.send_single(&sim, "tenant-0001");
    assert_eq!(connection.receive().status, 204, "the connection is in step");
}

#[test]
fn a_delayed_answer_is_the_normal_one() {
    let sim = sim();
    let delay = Duration::from_millis(30);
    sim.fault(Fault::Delay(delay));
    let start = Instant::now();
    assert_eq!(single(&sim, "tenant-0001").status, 200);
    assert!(start.elapsed() >= delay);
}

#[test]
fn a_held_call_is_answered_when_the_fault_is_cleared_even_if_it_was_used_up() {
    let sim = sim();
    sim.fault(Fault::Hold.once());
    let mut held = raw_single(&sim);
    assert!(sim.wait_for(PATIENCE, |counters| counters.faults == 1));
    sim.fault(Fault::status(500).once());
    assert_eq!(single(&sim, "tenant-0002").status, 500);
    assert_eq!(single(&sim, "tenant-0003").status, 200);
    assert_eq!(sim.issued("tenant-0001"), 0);
    sim.clear_faults();
    assert_eq!(held.receive().status, 200);
}

#[test]
fn a_connection_closed_before_the_headers_sends_nothing() {
    let sim = sim();
    sim.fault(Fault::CloseBeforeHeaders);
    assert_eq!(raw_single(&sim).receive_rest(), b"");
}

#[test]
fn a_cut_body_is_announced_whole_and_sent_in_part() {
    let sim = sim();
    for (after, sent) in [(100, 100), (0, 0)] {
        let id = sim.fault(Fault::CutBody { after });
        let mut connection = raw_single(&sim);
        let head = connection.receive_head();
        let announced: usize =
            head.header("content-length").and_then(|text| text.parse().ok()).expect("a length");
        assert!(head.status == 200 && announced > 1_000, "{head:?}");
        assert_eq!(connection.receive_rest().len(), sent);
        sim.clear_fault(id);
    }
}

#[test]
fn a_body_is_cut_before_its_last_byte_at_the_latest() {
    let sim = sim();
    sim.fault(Fault::CutBody { after: usize::MAX });
    let mut connection = raw_single(&sim);
    let head = connection.receive_head();
    let announced: usize =
        head.header("content-length").and_then(|text| text.parse().ok()).expect("a length");
    assert_eq!(connection.receive_rest().len(), announced - 1);
}

#[test]
fn garbage_is_a_200_of_another_kind() {
    let sim = sim();
    sim.fault(Fault::Garbage200 { content_type: "text/html".into(), body: Bytes::from_static(b"<p>hello") });
    let reply = single(&sim, "tenant-0001");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html")));
    assert_eq!(reply.body, b"<p>hello");
}

#[test]
fn a_redirect_names_another_place() {
    let sim = sim();
    sim.fault(Fault::Redirect { code: 307, location: "http://127.0.0.1:9/x".into() });
    let reply = single(&sim, "tenant-0001");
    assert_eq!((reply.status, reply.header("location")), (307, Some("http://127.0.0.1:9/x")));
}

#[test]
fn a_batch_may_lack_a_tenant_or_have_one_too_many() {
    let tenants = |reply: &Value| -> Vec<String> {
        let entries = reply["oauthTokens"].as_array().expect("a list");
        entries.iter().map(|entry| entry["userTenantId"].as_str().expect("an id").to_owned()).collect()
    };
    let sim = sim();
    sim.fault(Fault::DropTenant("tenant-0002".into()).once());
    sim.fault(Fault::ExtraTenant("stranger".into()).once());
    // The one waits for a batch that asks for its tenant, the other for any batch.
    assert_eq!(single(&sim, "tenant-0002").status, 200);
    assert_eq!(tenants(&batch(&sim, &["tenant-0001"]).json()), ["tenant-0001", "stranger"]);
    let reply = batch(&sim, &["tenant-0001", "tenant-0002", "tenant-0003"]).json();
    assert_eq!(tenants(&reply), ["tenant-0001", "tenant-0003"]);
    let reply = batch(&sim, &["tenant-0001", "tenant-0002"]).json();
    assert_eq!(tenants(&reply), ["tenant-0001", "tenant-0002"]);
    assert_eq!(sim.counters().faults, 2);
}

#[test]
fn an_endless_body_outlasts_every_limit() {
    let sim = sim();
    sim.fault(Fault::EndlessBody);
    let mut connection = raw_single(&sim);
    let head = connection.receive_head();
    assert_eq!((head.status, head.header("content-length")), (200, None));
    let mut read = 0;
    while read < 4 * 1024 * 1024 {
        let some = connection.receive_some();
        assert!(!some.is_empty(), "it ended after {read} bytes");
        read += some.len();
    }
    assert_eq!(sim.counters().in_flight, 1);
    connection.leave();
    assert!(sim.wait_for(PATIENCE, |counters| counters.in_flight == 0));
}

#[test]
fn a_dripping_body_comes_whole_but_slowly() {
    let sim = sim();
    let tick = Duration::from_millis(2);
    sim.fault(Fault::SlowDrip { bytes: 200, tick });
    let start = Instant::now();
    let reply = single(&sim, "tenant-0001");
    assert_eq!(reply.json()["token_type"], "bearer");
    let pieces = u32::try_from(reply.body.len().div_ceil(200)).expect("few");
    assert!(pieces > 5 && start.elapsed() >= tick * pieces, "{pieces} pieces in {:?}", start.elapsed());
    assert_eq!(sim.counters().in_flight, 0);
}

#[test]
fn a_life_may_be_of_any_value_and_type() {
    let sim = sim();
    for life in [json!(-1), json!("1799"), json!(1e300), json!(null), json!({"s": 1})] {
        let id = sim.fault(Fault::WrongLife { expires_in: life.clone() });
        assert_eq!(single(&sim, "tenant-0001").json()["expires_in"], life);
        let reply = batch(&sim, &["tenant-0001", "tenant-0002"]).json();
        assert_eq!(reply["oauthTokens"][1]["token"]["expires_in"], life);
        sim.clear_fault(id);
    }
}

#[test]
fn a_swapped_token_is_what_was_scripted_and_no_bearer() {
    let sim = sim();
    sim.fault(Fault::SwapAccessToken("a\r\nb".into()).times(2));
    assert_eq!(access_token(&sim, "operator"), "a\r\nb");
    let reply = batch(&sim, &["tenant-0001"]).json();
    assert_eq!(reply["oauthTokens"][0]["token"]["access_token"], "a\r\nb");
    assert_ne!(access_token(&sim, "operator"), "a\r\nb");
}

#[test]
fn faults_are_met_one_after_the_other_as_often_as_scripted() {
    let sim = sim();
    sim.fault(Fault::status(503).times(2));
    sim.fault(Fault::status(429).once());
    let statuses: Vec<_> = (0..4).map(|_| single(&sim, "tenant-0001").status).collect();
    assert_eq!(statuses, [503, 503, 429, 200]);
    let counters = sim.counters();
    assert_eq!((counters.faults, counters.throttled, counters.refused), (3, 0, 0));
}

#[test]
fn a_fault_may_be_for_one_endpoint_or_some_tenants() {
    let sim = sim();
    let operator = access_token(&sim, "operator");
    sim.fault(Fault::status(500).on(Endpoint::Page));
    sim.fault(Fault::status(502).on(Endpoint::Batch).for_tenants(["tenant-0002"]));
    sim.fault(Fault::status(504).for_tenants(["tenant-0003", "tenant-0004"]));
    assert_eq!(page(&sim, &operator, "").status, 500);
    assert_eq!(single(&sim, "tenant-0002").status, 200);
    assert_eq!(batch(&sim, &["tenant-0001", "tenant-0002"]).status, 502);
    assert_eq!(batch(&sim, &["tenant-0001", "tenant-0004"]).status, 504);
    assert_eq!(single(&sim, "tenant-0003").status, 504);
    assert_eq!(batch(&sim, &["tenant-0001"]).status, 200);
    assert_eq!(Connection::open(&sim).call("GET", "/token_keys", &[], b"").status, 200);
}

#[test]
fn a_fault_hides_no_malformed_call_and_is_not_used_up_by_one() {
    let sim = sim();
    sim.fault(Fault::status(503).once());
    assert_eq!(batch(&sim, &[]).status, 400);
    assert_eq!(batch(&sim, &["tenant-0001"]).status, 503);
}

#[test]
fn a_cleared_fault_is_gone() {
    let sim = sim();
    let id = sim.fault(Fault::status(503));
    assert_eq!(single(&sim, "tenant-0001").status, 503);
    assert!(sim.clear_fault(id));
    assert!(!sim.clear_fault(id));
    assert_eq!(single(&sim, "tenant-0001").status, 200);
}
