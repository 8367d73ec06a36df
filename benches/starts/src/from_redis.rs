//! A hundred thousand tokens out of Redis, beside a bare client that reads the same values and does nothing with them.

use std::{
    hint::black_box,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use canned::Answers;
use measure::{Line, Pair, by_turns, nanos_since, wanted, wanted_group};
use tm_async::cache::{AsyncRedisStore, KeyRing, RedisStore, Storage};
use tm_cache::{Codec, Owner};
use tm_core::{
    TenantId, Token, UnixTime,
    broker::{Kept, Stamp, StoreAnswer, StoreRequest},
};
use tokio::runtime::Runtime;

use crate::{redis_server::RedisServer, unasked::Unasked};

const TENANTS: usize = 100_000;
const TOKEN: usize = 2_048;

/// As many as the broker asks for at once.
const CHUNK: usize = 500;

const LATE: &str =
    "Redis did not answer within half a second, so the service was asked: is the machine busy?";

const AGAINST: &str = "bare MGET, 500 at a time";
const ROUNDS: usize = 5;

pub fn run() {
    if !wanted_group("redis-") {
        return;
    }
    let Some(server) = RedisServer::start() else {
        eprintln!("redis-*: left out, there is no redis-server here: `cargo xtask setup` installs it");
        return;
    };
    let kept = Filled::new(server, TENANTS);
    let mut bare = Bare::new(&kept.server);
    if wanted("redis-records") {
        let store = RedisStore::open(kept.server.url()).expect("a URL");
        report("redis-records", by_turns(ROUNDS, || kept.opened(&store), || bare.read()));
    }
    if wanted("redis-start-blocking") {
        report("redis-start-blocking", by_turns(ROUNDS, || kept.start_blocking(), || bare.read()));
    }
    if wanted("redis-start") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        report("redis-start", by_turns(ROUNDS, || kept.start_async(&runtime), || bare.read()));
    }
}

fn report(name: &str, pair: Pair) {
    let pair = Pair { ours: pair.ours / 1e6, baseline: pair.baseline / 1e6, ..pair };
    Line::of(name, "ms", AGAINST, pair).at_most(1.6).print();
}

/// A Redis that has a sealed record for each tenant.
pub struct Filled {
    server: RedisServer,
    tenants: Vec<TenantId>,
    ring: KeyRing,
}

impl Filled {
    pub fn new(server: RedisServer, tenants: usize) -> Self {
        let ring = KeyRing::parse(&KeyRing::generate().expect("randomness")).expect("a ring");
        let filled = Self { server, tenants: canned::tenants(tenants), ring };
        let store = RedisStore::open(filled.server.url()).expect("a URL");
        let (codec, answers) = (filled.codec(), Answers::new(TOKEN, 0));
        let issued = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let issued = UnixTime::from_secs(i64::try_from(issued).expect("this millennium"));
        let remaining = Duration::from_secs(1_795);
        let stamp = Stamp { issued, expires: issued.saturating_add(Duration::from_secs(1_800)) };
        for tenants in filled.tenants.chunks(CHUNK) {
            let token = |tenant: &TenantId| {
                let answer = answers.answer("/oauthToken", b"{}");
                let text = answer.split('"').nth(3).expect("access_token is the first field");
                let token = Token::new(text).expect("the characters of a token");
                (tenant.clone(), Kept { token, stamp, remaining, cold: false })
            };
            let request = StoreRequest::Save(tenants.iter().map(token).collect());
            let question = codec.question(&request, owner());
            question.put_to(&store).expect("Redis takes them");
        }
        filled
    }

    fn codec(&self) -> Codec {
        Storage::sealed((), self.ring.clone())
            .codec(&canned::application("https://127.0.0.1:1"), &canned::credentials())
    }

    /// What a client's store does, and nothing else of the client: names, records, tokens.
    fn opened(&self, store: &RedisStore) -> f64 {
        let codec = self.codec();
        let mut all = Vec::with_capacity(TENANTS);
        let start = Instant::now();
        for tenants in self.tenants.chunks(CHUNK) {
            let question = codec.question(&StoreRequest::Load(tenants.to_vec()), owner());
            let reply = question.put_to(store).expect("Redis answers");
            let Some(StoreAnswer::Loaded(loaded)) = codec.answer(&question, reply) else {
                panic!("not an answer to this question");
            };
            all.extend(loaded);
        }
        let took = nanos_since(start);
        assert!(all.iter().all(Option::is_some));
        took
    }

    fn start_blocking(&self) -> f64 {
        let tenants = self.tenants.clone();
        let start = Instant::now();
        let store = RedisStore::open(self.server.url()).expect("a URL");
        let client = tm_blocking::Client::builder(canned::setup("https://127.0.0.1:1"))
            .transport(Unasked)
            .store(Storage::sealed(store, self.ring.clone()))
            .build()
            .expect("set up");
        let rows = client.tokens(tenants);
        let took = nanos_since(start);
        assert!(rows.iter().all(|(_, token)| token.is_ok()), "{LATE}");
        took
    }

    pub fn start_async(&self, runtime: &Runtime) -> f64 {
        let tenants = self.tenants.clone();
        let start = Instant::now();
        let store = AsyncRedisStore::open(self.server.url()).expect("a URL");
        let client = tm_async::Client::builder(canned::setup("https://127.0.0.1:1"))
            .transport(Unasked)
            .store(Storage::sealed(store, self.ring.clone()))
            .build()
            .expect("set up");
        let rows = runtime.block_on(client.tokens(tenants));
        let took = nanos_since(start);
        assert!(rows.iter().all(|(_, token)| token.is_ok()), "{LATE}");
        took
    }
}

fn owner() -> Owner {
    Owner::new([1; 16])
}

/// One connection of the library alone, and the names of all records.
struct Bare {
    connection: redis::Connection,
    names: Vec<String>,
}

impl Bare {
    fn new(server: &RedisServer) -> Self {
        let mut connection = server.connect().expect("Redis listens");
        let names: Vec<String> =
            redis::cmd("KEYS").arg("*:r:*").query(&mut connection).expect("Redis answers");
        assert_eq!(names.len(), TENANTS);
        Self { connection, names }
    }

    fn read(&mut self) -> f64 {
        let mut all: Vec<Vec<u8>> = Vec::with_capacity(TENANTS);
        let start = Instant::now();
        for names in self.names.chunks(CHUNK) {
            let values: Vec<Vec<u8>> =
                redis::cmd("MGET").arg(names).query(&mut self.connection).expect("Redis answers");
            all.extend(values);
        }
        let took = nanos_since(start);
        assert!(black_box(all).iter().all(|value| value.len() > TOKEN));
        took
    }
}
