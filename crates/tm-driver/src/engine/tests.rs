//! What no order of threads shows: whose code runs when, and what is done to the end.

use tm_core::{AppName, AppVersion, Gateway};

use super::*;

/// Nobody waits.
#[derive(Debug)]
enum Nobody {}

impl Wake for Nobody {
    fn answer(&self, _: Result<Token, Error>) {
        match *self {}
    }
}

fn engine() -> Engine<Nobody> {
    let application = Application {
        gateway: Gateway::region("eu1").unwrap(),
        host_tenant: TenantId::new("host").unwrap(),
        name: AppName::new("app").unwrap(),
        version: AppVersion::new("1").unwrap(),
    };
    let credentials = Credentials::new("client", "hush").unwrap();
    Engine::new(application, credentials, Settings::default(), Some(true), 1)
}

#[test]
fn who_names_tenants_may_ask_the_client_meanwhile() {
    let (engine, ids) = (engine(), [TenantId::new("acme").unwrap()]);
    let named =
        || ids.iter().inspect(|_| assert!(engine.state.try_lock().is_ok(), "it would wait for itself"));
    let _ = engine.prefetch(named());
    let (kept, _) = engine.keep_fresh(named());
    kept.unwrap();
    let _ = engine.let_fade(named());
}
