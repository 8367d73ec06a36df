//! Whatever happens to a Redis, callers get their tokens.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use tm_cache::{KeyRing, RedisOptions};
use tm_sim::Simulator;

use crate::{
    harness::{Client, Host, Stack, setup_for, tenant, tenants, until},
    redis_server::RedisServer,
};

both!(
    a_token_in_redis_costs_no_call,
    a_paused_redis_costs_no_caller_its_token,
    a_killed_redis_costs_no_caller_its_token_and_is_told_when_it_is_back,
    a_full_redis_costs_no_caller_its_token,
    a_read_only_redis_costs_no_caller_its_token,
    a_wrong_password_costs_no_caller_its_token_and_is_not_told,
    a_redis_that_is_too_slow_is_not_waited_for,
    a_redis_that_is_slow_is_used_all_the_same,
    nothing_in_redis_matches_a_token_a_secret_or_a_tenant,
);

const LONG: Duration = Duration::from_secs(20);

struct World {
    sim: Simulator,
    host: Host,
    redis: RedisServer,
    ring: KeyRing,
}

impl World {
    fn new(stack: Stack, arguments: &[&str]) -> Self {
        Self {
            sim: Simulator::builder().tenants(23).start().unwrap(),
            host: stack.host(),
            redis: RedisServer::start_with(arguments),
            ring: KeyRing::parse(&KeyRing::generate().unwrap()).unwrap(),
        }
    }

    fn client(&self) -> Client {
        self.client_of(&self.redis.url())
    }

    fn client_of(&self, url: &str) -> Client {
        self.host.client_with_redis(setup_for(&self.sim), &RedisOptions::new(url), &self.ring)
    }

    fn calls(&self) -> u64 {
        let counters = self.sim.counters();
        counters.single_calls + counters.batch_calls
    }

    /// Every tenant gets a token.
    #[track_caller]
    fn all_are_served(&self, client: &Client) {
        for (tenant, token) in client.tokens(&tenants(&self.sim.tenants())) {
            assert!(token.is_ok(), "{tenant}: {token:?}");
        }
    }

    /// What one client has fetched, another one finds.
    #[track_caller]
    fn is_shared(&self) {
        let first = self.client();
        self.all_are_served(&first);
        first.close(LONG);
        let calls = self.calls();
        self.all_are_served(&self.client());
        assert_eq!(self.calls(), calls);
    }
}

fn a_token_in_redis_costs_no_call(stack: Stack) {
    let world = World::new(stack, &[]);
    world.is_shared();
    assert_eq!(world.calls(), 5);
}

fn a_paused_redis_costs_no_caller_its_token(stack: Stack) {
    let world = World::new(stack, &[]);
    let client = world.client();
    let token = client.token("tenant-0001").unwrap();
    world.redis.pause();

    for _ in 0..1_000 {
        // A hit: if it asked the store, this would take minutes.
        assert_eq!(client.token("tenant-0001").unwrap(), token);
    }
    world.all_are_served(&client);
    world.all_are_served(&world.client());

    world.redis.resume();
    world.is_shared();
}

fn a_killed_redis_costs_no_caller_its_token_and_is_told_when_it_is_back(stack: Stack) {
    let mut world = World::new(stack, &[]);
    let client = world.client();
    world.all_are_served(&client);
    world.redis.kill();

    let before = client.token("tenant-0002").unwrap();
    client.reject(&before);
    let after = client.token("tenant-0002").unwrap();
    assert_ne!(before, after);
    assert!(client.stats().store_failures > 0);

    world.redis.restart(); // empty
    until("the newest token is written back", || world.redis.ask(&["DBSIZE"]).trim() != "0");
    client.close(LONG);
    let calls = world.calls();
    assert_eq!(world.client().token("tenant-0002").unwrap(), after);
    assert_eq!(world.calls(), calls);
}

fn a_full_redis_costs_no_caller_its_token(stack: Stack) {
    let world = World::new(stack, &[]);
    world.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    world.redis.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let client = world.client();

    world.all_are_served(&client);

    until("the store has failed", || client.stats().store_failures > 0);
}

fn a_read_only_redis_costs_no_caller_its_token(stack: Stack) {
    // Of a master that is not there.
    let world = World::new(stack, &["--replicaof", "127.0.0.1", "1"]);
    let client = world.client();

    world.all_are_served(&client);

    until("the store has failed", || client.stats().store_failures > 0);
}

fn a_wrong_password_costs_no_caller_its_token_and_is_not_told(stack: Stack) {
    let world = World::new(stack, &["--requirepass", "right"]);
    let client = world.client_of(&world.redis.url().replace("//", "//:hushhush@"));

    world.all_are_served(&client);

    let error = client.store_error().unwrap();
    assert!(!format!("{error} {error:?}").contains("hushhush"), "{error:?}");
}

fn a_redis_that_is_too_slow_is_not_waited_for(stack: Stack) {
    let world = World::new(stack, &[]);
    let client = world.client_of(&slow(&world.redis, Duration::from_secs(30)));
    let start = Instant::now();

    world.all_are_served(&client);

    assert!(start.elapsed() < Duration::from_secs(15), "nobody waits for half a minute");
}

fn a_redis_that_is_slow_is_used_all_the_same(stack: Stack) {
    let world = World::new(stack, &[]);
    let url = slow(&world.redis, Duration::from_millis(20));
    let first = world.client_of(&url);
    first.token("tenant-0003").unwrap();
    first.close(LONG);
    world.client_of(&url).token("tenant-0003").unwrap();
    assert_eq!(world.calls(), 1);
}

fn nothing_in_redis_matches_a_token_a_secret_or_a_tenant(stack: Stack) {
    let world = World::new(stack, &[]);
    let client = world.client();
    let mut secrets: Vec<String> = world.sim.environment().into_iter().map(|(_, value)| value).collect();
    for (tenant, token) in client.tokens(&tenants(&world.sim.tenants())) {
        secrets.push(tenant.to_string());
        // A piece of a token betrays it as well as the whole.
        let token = token.unwrap();
        let (claims, signature) = token.secret().rsplit_once('.').unwrap();
        secrets.extend([&claims[..40], &claims[claims.len() - 40..], signature].map(str::to_owned));
    }
    client.reject(&client.token(tenant("tenant-0001").as_str()).unwrap());
    client.token("tenant-0001").unwrap();
    client.close(LONG);

    let names = world.redis.ask(&["KEYS", "*"]);
    assert!(names.lines().count() >= 24, "records and a grave: {names}");
    for name in names.lines() {
        let value = world.redis.ask_bytes(&[b"DUMP", name.as_bytes()]);
        for secret in secrets.iter().filter(|secret| secret.len() > 5) {
            let found = [name.as_bytes(), &value]
                .iter()
                .any(|text| text.windows(secret.len()).any(|part| part == secret.as_bytes()));
            assert!(!found, "{secret} is in {name}");
        }
    }
}

/// Stands before a Redis, and passes on what comes back only after so long. It ends with the test's process.
fn slow(redis: &RedisServer, delay: Duration) -> String {
    let (listener, port) = (TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), redis.port());
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
            let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            thread::spawn(move || pass(near, far, Duration::ZERO));
            thread::spawn(move || pass(far_too, near_too, delay));
        }
    });
    format!("redis://{address}")
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        thread::sleep(delay); // sleep: the slowness that this is about
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
