//! What is ours in memory is wiped when its last owner drops. Each story looks for it in all memory of a process of its own.

use std::{
    fs::{self, File},
    iter,
    os::unix::fs::FileExt as _,
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response};
use tm_async::{Limits, Setup, TransportError};
use tm_cache::{KeyRing, MemoryStore, Storage};
use tm_core::{
    AppName, AppVersion, Application, Credentials, Gateway, Token, UnixTime,
    broker::{Kept, Stamp},
};
use zeroize::Zeroizing;

use crate::{
    harness::{SOON, Stack, tenant, tenants, until},
    processes::{alone, threads_of_clients},
};

/// What is looked for. It lies in this program in the other case alone, so that the story itself is not what is found.
const OF_A_TOKEN: &str = "qVwKzTnXbHyR";
const OF_A_SECRET: &str = "JmZpUcDxWgLe";
const OF_A_KEY: &str = "rBtYkQsNvFhA";
const OF_A_SEALING_KEY: &str = "XoGdMiPwEjCu";
const OF_NOBODY: &str = "hLqRzSfKbVnT";

/// As many of each, since some of what is not wiped is overwritten by chance.
const MANY: usize = 50;

#[test]
fn a_token_is_wiped() {
    alone(&[], || {
        let tokens: Vec<_> = (0..MANY).map(|_| Token::new(&long(OF_A_TOKEN)).unwrap()).collect();
        let headers: Vec<_> = tokens.iter().map(Token::authorization).collect();
        let clones = tokens.clone();
        are_wiped(&[plain(OF_A_TOKEN)], || drop((tokens, headers, clones)));
    });
}

#[test]
fn a_token_that_was_sealed_and_opened_is_wiped() {
    alone(&[], || {
        let ring = KeyRing::parse(&KeyRing::generate().unwrap()).unwrap();
        let setup = setup();
        let storage = Storage::sealed(MemoryStore::default(), ring);
        let codec = storage.codec(setup.application(), &credentials());
        let key = codec.key(&tenant("acme"));
        let kept = || {
            let stamp = Stamp { issued: UnixTime::from_secs(1_000), expires: UnixTime::from_secs(2_800) };
            let token = Token::new(&long(OF_A_TOKEN)).unwrap();
            let kept = Kept { token, stamp, remaining: Duration::from_secs(1_800), cold: false };
            let record = codec.record(&key, &kept).unwrap();
            (codec.kept(&key, &record).unwrap(), record)
        };
        let all: Vec<_> = (0..MANY).map(|_| kept()).collect();
        are_wiped(&[plain(OF_A_TOKEN)], || drop(all));
    });
}

#[test]
fn credentials_are_wiped() {
    alone(&[], || {
        let written: Vec<_> = (0..MANY).map(|_| credentials()).collect();
        let prepared: Vec<_> = written.iter().map(of_their_key).collect();
        are_wiped(&[in_base64(OF_A_SECRET)], || drop((written, prepared)));
        assert!(!is_found(&plain(OF_A_SECRET)));
    });
}

#[test]
fn the_secret_of_an_environment_is_wiped() {
    alone(&[], || {
        let variable = |name: &str| match name {
            "MDSP_KEY_STORE_CLIENT_SECRET" => Some(amid(OF_A_SECRET, AROUND)),
            _ => name.starts_with("MDSP_").then(|| "tm".to_owned()),
        };
        let setups: Vec<_> = (0..MANY).map(|_| Setup::from_lookup(variable, false).unwrap()).collect();
        are_wiped(&[in_base64(OF_A_SECRET)], || drop(setups));
        assert!(!is_found(&plain(OF_A_SECRET)));
    });
}

#[test]
fn the_secret_of_an_incomplete_environment_is_wiped() {
    alone(&[], || {
        let variable =
            |name: &str| (name == "MDSP_KEY_STORE_CLIENT_SECRET").then(|| amid(OF_A_SECRET, AROUND));
        for _ in 0..MANY {
            Setup::from_lookup(variable, false).unwrap_err();
        }
        assert!(!is_found(&plain(OF_A_SECRET)));
    });
}

