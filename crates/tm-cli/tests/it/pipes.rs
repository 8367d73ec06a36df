//! Outputs that end, are full, or are interrupted.

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader, Read as _},
    process::Command,
};

use serde_json::Value;
use tm_sim::{Endpoint, Fault, Simulator};

use crate::{
    redis_server::RedisServer,
    support::{LONGEST, TRANSPORTS, Tm, ended, signal, simulator},
};

#[test]
fn a_reader_that_has_enough_ends_the_run_quietly() {
    for transport in TRANSPORTS {
        let service = simulator(7);
        let held = service.fault(Fault::Hold.for_tenants(["tenant-0006"]));
        let mut child = Tm::of(&service, &["all"]).args(transport).start();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut row = String::new();
        stdout.read_line(&mut row).unwrap();
        assert!(row.starts_with("tenant-000"), "{row}");
        drop(stdout);
        service.clear_fault(held);
        let ran = ended(child);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_reader_that_has_enough_costs_nobody_a_lease_or_a_token() {
    for transport in TRANSPORTS {
        let service = simulator(12);
        let held = service.fault(Fault::Hold.for_tenants(["tenant-0006"]));
        service.fault(Fault::Hang.for_tenants(["tenant-0011"]));
        let (redis, home) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let line = Tm::of(&service, &["all"]).args(transport);
        let mut child = line.env("HOME", home.path()).env("TM_STORE", redis.url()).start();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..5 {
            stdout.read_line(&mut String::new()).unwrap();
        }
        assert!(service.wait_for(LONGEST, |counters| counters.in_flight == 2));
        drop(stdout);
        service.clear_fault(held);

        let ran = ended(child);

        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        assert_eq!(redis.ask(&["KEYS", "*:l:*"]), "", "others would wait for it");
        let kept = redis.ask(&["KEYS", "*"]);
        assert_eq!(kept.lines().count(), 11, "the operator's token and ten more: {kept}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_status_1() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let service = simulator(2);
    for command in
        [&["all"][..], &["tenants"], &["token", "tenant-0001"], &["token", "tenant-0001", "--reveal"]]
    {
        let ran = Tm::of(&service, command).stderr(std::process::Stdio::piped()).stdout(full()).run();
        assert_eq!(ran.status, Some(1), "{command:?}");
        assert!(ran.stderr.starts_with("tm: stdout: "), "{}", ran.stderr);
    }
    for line in [&["demo", "--tenants", "1"][..], &["sim"], &["--help"]] {
        let ran = Tm::new(line).stderr(std::process::Stdio::piped()).stdout(full()).run();
        assert_eq!(ran.status, Some(1), "{line:?}");
        assert!(ran.stderr.contains("tm: stdout: ") && !ran.stderr.contains("panicked"), "{}", ran.stderr);
    }
    let ran = Tm::of(&service, &["all"]).env("RUST_LOG", "trace").stdout(full()).stderr(full()).run();
    assert_eq!(ran.status, Some(1), "with nowhere to tell it");
    let piped = std::process::Stdio::piped();
    let ran = Tm::of(&service, &["all"]).env("RUST_LOG", "trace").stdout(piped).stderr(full()).run();
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 2), "a log that is lost hinders nothing");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_between_two_lines() {
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        let service = simulator(7);
        service.fault(Fault::Hang.for_tenants(["tenant-0006"]));
        let mut child = Tm::of(&service, &["all", "--json", "--reveal"]).start();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut rows = String::new();
        stdout.read_line(&mut rows).unwrap();
        signal(name, child.id());
        stdout.read_to_string(&mut rows).unwrap();
        let ran = ended(child);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(status), ""));
        assert!(rows.ends_with('\n') && rows.lines().all(|row| serde_json::from_str::<Value>(row).is_ok()));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_no_error_of_what_it_breaks_off() {
    for transport in TRANSPORTS {
        let service = Simulator::builder().tenants(7).page_cap(5).start().unwrap();
        let first_page = service.fault(Fault::Hold.on(Endpoint::Page));
        let (redis, home) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let line = Tm::of(&service, &["all"]).args(transport);
        let child = line.env("HOME", home.path()).env("TM_STORE", redis.url()).start();
        assert!(service.wait_for(LONGEST, |counters| counters.page_calls == 1));
        service.fault(Fault::Hang.on(Endpoint::Page));
        service.fault(Fault::Hang.on(Endpoint::Batch));
        service.clear_fault(first_page);
        assert!(service.wait_for(LONGEST, |counters| (counters.page_calls, counters.batch_calls) == (2, 1)));
        // There is a lease to give back, and that takes its time.
        redis.pause();

        signal("INT", child.id());

        let ran = ended(child);
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(130), "", ""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_does_not_wait_for_a_line_that_nobody_reads() {
    let service = simulator(500);
    let child = Tm::of(&service, &["all", "--json"]).start();
    // All are asked for, and their rows are more than a pipe holds.
    assert!(service.wait_for(LONGEST, |counters| counters.batch_calls >= 60));
    signal("INT", child.id());
    let id = child.id();
    let is_there =
        || std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    let start = std::time::Instant::now();
    while is_there() {
        assert!(start.elapsed() < LONGEST, "it waits for a reader");
        std::thread::yield_now();
    }
    assert_eq!(ended(child).status, Some(130));
}

#[cfg(unix)]
#[test]
fn an_interrupt_of_the_demo_leaves_nothing_in_the_place_for_temporary_files() {
    for transport in TRANSPORTS {
        let place = tempfile::tempdir().unwrap();
        let entries = || place.path().read_dir().unwrap().count();
        let line = Tm::new(["demo", "--tenants", "100000"]).args(transport);
        let child = line.env("TMPDIR", place.path()).start();
        while entries() == 0 {
            std::thread::yield_now();
        }
        signal("INT", child.id());
        let ran = ended(child);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(130), ""));
        assert_eq!(entries(), 0);
    }
}

/// No thread of the program can have a stack of this size.
#[cfg(target_os = "linux")]
const NO_THREADS: (&str, &str) = ("RUST_MIN_STACK", "70368744177664");

#[cfg(target_os = "linux")]
#[test]
fn a_system_that_gives_no_thread_is_told_without_a_panic() {
    let service = simulator(2);
    for transport in TRANSPORTS {
        for command in [&["all"][..], &["tenants"], &["tokens", "tenant-0001"], &["token", "tenant-0001"]] {
            let ran = Tm::of(&service, command).args(transport).envs([NO_THREADS]).ran();
            let told = ran.stdout + &ran.stderr;
            assert!(ran.status.is_some_and(|status| status == 4), "{command:?} {:?} {told}", ran.status);
            assert!(told.contains("started") && !told.contains("panicked at"), "{told}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_ends_the_program_even_if_there_is_no_thread_to_tell() {
    use std::os::unix::process::ExitStatusExt as _;

    let (service, place) = (simulator(1), tempfile::tempdir().unwrap());
    let secret = place.path().join("secret");
    assert!(Command::new("mkfifo").arg(&secret).status().expect("`mkfifo` runs").success());
    let _unwritten = OpenOptions::new().read(true).write(true).open(&secret).unwrap();
    let line = Tm::of(&service, &["token", "tenant-0001"]).arg("--secret-file").arg(&secret);
    let mut child = line.envs([NO_THREADS]).start();
    let open_files = format!("/proc/{}/fd", child.id());
    let reads = || {
        let open = std::fs::read_dir(&open_files).unwrap();
        open.flatten().any(|file| file.path().read_link().is_ok_and(|path| path == secret))
    };
    while !reads() {
        assert!(child.try_wait().unwrap().is_none(), "it ends before it reads");
    }
    signal("TERM", child.id());
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}
