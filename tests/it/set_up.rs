//! What is wrong with a set-up is told before anything is sent, by either client.

use tm_async::{ErrorKind, Settings, Setup};
use tm_sim::Simulator;

use crate::harness::{Stack, World, kind_of, setup_for};

both!(settings_out_of_bounds_are_named, variables_that_are_not_good_are_named, both_platforms_are_served);

type Change = fn(&mut Settings);

fn settings_out_of_bounds_are_named(stack: Stack) {
    let sim = Simulator::builder().start().unwrap();
    let bad: [(&str, Change); 4] = [
        ("calls at once: is 0", |settings| settings.calls_at_once = 0),
        ("attempts: is 11", |settings| settings.attempts = 11),
        ("page size: is 501", |settings| settings.page_size = 501),
        ("patience: is not", |settings| settings.patience = std::time::Duration::ZERO),
    ];
    let host = stack.host();
    for (text, change) in bad {
        let client = host.client(setup_for(&sim).settings(change));
        assert_eq!(kind_of(&client), ErrorKind::Config);
        let error = client.unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
    }
}

fn variables_that_are_not_good_are_named(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let environment = world.sim.environment();
    let with = |bad: &str, value: Option<&str>| {
        let lookup = |name: &str| {
            let known = environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            if name == bad { value.map(str::to_owned) } else { known }
        };
        Setup::from_lookup(lookup, true).map(drop).unwrap_err().to_string()
    };
    assert_eq!(with("MDSP_HOST_TENANT", None), "MDSP_HOST_TENANT: is not set in the environment");
    assert_eq!(with("MDSP_HOST_TENANT", Some("two words")), "tenant id: has a space at position 3");
    assert!(with("MDSP_KEY_STORE_CLIENT_ID", Some("a:b")).starts_with("client id: has a colon"));
    assert!(with("TM_GATEWAY", Some("http://gateway.example")).starts_with("gateway: "));
    assert!(
        with("TM_GATEWAY", Some("https://user:pw@gateway.example")).starts_with("gateway: has user info")
    );
    world.client.token("tenant-0001").expect("the same without a mistake is good");
}

fn both_platforms_are_served(stack: Stack) {
    for platform in [tm_sim::Platform::InsightsHub, tm_sim::Platform::Xcelerator] {
        let sim = Simulator::builder().platform(platform).tenants(12).start().unwrap();
        let setup = setup_for(&sim);
        let application = setup.application().clone();
        let gateway = application.gateway.with_api_path(platform.base_path()).unwrap();
        let credentials = tm_core::Credentials::from_auth_key(&sim.auth_key()).unwrap();
        let setup = Setup::new(tm_async::Application { gateway, ..application }, credentials);
        let client = stack.host().client(setup).unwrap();
        assert_eq!(client.all_tokens().flatten().count(), 12);
    }
}
