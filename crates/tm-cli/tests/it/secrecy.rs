//! No secret on stderr, whatever is logged.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::NamedTempFile;
use tm_sim::Simulator;

use crate::{
    needles::Needles,
    redis_server::RedisServer,
    support::{Ran, TRANSPORTS, Tm, simulator},
};

/// Everything, and the one target that would leak by name.
const LOGS: [&str; 2] = ["trace", "trace,ureq_proto=trace,ureq_proto::util=trace"];

/// What each of the transports logs by.
const STACKS: [&str; 2] = ["hyper_util", "ureq"];

const SECRET: &str = r#"canary-2f1c7d90-b5a6"\/+%4e8e"#;

/// Fails if any part of a secret stands in the text.
#[track_caller]
fn assert_secret(text: &str, secrets: &Needles) {
    if let Some(part) = secrets.find_in(text) {
        let line = text.lines().find(|line| secrets.any_in(line));
        panic!("{part:?} was logged: {}", line.unwrap_or("over several lines"));
    }
}

/// Runs a command that shows tokens, and looks for them, for the service's secrets and for these in all that it logs.
fn logs_no_secret(service: &Simulator, tm: Tm, mut secrets: Needles) -> Ran {
    let ran = tm.args(&["--json", "--reveal"]).ran();
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(!ran.stdout.is_empty(), "there are no tokens to look for");
    for row in ran.rows() {
        secrets.add(row["access_token"].as_str().unwrap());
    }
    for bearer in service.requests().iter().filter_map(|request| request.header("authorization")) {
        secrets.add(bearer.strip_prefix("Bearer ").unwrap());
    }
    secrets.add(service.auth_key().strip_prefix("Basic ").unwrap());
    secrets.add(SECRET);
    assert_secret(&ran.stderr, &secrets);
    ran
}

fn service() -> Simulator {
    Simulator::builder().tenants(7).credentials("client", SECRET).start().unwrap()
}

/// Or nothing was looked at.
fn assert_logs(ran: &Ran, stack: &str) {
    for level in ["TRACE", "DEBUG"] {
        let of_stack = |line: &str| line.contains(level) && line.contains(&format!(" {stack}"));
        assert!(ran.stderr.lines().any(of_stack), "{stack} logs nothing:\n{}", ran.stderr);
    }
}

#[test]
fn at_trace_neither_the_key_nor_a_token_is_logged() {
    let lines = [&["all"][..], &["tokens", "tenant-0001", "tenant-0002"], &["token", "tenant-0003"]];
    for (transport, stack) in TRANSPORTS.into_iter().zip(STACKS) {
        for log in LOGS {
            let service = service();
            for line in lines {
                let tm = Tm::of(&service, line).args(transport).env("RUST_LOG", log);
                assert_logs(&logs_no_secret(&service, tm, Needles::default()), stack);
            }
            let requests = service.requests();
            assert!(requests.iter().any(|request| request.header("authorization").is_some()));
        }
    }
}

#[test]
fn at_trace_nothing_that_concerns_a_store_is_logged() {
    let (password, wrong) = ("canary/40e6+b1d9", "canary/5d27+c8fa");
    let key = |bytes: &[u8; 32]| STANDARD.encode(bytes);
    let ring = format!(
        "name={} seal={}",
        key(b"canary-a1d94e70-of-names-of-keys"),
        key(b"canary-b2c83f61-which-seals-them")
    );
    let redis = RedisServer::start_with(&["--requirepass", password]);
    let url = |password: &str| {
        let encoded = password.replace('/', "%2F").replace('+', "%2B");
        redis.url().replace("//", &format!("//:{encoded}@"))
    };
    let mut ring_file = NamedTempFile::new().unwrap();
    ring_file.write_all(ring.as_bytes()).unwrap();
    let (by_file, in_text) =
        (("TM_SEAL_KEYS_FILE", ring_file.path().to_str().unwrap()), ("TM_SEAL_KEYS", &*ring));
    for (transport, stack) in TRANSPORTS.into_iter().zip(STACKS) {
        let place = tempfile::tempdir().unwrap();
        let files = |name: &str| format!("file:{}", place.path().join(name).display());
        for (store, ring_variable, works) in [
            (files("one"), in_text, true),
            (files("two"), by_file, true),
            (url(password), in_text, true),
            (url(password), by_file, true),
            (url(wrong), in_text, false),
        ] {
            let service = service();
            // The second run finds what the first has kept, and fetches the rest.
            for line in [&["tokens", "tenant-0001", "tenant-0002"][..], &["all"]] {
                let mut secrets = Needles::of(password);
                secrets.add(wrong);
                secrets.add_ring(&ring);
                let tm = Tm::of(&service, line).args(transport).env("RUST_LOG", "trace");
                let tm = tm.env("TM_STORE", &store).envs([ring_variable]);
                assert_logs(&logs_no_secret(&service, tm, secrets), stack);
            }
            assert_eq!(service.issued("tenant-0001") == 1, works, "{store}");
        }
    }
}

#[test]
fn at_trace_a_proxy_s_password_is_not_logged() {
    let password = "canary-91d7e3c5";
    for transport in TRANSPORTS {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://someone:{password}@{}", listener.local_addr().unwrap());
        // Ends with the test process.
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let _ = connection.read(&mut [0; 1_024]);
                let _ = connection.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n");
            }
        });
        let service = simulator(1);
        let ran = Tm::of(&service, &["token", "tenant-0001", "--gateway", "https://gateway.invalid"])
            .args(transport)
            .envs([("HTTPS_PROXY", proxy.as_str()), ("RUST_LOG", "trace")])
            .ran();
        assert_eq!(ran.status, Some(4), "{}", ran.stderr);
        let written = format!("{}{}", ran.stdout, ran.stderr);
        assert_secret(&written, &Needles::of(&format!("someone:{password}")));
    }
}

#[test]
fn no_error_repeats_a_secret() {
    let service = simulator(1);
    for secret in ["canary-with-\u{e4}-in-it", "canary-with-\u{7}-in-it"] {
        let ran = Tm::of(&service, &["all"]).env("MDSP_KEY_STORE_CLIENT_SECRET", secret).ran();
        assert_eq!(ran.status, Some(2));
        assert!(ran.stderr.contains("client secret: ") && !ran.stderr.contains("canary"), "{}", ran.stderr);
    }
}
