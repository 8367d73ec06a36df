//! What a test can learn about the calls it caused.

use std::sync::Barrier;

use tm_sim::{Endpoint, Fault, Simulator};

use crate::client::{Connection, PATIENCE, SINGLE, access_token, batch, page, single, single_body};

#[test]
fn every_kind_of_call_is_counted() {
    let sim = Simulator::builder().start().expect("it starts");
    let operator = access_token(&sim, "operator");
    single(&sim, "tenant-0001");
    single(&sim, "nobody");
    batch(&sim, &["tenant-0001", "tenant-0002", "tenant-0003"]);
    batch(&sim, &[]);
    page(&sim, &operator, "");
    Connection::open(&sim).call("GET", "/token_keys", &[], b"");

    let counters = sim.counters();
    assert_eq!((counters.single_calls, counters.operator_calls), (3, 1));
    assert_eq!((counters.batch_calls, counters.batched_tenants), (2, 3));
    assert_eq!((counters.page_calls, counters.key_calls), (1, 1));
    assert_eq!((counters.refused, counters.throttled, counters.faults), (2, 0, 0));
    assert_eq!((counters.tokens_issued, counters.tokens_repeated), (5, 0));
    assert_eq!((counters.in_flight, counters.in_flight_peak), (0, 1));
    assert_eq!(counters.connections, 7);
    assert_eq!(sim.issued("tenant-0001"), 2);
}

#[test]
fn the_peak_is_the_most_calls_at_once() {
    let sim = Simulator::builder().start().expect("it starts");
    let held = sim.fault(Fault::Hold);
    let all_sent = Barrier::new(5);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut connection = Connection::open(&sim);
                connection.send_single(&sim, "tenant-0001");
                all_sent.wait();
                assert_eq!(connection.receive().status, 200);
            });
        }
        all_sent.wait();
        assert!(sim.wait_for(PATIENCE, |counters| counters.in_flight == 4));
        assert!(sim.clear_fault(held));
    });
    let counters = sim.counters();
    assert_eq!((counters.in_flight, counters.in_flight_peak, counters.faults), (0, 4, 4));
}

#[test]
fn a_client_that_left_is_no_longer_in_flight() {
    let sim = Simulator::builder().start().expect("it starts");
    sim.fault(Fault::Hang.on(Endpoint::Single));
    let mut connection = Connection::open(&sim);
    connection.send_single(&sim, "tenant-0001");
    assert!(sim.wait_for(PATIENCE, |counters| counters.in_flight == 1));
    connection.leave();
    assert!(sim.wait_for(PATIENCE, |counters| counters.in_flight == 0));
}

#[test]
fn waiting_for_what_does_not_come_ends() {
    let sim = Simulator::builder().start().expect("it starts");
    assert!(!sim.wait_for(std::time::Duration::from_millis(1), |counters| counters.single_calls > 0));
}

#[test]
fn requests_are_kept_to_the_byte() {
    let sim = Simulator::builder().start().expect("it starts");
    let body = single_body(&sim, "tenant-0001").to_string();
    let key = sim.auth_key();
    let headers = [("X-SPACE-AUTH-KEY", &*key), ("Content-Type", "application/json"), ("X-Odd", "one")];
    Connection::open(&sim).call("POST", &format!("{SINGLE}?a=b"), &headers, body.as_bytes());
    Connection::open(&sim).call("GET", "/nowhere", &[], b"");

    let requests = sim.requests();
    let [first, second] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((first.sequence, second.sequence), (0, 1));
    assert_eq!((first.method.as_str(), &*first.target), ("POST", &*format!("{SINGLE}?a=b")));
    assert_eq!(first.body, body.as_bytes());
    let names: Vec<_> = first.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "x-space-auth-key", "content-type", "x-odd", "content-length"]);
    assert_eq!(first.header("x-space-auth-key"), Some(&*key));
    assert!(!format!("{requests:?}").contains(key.trim_start_matches("Basic ")));
}

#[test]
fn the_environment_is_that_of_an_application() {
    let sim = Simulator::builder()
        .credentials("id", "secret")
        .app("app", "1")
        .host_tenant("host")
        .tenant_ids(["first", "second"])
        .start()
        .expect("it starts");
    let environment = sim.environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = format!("http://127.0.0.1:{}", sim.port());
    let expected = [
        ("MDSP_KEY_STORE_CLIENT_ID", "id"),
        ("MDSP_KEY_STORE_CLIENT_SECRET", "secret"),
        ("MDSP_OS_VM_APP_NAME", "app"),
        ("MDSP_OS_VM_APP_VERSION", "1"),
        ("MDSP_HOST_TENANT", "host"),
        ("MDSP_USER_TENANT", "first"),
        ("TM_GATEWAY", &url),
    ];
    assert_eq!(environment, expected);
    assert_eq!(sim.url(), url);
}
