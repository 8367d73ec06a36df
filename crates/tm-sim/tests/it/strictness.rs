//! Each thing that a client can do wrong, and the status it gets.

use serde_json::json;
use tm_sim::{Signing, Simulator};

use crate::client::{BATCH, Connection, PAGE, Reply, SINGLE, batch, batch_body, post, single, single_body};

/// A single call whose headers are given, and whose body is right.
fn with_headers(sim: &Simulator, headers: &[(&str, &str)]) -> Reply {
    let body = single_body(sim, "tenant-0001").to_string();
    Connection::open(sim).call("POST", SINGLE, headers, body.as_bytes())
}

fn with_body(sim: &Simulator, path: &str, body: &[u8]) -> Reply {
    let headers = [("x-space-auth-key", &*sim.auth_key()), ("content-type", "application/json")];
    Connection::open(sim).call("POST", path, &headers, body)
}

#[test]
fn the_key_must_be_padded_standard_base64_behind_basic() {
    // The key has a character in which the two alphabets of base64 differ.
    let sim = Simulator::builder().credentials("a", "b?>~").start().expect("it starts");
    let json = ("content-type", "application/json");
    assert_eq!(sim.auth_key(), "Basic YTpiPz5+");
    assert_eq!(with_headers(&sim, &[("X-SPACE-AUTH-KEY", "Basic YTpiPz5+"), json]).status, 200);
    for wrong in
        ["Basic YTpiPz5-", "basic YTpiPz5+", "YTpiPz5+", "Basic  YTpiPz5+", "Bearer YTpiPz5+", "Basic", ""]
    {
        assert_eq!(with_headers(&sim, &[("x-space-auth-key", wrong), json]).status, 401, "{wrong}");
    }
    assert_eq!(with_headers(&sim, &[json]).status, 401, "no key");
    let key = ("x-space-auth-key", "Basic YTpiPz5+");
    assert_eq!(with_headers(&sim, &[key, key, json]).status, 401, "twice the key");

    sim.set_credentials("a", "b");
    assert_eq!(with_headers(&sim, &[("x-space-auth-key", "Basic YTpi"), json]).status, 200);
    assert_eq!(with_headers(&sim, &[key, json]).status, 401, "the old key");
    sim.set_credentials("a", "bc");
    assert_eq!(with_headers(&sim, &[("x-space-auth-key", "Basic YTpiYw=="), json]).status, 200);
    assert_eq!(with_headers(&sim, &[("x-space-auth-key", "Basic YTpiYw"), json]).status, 401, "no padding");
}

#[test]
fn the_content_type_must_be_json() {
    let sim = Simulator::builder().start().expect("it starts");
    let key = sim.auth_key();
    let key = ("x-space-auth-key", key.as_str());
    assert_eq!(with_headers(&sim, &[key, ("content-type", "application/json; charset=utf-8")]).status, 200);
    assert_eq!(with_headers(&sim, &[key, ("content-type", "text/plain")]).status, 415);
    assert_eq!(with_headers(&sim, &[key]).status, 415);
}

#[test]
fn paths_and_methods_are_the_documented_ones() {
    let sim = Simulator::builder().start().expect("it starts");
    for (method, path, status, allow) in [
        ("GET", "/", 404, None),
        ("POST", "/api/technicaltokenmanager/v3/oauth/token/", 404, None),
        ("POST", "/api/technicaltokenmanager-1000001700/v3/oauth/token", 404, None),
        ("POST", "/oauth/token", 404, None),
        ("GET", SINGLE, 405, Some("POST")),
        ("PUT", BATCH, 405, Some("POST")),
        ("POST", PAGE, 405, Some("GET")),
        ("DELETE", "/token_keys", 405, Some("GET")),
    ] {
        let reply = Connection::open(&sim).call(method, path, &[], b"");
        assert_eq!((reply.status, reply.header("allow")), (status, allow), "{method} {path}");
    }
    assert_eq!(sim.counters().refused, 8);
}

