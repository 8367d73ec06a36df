//! Each fault has one kind of error and one number of calls, the same over both stacks.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use tm_async::{Error, ErrorKind, Proxy, Settings, Setup, TransportFault};
use tm_sim::{Endpoint, Fault, Simulator};

use crate::harness::{Stack, World, in_time, setup_for};

use Ask::{Batch, List, One};
use ErrorKind::{Decode, Service, TenantRefused, Throttled, TooShort, Transport, Unauthorized};

both!(
    a_gateway_that_is_not_there_is_a_transient_failure_of_the_transport,
    a_kept_connection_that_closes_under_a_call_is_no_error,
    a_gateway_that_cannot_be_found_or_reached_is_told_as_not_there,
);

/// What is asked for while the fault is there.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ask {
    One,
    Batch,
    List,
}

/// One row: the fault, what is asked with how many attempts, and what comes of it: the kind, whether it is transient, and
/// how many calls of that endpoint were made.
type Row = (Fault, Ask, u32, (ErrorKind, bool, u64));

/// Short, since some faults are waited for as long as an attempt may take.
const ATTEMPT: Duration = Duration::from_millis(400);

fn table(elsewhere: &str) -> Vec<Row> {
    let html =
        || Fault::Garbage200 { content_type: "text/html".to_owned(), body: "<html>Sign in</html>".into() };
    let nothing = || Fault::Garbage200 { content_type: "application/json".to_owned(), body: "".into() };
    let to = |code| Fault::Redirect { code, location: elsewhere.to_owned() };
    let wait = |seconds: &str| Fault::Status {
        code: 429,
        headers: vec![("Retry-After".to_owned(), seconds.to_owned())],
        body: "slow down".into(),
    };
    let large = |code| Fault::Status { code, headers: Vec::new(), body: vec![b'x'; 3 << 20].into() };
    let drip = || Fault::SlowDrip { bytes: 1, tick: Duration::from_millis(50) };
    let dead = || Fault::WrongLife { expires_in: 0.into() };
    let cut = || Fault::CutBody { after: 20 };
    vec![
        (Fault::status(500), One, 3, (Service, true, 3)),
        (Fault::status(502), Batch, 2, (Service, true, 2)),
        (Fault::status(504), List, 2, (Service, true, 2)),
        (Fault::status(503), One, 2, (Service, true, 2)),
        (Fault::status(408), One, 2, (Service, true, 2)),
        (Fault::status(501), One, 3, (Service, false, 1)),
        (large(500), One, 1, (Service, true, 1)),
        (large(200), One, 3, (Decode, false, 1)),
        (Fault::status(401), One, 3, (Unauthorized, false, 1)),
        (Fault::status(401), Batch, 3, (Unauthorized, false, 1)),
        (Fault::status(400), One, 3, (TenantRefused, false, 1)),
        (Fault::status(403), One, 3, (TenantRefused, false, 1)),
        (Fault::status(404), One, 3, (TenantRefused, false, 1)),
        (Fault::status(403), List, 3, (Service, false, 1)),
        (wait("120"), One, 3, (Throttled, true, 1)),
        (wait("120"), Batch, 3, (Throttled, true, 1)),
        (wait("120"), List, 3, (Throttled, true, 1)),
        (wait("1"), One, 2, (Throttled, true, 2)),
        (html(), One, 3, (Decode, false, 1)),
        (html(), Batch, 3, (Decode, false, 1)),
        (html(), List, 3, (Decode, false, 1)),
        (nothing(), One, 3, (Decode, false, 1)),
        (nothing(), List, 3, (Decode, false, 1)),
        (dead(), One, 3, (TooShort, true, 1)),
        (Fault::SwapAccessToken("two words".to_owned()), One, 3, (Decode, false, 1)),
        (to(301), One, 3, (Service, false, 1)),
        (to(302), Batch, 3, (Service, false, 1)),
        (to(303), One, 3, (Service, false, 1)),
        (to(307), One, 3, (Service, false, 1)),
        (to(308), One, 3, (Service, false, 1)),
        (to(307), Batch, 3, (Service, false, 1)),
        (to(308), List, 3, (Service, false, 1)),
        (cut(), One, 2, (Transport, true, 2)),
        (cut(), Batch, 2, (Transport, true, 2)),
        (cut(), List, 2, (Transport, true, 2)),
        (Fault::CloseBeforeHeaders, One, 2, (Transport, true, 2)),
        (Fault::CloseBeforeHeaders, Batch, 2, (Transport, true, 2)),
        (Fault::CloseBeforeHeaders, List, 2, (Transport, true, 2)),
        (Fault::EndlessBody, One, 3, (Decode, false, 1)),
        (Fault::EndlessBody, Batch, 3, (Decode, false, 1)),
        (Fault::EndlessBody, List, 3, (Decode, false, 1)),
        (Fault::Hang, One, 2, (Transport, true, 2)),
        (Fault::Hang, Batch, 1, (Transport, true, 1)),
        (Fault::Hang, List, 2, (Transport, true, 2)),
        (drip(), One, 1, (Transport, true, 1)),
    ]
}

