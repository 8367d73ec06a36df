//! Connections: kept open, shared by many, and closed when the simulator stops, whatever they wait for.

use std::sync::mpsc;
use std::thread;

use tm_sim::{Fault, SimError, Simulator};

use crate::client::{Connection, PATIENCE, single};

/// Fails instead of hanging.
fn stop(sim: Simulator) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        drop(sim);
        // Only a test that failed already does not listen.
        let _ = done.send(());
    });
    is_done.recv_timeout(PATIENCE).expect("the simulator stops");
    thread.join().expect("no panic");
}

#[test]
fn one_connection_carries_many_calls() {
    let sim = Simulator::builder().start().expect("it starts");
    let mut connection = Connection::open(&sim);
    for _ in 0..5 {
        connection.send_single(&sim, "tenant-0001");
        assert_eq!(connection.receive().status, 200);
    }
    let counters = sim.counters();
    assert_eq!((counters.connections, counters.single_calls), (1, 5));
}

#[test]
fn stopping_closes_a_call_that_hangs() {
    let sim = Simulator::builder().start().expect("it starts");
    sim.fault(Fault::Hang);
    let mut connection = Connection::open(&sim);
    connection.send_single(&sim, "tenant-0001");
    assert!(sim.wait_for(PATIENCE, |counters| counters.in_flight == 1));
    stop(sim);
    assert_eq!(connection.receive_rest(), b"");
}

#[test]
fn stopping_closes_idle_and_endless_connections_and_frees_the_port() {
    let sim = Simulator::builder().start().expect("it starts");
    let port = sim.port();
    let mut idle = Connection::open(&sim);
    idle.send_single(&sim, "tenant-0001");
    assert_eq!(idle.receive().status, 200);
    sim.fault(Fault::EndlessBody);
    let mut endless = Connection::open(&sim);
    endless.send_single(&sim, "tenant-0001");
    endless.receive_head();

    stop(sim);

    assert_eq!(idle.receive_rest(), b"");
    endless.receive_rest();
    let again = Simulator::builder().port(port).start().expect("the port is free");
    assert_eq!(single(&again, "tenant-0001").status, 200);
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let sim = Simulator::builder().start().expect("it starts");
    let error = Simulator::builder().port(sim.port()).start().expect_err("it is taken");
    assert!(matches!(error, SimError::Bind { port, .. } if port == sim.port()), "{error:?}");
    assert!(error.to_string().contains(&sim.port().to_string()));
}

#[test]
fn it_starts_and_stops_inside_async_code() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let status = runtime.block_on(async {
        let sim = Simulator::builder().start().expect("it starts");
        single(&sim, "tenant-0001").status
    });
    assert_eq!(status, 200);
}

#[test]
fn what_is_no_http_harms_nobody() {
    let sim = Simulator::builder().start().expect("it starts");
    for noise in
        [&b"\0\x01\x02\xff\r\n\r\n"[..], b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n"]
    {
        let mut connection = Connection::open(&sim);
        connection.send_raw(noise);
        connection.receive_rest();
    }
    assert_eq!(single(&sim, "tenant-0001").status, 200);
    assert_eq!(sim.counters().single_calls, 1);
}

#[test]
fn hundreds_of_connections_at_once_are_all_served() {
    const CONNECTIONS: usize = 300;
    let sim = Simulator::builder().signing(tm_sim::Signing::Reused).start().expect("it starts");
    let mut all: Vec<_> = (0..CONNECTIONS).map(|_| Connection::open(&sim)).collect();
    for connection in &mut all {
        connection.send_single(&sim, "tenant-0001");
    }
    for connection in &mut all {
        assert_eq!(connection.receive().status, 200);
    }
    assert_eq!(sim.issued("tenant-0001"), CONNECTIONS);
}
