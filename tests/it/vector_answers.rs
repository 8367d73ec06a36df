//! What both clients make of each answer in `tests/vectors/answers`, served to the byte.
//!
//! Every vector is served; what is asserted of how long a token lives, and of how long to wait, is told below. The
//! exact lives are checked by tm-core's own tests, on a clock that can be set.

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Response;
use tm_async::{Error, Setup, TenantId, Token, Wish};

use crate::{
    harness::{Client, Host, RawRequest, RawServer, Stack, good_token},
    vectors::{self, AnswerVector, Endpoint, Expected, ExpectedError, ExpectedPage, Named, Outcome},
};

both!(
    every_answer_leads_to_the_token_or_the_kind_of_error_of_its_vector,
    the_wait_that_a_refusal_names_is_told
);

/// Needs a wall clock that stands where the vector says, and this process has only the real one.
const NOT_SERVED: [&str; 1] = ["one-token-no-date-local-at-exp"];

/// Taken off the end of every token.
const SAFETY_S: u64 = 5;

/// What is granted to a busy machine between the sending of a request and the look at its token.
const SLACK_S: u64 = 20;

fn every_answer_leads_to_the_token_or_the_kind_of_error_of_its_vector(stack: Stack) {
    let bench = Bench::new(stack);
    let (mut served, mut lives) = (0, 0);
    let mut problems = bench.problems(|named| {
        served += 1;
        lives += bench.check(&named.vector)?;
        Ok(())
    });
    // A new vector counts here. Lives are looked at where the service's `Date` stands beside the token.
    if (served, lives) != (330 - NOT_SERVED.len(), 105) {
        problems.push(format!("{served} vectors were served, and {lives} lives looked at"));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn the_wait_that_a_refusal_names_is_told(stack: Stack) {
    let bench = Bench::new(stack);
    let mut told = 0;
    let mut problems = bench.problems(|named| {
        let vector = &named.vector;
        // `local_unix`: the wait is counted from a clock that this process does not have.
        let (Expected::Error(ExpectedError { retry_after_s: Some(wait), .. }), None) =
            (&vector.expect, vector.local_unix)
        else {
            return Ok(());
        };
        // After any other status the wait is not the service's to name.
        if ![429, 503].contains(&vector.status) || *wait == 0 {
            return Ok(());
        }
        told += 1;
        let client = bench.client_of(vector);
        for error in errors_of(&client, vector) {
            let found = error.retry_after().unwrap_or_default().as_secs();
            if !(wait.saturating_sub(1)..=*wait).contains(&found) {
                return Err(format!("found {found} s, expected {wait} s: {error:?}"));
            }
        }
        Ok(())
    });
    if told != 10 {
        problems.push(format!("{told} waits were looked at"));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// One server and one host for all vectors, and a fresh client for each.
struct Bench {
    vectors: Vec<Named<AnswerVector>>,
    host: Host,
    server: RawServer,
    at_hand: Arc<Mutex<Response<Bytes>>>,
}

impl Bench {
    fn new(stack: Stack) -> Self {
        let at_hand = Arc::new(Mutex::new(Response::new(Bytes::new())));
        let answer = Arc::clone(&at_hand);
        let operators = AtomicU64::new(0);
        let server = RawServer::start(move |request: &RawRequest| {
            let answer = answer.lock().expect("nobody panics with it").clone();
            let is_list = answer.extensions().get::<IsList>().is_some();
            if is_list && !request.target.contains("/userTenants") {
                // Never the same twice, or it would be the token that was rejected.
                let operator = format!("operator-{}", operators.fetch_add(1, Ordering::Relaxed));
                return good_token(&operator).expect("an answer");
            }
            answer
        });
        let vectors = vectors::load_all().expect("vectors").answers;
        Self { vectors, host: stack.host(), server, at_hand }
    }

    /// What is wrong, one line a vector, so that one run tells all.
    fn problems(&self, mut check: impl FnMut(&Named<AnswerVector>) -> Result<(), String>) -> Vec<String> {
        let served = self.vectors.iter().filter(|named| !NOT_SERVED.contains(&named.name.as_str()));
        served.filter_map(|named| Some(format!("{}: {}", named.name, check(named).err()?))).collect()
    }

    /// Has this answer served to whatever is asked, and makes a client that asks no more often than it must.
    fn client_of(&self, vector: &AnswerVector) -> Client {
        let mut answer = vector.response();
        if vector.endpoint == Endpoint::UserTenants {
            answer.extensions_mut().insert(IsList);
        }
        *self.at_hand.lock().expect("nobody panics with it") = answer;
        let lookup = |name: &str| match name {
            "TM_GATEWAY" => Some(self.server.url()),
            "MDSP_HOST_TENANT" => Some("host_tenant".to_owned()),
            _ => name.starts_with("MDSP_").then(|| "x".to_owned()),
        };
        let setup =
            Setup::from_lookup(lookup, true).expect("a set-up").settings(|settings| settings.attempts = 1);
        self.host.client(setup).expect("a client")
    }

    /// Answers how many lives were looked at.
    fn check(&self, vector: &AnswerVector) -> Result<usize, String> {
        match &vector.expect {
            Expected::Page(page) => page_is(&self.client_of(vector).user_tenants(), page).map(|()| 0),
            Expected::Tokens(_) => self.patiently(vector),
            Expected::Error(expected) => {
                let errors = errors_of(&self.client_of(vector), vector);
                errors.iter().try_for_each(|error| error_is(error, expected)).map(|()| 0)
            }
        }
    }

    /// A token that lives for a second may have died before a busy machine has looked at it.
    fn patiently(&self, vector: &AnswerVector) -> Result<usize, String> {
        let is_short = |outcome: &Outcome| matches!(outcome, Outcome::Token { life_s, .. } if *life_s < 30);
        let any_short = vector.outcomes().values().any(is_short);
        let attempts = (0..20).try_fold(Ok(0), |_, _| {
            let start = Instant::now();
            let checked = tokens_are(&self.client_of(vector), vector);
            let slow = any_short && start.elapsed() > Duration::from_millis(300);
            if checked.is_err() && slow {
                ControlFlow::Continue(checked)
            } else {
                ControlFlow::Break(checked)
            }
        });
        match attempts {
            ControlFlow::Break(checked) | ControlFlow::Continue(checked) => checked,
        }
    }
}

/// Marks an answer that is for the list of tenants only.
#[derive(Clone)]
struct IsList;

type Row = (TenantId, Result<Token, Error>);

fn rows_of(client: &Client, vector: &AnswerVector) -> Vec<Row> {
    let tenants = vector.tenants().expect("a vector's tenants are good");
    match tenants.as_slice() {
        [tenant] => vec![(tenant.clone(), client.token(tenant.as_str()))],
        tenants => client.tokens(tenants),
    }
}

/// One for each tenant, or the list's.
fn errors_of(client: &Client, vector: &AnswerVector) -> Vec<Error> {
    let errors: Vec<_> = match vector.endpoint {
        Endpoint::UserTenants => client.user_tenants().err().into_iter().collect(),
        Endpoint::OneToken | Endpoint::Batch => {
            rows_of(client, vector).into_iter().filter_map(|(_, result)| result.err()).collect()
        }
    };
    assert_eq!(errors.len(), vector.asked.len().max(1), "as many errors as were asked for: {}", vector.why);
    errors
}

fn error_is(error: &Error, expected: &ExpectedError) -> Result<(), String> {
    let said = error.refusal().cloned();
    let told = |text: Option<&tm_core::ServiceText>| text.map(|text| text.as_str().to_owned());
    let said = said.as_ref().map(|said| {
        [&said.code, &said.message, &said.logref, &said.location].map(|text| told(text.as_ref()))
    });
    let found = (error.kind().as_str(), said.unwrap_or_default());
    let ExpectedError { kind, code, message, logref, location, .. } = expected.clone();
    let wanted = (kind.as_str(), [code, message, logref, location]);
    if found == wanted { Ok(()) } else { Err(format!("found {found:?}, expected {wanted:?}")) }
}

fn tokens_are(client: &Client, vector: &AnswerVector) -> Result<usize, String> {
    let expected = vector.outcomes();
    let mut lives = 0;
    for (tenant, result) in rows_of(client, vector) {
        match (&expected[tenant.as_str()], result) {
            (Outcome::Token { token_ends_with, life_s }, Ok(token)) => {
                if !token.secret().ends_with(token_ends_with) {
                    return Err(format!("{tenant}: another token"));
                }
                if vector.local_unix.is_none() {
                    lives_so_long(client, &tenant, *life_s, vector.endpoint)?;
                    lives += 1;
                }
            }
            (Outcome::Error { error }, Err(found)) if found.kind().as_str() == error.as_str() => {}
            (expected, found) => return Err(format!("{tenant}: found {found:?}, expected {expected:?}")),
        }
    }
    Ok(lives)
}

fn lives_so_long(client: &Client, tenant: &TenantId, life_s: u64, endpoint: Endpoint) -> Result<(), String> {
    let lives = |seconds: u64, more: Duration| {
        let wish = Wish { min_remaining: Duration::from_secs(seconds) + more, ..Wish::default() };
        client.token_with(tenant, wish).is_ok()
    };
    let end_s = life_s - SAFETY_S;
    if !lives(end_s.saturating_sub(SLACK_S), Duration::ZERO) {
        return Err(format!("{tenant}: does not live {life_s} s"));
    }
    // A longer life is asked for anew, which an answer to a batch is no answer to.
    if endpoint == Endpoint::OneToken && lives(end_s, Duration::from_millis(1)) {
        return Err(format!("{tenant}: lives longer than {life_s} s"));
    }
    Ok(())
}

fn page_is(result: &Result<Vec<TenantId>, Error>, expected: &ExpectedPage) -> Result<(), String> {
    match (result, expected.unreadable) {
        (Ok(tenants), 0) => {
            let tenants: Vec<_> = tenants.iter().map(|tenant| tenant.as_str().to_owned()).collect();
            // The vector tells the page as it is read; a client lists each tenant once.
            let mut seen = BTreeSet::new();
            let wanted: Vec<_> =
                expected.tenants.iter().filter(|tenant| seen.insert(*tenant)).cloned().collect();
            if tenants == wanted { Ok(()) } else { Err(format!("found {tenants:?}, expected {wanted:?}")) }
        }
        (Err(error), 1..) if error.to_string().contains(&format!("has {} entries", expected.unreadable)) => {
            Ok(())
        }
        (found, unreadable) => Err(format!("found {found:?}, expected {unreadable} unreadable entries")),
    }
}
