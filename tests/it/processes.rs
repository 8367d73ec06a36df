//! What concerns a whole process, in a process of its own: its threads, its environment.

use std::{
    env,
    ffi::OsStr,
    process::{Command, Stdio},
    thread,
};

use crate::harness::in_time;

/// Set in the process that was started for one story.
const ALONE: &str = "TM_TESTS_ALONE";

/// The environment of an application; a story sets what it needs of it.
const PLATFORM: [&str; 7] = [
    "MDSP_KEY_STORE_CLIENT_ID",
    "MDSP_KEY_STORE_CLIENT_SECRET",
    "MDSP_OS_VM_APP_NAME",
    "MDSP_OS_VM_APP_VERSION",
    "MDSP_HOST_TENANT",
    "HOST_ENVIRONMENT",
    "TM_GATEWAY",
];

/// Runs the test that calls it once more, alone in a process with this environment, where the story is told.
pub(crate) fn alone(environment: &[(&str, &str)], story: fn()) {
    let environment: Vec<_> = environment.iter().map(|&(name, value)| (name, OsStr::new(value))).collect();
    alone_in(&environment, story);
}

fn alone_in(environment: &[(&str, &OsStr)], story: fn()) {
    if env::var_os(ALONE).is_some() {
        return in_time(story);
    }
    let name = thread::current().name().expect("the harness names its threads").to_owned();
    let mut process = Command::new(env::current_exe().unwrap());
    process.args([name.as_str(), "--exact", "--nocapture"]).stdin(Stdio::null());
    for name in PLATFORM {
        process.env_remove(name);
    }
    let ended = process.env(ALONE, "1").envs(environment.iter().copied()).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    let complained = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && told.contains("1 passed"), "{name}, alone:\n{told}\n{complained}");
}

/// Of blocking clients; the simulator's have other names.
#[cfg(target_os = "linux")]
pub(crate) fn threads_of_clients() -> usize {
    use std::fs;

    let tasks = fs::read_dir("/proc/self/task").unwrap();
    // One that ends in between has no name any more.
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| matches!(name.trim_end(), "tm" | "tm-list")).count()
}

#[test]
#[cfg(target_os = "linux")]
fn the_threads_of_a_dropped_client_end() {
    use std::time::Duration;

    use tm_async::Wish;
    use tm_sim::{Endpoint, Fault, Simulator};

    use crate::harness::{Stack, World, tenant, until};

    alone(&[], || {
        let settings = |settings: &mut tm_async::Settings| settings.attempt_time = Duration::from_secs(1);
        let World { sim, client, .. } =
            World::with_settings(Stack::Ureq, Simulator::builder().tenants(237), settings);
        assert_eq!(threads_of_clients(), 0, "none is started before there is work");
        sim.fault(Fault::Delay(Duration::ZERO).on(Endpoint::Page).once());
        sim.fault(Fault::Hang.on(Endpoint::Page));
        let mut all = client.all_tokens();
        all.next().unwrap().unwrap();
        sim.fault(Fault::Hang);
        let impatient = Wish { patience: Some(Duration::from_millis(10)), ..Wish::default() };
        client.token_with(&tenant("tenant-0237"), impatient).unwrap_err();
        assert!(threads_of_clients() > 2, "there is work under way");
        drop((all, client));
        until("all threads have ended", || threads_of_clients() == 0);
    });
}

#[test]
fn what_is_missing_in_the_environment_is_named() {
    let almost = [
        ("MDSP_KEY_STORE_CLIENT_ID", "client"),
        ("MDSP_OS_VM_APP_NAME", "app"),
        ("MDSP_OS_VM_APP_VERSION", "1.0.0"),
        ("MDSP_HOST_TENANT", "host"),
    ];
    alone(&almost, || {
        let errors =
            [tm_async::Client::from_env().unwrap_err(), tm_blocking::Client::from_env().unwrap_err()];
        for error in errors {
            assert_eq!(error.kind(), tm_async::ErrorKind::Config);
            assert_eq!(error.to_string(), "MDSP_KEY_STORE_CLIENT_SECRET: is not set in the environment");
        }
    });
}

#[test]
fn the_environment_cannot_ask_for_plain_http() {
    let environment = [
        ("MDSP_KEY_STORE_CLIENT_ID", "client"),
        ("MDSP_KEY_STORE_CLIENT_SECRET", "secret"),
        ("MDSP_OS_VM_APP_NAME", "app"),
        ("MDSP_OS_VM_APP_VERSION", "1.0.0"),
        ("MDSP_HOST_TENANT", "host"),
        ("TM_GATEWAY", "http://127.0.0.1:1"),
    ];
    alone(&environment, || {
        for error in [tm_async::Client::from_env().unwrap_err(), tm_blocking::Client::from_env().unwrap_err()]
        {
            assert_eq!(error.kind(), tm_async::ErrorKind::Config);
            assert!(error.to_string().starts_with("gateway: is not https"), "{error}");
        }
    });
}

/// An environment with which both clients are refused, for the one variable in it that is no text.
#[cfg(unix)]
fn is_not_passed_over(variable: &str, story: fn()) {
    use std::os::unix::ffi::OsStrExt as _;

    let required = &PLATFORM[..5];
    let mut environment: Vec<_> = required.iter().map(|&name| (name, OsStr::new("set"))).collect();
    environment.push((variable, OsStr::from_bytes(b"https://\xff.example")));
    alone_in(&environment, story);
}

#[cfg(unix)]
fn refused_with(beginning: &str) {
    for error in [tm_async::Client::from_env().unwrap_err(), tm_blocking::Client::from_env().unwrap_err()] {
        assert_eq!(error.kind(), tm_async::ErrorKind::Config);
        assert!(error.to_string().starts_with(beginning), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_gateway_that_is_no_text_is_not_passed_over() {
    is_not_passed_over("TM_GATEWAY", || refused_with("gateway: "));
}

#[cfg(unix)]
#[test]
fn a_proxy_that_is_no_text_is_not_passed_over() {
    is_not_passed_over("https_proxy", || refused_with("proxy: "));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_not_passed_over() {
    is_not_passed_over("MDSP_OS_VM_APP_NAME", || refused_with("app name: "));
}
