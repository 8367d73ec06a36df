//! What each command prints when all is well, over both transports.

use std::{fs, io::Write as _};

use serde_json::json;
use tm_core::Claims;
use tm_sim::{Platform, Simulator};

use crate::support::{TRANSPORTS, Tm, simulator};

#[test]
fn all_has_a_row_for_every_tenant() {
    for transport in TRANSPORTS {
        let service = simulator(12);
        let ran = Tm::of(&service, &["all"]).args(transport).ran();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let mut rows: Vec<_> = ran.stdout.lines().collect();
        rows.sort_unstable();
        for (row, tenant) in rows.iter().zip(service.tenants()) {
            assert!(row.starts_with(&format!("{tenant}           ok      29m5")), "{row}");
            assert!(row.ends_with(" scopes") || row.ends_with(" 1 scope"), "{row}");
        }
        assert_eq!(rows.len(), 12);
        let columns: Vec<_> = rows.iter().map(|row| row.find("29m")).collect();
        assert!(columns.iter().all(|column| *column == columns[0]), "{columns:?}");
    }
}

#[test]
fn all_in_json_tells_life_and_scopes() {
    for transport in TRANSPORTS {
        let service = simulator(12);
        let ran = Tm::of(&service, &["all", "--json"]).args(transport).ran();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let mut tenants = ran.tenants();
        tenants.sort_unstable();
        assert_eq!(tenants, service.tenants());
        for row in ran.rows() {
            assert_eq!(row["status"], "ok");
            assert!((1_700..=1_800).contains(&row["expires_in_s"].as_u64().unwrap()), "{row}");
            assert!(row["scopes"].as_array().unwrap().iter().all(serde_json::Value::is_string));
            assert_eq!(row.get("access_token"), None);
        }
    }
}

#[test]
fn a_life_is_told_by_the_service_s_clock() {
    for transport in TRANSPORTS {
        let service = Simulator::builder().clock_skew(-7_200).start().unwrap();
        for command in [["token", "tenant-0001", "--json"].as_slice(), &["all", "--json"]] {
            for row in Tm::of(&service, command).args(transport).ran().rows() {
                assert!((1_700..=1_800).contains(&row["expires_in_s"].as_u64().unwrap()), "{row}");
            }
        }
    }
}

#[test]
fn revealed_tokens_are_the_tenants_own() {
    for transport in TRANSPORTS {
        let service = simulator(7);
        let ran = Tm::of(&service, &["all", "--json", "--reveal"]).args(transport).ran();
        for row in ran.rows() {
            let claims = Claims::read(row["access_token"].as_str().unwrap()).unwrap();
            assert_eq!(claims.tenant.as_deref(), row["tenant"].as_str());
        }
        let ran = Tm::of(&service, &["tokens", "tenant-0002", "--reveal"]).args(transport).ran();
        let token = ran.stdout.trim_end().rsplit(' ').next().unwrap();
        assert_eq!(Claims::read(token).unwrap().tenant.as_deref(), Some("tenant-0002"));
    }
}

#[test]
fn a_revealed_token_of_one_tenant_is_bare() {
    for transport in TRANSPORTS {
        let service = simulator(3);
        let ran = Tm::of(&service, &["token", "tenant-0002", "--reveal"]).args(transport).ran();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let token = ran.stdout.strip_suffix('\n').unwrap();
        assert_eq!(Claims::read(token).unwrap().tenant.as_deref(), Some("tenant-0002"));
        assert!(service.revoke(token), "the simulator knows it");
        assert_eq!((service.counters().single_calls, service.counters().batch_calls), (1, 0));
    }
}