#[test]
fn a_ring_of_keys_is_wiped() {
    alone(&[], || {
        let rings: Vec<_> = (0..MANY).map(|_| ring()).collect();
        are_wiped(&[plain(OF_A_SEALING_KEY)], || drop(rings));
        for mark in [OF_A_KEY, OF_A_SEALING_KEY] {
            assert!(!is_found(&plain(mark)) && !is_found(&in_base64(mark)), "{mark}");
        }
    });
}

fn ring() -> KeyRing {
    let text = ["name=", &key(OF_A_KEY), " seal=", &key(OF_A_SEALING_KEY)];
    KeyRing::parse(&Zeroizing::new(text.concat())).unwrap()
}

/// Thirty-two bytes in base64, the mark at the end.
fn key(mark: &str) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([b'x'; 32]);
    bytes[18..30].copy_from_slice(&middle(mark));
    Zeroizing::new(STANDARD.encode(&bytes[..]))
}

#[test]
fn a_ring_of_keys_that_is_refused_is_wiped() {
    alone(&[], || {
        let text = long(OF_A_KEY);
        let ring = Zeroizing::new(["name=", text.as_str()].concat());
        are_wiped(&[plain(OF_A_KEY)], move || {
            for _ in 0..MANY {
                KeyRing::parse(&ring).unwrap_err();
            }
            drop((text, ring));
        });
    });
}

#[test]
fn what_a_client_has_fetched_is_wiped_with_it() {
    alone(&[], || {
        for stack in Stack::BOTH {
            let host = stack.host();
            let client = host.client_over(setup(), Service);
            let ids: Vec<_> = (0..MANY).map(|number| format!("tenant-{number}")).collect();
            for (_, answer) in client.tokens(&tenants(&ids)) {
                answer.unwrap();
            }
            for id in &ids {
                client.token(id).unwrap();
            }
            client.keep_fresh(&tenants(&ids)).unwrap();
            client.set_credentials(credentials());
            are_wiped(&[plain(OF_A_TOKEN), in_base64(OF_A_SECRET)], || {
                client.close(SOON);
                drop(client);
                until("nothing of it runs", || host.tasks() == 0 && threads_of_clients() == 0);
                drop(host);
            });
        }
    });
}

#[test]
fn what_nobody_wipes_is_found() {
    alone(&[], || {
        is_left_behind(OF_NOBODY);
        assert!(is_found(&plain(OF_NOBODY)));
        assert!(!is_found(&in_base64(OF_NOBODY)), "it was never there in this form");
    });
}

/// What is hidden so is there until its owners end.
#[track_caller]
fn are_wiped(hidden: &[Hidden], end: impl FnOnce()) {
    for hidden in hidden {
        assert!(is_found(hidden), "it is looked for in another form");
    }
    is_left_behind(OF_NOBODY);
    end();
    assert!(!hidden.iter().any(is_found), "not all of it is wiped");
    assert!(is_found(&plain(OF_NOBODY)), "what is not wiped is not found either");
}

/// Of another length than what is to be wiped, whose place it would take otherwise.
fn is_left_behind(mark: &str) {
    drop((0..MANY).map(|_| amid(mark, 3 * AROUND)).collect::<Vec<_>>());
}

/// Whether it is in the memory that this process can write to and shares with nobody.
fn is_found(hidden: &Hidden) -> bool {
    const STEP: usize = 1 << 16;
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut buffer = vec![0; STEP + hidden.0.len() - 1];
    let untouched = buffer.clone(); // as most memory is, which takes no time then
    for (start, end) in maps.lines().filter_map(written_to) {
        for at in (start..end).step_by(STEP) {
            let length = buffer.len().min(usize::try_from(end - at).unwrap());
            let piece = &mut buffer[..length];
            // What another thread has given back in between is no memory any more.
            let is_read = memory.read_exact_at(piece, at).is_ok() && *piece != untouched[..length];
            let is_found = is_read && piece.windows(hidden.0.len()).any(|piece| hidden.is(piece));
            piece.fill(0); // or it would be found in here the next time
            if is_found {
                return true;
            }
        }
    }
    false
}

