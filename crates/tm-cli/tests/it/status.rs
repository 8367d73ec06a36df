//! Each exit status, and what is said with it.

use std::{net::TcpListener, thread};

use serde_json::json;
use tm_sim::{Endpoint, Fault, Simulator};

use crate::support::{TRANSPORTS, Tm, simulator};

/// The commands that talk to the service.
const COMMANDS: [&[&str]; 4] =
    [&["all"], &["tenants"], &["token", "tenant-0001"], &["tokens", "tenant-0001", "tenant-0002"]];

/// Runs each command in text and JSON over both transports, and checks the status that all must have.
fn all_end_with(simulator: &Simulator, status: i32, prepare: impl Fn(Tm) -> Tm) {
    let check = |tm: Tm, json: bool| {
        let ran = tm.ran();
        assert_eq!(ran.status, Some(status), "{ran:?}");
        assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "nothing is told");
        if json {
            let rows = ran.rows();
            assert!(!rows.is_empty() && rows.iter().all(|row| row["status"] == "error"), "{ran:?}");
        }
    };
    // At once: most of the time they wait before they try again.
    thread::scope(|scope| {
        for command in COMMANDS {
            for transport in TRANSPORTS {
                for form in [&[][..], &["--json"]] {
                    let tm = prepare(Tm::of(simulator, command).args(transport).args(form));
                    scope.spawn(move || check(tm, !form.is_empty()));
                }
            }
        }
    });
}

#[test]
fn a_missing_variable_is_named_with_status_2() {
    let service = simulator(1);
    for (name, _) in service.environment() {
        if ["MDSP_USER_TENANT", "TM_GATEWAY"].contains(&name) {
            continue;
        }
        let ran = Tm::of(&service, &["all"]).without(name).ran();
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
        assert!(ran.stderr.starts_with(&format!("tm: {name}: is not set")), "{}", ran.stderr);
    }
}

#[test]
fn a_gateway_that_is_none_is_status_2() {
    let service = simulator(1);
    for gateway in ["nonsense", "ftp://127.0.0.1", "https://user:pw@host", "http://10.0.0.1", ""] {
        let ran = Tm::of(&service, &["all", "--gateway", gateway]).ran();
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{gateway}");
        assert!(ran.stderr.contains("gateway"), "{}", ran.stderr);
    }
    let ran = Tm::new(["all"]).envs(service.environment()).ran();
    assert_eq!(ran.status, Some(2), "plain http must be asked for");
    assert!(ran.stderr.contains("--allow-loopback-http"), "{}", ran.stderr);
    assert_eq!(service.counters().connections, 0);
}

#[test]
fn wrong_usage_is_status_2() {
    let service = simulator(1);
    let lines: [&[&str]; 9] = [
        &[],
        &["nope"],
        &["tokens"],
        &["token"],
        &["all", "--timeout", "0"],
        &["all", "--timeout", "x"],
        &["all", "--secret-stdin", "--secret-file", "x"],
        &["tokens", "-", "--secret-stdin"],
        &["sim", "--rate-limit", "x"],
    ];
    for line in lines {
        let ran = Tm::new(line).envs(service.environment()).ran();
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{line:?}");
    }
    for line in [&["token", "b\u{e4}d"][..], &["tokens", "a b"], &["all", "--secret-file", "/nonexistent"]] {
        let ran = Tm::of(&service, line).ran();
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{line:?}");
    }
    assert_eq!(service.counters().connections, 0);
}

#[test]
fn help_and_version_are_data() {
    for line in [&["--help"][..], &["--version"], &["all", "--help"], &["help", "sim"]] {
        let ran = Tm::new(line).ran();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{line:?}");
        assert!(!ran.stdout.is_empty());
    }
    let help = Tm::new(["all", "--help"]).ran().stdout;
    assert!(help.contains("MDSP_HOST_TENANT") && help.contains("Exit status:"), "{help}");
}

#[test]
fn refused_credentials_are_status_3() {
    let service = simulator(2);
    all_end_with(&service, 3, |tm| tm.env("MDSP_KEY_STORE_CLIENT_SECRET", "wrong"));
}

