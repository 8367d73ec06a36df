//! Whatever happens to a Redis, callers get their tokens.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use tm_async::Token;
use tm_cache::{KeyRing, RedisOptions};
use tm_sim::Simulator;

use crate::{
    harness::{Client, Host, Stack, owner, setup_for, tenants, until},
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
    a_token_in_redis_is_found_where_it_is_not_sealed,
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
        self.host.client_with_redis(setup_for(&self.sim), &RedisOptions::new(url), Some(&self.ring))
    }

    /// Whoever can read this Redis can use the tokens.
    fn plain_client(&self) -> Client {
        self.host.client_with_redis(setup_for(&self.sim), &RedisOptions::new(self.redis.url()), None)
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
    let world = World::new(stack, &AS_IT_IS);
    let tokens = tokens_kept_by(&world.client(), &world.sim);
    let environment = world.sim.environment().into_iter().map(|(_, value)| value);
    let secrets = environment.chain(world.sim.tenants()).chain(tokens.iter().flat_map(pieces));

    let content = Content::of(&world.redis);

    for secret in secrets.filter(|secret| secret.len() > 5) {
        assert_eq!(content.name_of(&secret), None, "there is {secret}");
    }
}

/// The story above sees what it looks for.
fn a_token_in_redis_is_found_where_it_is_not_sealed(stack: Stack) {
    let world = World::new(stack, &AS_IT_IS);
    let tokens = tokens_kept_by(&world.plain_client(), &world.sim);

    let content = Content::of(&world.redis);

    let (refused, kept) = tokens.split_first().unwrap();
    for piece in kept.iter().flat_map(pieces) {
        assert!(content.name_of(&piece).is_some(), "there is no {piece}");
    }
    let [.., signature] = pieces(refused);
    assert_eq!(content.name_of(&signature), None, "of a refused token there is a fingerprint alone");
}

/// A dump is compressed otherwise, and no long token can be found in it.
const AS_IT_IS: [&str; 2] = ["--rdbcompression", "no"];

/// The first one was refused, and replaced by the last.
fn tokens_kept_by(client: &Client, sim: &Simulator) -> Vec<Token> {
    let rows = client.tokens(&tenants(&sim.tenants()));
    let mut tokens: Vec<_> = rows.into_iter().map(|(_, token)| token.unwrap()).collect();
    client.reject(&tokens[0]);
    tokens.push(client.token(&owner(&tokens[0])).unwrap());
    client.close(LONG);
    tokens
}

/// A piece of a token betrays it as well as the whole.
fn pieces(token: &Token) -> [String; 3] {
    let (claims, signature) = token.secret().rsplit_once('.').unwrap();
    [&claims[..40], &claims[claims.len() - 40..], signature].map(str::to_owned)
}

/// All names in a Redis with their values.
struct Content(Vec<(String, Vec<u8>)>);

impl Content {
    fn of(redis: &RedisServer) -> Self {
        let names = redis.ask(&["KEYS", "*"]);
        assert!(names.lines().count() >= 24, "records and a grave: {names}");
        let dumped = |name: &str| (name.to_owned(), redis.ask_bytes(&[b"DUMP", name.as_bytes()]));
        Self(names.lines().map(dumped).collect())
    }

    /// Where this text is, in a name or in its value.
    fn name_of(&self, text: &str) -> Option<&str> {
        let has = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        let mut entries = self.0.iter();
        entries.find(|(name, value)| has(name.as_bytes()) || has(value)).map(|(name, _)| name.as_str())
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
