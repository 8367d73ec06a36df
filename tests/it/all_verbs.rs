//! Clients with stores that do all that a client does, for those who look at what they leave behind.

use std::{thread, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tm_async::{Credentials, Wish};
use tm_cache::{FileStore, KeyRing, RedisOptions, Storage};
use tm_sim::Simulator;

use crate::{
    fault_matrix::MARK,
    harness::{Client, SOON, Stack, setup_for, until},
    needles::Needles,
    redis_server::RedisServer,
};

const ID: &str = "tm";
const PASSWORD: &str = "canary/4f0b+86e3";

/// The keys of a ring.
const NAMES: &[u8; 32] = b"canary-a1d94e70-of-names-of-keys";
const SEALS: &[u8; 32] = b"canary-b2c83f61-which-seals-them";

/// Of which a token is due within 6 s.
const SHORT_LIFE: Duration = Duration::from_secs(12);

/// Uses every verb with files, with a Redis, and with one that lets nobody in. Answers all that is secret.
pub(crate) fn use_all(stack: Stack) -> Needles {
    let ring_text = format!("name={} seal={}", STANDARD.encode(NAMES), STANDARD.encode(SEALS));
    let mut secrets = Needles::of(PASSWORD);
    secrets.add_ring(&ring_text);
    secrets.add(MARK); // of the client's secrets and of the wrong password

    let (host, ring) = (stack.host(), KeyRing::parse(&ring_text).unwrap());
    let (place, redis) =
        (tempfile::tempdir().unwrap(), RedisServer::start_with(&["--requirepass", PASSWORD]));
    let in_files = |sim: &Simulator| {
        let files = FileStore::open(place.path().join("tokens")).unwrap();
        host.client_with_store(setup_for(sim), Storage::sealed(files, ring.clone()))
    };
    let in_redis = |password: &str, sim: &Simulator| {
        let encoded = password.replace('/', "%2F").replace('+', "%2B");
        let url = redis.url().replace("//", &format!("//:{encoded}@"));
        host.client_with_redis(setup_for(sim), &RedisOptions::new(url), Some(&ring))
    };
    thread::scope(|scope| {
        let lives = [
            scope.spawn(|| two_lives(true, in_files)),
            scope.spawn(|| two_lives(true, |sim| in_redis(PASSWORD, sim))),
            scope.spawn(|| two_lives(false, |sim| in_redis(&format!("{MARK}-wrong"), sim))),
        ];
        for secret in lives.into_iter().flat_map(|life| life.join().unwrap()) {
            secrets.add(&secret);
        }
    });
    secrets
}

/// Of a service's two clients, the second finds what the first has kept, if the store works. Answers the service's secrets.
fn two_lives(works: bool, client: impl Fn(&Simulator) -> Client) -> Vec<String> {
    let secret = |life: &str| format!("{MARK}-{life}");
    let sim = Simulator::builder().tenants(3).token_life(SHORT_LIFE).credentials(ID, secret("before"));
    let sim = sim.start().unwrap();
    let mut secrets = Vec::new();
    for life in ["first", "second"] {
        let client = client(&sim);
        secrets.push(sim.auth_key());
        secrets.extend(all_verbs(&client, &sim, &secret(life)));
        secrets.push(sim.auth_key());
        let stats = client.stats();
        assert!(works || stats.store_failures > 0, "{stats:?}");
        assert!(!works || life == "first" || stats.tokens_loaded > 0, "{stats:?} {:?}", client.store_error());
    }
    let requests = sim.requests();
    secrets.extend(requests.iter().filter_map(|request| request.header("authorization")).map(str::to_owned));
    secrets
}

/// Answers the tokens.
fn all_verbs(client: &Client, sim: &Simulator, new_secret: &str) -> Vec<String> {
    let tenants = client.user_tenants().unwrap();
    let (one, kept) = (&tenants[0], &tenants[1..2]);
    let mut tokens = vec![
        client.token(one.as_str()).unwrap(),
        client.token_with(one, Wish::default()).unwrap(),
        client.tenant(one.as_str()).unwrap().token().unwrap(),
    ];
    tokens.extend(client.tokens(&tenants).into_iter().map(|(_, token)| token.unwrap()));
    tokens.extend(client.all_tokens().map(|row| row.unwrap().1));
    client.prefetch(&tenants);
    let issued = sim.issued(kept[0].as_str());
    client.keep_fresh(kept).unwrap();
    until("what is kept fresh is refreshed", || sim.issued(kept[0].as_str()) > issued);
    client.let_fade(kept);

    sim.set_credentials(ID, new_secret);
    client.set_credentials(Credentials::new(ID, new_secret).unwrap());
    let refused = client.token(one.as_str()).unwrap();
    client.reject(&refused);
    let other = client.token(one.as_str()).unwrap();
    assert_ne!(refused, other);
    client.keep_fresh_all().unwrap();
    client.close(SOON);
    client.token(one.as_str()).unwrap_err();
    tokens.extend([refused, other]);
    tokens.into_iter().map(|token| token.secret().to_owned()).collect()
}