#[test]
fn one_tenant_has_one_row() {
    for transport in TRANSPORTS {
        let service = simulator(3);
        let ran = Tm::of(&service, &["token", "tenant-0003"]).args(transport).ran();
        assert!(ran.stdout.starts_with("tenant-0003  ok      29m5"), "{}", ran.stdout);
        let ran = Tm::of(&service, &["token", "tenant-0003", "--json", "--reveal"]).args(transport).ran();
        let rows = ran.rows();
        assert_eq!((rows.len(), &rows[0]["tenant"]), (1, &json!("tenant-0003")));
        assert!(Claims::read(rows[0]["access_token"].as_str().unwrap()).is_ok());
    }
}

#[test]
fn named_tenants_come_in_their_order_five_a_call() {
    for transport in TRANSPORTS {
        let service = simulator(100);
        let mut names = service.tenants();
        names.reverse();
        let ids = names.join("\n");
        let ran = Tm::of(&service, &["tokens", "-", "--json"]).args(transport).stdin(ids).ran();
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(ran.tenants(), names);
        assert_eq!((service.counters().batch_calls, service.counters().single_calls), (20, 0));
    }
}

#[test]
fn ids_on_stdin_stand_where_they_are_named() {
    let service = simulator(9);
    let line = ["tokens", "tenant-0009", "-", "tenant-0001", "--json"];
    let ran = Tm::of(&service, &line).stdin(" tenant-0004\r\n\ttenant-0002\n\n").ran();
    assert_eq!(ran.tenants(), ["tenant-0009", "tenant-0004", "tenant-0002", "tenant-0001"]);
    let ran = Tm::of(&service, &["tokens", "-"]).ran();
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "no ids, no rows");
    let ran = Tm::of(&service, &["tokens", "tenant-0001", "tenant-0001"]).ran();
    assert_eq!(ran.stdout.lines().count(), 2, "named twice, told twice");
}

#[test]
fn the_list_is_one_id_a_line() {
    for transport in TRANSPORTS {
        let service = simulator(237);
        let ran = Tm::of(&service, &["tenants"]).args(transport).ran();
        assert_eq!(ran.status, Some(0));
        assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), service.tenants());
        let ran = Tm::of(&service, &["tenants", "--json"]).args(transport).ran();
        assert_eq!(ran.rows()[0], json!({"tenant": "tenant-0001"}));
        assert_eq!(ran.tenants(), service.tenants());
    }
}

#[test]
fn a_secret_comes_from_a_file_or_from_stdin() {
    let service = simulator(1);
    let secret = service.environment().iter().find(|(name, _)| name.ends_with("SECRET")).unwrap().1.clone();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{secret}").unwrap();
    let bare = |line: &[&str]| Tm::of(&service, line).without("MDSP_KEY_STORE_CLIENT_SECRET");
    let path = file.path().to_str().unwrap();
    assert_eq!(bare(&["tenants", "--secret-file", path]).ran().status, Some(0));
    assert_eq!(bare(&["tenants"]).env("TM_SECRET_FILE", path).ran().status, Some(0));
    assert_eq!(bare(&["tenants", "--secret-stdin"]).stdin(format!("{secret}\n")).ran().status, Some(0));
    // A file that is named goes before what the environment holds.
    fs::write(path, "another").unwrap();
    assert_eq!(Tm::of(&service, &["tenants", "--secret-file", path]).ran().status, Some(3));
}

#[test]
fn the_gateway_of_the_command_line_goes_first() {
    let service = simulator(2);
    let line = ["tenants", "--gateway", &service.url()];
    let ran = Tm::of(&service, &line).env("TM_GATEWAY", "http://127.0.0.1:1").ran();
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 2));
}

#[test]
fn the_other_platform_is_served_too() {
    let service = Simulator::builder().platform(Platform::Xcelerator).tenants(7).start().unwrap();
    let path = service.platform().base_path();
    for transport in TRANSPORTS {
        let ran = Tm::of(&service, &["all", "--json", "--api-path", path]).args(transport).ran();
        assert_eq!((ran.status, ran.rows().len()), (Some(0), 7), "{}", ran.stdout);
    }
}
