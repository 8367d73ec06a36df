//! Processes that share a store fetch each token about once.

use std::{ffi::OsString, process::Child, time::Duration};

use tm_sim::Simulator;

use crate::{
    redis_server::RedisServer,
    support::{TRANSPORTS, Tm, ended, signal},
};

const PROCESSES: usize = 8;
const TENANTS: usize = 1_000;

/// What one process alone needs.
const IDEAL: u64 = 200;

/// A service that takes as long as one at the other end of a country.
fn service() -> Simulator {
    let builder =
        Simulator::builder().tenants(TENANTS).latency(Duration::from_millis(20)).recorded_requests(0);
    builder.start().unwrap()
}

fn start_all(service: &Simulator, environment: &[(&str, OsString)]) -> Vec<Child> {
    let start = |number: usize| {
        let transport: &[&str] = if number.is_multiple_of(2) { &[] } else { &["--blocking"] };
        let environment = environment.iter().map(|(name, value)| (*name, value));
        Tm::of(service, &["all", "--json"]).args(transport).envs(environment).start()
    };
    (0..PROCESSES).map(start).collect()
}

#[track_caller]
fn has_all(child: Child) {
    let ran = ended(child);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let rows = ran.rows();
    assert_eq!(rows.iter().filter(|row| row["status"] == "ok").count(), TENANTS);
}

#[track_caller]
fn about_once(service: &Simulator) {
    let counters = service.counters();
    let calls = counters.batch_calls;
    assert!(calls * 10 <= IDEAL * 13, "{calls} batches, where one process alone makes {IDEAL}: {counters:?}");
    let singles = counters.single_calls - counters.operator_calls;
    assert!(singles * 10 <= IDEAL * 3, "{singles} single calls: {counters:?}");
}

fn eight_make_the_calls_of_one(environment: &[(&str, OsString)]) {
    let service = service();
    let processes = start_all(&service, environment);
    processes.into_iter().for_each(has_all);
    about_once(&service);
}

fn one_that_is_killed_leaves_its_work_to_one_other(environment: &[(&str, OsString)]) {
    let service = service();
    let mut processes = start_all(&service, environment);
    assert!(service.wait_for(Duration::from_secs(60), |counters| counters.batch_calls > IDEAL / 4));
    let mut victim = processes.remove(0);
    signal("KILL", victim.id());
    victim.wait().unwrap();
    processes.into_iter().for_each(has_all);
    about_once(&service);
}

fn in_files(story: fn(&[(&str, OsString)])) {
    let home = tempfile::tempdir().unwrap();
    story(&[("HOME", home.path().into()), ("TM_STORE", "file".into())]);
}

fn in_redis(story: fn(&[(&str, OsString)])) {
    let (redis, home) = (RedisServer::start(), tempfile::tempdir().unwrap());
    // The ring is in the user's cache directory, as for processes of one user on one machine.
    story(&[("HOME", home.path().into()), ("TM_STORE", redis.url().into())]);
}

#[test]
fn eight_processes_on_one_file_store_make_the_calls_of_one() {
    in_files(eight_make_the_calls_of_one);
}

#[test]
fn a_process_on_one_file_store_that_is_killed_leaves_its_work_to_one_other() {
    in_files(one_that_is_killed_leaves_its_work_to_one_other);
}

#[test]
fn eight_processes_on_one_redis_make_the_calls_of_one() {
    in_redis(eight_make_the_calls_of_one);
}

#[test]
fn a_process_on_one_redis_that_is_killed_leaves_its_work_to_one_other() {
    in_redis(one_that_is_killed_leaves_its_work_to_one_other);
}

#[test]
fn who_is_told_to_end_gives_its_leases_back() {
    for (number, transport) in TRANSPORTS.into_iter().enumerate() {
        let service = Simulator::builder().latency(Duration::from_secs(30)).start().unwrap();
        let (redis, home) = (RedisServer::start(), tempfile::tempdir().unwrap());
        let environment = [("HOME", home.path().into()), ("TM_STORE", OsString::from(redis.url()))];
        let line = Tm::of(&service, &["token", "tenant-0001"]).args(transport).envs(environment);
        let process = line.start();
        assert!(service.wait_for(Duration::from_secs(60), |counters| counters.in_flight == 1));
        assert!(redis.ask(&["KEYS", "*:l:*"]).contains(":l:"), "it has a lease");

        let (name, status) = [("INT", 130), ("TERM", 143)][number];
        signal(name, process.id());

        assert_eq!(ended(process).status, Some(status));
        assert_eq!(redis.ask(&["KEYS", "*"]), "", "nothing is left that others would wait for");
    }
}
