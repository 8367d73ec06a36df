//! Without `--reveal` no secret is printed: whatever is asked for, with whatever options, and however it ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    net::TcpListener,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tempfile::{NamedTempFile, TempDir};
use tm_sim::Simulator;

use crate::{
    needles::Needles,
    redis_server::RedisServer,
    sim::Sim,
    support::{Ran, TRANSPORTS, Tm},
};

const ID: &str = "client";
const SECRET: &str = r#"canary-"6e1f\a7/03+d9"#;
const WRONG_SECRET: &str = "canary-of-nobody-6e1f";
const PASSWORD: &str = "canary/93bc+58";
const WRONG_PASSWORD: &str = "canary-of-nobody-93bc";

/// The platform's own, said once more.
const API_PATH: &str = "/api/technicaltokenmanager/v3";

/// What every JWT begins with.
const JWT: &str = "eyJ";

/// All options of `tm sim`, the one command that prints a secret: its own.
const SIM: &str = "sim --port 0 --tenants 3 --page-cap 2 --token-life 900 --latency 1 --rate-limit 99/1 --clock-skew 5 \
                   --seed 7 --platform insights-hub --refuse tenant-0002";

/// Some wait most of the time, for a service that is not there.
const AT_ONCE: usize = 16;

#[test]
fn without_being_asked_for_no_secret_is_printed() {
    let world = World::new();
    let stages = world.stages();
    let told: Vec<_> = stages.iter().flat_map(|rows| world.run_all(rows)).collect();
    let mut secrets = world.secrets();
    for made in ["new-ring", "home/.cache/tm/ring"] {
        secrets.add_ring(&fs::read_to_string(world.path(made)).unwrap());
    }
    for (row, ran) in stages.iter().flatten().zip(told) {
        assert_eq!(ran.status, Some(row.status), "{row:?}: {ran:?}");
        assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "{row:?} tells nothing");
        for text in [&ran.stdout, &ran.stderr] {
            assert_eq!(secrets.find_in(text), None, "{row:?}: {text}");
            assert!(!text.contains(JWT), "{row:?}: {text}");
        }
    }
    let hosts = [world.service.host_tenant().to_owned()];
    for tenant in world.service.tenants().iter().chain(&hosts) {
        assert_eq!(world.service.issued(tenant), 1, "{tenant} has tokens that were not looked for");
    }
}

#[test]
fn a_simulator_prints_no_token() {
    for transport in TRANSPORTS {
        let sim = Sim::start(Tm::new(SIM.split_whitespace()).env("RUST_LOG", "trace"));
        let asked = sim.tm(&[&["token", "tenant-0001"], transport].concat());
        let ran = sim.stop("TERM");
        assert_eq!((asked.status, ran.status), (Some(0), Some(0)), "{asked:?} {ran:?}");
        assert!(!ran.stdout.contains(JWT) && !ran.stderr.contains(JWT), "{ran:?}");
    }
}

#[test]
fn no_help_shows_a_secret_and_none_of_its_options_is_left_out_here() {
    let world = World::new();
    let (secrets, mut commands, mut options) = (world.secrets(), BTreeSet::new(), BTreeSet::new());
    let mut unread = vec![String::new()];
    while let Some(command) = unread.pop() {
        let help = row(format!("{command} --help"), 0);
        let ran = world.run(&help.env("TM_STORE", world.redis_url(PASSWORD)).env("TM_SEAL_KEYS", ring()));
        assert_eq!((ran.status, secrets.find_in(&ran.stdout)), (Some(0), None), "{ran:?}");
        let names = below(&ran.stdout, "Commands:").filter_map(|line| line.split_whitespace().next());
        unread.extend(
            names.filter(|&name| name != "help").map(|name| format!("{command} {name}").trim().to_owned()),
        );
        let words = below(&ran.stdout, "Options:").filter(|line| line.trim_start().starts_with('-'));
        let flags = words.flat_map(str::split_whitespace).filter(|word| word.starts_with("--"));
        options.extend(flags.map(|flag| (command.clone(), flag.to_owned())));
        commands.insert(command);
    }
    options.retain(|(_, option)| !["--help", "--reveal"].contains(&option.as_str()));

    let mut tried = BTreeSet::new();
    for line in world.stages().iter().flatten().map(|row| row.line.as_str()).chain([SIM]) {
        let words: Vec<_> = line.split_whitespace().collect();
        let mut leading = (0..=words.len()).map(|count| words[..count].join(" "));
        let command = leading.rfind(|leading| commands.contains(leading)).unwrap();
        let flags = words.iter().filter(|word| word.starts_with("--"));
        tried.extend(flags.map(|flag| (command.clone(), (*flag).to_owned())));
    }
    let forgotten: Vec<_> = options.symmetric_difference(&tried).collect();
    assert!(forgotten.is_empty(), "in the help or in the rows here, and not in both: {forgotten:?}");
}

