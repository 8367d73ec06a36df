//! Everything is done, everything goes wrong, and everything is logged, by every crate below us and at every level: no secret
//! is in it. In a process of its own, which the log and the hook for panics belong to.

use std::{
    io, panic,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tm_async::{Limits, TransportError};
use tm_cache::{Key, Record, Storage, Store, StoreError, Tombstone};
use tracing_subscriber::{filter::LevelFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    all_verbs,
    fault_matrix::{self, KEY, MARK},
    harness::{SOON, Stack, good_token, setup_for, until},
    needles::Needles,
    processes::alone,
};

/// The one exception, which README and SECURITY.md name: at `trace`, this dumps each byte that it sends and receives, and no
/// library can keep it from doing so. The program `tm` blocks it, which its own tests show.
const EXCEPTION: &str = "ureq_proto";

#[test]
fn at_trace_reqwest_logs_neither_the_key_nor_a_token() {
    alone(&[], || {
        let dumps = log_of(Stack::Reqwest, &["hyper_util", "reqwest", "rustls"], go_wrong);
        assert!(dumps.is_empty(), "{:?}", dumps.first());
    });
}

#[test]
fn at_trace_ureq_logs_neither_the_key_nor_a_token_but_for_the_dumps_of_ureq_proto() {
    alone(&[], || {
        let dumps = log_of(Stack::Ureq, &["ureq::", "ureq_proto", "rustls"], go_wrong);
        assert!(
            dumps.iter().any(|event| event.contains("canary-")),
            "{EXCEPTION} dumps no bytes any more: take the exception out of here, of `tm`, and of the documents"
        );
    });
}

#[test]
fn at_trace_a_client_over_reqwest_with_a_store_logs_no_secret_whatever_it_does() {
    alone(&[], || {
        log_of(Stack::Reqwest, &["hyper_util"], all_verbs::use_all);
    });
}

#[test]
fn at_trace_a_client_over_ureq_with_a_store_logs_no_secret_whatever_it_does() {
    alone(&[], || {
        log_of(Stack::Ureq, &["ureq::", "ureq_proto"], all_verbs::use_all);
    });
}

fn go_wrong(stack: Stack) -> Needles {
    fault_matrix::go_wrong(stack);
    let mut secrets = Needles::of(MARK);
    secrets.add(KEY);
    secrets
}

/// Tells a story, which answers what is secret, and looks at every line but dumps, which it hands back. There must be lines of
/// these targets, or nothing was looked at.
fn log_of(stack: Stack, logged: &[&str], story: fn(Stack) -> Needles) -> Vec<String> {
    let log = Log::start();
    let secrets = story(stack);
    let events = log.events();
    for target in logged {
        let count = events.iter().filter(|event| event.contains(&format!(" {target}"))).count();
        assert!(count > 50, "{target} has logged {count} times");
    }
    let (dumps, others): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| is_a_dump(event));
    // All at once, and one by one only to tell where.
    if secrets.any_in(&others.concat()) {
        let leaks: Vec<_> = others.iter().filter(|event| secrets.any_in(event)).take(5).collect();
        panic!("a secret is logged: {leaks:#?}");
    }
    dumps
}

#[test]
fn a_panic_in_a_transport_that_shows_its_request_shows_no_secret() {
    alone(&[], || {
        let panics = note_panics();
        let mut errors = Vec::new();
        let sim = tm_sim::Simulator::builder().credentials("tm", format!("{MARK}-secret")).start().unwrap();
        for stack in Stack::BOTH {
            let setup = setup_for(&sim).settings(|settings| settings.attempts = 1);
            let client = stack.host().client_over(setup, Clumsy);
            let listed = client.all_tokens().next().unwrap().unwrap_err();
            let asked = client.token("tenant-0001").unwrap_err();
            errors.extend([listed, asked].map(|error| format!("{error:?} {error}")));
        }
        let panics = std::mem::take(&mut *panics.lock().unwrap());
        for header in ["x-space-auth-key", "authorization"] {
            let shown = format!("\"{header}\": Sensitive");
            assert_eq!(panics.iter().filter(|text| text.contains(&shown)).count(), 2, "{panics:?}");
        }
        for text in panics.iter().chain(&errors) {
            assert!(!Needles::of(MARK).any_in(text) && !Needles::of(KEY).any_in(text), "{text}");
        }
    });
}

#[test]
fn a_panic_in_a_store_that_shows_what_it_was_told_shows_no_secret() {
    alone(&[], || {
        let panics = note_panics();
        let told = |what: &str| panics.lock().unwrap().iter().filter(|text| text.contains(what)).count();
        let sim = tm_sim::Simulator::builder().credentials("tm", format!("{MARK}-secret")).start().unwrap();
        let mut secrets = vec![Needles::of(MARK), Needles::of(KEY)];
        for (before, stack) in Stack::BOTH.into_iter().enumerate() {
            // In clear: a record holds the token's own bytes.
            let storage = Storage::plaintext(Arc::new(Talkative));
            let client = stack.host().client_with_store(setup_for(&sim), storage);
            let token = client.token("tenant-0001").unwrap();
            until("the store is told of it", || told("put [(") > before);
            client.reject(&token);
            until("the store is told that it was refused", || told("remove [(") > before);
            secrets.push(Needles::of(token.secret()));
            client.close(SOON);
        }
        // Taken out: the hook wants them too.
        let panics = std::mem::take(&mut *panics.lock().unwrap());
        for text in panics {
            assert!(!secrets.iter().any(|needles| needles.any_in(&text)), "{text}");
        }
    });
}

/// All panics from here on, as they are shown.
fn note_panics() -> Arc<Mutex<Vec<String>>> {
    let panics = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&panics);
    let shown = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        notes.lock().unwrap().push(info.to_string());
        shown(info);
    }));
    panics
}

/// A transport of a user, which gives out one token and panics at everything else.
struct Clumsy;

impl Clumsy {
    fn exchange(request: &Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let is_operator_s = request.body().ends_with(br#""userTenant":"operator"}"#);
        assert!(is_operator_s, "no idea what to do with {request:?}");
        good_token(&format!("{MARK}-operator"))
    }
}

#[async_trait]
impl tm_async::Transport for Clumsy {
    async fn send(&self, request: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Self::exchange(&request)
    }
}

impl tm_blocking::Transport for Clumsy {
    fn send(&self, request: Request<Bytes>, _: Limits) -> Result<Response<Bytes>, TransportError> {
        Self::exchange(&request)
    }
}

/// A store of a user, which panics with all that it is told.
struct Talkative;

impl Store for Talkative {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        panic!("get {keys:?}")
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        panic!("put {records:?}")
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        panic!("remove {tombstones:?}")
    }
}

/// What the subscriber has written.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let lines = fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        tracing_subscriber::registry().with(LevelFilter::TRACE).with(lines).init();
        log
    }

    /// Each with all of its lines: the first begins with the time.
    fn events(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        let mut events: Vec<String> = Vec::new();
        for line in text.lines() {
            match events.last_mut() {
                Some(event) if !line.starts_with("20") => event.push_str(line),
                _ => events.push(line.to_owned()),
            }
        }
        events
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_a_dump(event: &str) -> bool {
    let mut words = event.split_whitespace().skip(1);
    words.next() == Some("TRACE") && words.next().is_some_and(|target| target.starts_with(EXCEPTION))
}
