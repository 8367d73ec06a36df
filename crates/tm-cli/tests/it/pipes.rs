//! Outputs that end, are full, or are interrupted.

use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader, Read as _},
};

use serde_json::Value;
use tm_sim::Fault;

use crate::support::{TRANSPORTS, Tm, ended, signal, simulator};

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
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
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