/// The lines of a help under this heading.
fn below<'h>(help: &'h str, heading: &str) -> impl Iterator<Item = &'h str> {
    let lines = help.lines().skip_while(move |line| *line != heading).skip(1);
    lines.take_while(|line| line.is_empty() || line.starts_with(' '))
}

/// One run, and how it ends.
#[derive(Debug)]
struct Row {
    line: String,
    environment: Vec<(&'static str, String)>,
    stdin: String,
    status: i32,
}

fn row(line: impl Into<String>, status: i32) -> Row {
    Row { line: line.into(), environment: Vec::new(), stdin: String::new(), status }
}

impl Row {
    fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn stdin(mut self, text: impl Into<String>) -> Self {
        self.stdin = text.into();
        self
    }
}

/// A service that gives out the same tokens again and again, one that is silent, a Redis with a password, and files.
struct World {
    service: Simulator,
    silent: TcpListener,
    redis: RedisServer,
    place: TempDir,
    tokens: Vec<String>,
}

impl World {
    fn new() -> Self {
        let service = Simulator::builder().tenants(3).credentials(ID, SECRET).caches_tokens(true);
        let service = service.start().unwrap();
        let revealed = Tm::of(&service, &["all", "--json", "--reveal"]).ran().rows();
        let mut tokens: Vec<_> =
            revealed.iter().map(|row| row["access_token"].as_str().unwrap().to_owned()).collect();
        let requests = service.requests();
        let bearers = requests.iter().filter_map(|request| request.header("authorization"));
        tokens.extend(bearers.map(|bearer| bearer.trim_start_matches("Bearer ").to_owned()));
        assert_eq!(tokens.len(), 4, "three and the operator's");
        let world = Self {
            service,
            silent: TcpListener::bind("127.0.0.1:0").unwrap(),
            redis: RedisServer::start_with(&["--requirepass", PASSWORD]),
            place: tempfile::tempdir().unwrap(),
            tokens,
        };
        world.write_files();
        world
    }

    fn write_files(&self) {
        for (name, content) in [
            ("secret", format!("{SECRET}\n")),
            ("wrong-secret", WRONG_SECRET.to_owned()),
            ("no-secret", format!("{SECRET}\u{7}")),
            ("ring", ring()),
            ("no-ring", no_ring()),
            ("files", format!("file:{}", self.path("tokens"))),
            ("redis", self.redis_url(PASSWORD)),
            ("locked-redis", self.redis_url(WRONG_PASSWORD)),
            ("far-redis", self.redis_url(PASSWORD).replace("127.0.0.1", "redis.invalid")),
        ] {
            // Its owner's alone, as secrets have to be.
            let mut file = NamedTempFile::new_in(self.place.path()).unwrap();
            file.write_all(content.as_bytes()).unwrap();
            file.persist(self.path(name)).unwrap();
        }
    }

    fn path(&self, name: &str) -> String {
        self.place.path().join(name).display().to_string()
    }

    fn redis_url(&self, password: &str) -> String {
        let password = password.replace('/', "%2F").replace('+', "%2B");
        self.redis.url().replace("//", &format!("//:{password}@"))
    }

    fn secrets(&self) -> Needles {
        let mut secrets = Needles::default();
        let keys = [SECRET, WRONG_SECRET].map(auth_key);
        let known = [SECRET, WRONG_SECRET, PASSWORD, WRONG_PASSWORD].map(str::to_owned);
        for secret in known.iter().chain(&keys).chain(&self.tokens) {
            secrets.add(secret);
        }
        secrets.add_ring(&ring());
        secrets
    }

    /// Rows of one stage run in any order. What the first stage keeps, the second looks at, and the third clears.
    fn stages(&self) -> [Vec<Row>; 3] {
        let mut rows = vec![row("--version", 0)];
        for form in ["", "--json", "--blocking", "--json --blocking"] {
            let loopback = format!("--allow-loopback-http {form}");
            for command in ["all", "tenants", "token tenant-0001", "tokens tenant-0001 tenant-0002"] {
                rows.extend(self.rows_of(&format!("{command} {loopback}")));
            }
            rows.push(row(format!("token nobody {loopback}"), 5));
            rows.push(row(format!("tokens - nobody {loopback}"), 5).stdin("tenant-0002 tenant-0003"));
            rows.push(row(format!("demo --tenants 7 --timeout 100 {form}"), 0).env("RUST_LOG", "trace"));
        }
        let (mut looking, mut clearing) = (Vec::new(), Vec::new());
        for form in ["", "--json"] {
            rows.extend(self.rows_of_inspect(&format!("inspect {form}")));
            looking.extend(self.rows_of_the_cache(&format!("cache {form}")));
            clearing.extend(self.rows_of_the_cache(&format!("cache clear {form}")));
        }
        rows.push(row(format!("cache new-ring {}", self.path("new-ring")), 0));
        rows.push(row(format!("cache new-ring {}", self.path("ring")), 2));
        [rows, looking, clearing]
    }