#[test]
fn a_gateway_that_is_not_there_is_status_4() {
    let service = simulator(2);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    all_end_with(&service, 4, |tm| tm.env("TM_GATEWAY", &dead));
}

#[test]
fn a_service_that_fails_is_status_4() {
    let service = simulator(2);
    service.fault(Fault::status(503));
    all_end_with(&service, 4, |tm| tm);
}

#[test]
fn a_service_that_asks_for_patience_is_status_4() {
    let service = simulator(2);
    let headers = vec![("retry-after".to_owned(), "3600".to_owned())];
    service.fault(Fault::Status { code: 429, headers, body: Vec::new().into() });
    all_end_with(&service, 4, |tm| tm);
}

#[test]
fn a_service_that_talks_nonsense_is_status_4() {
    let service = simulator(2);
    let body = "<html>Sign in</html>".into();
    service.fault(Fault::Garbage200 { content_type: "text/html".to_owned(), body });
    all_end_with(&service, 4, |tm| tm);
}

#[test]
fn a_list_that_breaks_off_is_told_without_a_tenant() {
    for transport in TRANSPORTS {
        let service = simulator(2);
        service.fault(Fault::status(500).on(Endpoint::Page));
        for command in ["all", "tenants"] {
            let ran = Tm::of(&service, &[command, "--json"]).args(transport).ran();
            assert_eq!(ran.status, Some(4));
            let [row] = &ran.rows()[..] else { panic!("{ran:?}") };
            assert_eq!((&row["tenant"], &row["kind"]), (&json!(null), &json!("service")));
            let ran = Tm::of(&service, &[command]).args(transport).ran();
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(4), ""));
            assert!(ran.stderr.starts_with("tm: "), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_refused_tenant_is_status_5_and_costs_the_others_nothing() {
    for transport in TRANSPORTS {
        let service = Simulator::builder().tenants(7).refuse_tenants(["tenant-0003"]).start().unwrap();
        for line in [&["all", "--json"][..], &["tokens", "tenant-0001", "tenant-0003", "--json"]] {
            let ran = Tm::of(&service, line).args(transport).ran();
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(5), ""));
            for row in ran.rows() {
                let refused = row["tenant"] == "tenant-0003";
                assert_eq!(row["status"], if refused { "error" } else { "ok" }, "{row}");
                assert_eq!(row["kind"].as_str(), refused.then_some("tenant_refused"), "{row}");
            }
        }
        let ran = Tm::of(&service, &["all"]).args(transport).ran();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(5), "tm: 1 of 7 tenants failed\n"));
        assert!(ran.stdout.contains("tenant-0003           error  "), "{}", ran.stdout);
    }
}

#[test]
fn a_refused_tenant_leaves_stdout_to_the_token_that_did_not_come() {
    let service = simulator(1);
    for transport in TRANSPORTS {
        let ran = Tm::of(&service, &["token", "nobody", "--reveal"]).args(transport).ran();
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(5), ""));
        assert!(ran.stderr.contains("nobody"), "{}", ran.stderr);
    }
}

#[test]
fn a_list_that_cannot_be_had_is_no_tenant_s_failure() {
    for transport in TRANSPORTS {
        let service = simulator(7);
        for command in ["all", "tenants"] {
            let run =
                |more: &[&str]| Tm::of(&service, &[command]).args(more).env("MDSP_HOST_TENANT", "nonesuch");
            let (text, rows) = (run(transport).ran(), run(&[transport, &["--json"]].concat()).ran());
            assert_eq!((text.status, rows.status), (Some(4), Some(4)), "{}{}", text.stderr, rows.stderr);
            assert!(text.stderr.starts_with("tm: the list of tenants cannot be read"), "{}", text.stderr);
            let [row] = &rows.rows()[..] else { panic!("{}", rows.stdout) };
            assert!(row["tenant"].is_null() && row["retry_after_s"].as_u64().is_some(), "{row}");
        }
    }
}
