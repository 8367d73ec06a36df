//! `/oauthTokens`, answered as documented.

use serde_json::Value;
use tm_sim::{BatchPolicy, Simulator};

use crate::client::{Reply, batch};
use crate::signatures::claims;

fn tenants_of(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let entries = body["oauthTokens"].as_array().expect("a list");
    entries.iter().map(|entry| entry["userTenantId"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn each_tenant_of_a_batch_gets_a_token_of_its_own() {
    let sim = Simulator::builder().start().expect("it starts");

    let reply = batch(&sim, &["tenant-0004", "tenant-0001"]);

    assert_eq!(tenants_of(&reply), ["tenant-0004", "tenant-0001"]);
    for entry in reply.json()["oauthTokens"].as_array().expect("a list") {
        let token = &entry["token"];
        assert_eq!(
            (&token["token_type"], &token["expires_in"]),
            (&Value::from("bearer"), &Value::from(1799))
        );
        let claims = claims(token["access_token"].as_str().expect("text"));
        assert_eq!((&claims["ten"], &claims["jti"]), (&entry["userTenantId"], &token["jti"]));
    }
    assert_eq!((sim.issued("tenant-0004"), sim.issued("tenant-0002")), (1, 0));
}

#[test]
fn a_batch_has_one_to_five_tenants_each_once() {
    let sim = Simulator::builder().start().expect("it starts");
    let ids = sim.tenants();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_eq!(batch(&sim, &ids[..5]).status, 200);
    for wrong in [&ids[..0], &ids[..6], &[ids[0], ids[1], ids[0]]] {
        let reply = batch(&sim, wrong);
        assert_eq!(reply.status, 400, "{wrong:?}");
        assert!(reply.error().1.contains("'userTenantIds'"), "{reply:?}");
    }
    assert_eq!(sim.counters().tokens_issued, 5);
}

#[test]
fn one_guilty_tenant_refuses_the_whole_batch() {
    let sim = Simulator::builder().refuse_tenants(["tenant-0002"]).start().expect("it starts");
    assert_eq!(batch(&sim, &["tenant-0001", "tenant-0002", "tenant-0003"]).status, 403);
    assert_eq!(batch(&sim, &["tenant-0001", "nobody"]).status, 404);
    assert_eq!(batch(&sim, &["nobody", "tenant-0002"]).status, 404, "the first decides");
    assert_eq!(sim.counters().tokens_issued, 0);
}

#[test]
fn a_service_may_omit_the_guilty_instead() {
    let sim = Simulator::builder()
        .refuse_tenants(["tenant-0002"])
        .batch_policy(BatchPolicy::OmitRefused)
        .start()
        .expect("it starts");
    let reply = batch(&sim, &["tenant-0001", "tenant-0002", "nobody", "tenant-0003"]);
    assert_eq!((reply.status, tenants_of(&reply)), (200, vec!["tenant-0001".into(), "tenant-0003".into()]));
    assert!(tenants_of(&batch(&sim, &["nobody"])).is_empty());
}

#[test]
fn tenants_come_go_and_fall_from_grace_while_it_runs() {
    let sim = Simulator::builder().tenants(1).start().expect("it starts");
    sim.add_tenant("late");
    assert_eq!(batch(&sim, &["late"]).status, 200);
    sim.refuse("late");
    assert_eq!(batch(&sim, &["late"]).status, 403);
    sim.allow("late");
    assert_eq!(batch(&sim, &["late"]).status, 200);
    sim.remove_tenant("late");
    assert_eq!(batch(&sim, &["late"]).status, 404);
    assert_eq!(sim.tenants(), ["tenant-0001"]);
}