    /// Of a command that talks to the service.
    fn rows_of(&self, command: &str) -> Vec<Row> {
        let row = |options: &str, status| row(format!("{command} {options}"), status);
        let file = |name: &str| self.path(name);
        let shared = format!("--ring-file {} --store-file", file("ring"));
        let (in_files, in_redis) = (format!("file:{}", file("tokens")), self.redis_url(PASSWORD));
        let at_no_socket = format!("unix://{}?pass={PASSWORD}", file("no-socket"));
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let silent = self.silent.local_addr().unwrap();
        vec![
            row("", 0),
            row("--store none", 0),
            row("--store memory", 0),
            row(&format!("--store {in_files} --ring-file {}", file("ring")), 0),
            row(&format!("{shared} {}", file("files")), 0),
            row(&format!("{shared} {}", file("redis")), 0),
            row(&format!("{shared} {}", file("redis")), 0),
            row(&format!("{shared} {}", file("locked-redis")), 0),
            row(&format!("{shared} {}", file("far-redis")), 2),
            row(&format!("{shared} {} --allow-plaintext-redis", file("redis")), 0),
            row(&format!("--store {in_redis}"), 2),
            row(&format!("--store {at_no_socket}"), 2),
            row("", 0).env("TM_STORE", at_no_socket).env("TM_SEAL_KEYS", ring()),
            row("", 0).env("TM_STORE", in_files).env("TM_SEAL_KEYS", ring()),
            row("", 0).env("TM_STORE", &in_redis).env("TM_SEAL_KEYS", ring()),
            row("", 2).env("TM_STORE", in_redis.replace("127.0.0.1:", "127.0.0.1:x")),
            row("", 2).env("TM_SEAL_KEYS", no_ring()),
            row(&format!("--ring-file {}", file("no-ring")), 2),
            row(&format!("--store none --secret-file {}", file("secret")), 0),
            row(&format!("--store none --secret-file {}", file("wrong-secret")), 3),
            row(&format!("--store none --secret-file {}", file("no-secret")), 2),
            row("--store none --secret-stdin", 0).stdin(SECRET),
            row("--store none --secret-stdin", 3).stdin(WRONG_SECRET),
            row(&format!("--gateway {} --api-path {API_PATH}", self.service.url()), 0),
            row(&format!("--gateway http://{nobody}"), 4),
            row(&format!("--gateway http://{ID}:{WRONG_PASSWORD}@127.0.0.1"), 2),
            row("--timeout 100", 0),
            row(&format!("--timeout 0.2 --gateway http://{silent}"), 4),
        ]
    }

    fn rows_of_inspect(&self, command: &str) -> Vec<Row> {
        let row = |stdin: &str, status| row(command, status).stdin(stdin);
        let token = &self.tokens[0];
        vec![
            row(token, 0),
            row(&format!("Bearer {token}"), 0),
            row(&format!("Basic {}", auth_key(SECRET)), 2),
            row(&token.replacen('.', ".%", 1), 2),
            row(&token[..token.len() / 4], 2),
            row(&token.repeat(99), 2),
        ]
    }

    fn rows_of_the_cache(&self, command: &str) -> Vec<Row> {
        let row = |options: &str, status| row(format!("{command} {options}"), status);
        let file = |name: &str| self.path(name);
        vec![
            row("", 0),
            row(&format!("--store file:{} --ring-file {}", file("tokens"), file("ring")), 0),
            row(&format!("--store-file {} --allow-plaintext-redis", file("files")), 0),
            row(&format!("--store-file {}", file("redis")), 2),
            row(&format!("--store {}", self.redis_url(PASSWORD)), 2),
            row("", 2).env("TM_STORE", self.redis_url(PASSWORD)),
        ]
    }

    fn run(&self, row: &Row) -> Ran {
        let environment = row.environment.iter().map(|(name, value)| (*name, value));
        let tm = Tm::new(row.line.split_whitespace()).without("TM_STORE").env("HOME", self.path("home"));
        tm.envs(self.service.environment()).envs(environment).stdin(row.stdin.as_str()).ran()
    }

    /// In the order of the rows.
    fn run_all(&self, rows: &[Row]) -> Vec<Ran> {
        let (next, told) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(row) = rows.get(number) else { return };
                        let ran = self.run(row);
                        told.lock().unwrap().insert(number, ran);
                    }
                });
            }
        });
        told.into_inner().unwrap().into_values().collect()
    }
}

fn auth_key(secret: &str) -> String {
    STANDARD.encode(format!("{ID}:{secret}"))
}

fn ring() -> String {
    let key = |bytes: &[u8; 32]| STANDARD.encode(bytes);
    format!(
        "name={} seal={}",
        key(b"canary-a1d94e70-of-names-of-keys"),
        key(b"canary-b2c83f61-which-seals-them")
    )
}

/// With a word in it that is none.
fn no_ring() -> String {
    ring().replace("seal=", "sael=")
}
