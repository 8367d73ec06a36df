//! One bad tenant in a batch, and a set-up that is bad for all.

use std::collections::BTreeSet;

use tm_async::{AppName, Application, ErrorKind, Setup};
use tm_core::Credentials;
use tm_sim::{BatchPolicy, Endpoint, Fault, Signing, Simulator};

use crate::harness::{Stack, World, setup_for, tenant, tenants};

both!(
    the_innocent_in_a_refused_batch_get_their_tokens,
    the_innocent_in_a_batch_that_lacks_one_get_their_tokens,
    an_answer_that_loses_a_tenant_by_mistake_costs_it_one_more_call,
    a_token_for_a_stranger_in_a_batch_is_given_to_nobody,
    a_thousand_tenants_with_a_wrong_app_name_are_given_up_after_a_few_calls,
);

#[track_caller]
fn four_of_five(world: &World) {
    let rows = world.client.tokens(&world.tenants());
    let (good, bad): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, result)| result.is_ok());
    assert_eq!((good.len(), bad.len()), (4, 1));
    let error = bad[0].1.clone().unwrap_err();
    assert_eq!((error.kind(), error.tenant()), (ErrorKind::TenantRefused, Some(&tenant("tenant-0003"))));
    assert!(error.retry_after().is_some() && error.to_string().contains("tenant-0003"), "{error:?}");
    assert!(world.calls() <= 6, "{} calls", world.calls());

    let calls = world.calls();
    let again = world.client.token("tenant-0003").unwrap_err();
    assert_eq!((again.kind(), again.tenant()), (ErrorKind::TenantRefused, Some(&tenant("tenant-0003"))));
    assert!(again.retry_after().is_some_and(|wait| (20..=30).contains(&wait.as_secs())), "{again:?}");
    assert_eq!(world.client.tokens(&world.tenants()).iter().filter(|(_, result)| result.is_ok()).count(), 4);
    assert_eq!(world.calls(), calls, "refused so lately, it is not asked for");
}

fn the_innocent_in_a_refused_batch_get_their_tokens(stack: Stack) {
    let sim = Simulator::builder().tenants(5).refuse_tenants(["tenant-0003"]);
    four_of_five(&World::new(stack, sim.batch_policy(BatchPolicy::RefuseWhole)));
}

fn the_innocent_in_a_batch_that_lacks_one_get_their_tokens(stack: Stack) {
    let sim = Simulator::builder().tenants(5).refuse_tenants(["tenant-0003"]);
    let world = World::new(stack, sim.batch_policy(BatchPolicy::OmitRefused));
    four_of_five(&world);
    assert_eq!(world.calls(), 2, "only the one that was left out is asked for again");
}

fn an_answer_that_loses_a_tenant_by_mistake_costs_it_one_more_call(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(5));
    world.sim.fault(Fault::DropTenant("tenant-0002".to_owned()).on(Endpoint::Batch).once());
    assert!(world.client.tokens(&world.tenants()).iter().all(|(_, token)| token.is_ok()));
    assert_eq!(world.calls(), 2);
}

fn a_token_for_a_stranger_in_a_batch_is_given_to_nobody(stack: Stack) {
    let world = World::new(stack, Simulator::builder().tenants(6));
    world.sim.fault(Fault::ExtraTenant("tenant-0006".to_owned()).once());
    let rows = world.client.tokens(&world.tenants()[..5]);
    assert!(rows.iter().all(|(_, token)| token.is_ok()));
    world.client.token("tenant-0006").unwrap();
    assert_eq!(world.calls(), 2);
}

fn a_thousand_tenants_with_a_wrong_app_name_are_given_up_after_a_few_calls(stack: Stack) {
    let sim = Simulator::builder().tenants(1_000).signing(Signing::Reused).start().unwrap();
    let good = setup_for(&sim);
    let application = Application { name: AppName::new("wrong").unwrap(), ..good.application().clone() };
    let credentials = Credentials::from_auth_key(&sim.auth_key()).unwrap();
    let host = stack.host();
    let client = host.client(Setup::new(application, credentials)).unwrap();

    let rows = client.tokens(&tenants(&sim.tenants()));
    assert_eq!(rows.len(), 1_000);
    let errors: Vec<_> = rows.into_iter().map(|(tenant, result)| (tenant, result.unwrap_err())).collect();
    assert!(
        errors.iter().all(|(tenant, error)| error.tenant() == Some(tenant)),
        "each error names its tenant"
    );
    let kinds: BTreeSet<_> = errors.iter().map(|(_, error)| error.kind().as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["tenant_refused"]));
    let telling = errors.iter().filter(|(_, error)| {
        let text = error.to_string();
        ["host tenant", "app name", "app version"].iter().all(|what| text.contains(what))
    });
    assert!(telling.count() > 900, "the errors tell what to check: {:?}", errors[999]);
    let seen = sim.counters();
    let calls = seen.single_calls + seen.batch_calls;
    assert!(calls <= 60, "{calls} calls");

    assert_eq!(client.token("tenant-0999").unwrap_err().kind(), ErrorKind::TenantRefused);
    let after = sim.counters();
    assert_eq!(after.single_calls + after.batch_calls, calls, "in the pause nobody is asked for");
}
