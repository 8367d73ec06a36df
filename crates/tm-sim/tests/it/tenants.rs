//! `/userTenants`: the bearer that it wants, and paging.

use serde_json::json;
use tm_sim::Simulator;

use crate::client::{Connection, PAGE, Reply, access_token, page};

fn ids(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let listed = body["userTenants"].as_array().expect("a list");
    listed.iter().map(|tenant| tenant["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_page_has_the_documented_shape() {
    let sim = Simulator::builder().tenants(3).start().expect("it starts");
    let operator = access_token(&sim, "operator");

    let reply = page(&sim, &operator, "?page=1&size=2");

    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let expected = json!({
        "page": {"size": 2, "totalElements": 3, "totalPages": 2, "number": 1},
        "userTenants": [{"id": "tenant-0003"}],
    });
    assert_eq!(reply.json(), expected);
}

#[test]
fn all_pages_together_list_every_tenant_once() {
    let sim = Simulator::builder().tenants(250).start().expect("it starts");
    let operator = access_token(&sim, "operator");
    let pages: Vec<_> = (0..4).map(|n| ids(&page(&sim, &operator, &format!("?page={n}")))).collect();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50, 0]);
    assert_eq!(pages.concat(), sim.tenants());
}

#[test]
fn a_page_holds_no_more_than_its_cap_whatever_is_asked() {
    let sim = Simulator::builder().tenants(50).page_cap(20).start().expect("it starts");
    let operator = access_token(&sim, "operator");
    for (query, length) in [("", 20), ("?size=500", 20), ("?size=7", 7), ("?page=99", 0), ("?", 20)] {
        assert_eq!(ids(&page(&sim, &operator, query)).len(), length, "{query}");
    }
    assert_eq!(page(&sim, &operator, "?size=500").json()["page"]["size"], 20);
}

#[test]
fn totals_may_be_zero_as_in_the_sample() {
    let sim = Simulator::builder().tenants(3).totals_are_zero(true).start().expect("it starts");
    let reply = page(&sim, &access_token(&sim, "operator"), "");
    assert_eq!(reply.json()["page"], json!({"size": 0, "totalElements": 0, "totalPages": 0, "number": 0}));
    assert_eq!(ids(&reply).len(), 3);
}

#[test]
fn a_page_that_makes_no_sense_is_refused() {
    let sim = Simulator::builder().start().expect("it starts");
    let operator = access_token(&sim, "operator");
    for query in [
        "?page=-1",
        "?page=one",
        "?page=",
        "?page",
        "?page=%30",
        "?page=+1",
        "?page=99999999999999999999999",
        "?size=0",
        "?size=501",
        "?page=0&page=1",
        "?pageSize=5",
    ] {
        assert_eq!(page(&sim, &operator, query).status, 400, "{query}");
    }
}

#[test]
fn only_a_living_token_of_the_operator_opens_the_list() {
    let sim = Simulator::builder().start().expect("it starts");
    let operator = access_token(&sim, "operator");
    let other = Simulator::builder().seed(9).start().expect("it starts");
    assert_eq!(page(&sim, &operator, "").status, 200);
    assert_eq!(page(&sim, "never.was.issued", "").status, 401);
    assert_eq!(page(&sim, &access_token(&other, "operator"), "").status, 401, "another service's token");
    assert_eq!(page(&sim, &access_token(&sim, "tenant-0001"), "").status, 403);

    sim.set_clock_skew(1_801);
    assert_eq!(page(&sim, &operator, "").status, 401, "expired");
    sim.set_clock_skew(0);
    assert_eq!(page(&sim, &operator, "").status, 200);
    sim.revoke(&operator);
    assert_eq!(page(&sim, &operator, "").status, 401, "revoked");
}

#[test]
fn a_bearer_stands_in_one_header_of_the_right_scheme() {
    let sim = Simulator::builder().start().expect("it starts");
    let operator = access_token(&sim, "operator");
    let (bearer, basic) = (format!("Bearer {operator}"), format!("Basic {operator}"));
    let right = ("authorization", bearer.as_str());
    let key = sim.auth_key();
    for wrong in
        [vec![], vec![("authorization", &*basic)], vec![right, right], vec![("x-space-auth-key", &*key)]]
    {
        assert_eq!(Connection::open(&sim).call("GET", PAGE, &wrong, b"").status, 401, "{wrong:?}");
    }
    assert_eq!(Connection::open(&sim).call("GET", PAGE, &[right], b"").status, 200);
}
