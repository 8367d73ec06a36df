//! The time of the whole run.

use std::{
    thread,
    time::{Duration, Instant},
};

use tm_sim::{Endpoint, Fault};

use crate::support::{TRANSPORTS, Tm, ended, simulator};

/// Far less than the client's own patience, and enough for a busy machine.
const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_service_that_hangs_ends_with_the_time() {
    for transport in TRANSPORTS {
        let service = simulator(7);
        service.fault(Fault::Hang);
        for command in [&["all"][..], &["tenants"], &["token", "tenant-0001"], &["tokens", "a", "b"]] {
            let started = Instant::now();
            let ran = Tm::of(&service, command).args(&["--json", "--timeout", "0.3"]).args(transport).ran();
            assert!(started.elapsed() < SOON, "{command:?} took {:?}", started.elapsed());
            assert_eq!(ran.status, Some(4));
            let rows = ran.rows();
            assert!(!rows.is_empty() && rows.iter().all(|row| row["kind"] == "deadline"), "{ran:?}");
        }
        let ran = Tm::of(&service, &["all", "--timeout", "0.3"]).args(transport).ran();
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(4), ""));
        assert!(ran.stderr.contains("--timeout"), "{}", ran.stderr);
    }
}

#[test]
fn rows_so_far_are_printed_and_what_is_missing_is_told() {
    let service = simulator(20);
    service.fault(Fault::Hang.for_tenants(["tenant-0008"]));
    let names = service.tenants();
    // At once, since each takes all of its time.
    thread::scope(|scope| {
        for transport in TRANSPORTS {
            let tokens = Tm::of(&service, &["tokens", "-", "--json", "--timeout", "4"]);
            let tokens = tokens.args(transport).stdin(names.join(" "));
            scope.spawn(|| {
                let ran = tokens.ran();
                assert_eq!(ran.status, Some(4));
                assert_eq!(ran.tenants(), names, "each has a row, in order");
                for (position, row) in ran.rows().iter().enumerate() {
                    let missing = (5..10).contains(&position);
                    assert_eq!(row["kind"].as_str(), missing.then_some("deadline"), "{row}");
                }
            });
            let all = Tm::of(&service, &["all", "--json", "--timeout", "4"]).args(transport);
            scope.spawn(|| {
                let rows = all.ran().rows();
                assert_eq!(rows.iter().filter(|row| row["status"] == "ok").count(), 15);
                assert_eq!(rows.last().unwrap()["kind"], "deadline");
            });
        }
    });
}

#[test]
fn stdin_that_never_ends_ends_with_the_time() {
    let service = simulator(1);
    for line in [&["tokens", "-"][..], &["all", "--secret-stdin"]] {
        let (held_open, ours) = std::io::pipe().unwrap();
        let command = Tm::of(&service, line).args(&["--timeout", "0.3"]);
        let ran = ended(command.start_with(held_open));
        assert_eq!(ran.status, Some(4), "{ran:?}");
        drop(ours);
    }
    assert_eq!(service.counters().connections, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_store_s_name_or_ring_that_never_comes_ends_with_the_time() {
    let service = simulator(1);
    for option in ["--store-file", "--ring-file"] {
        let (held_open, ours) = std::io::pipe().unwrap();
        let line = ["all", "--timeout", "0.3", option, "/dev/stdin"];
        let home = tempfile::tempdir().unwrap();
        let command = Tm::of(&service, &line).without("TM_STORE").env("HOME", home.path());
        let ran = ended(command.start_with(held_open));
        assert_eq!(ran.status, Some(4), "{ran:?}");
        drop(ours);
    }
    assert_eq!(service.counters().connections, 0);
}

#[test]
fn a_slow_service_is_in_time_if_the_time_is_enough() {
    let service = simulator(6);
    service.fault(Fault::Delay(Duration::from_millis(50)).on(Endpoint::Batch));
    let ran = Tm::of(&service, &["all", "--timeout", "60"]).ran();
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 6));
}