#[test]
fn the_two_calls_do_not_take_each_others_fields() {
    let sim = Simulator::builder().start().expect("it starts");
    for (path, body, field) in [
        (SINGLE, batch_body(&sim, &["tenant-0001"]), "'hostTenantId' is not known"),
        (BATCH, single_body(&sim, "tenant-0001"), "'hostTenant' is not known"),
        (SINGLE, json!({"appName": "simapp"}), "'appVersion' is missing"),
        (SINGLE, json!({"appName": "simapp", "appVersion": 1}), "'appVersion' must be text"),
        (SINGLE, json!({"appName": ""}), "'appName' must not be empty"),
        (BATCH, json!([]), "not a JSON object"),
    ] {
        let reply = post(&sim, path, &body);
        assert_eq!(reply.status, 400, "{body}");
        let (code, message) = reply.error();
        assert!(message.contains(field) && code.contains("badRequest"), "{body}: {message}");
    }
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let sim = Simulator::builder().start().expect("it starts");
    let deep = "[".repeat(60_000);
    let twice =
        single_body(&sim, "tenant-0001").to_string().replacen('{', "{\"userTenant\":\"tenant-0002\",", 1);
    for body in [&b"{"[..], b"\xff\xfe", b"{}{}", b"nul", deep.as_bytes(), twice.as_bytes()] {
        assert_eq!(with_body(&sim, SINGLE, body).status, 400);
    }
    assert_eq!(with_body(&sim, SINGLE, b"").status, 400);
}

#[test]
fn every_mutation_of_a_body_gets_an_answer() {
    // A panic in the service would close the connection instead.
    let sim = Simulator::builder().signing(Signing::Reused).start().expect("it starts");
    let right = batch_body(&sim, &["tenant-0001", "tenant-0002"]).to_string().into_bytes();
    let key = sim.auth_key();
    let headers = [("x-space-auth-key", &*key), ("content-type", "application/json")];
    let mut rng = fastrand::Rng::with_seed(20);
    let mut connection = Connection::open(&sim);
    let mut refused = 0;
    for _ in 0..1_000 {
        let mut body = right.clone();
        for _ in 0..rng.usize(1..4) {
            let place = rng.usize(..body.len());
            match rng.u8(..3) {
                0 => body[place] = rng.u8(..),
                1 => body.truncate(place.max(1)),
                _ => body.insert(place, rng.choice(*b"{}[]\",:0\\").expect("one of them")),
            }
        }
        let status = connection.call("POST", BATCH, &headers, &body).status;
        assert!([200, 400, 403, 404].contains(&status), "{status}: {}", String::from_utf8_lossy(&body));
        refused += u32::from(status == 400);
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_field_beyond_the_documents_is_taken_only_when_it_was_announced() {
    let announced = Simulator::builder().extra_fields(["caller_context"]).start().expect("it starts");
    let strict = Simulator::builder().start().expect("it starts");
    for (sim, status) in [(announced, 200), (strict, 400)] {
        let mut body = single_body(&sim, "tenant-0001");
        body["caller_context"] = json!({"user": "someone"});
        assert_eq!(post(&sim, SINGLE, &body).status, status);
    }
}

#[test]
fn a_body_over_64_kib_is_refused_and_the_limit_itself_is_not() {
    let sim = Simulator::builder().start().expect("it starts");
    let body = single_body(&sim, "tenant-0001").to_string();
    let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    assert_eq!(with_body(&sim, SINGLE, padded(65_536).as_bytes()).status, 200);
    let reply = with_body(&sim, SINGLE, padded(65_537).as_bytes());
    assert_eq!((reply.status, reply.header("connection")), (413, Some("close")));
    assert_eq!(sim.requests().last().map(|request| request.body.len()), Some(65_536));
}

#[test]
fn another_application_or_host_is_forbidden() {
    let sim = Simulator::builder().app("myapp", "2.1.0").host_tenant("myhost").start().expect("it starts");
    let right = json!({
        "appName": "myapp", "appVersion": "2.1.0", "hostTenant": "myhost", "userTenant": "tenant-0001",
    });
    assert_eq!(post(&sim, SINGLE, &right).status, 200);
    for field in ["appName", "appVersion", "hostTenant"] {
        let mut wrong = right.clone();
        wrong[field] = json!("other");
        let reply = post(&sim, SINGLE, &wrong);
        assert_eq!(reply.status, 403, "{field}");
        assert_eq!(reply.error().0, "mdsp.core.tokenmanager.forbidden");
    }
    assert_eq!(batch(&sim, &["tenant-0001"]).status, 403, "it says simapp 1.0.0");
}

#[test]
fn unknown_and_refused_tenants_are_told_apart() {
    let sim = Simulator::builder().tenant_ids(["a", "b"]).refuse_tenants(["b"]).start().expect("it starts");
    assert_eq!(single(&sim, "a").status, 200);
    assert_eq!(single(&sim, "b").status, 403);
    assert_eq!(single(&sim, "c").status, 404);
    assert_eq!(single(&sim, "operator").status, 200);
}