#[test]
fn every_fault_has_its_kind_and_its_number_of_calls_alike_over_both() {
    in_time(|| {
        let trap = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        trap.set_nonblocking(true).unwrap();
        let elsewhere = format!("http://{}/elsewhere", trap.local_addr().unwrap());
        let columns = Stack::BOTH.map(|stack| {
            let table = table(&elsewhere);
            thread::spawn(move || table.iter().map(|row| happens(stack, row)).collect::<Vec<_>>())
        });
        let columns = columns.map(|column| column.join().expect("a column"));
        let problems: Vec<_> = table(&elsewhere)
            .into_iter()
            .zip(columns[0].iter().zip(&columns[1]))
            .filter(|((.., expected), (reqwest, ureq))| *reqwest != expected || *ureq != expected)
            .map(|((fault, ask, attempts, expected), (reqwest, ureq))| {
                let shown: String = format!("{fault:?}").chars().take(80).collect();
                format!(
                    "{shown} {ask:?} x {attempts}: {expected:?}, but over reqwest {reqwest:?}, ureq {ureq:?}"
                )
            })
            .collect();
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
        let followed = trap.accept().expect_err("no redirect is followed");
        assert_eq!(followed.kind(), io::ErrorKind::WouldBlock);
    });
}

/// What comes of one row.
fn happens(stack: Stack, (fault, ask, attempts, _): &Row) -> (ErrorKind, bool, u64) {
    let change = |settings: &mut Settings| {
        settings.attempts = *attempts;
        settings.patience = Duration::from_secs(10);
        settings.bulk_patience = Duration::from_secs(10);
        settings.attempt_time = if matches!(fault, Fault::Hang | Fault::SlowDrip { .. }) {
            ATTEMPT
        } else {
            Duration::from_secs(10)
        };
    };
    let world = World::with_settings(stack, Simulator::builder().tenants(5), change);
    let start = Instant::now();
    let endpoint = [Endpoint::Single, Endpoint::Batch, Endpoint::Page][*ask as usize];
    world.sim.fault(fault.clone().on(endpoint));
    let error = ask_for(&world, *ask);
    if matches!(fault, Fault::Status { headers, .. } if headers.iter().any(|(_, value)| value == "120")) {
        assert!(start.elapsed() < Duration::from_secs(5), "longer than patience lasts, so nobody waits");
    }
    let seen = world.sim.counters();
    let calls = [seen.single_calls, seen.batch_calls, seen.page_calls][*ask as usize];
    (error.kind(), error.is_transient(), calls)
}

/// The error, which must be one for all tenants, each with its own name, or one of the list.
fn ask_for(world: &World, ask: Ask) -> Error {
    match ask {
        One => {
            let error = world.client.token("tenant-0002").unwrap_err();
            assert_eq!(error.tenant().unwrap().as_str(), "tenant-0002");
            error
        }
        List => {
            let error = world.client.user_tenants().unwrap_err();
            assert_eq!(error.tenant(), None);
            error
        }
        Batch => {
            let rows = world.client.tokens(&world.tenants());
            let errors: Vec<_> = rows.into_iter().map(|(tenant, row)| (tenant, row.unwrap_err())).collect();
            assert!(errors.iter().all(|(tenant, error)| error.tenant() == Some(tenant)));
            assert!(errors.iter().all(|(_, error)| error.kind() == errors[0].1.kind()));
            errors.into_iter().next().unwrap().1
        }
    }
}

fn a_gateway_that_is_not_there_is_a_transient_failure_of_the_transport(stack: Stack) {
    let sim = Simulator::builder().start().unwrap();
    let setup = setup_for(&sim).settings(|settings| settings.attempts = 2);
    let gateway = sim.url();
    drop(sim); // its port is closed from now on
    let client = stack.host().client(setup).unwrap();
    let error = client.token("tenant-0001").unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (Transport, true));
    assert_eq!(
        error.to_string(),
        format!("tenant tenant-0001: no connection to the gateway ({gateway})"),
        "who has set none may not know which"
    );
    assert!(std::error::Error::source(&error).is_some(), "what the system said stands below it");
    assert_eq!((client.stats().single_calls, client.stats().retries), (2, 1));
}

fn a_kept_connection_that_closes_under_a_call_is_no_error(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    world.client.token("tenant-0001").unwrap();
    world.sim.fault(Fault::CloseBeforeHeaders.once());
    world.client.token("tenant-0002").unwrap();
    assert_eq!(world.calls(), 3, "no stack sends anything again on its own");
    assert_eq!(world.client.stats().retries, 1);
}

fn a_gateway_that_cannot_be_found_or_reached_is_told_as_not_there(stack: Stack) {
    // No such name (RFC 6761 §6.4), and no way to that address: to connect to a group is refused by the system.
    for gateway in ["https://gateway.invalid", "https://224.0.0.1"] {
        let lookup = |name: &str| match name {
            "TM_GATEWAY" => Some(gateway.to_owned()),
            _ => name.starts_with("MDSP_").then(|| "x".to_owned()),
        };
        let setup = Setup::from_lookup(lookup, false).unwrap().settings(|settings| settings.attempts = 1);
        let (client, seen) = stack.host().watched_client(setup.proxy(Proxy::None)).unwrap();

        let error = client.token("acme").unwrap_err();

        assert_eq!((error.kind(), error.is_transient()), (Transport, true), "{gateway}: {error:?}");
        assert_eq!(seen.attempts()[0].told, Some(TransportFault::NotSent), "{gateway}: {error:?}");
    }
}
