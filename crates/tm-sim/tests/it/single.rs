//! `/oauth/token`, answered as documented.

use serde_json::Value;
use tm_sim::{Platform, Simulator};

use crate::client::{Connection, access_token, single};
use crate::signatures::claims;

#[test]
fn a_token_has_the_documented_shape() {
    let sim = Simulator::builder().start().expect("it starts");

    let reply = single(&sim, "tenant-0003");

    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let body = reply.json();
    let token = body.as_object().expect("an object");
    let mut names: Vec<_> = token.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["access_token", "expires_in", "jti", "scope", "timestamp", "token_type"]);
    assert_eq!((&token["token_type"], &token["expires_in"]), (&Value::from("bearer"), &Value::from(1799)));
    assert!(token["timestamp"].as_str().is_some_and(|text| text.parse::<u64>().is_ok()));
    let access_token = token["access_token"].as_str().expect("text");
    assert!((1_000..=1_800).contains(&access_token.len()), "{}", access_token.len());
    let claims = claims(access_token);
    assert_eq!((&claims["ten"], &claims["jti"]), (&Value::from("tenant-0003"), &token["jti"]));
    let scopes: Vec<_> =
        claims["scope"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(token["scope"], scopes.join(" "));
}

#[test]
fn the_fields_come_in_the_documented_order() {
    let sim = Simulator::builder().start().expect("it starts");
    let reply = single(&sim, "tenant-0001");
    let text = String::from_utf8(reply.body).expect("UTF-8");
    let names = ["access_token", "token_type", "timestamp", "expires_in", "scope", "jti"];
    let places: Vec<_> = names.iter().map(|name| text.find(&format!("\"{name}\"")).expect(name)).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn xcelerator_has_its_own_path_issuer_and_claim() {
    let sim = Simulator::builder().platform(Platform::Xcelerator).tenants(2).start().expect("it starts");

    let claims = claims(&access_token(&sim, "1000000002"));
    assert_eq!(claims["sws.samauth.ten"], "1000000002");
    assert!(claims["iss"].as_str().is_some_and(|iss| iss.contains("sws.siemens.com")), "{claims}");

    let old_path = crate::client::SINGLE;
    assert_eq!(Connection::open(&sim).call("POST", old_path, &[], b"{}").status, 404);
}

#[test]
fn a_caching_service_repeats_a_token_until_it_is_short() {
    let sim = Simulator::builder().caches_tokens(true).start().expect("it starts");
    let first = single(&sim, "tenant-0001").json();

    assert_eq!(single(&sim, "tenant-0001").json(), first);
    assert_ne!(single(&sim, "tenant-0002").json(), first);
    // 1,800 s of life, of which 60 s are too few.
    sim.set_clock_skew(1730);
    assert_eq!(single(&sim, "tenant-0001").json(), first);
    sim.set_clock_skew(1745);
    let fresh = single(&sim, "tenant-0001").json();

    assert_ne!(fresh["access_token"], first["access_token"]);
    let counters = sim.counters();
    assert_eq!((counters.tokens_issued, counters.tokens_repeated, sim.issued("tenant-0001")), (3, 2, 2));
}

#[test]
fn a_revoked_token_is_not_repeated() {
    let sim = Simulator::builder().caches_tokens(true).start().expect("it starts");
    let token = access_token(&sim, "tenant-0001");
    assert!(sim.revoke(&token));
    assert_ne!(access_token(&sim, "tenant-0001"), token);
    assert!(!sim.revoke(&token), "it is revoked already");
}

#[test]
fn two_runs_from_one_seed_issue_the_same_ids_in_any_order() {
    let run = |seed, order: [&str; 2]| {
        let sim = Simulator::builder().seed(seed).start().expect("it starts");
        let mut ids: Vec<_> =
            order.map(|tenant| single(&sim, tenant).json()["jti"].to_string()).into_iter().collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(run(5, ["tenant-0001", "tenant-0002"]), run(5, ["tenant-0002", "tenant-0001"]));
    assert_ne!(run(5, ["tenant-0001", "tenant-0002"]), run(6, ["tenant-0001", "tenant-0002"]));
}

#[test]
fn a_life_of_ones_own_is_told_and_meant() {
    let sim = Simulator::builder().token_life(std::time::Duration::from_secs(30)).start().expect("it starts");
    let body = single(&sim, "tenant-0001").json();
    assert_eq!(body["expires_in"], 30);
    let claims = claims(body["access_token"].as_str().expect("text"));
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(31));
}