/// The addresses of a mapping, if it is one that is looked into (proc(5)).
fn written_to(mapping: &str) -> Option<(u64, u64)> {
    let mut fields = mapping.split(' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    let permissions = fields.next()?;
    (permissions.contains('w') && permissions.ends_with('p')).then_some((address(start)?, address(end)?))
}

/// Bytes to look for that are not there themselves.
struct Hidden(Vec<u8>);

impl Hidden {
    fn of(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|byte| byte ^ CASE).collect())
    }

    fn is(&self, piece: &[u8]) -> bool {
        piece.iter().zip(&self.0).all(|(byte, hidden)| byte ^ CASE == *hidden)
    }
}

/// The bit that makes small letters of capitals, and back.
const CASE: u8 = 0x20;

fn plain(mark: &str) -> Hidden {
    Hidden(mark.as_bytes().to_vec())
}

fn in_base64(mark: &str) -> Hidden {
    Hidden::of(Zeroizing::new(STANDARD.encode(&*middle(mark))).as_bytes())
}

fn middle(mark: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(mark.bytes().map(|byte| byte ^ CASE).collect())
}

/// So many letters on both sides of a mark that what malloc writes into memory that it was given back does not reach it.
const AROUND: usize = 150;

fn long(mark: &str) -> Zeroizing<String> {
    Zeroizing::new(amid(mark, AROUND))
}

/// For somebody else to wipe. In one piece from the start: by growing, a copy would be left behind.
fn amid(mark: &str, around: usize) -> String {
    let mut text = String::with_capacity(2 * around + mark.len());
    text.extend(iter::repeat_n('x', around));
    text.extend(mark.bytes().map(|byte| char::from(byte ^ CASE)));
    text.extend(iter::repeat_n('x', around));
    text
}

/// The mark stands where base64 begins anew, every three bytes, so that it has one form only.
fn credentials() -> Credentials {
    Credentials::new("tm", &long(OF_A_SECRET)).unwrap()
}

fn of_their_key(credentials: &Credentials) -> Credentials {
    Credentials::from_auth_key(credentials.auth_key().to_str().unwrap()).unwrap()
}

fn setup() -> Setup {
    let application = Application {
        gateway: Gateway::parse("https://gateway.example").unwrap(),
        host_tenant: tenant("operator"),
        name: AppName::new("app").unwrap(),
        version: AppVersion::new("1.0.0").unwrap(),
    };
    Setup::new(application, credentials())
}

/// Gives a token to whoever asks, and wipes what it has sent, which buffers of HTTP do not.
struct Service;

impl Service {
    fn answer(request: &Request<Bytes>) -> Response<Bytes> {
        let asked: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        let token = Zeroizing::new(
            [r#"{"access_token":""#, long(OF_A_TOKEN).as_str(), r#"","expires_in":1799}"#].concat(),
        );
        let mut body = match asked["userTenantIds"].as_array() {
            None => token,
            Some(tenants) => {
                let entry = |tenant: &serde_json::Value| {
                    let start = format!(r#"{{"userTenantId":{tenant},"token":"#);
                    Zeroizing::new([&start, token.as_str(), "}"].concat())
                };
                let entries: Vec<_> = tenants.iter().map(entry).collect();
                let entries: Vec<_> = entries.iter().map(|entry| entry.as_str()).collect();
                let list = Zeroizing::new(entries.join(","));
                Zeroizing::new([r#"{"oauthTokens":["#, list.as_str(), "]}"].concat())
            }
        };
        Response::new(Bytes::from_owner(Zeroizing::new(std::mem::take(&mut *body).into_bytes())))
    }
}

#[async_trait]
impl tm_async::Transport for Service {
    async fn send(&self, request: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Ok(Self::answer(&request))
    }
}

impl tm_blocking::Transport for Service {
    fn send(&self, request: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Ok(Self::answer(&request))
    }
}
