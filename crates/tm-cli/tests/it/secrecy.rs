//! No secret on stderr, whatever is logged.

use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tm_sim::Simulator;

use crate::support::{TRANSPORTS, Tm, simulator};

/// Everything, and the one target that would leak by name.
const LOGS: [&str; 2] = ["trace", "trace,ureq_proto=trace,ureq_proto::util=trace"];

/// Long enough not to occur by chance, short enough to be found in a dump of sixteen bytes a row.
const WINDOW: usize = 7;

/// Fails if any part of a secret stands in the text, as it is or in hex.
fn assert_secret(text: &str, secrets: &[String]) {
    let plain: HashSet<&[u8]> = text.as_bytes().windows(WINDOW).collect();
    let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let dense: HashSet<&[u8]> = dense.windows(2 * WINDOW).collect();
    for part in secrets.iter().flat_map(|secret| secret.as_bytes().windows(WINDOW)) {
        let digit = |four: u8| b"0123456789abcdef"[usize::from(four)];
        let hex: Vec<u8> = part.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        let leaks = plain.contains(part) || dense.contains(hex.as_slice());
        assert!(!leaks, "{:?} was logged", String::from_utf8_lossy(part));
    }
}

#[test]
fn a_dump_of_bytes_would_be_found() {
    let secrets = ["canary-2f1c7d90".to_owned()];
    for leak in
        ["x canary-2f1c7d90", "6361 6e61 7279 2d32 6631 6337 canary-2f1c", "6361 6e61 7279 2d32 6631 ......"]
    {
        let found = std::panic::catch_unwind(|| assert_secret(leak, &secrets)).is_err();
        assert!(found, "{leak}");
    }
    assert_secret("nothing of it", &secrets);
}

#[test]
fn at_trace_neither_the_key_nor_a_token_is_logged() {
    let secret = "canary-2f1c7d90-b5a6-4e8e";
    let (id, lines) =
        ("client", [&["all"][..], &["tokens", "tenant-0001", "tenant-0002"], &["token", "tenant-0003"]]);
    for (transport, stack) in TRANSPORTS.into_iter().zip(["hyper_util", "ureq"]) {
        for log in LOGS {
            let service = Simulator::builder().tenants(7).credentials(id, secret).start().unwrap();
            for line in lines {
                let line = [line, &["--json", "--reveal"]].concat();
                let ran = Tm::of(&service, &line).args(transport).env("RUST_LOG", log).ran();
                assert_eq!(ran.status, Some(0), "{}", ran.stderr);
                let logged = |level: &str| {
                    ran.stderr.lines().any(|line| line.contains(level) && line.contains(&format!(" {stack}")))
                };
                assert!(logged("TRACE") && logged("DEBUG"), "{stack} logs nothing:\n{}", ran.stderr);
                let tokens =
                    ran.rows().into_iter().map(|row| row["access_token"].as_str().unwrap().to_owned());
                let requests = service.requests();
                let bearers = requests.iter().filter_map(|request| request.header("authorization"));
                let bearers = bearers.map(|bearer| bearer.trim_start_matches("Bearer ").to_owned());
                let mut secrets: Vec<String> = tokens.chain(bearers).collect();
                assert!(line[0] != "all" || secrets.len() > 7, "seven tokens and the operator's");
                secrets.extend([secret.to_owned(), STANDARD.encode(format!("{id}:{secret}"))]);
                assert_secret(&ran.stderr, &secrets);
            }
        }
    }
}

#[test]
fn without_being_asked_for_no_token_is_printed() {
    let service = simulator(7);
    for command in [&["all"][..], &["tenants"], &["token", "tenant-0001"], &["tokens", "tenant-0002"]] {
        for transport in TRANSPORTS {
            for form in [&[][..], &["--json"]] {
                let ran = Tm::of(&service, command).args(transport).args(form).ran();
                // What every JWT begins with.
                assert!(!ran.stdout.contains("eyJ") && !ran.stderr.contains("eyJ"), "{ran:?}");
            }
        }
    }
    for transport in TRANSPORTS {
        let ran = Tm::new(["demo", "--tenants", "7"]).args(transport).env("RUST_LOG", "trace").ran();
        assert!(!ran.stdout.contains("eyJ") && !ran.stderr.contains("eyJ"), "{ran:?}");
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
        assert_secret(&written, &[password.to_owned(), STANDARD.encode(format!("someone:{password}"))]);
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

#[test]
#[cfg(target_os = "linux")]
fn other_processes_are_told_no_secret() {
    use std::{fs, time::Duration};

    use tm_sim::Fault;

    use crate::support::{ended, signal};

    let (id, secret) = ("client", "canary-8d20b7f4-1c53");
    for transport in TRANSPORTS {
        let service = Simulator::builder().tenants(1).credentials(id, secret).start().unwrap();
        service.fault(Fault::Hang);
        let tm = Tm::of(&service, &["token", "tenant-0001", "--secret-stdin", "--reveal"]).args(transport);
        let mut child = tm.without("MDSP_KEY_STORE_CLIENT_SECRET").start_with(std::process::Stdio::piped());
        write!(child.stdin.take().unwrap(), "{secret}").unwrap();
        assert!(
            service.wait_for(Duration::from_secs(60), |seen| seen.in_flight > 0),
            "it has the secret by now"
        );

        for file in ["cmdline", "comm", "environ"] {
            // The environment of a process that leaves no dumps is shown to root alone.
            let shown = fs::read(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
            assert!(file == "environ" || !shown.is_empty(), "{file} cannot be read");
            assert_secret(&String::from_utf8_lossy(&shown), &[secret.to_owned()]);
        }
        let is_child = format!("PPid:\t{}", child.id());
        let processes = fs::read_dir("/proc").unwrap().filter_map(|process| Some(process.ok()?.path()));
        let statuses = processes.filter_map(|process| fs::read_to_string(process.join("status")).ok());
        assert_eq!(
            statuses.filter(|status| status.lines().any(|line| line == is_child)).count(),
            0,
            "it starts no process"
        );

        signal("KILL", child.id());
        ended(child);
    }
}
