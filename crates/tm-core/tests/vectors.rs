//! The vectors of `tests/vectors/` against the wire: what is asked byte for byte, and what each answer is read as.
//!
//! What a client makes of an answer in the end, its error kind above all, the tests of the clients look at.

#[path = "../../../tests/vectors/vectors.rs"]
mod vectors;

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use tm_core::{
    ServiceText, TenantId, UnixTime,
    wire::{
        self, Answer, DecodeError, IssuedToken, Refusal, Rejection, RetryAfter, batch::Entry,
        user_tenants::Page,
    },
};
use vectors::{
    AnswerVector, CANARY, Endpoint, Expected, ExpectedError, ExpectedPage, Kind, Named, Outcome,
    RequestVector, Source, Vectors,
};

#[test]
fn every_request_is_made_byte_for_byte() {
    let problems = problems(&load().requests, |vector| {
        let (made, expect) = (request(vector)?, &vector.expect);
        let uri = made.uri();
        let origin =
            format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().ok_or("no host")?);
        same("method", made.method().as_str(), expect.method.as_str())?;
        same("origin", origin.as_str(), &expect.origin)?;
        same(
            "path and query",
            uri.path_and_query().map_or("", |path| path.as_str()),
            &expect.path_and_query,
        )?;
        same("body", std::str::from_utf8(made.body()), Ok(expect.body.as_str()))?;
        let mut headers = made.headers().clone();
        let agent = headers.remove(header::USER_AGENT).ok_or("no user-agent")?;
        same("user-agent", agent.as_bytes().starts_with(b"tm/"), true)?;
        let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let mut headers: Vec<_> = headers.collect();
        headers.sort_unstable();
        let expected = expect.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        same("headers", headers, expected.collect())
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn no_request_shows_its_secrets() {
    let problems = problems(&load().requests, |vector| {
        let made = request(vector)?;
        let told = format!("{made:?}");
        let headers =
            ["x-space-auth-key", "authorization"].into_iter().filter_map(|name| made.headers().get(name));
        let secrets: Vec<_> = headers.filter_map(|value| value.to_str().ok()?.split_once(' ')).collect();
        same("secrets", secrets.len(), 1)?;
        same("tells a secret", secrets.iter().any(|(_, secret)| told.contains(secret)), false)
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn a_documented_body_and_ours_differ_in_white_space_alone() {
    let problems = problems(&load().requests, |vector| {
        let Some(documented) = &vector.documented_body else { return Ok(()) };
        // None of the samples has white space within its strings.
        let folded: String = documented.split_whitespace().collect();
        same("body", vector.expect.body.as_str(), &folded)
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_answer_is_read_as_its_vector_says() {
    let problems = problems(&load().answers, |vector| match (Reading::of(vector), &vector.expect) {
        (Reading::Tokens { entries, date }, Expected::Tokens(_)) => tokens_are(vector, &entries, date),
        (Reading::Page(page), Expected::Page(expected)) => page_is(&page, expected),
        (Reading::Undecodable(_), Expected::Error(error)) => same("kind", error.kind, Kind::Decode),
        (Reading::Refused { refusal, retry_after, date }, Expected::Error(error)) => {
            same("status", refusal.status, vector.status)?;
            let now = date.or(vector.local_unix.map(UnixTime::from_secs)).ok_or("no clock to wait by")?;
            refusal_is(&refusal, retry_after.map(|after| after.wait(now)), error)
        }
        (read, expected) => Err(format!("is read as {read:?}, and expected is {expected:?}")),
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn nothing_read_from_a_2xx_repeats_what_stood_in_it() {
    let mut with_canary = 0;
    let problems = problems(&load().answers, |vector| {
        let body = vector.body();
        let is_good = (200..300).contains(&vector.status);
        if !is_good || !body.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()) {
            return Ok(());
        }
        with_canary += 1;
        let reading = Reading::of(vector);
        let errors = reading.errors().into_iter().map(|error| format!("{error} {error:?}"));
        let shown: Vec<_> = errors.chain([format!("{reading:?}")]).collect();
        same("shows the canary", shown.iter().any(|shown| shown.contains(CANARY)), false)
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    assert!(with_canary >= 50, "only {with_canary} bodies have a canary to look for");
}

#[test]
fn text_of_the_service_is_short_and_harmless_whatever_it_was() {
    let problems = problems(&load().answers, |vector| {
        let Reading::Refused { refusal, .. } = Reading::of(vector) else { return Ok(()) };
        let texts = [&refusal.code, &refusal.message, &refusal.logref, &refusal.location];
        let is_harmless = |text: &str| text.chars().count() <= 512 && !text.contains(char::is_control);
        same("harmless", texts.into_iter().flatten().all(|text| is_harmless(text.as_str())), true)
    });
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn there_are_vectors_of_every_source_and_many_hostile_ones() {
    let vectors = load();
    let answers = |source| vectors.answers.iter().filter(|named| named.vector.source == source).count();
    let hostile = vectors.answers.iter().filter(|named| named.vector.source == Source::Hostile);
    let failing = hostile.filter(|named| matches!(named.vector.expect, Expected::Error(_))).count();
    assert!(answers(Source::Seed) >= 5 && answers(Source::Protocol) >= 20, "documented answers are missing");
    assert!(failing >= 30, "only {failing} hostile answers are errors");
    let documented = vectors.requests.iter().filter(|named| named.vector.source == Source::Seed).count();
    assert!(documented >= 4, "only {documented} documented requests");
}

fn load() -> Vectors {
    vectors::load_all().expect("the vectors can be read")
}

/// What is wrong, one line a vector, so that one run tells all.
fn problems<V>(vectors: &[Named<V>], mut check: impl FnMut(&V) -> Result<(), String>) -> Vec<String> {
    let told = |named: &Named<V>| Some(format!("{}: {}", named.name, check(&named.vector).err()?));
    vectors.iter().filter_map(told).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "both are made where it is called")]
fn same<T: PartialEq + fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}

fn request(vector: &RequestVector) -> Result<Request<Bytes>, String> {
    let input = &vector.input;
    let told = |invalid: tm_core::InvalidInput| invalid.to_string();
    let (application, credentials) = (input.application().map_err(told)?, input.credentials());
    let tenants = input.tenants().map_err(told)?;
    Ok(match (vector.endpoint, tenants.as_slice()) {
        (Endpoint::OneToken, [tenant]) => {
            wire::one_token::request(&application, &credentials.map_err(told)?, tenant)
        }
        (Endpoint::OneToken, _) => return Err("not one tenant".to_owned()),
        (Endpoint::Batch, tenants) => {
            wire::batch::request(&application, &credentials.map_err(told)?, tenants)
        }
        (Endpoint::UserTenants, _) => {
            let operator = input.operator().ok_or("no operator token")?;
            let (page, size) = (input.page.unwrap_or_default(), input.size.unwrap_or_default());
            wire::user_tenants::request(&application, &operator, page, size)
        }
    })
}

/// An answer of any endpoint, as the wire reads it.
#[derive(Debug)]
enum Reading {
    Tokens { entries: Vec<Entry>, date: Option<UnixTime> },
    Page(Page),
    Refused { refusal: Refusal, retry_after: Option<RetryAfter>, date: Option<UnixTime> },
    Undecodable(DecodeError),
}

impl Reading {
    fn of(vector: &AnswerVector) -> Self {
        let response = vector.response();
        let rejection = match vector.endpoint {
            Endpoint::OneToken => match wire::one_token::answer(&response) {
                Ok(Answer { value, date }) => {
                    let tenants = vector.tenants().expect("the loader has checked them").into_iter();
                    return Self::Tokens {
                        entries: tenants.map(|tenant| (tenant, Ok(value.clone()))).collect(),
                        date,
                    };
                }
                Err(rejection) => rejection,
            },
            Endpoint::Batch => match wire::batch::answer(&response) {
                Ok(Answer { value, date }) => return Self::Tokens { entries: value, date },
                Err(rejection) => rejection,
            },
            Endpoint::UserTenants => match wire::user_tenants::answer(&response) {
                Ok(Answer { value, .. }) => return Self::Page(value),
                Err(rejection) => rejection,
            },
        };
        match rejection {
            Rejection::Refused { refusal, retry_after, date } => Self::Refused { refusal, retry_after, date },
            Rejection::Undecodable(error) => Self::Undecodable(error),
        }
    }

    fn errors(&self) -> Vec<&DecodeError> {
        match self {
            Self::Tokens { entries, .. } => {
                entries.iter().filter_map(|(_, read)| read.as_ref().err()).collect()
            }
            Self::Undecodable(error) => vec![error],
            Self::Page(_) | Self::Refused { .. } => Vec::new(),
        }
    }
}

fn tokens_are(vector: &AnswerVector, entries: &[Entry], date: Option<UnixTime>) -> Result<(), String> {
    let named = |good: bool| {
        entries.iter().filter(move |(_, read)| read.is_ok() == good).map(|(tenant, _)| tenant.as_str())
    };
    if let Some(wire) = &vector.wire {
        same("present", named(true).collect::<Vec<_>>(), wire.present.iter().map(String::as_str).collect())?;
        same(
            "undecodable",
            named(false).collect::<Vec<_>>(),
            wire.undecodable.iter().map(String::as_str).collect(),
        )?;
        let there = |tenant: &&String| entries.iter().any(|(named, _)| named.as_str() == tenant.as_str());
        let absent: Vec<_> = vector.asked.iter().filter(|tenant| !there(tenant)).collect();
        same("absent", absent, wire.absent.iter().collect())?;
    }
    for (tenant, expected) in vector.outcomes() {
        let read = entries.iter().find(|(named, _)| named.as_str() == tenant).map(|(_, read)| read);
        let issued = read.and_then(|read| read.as_ref().ok());
        let life = issued.map(|issued| believed(issued, date, vector.local_unix).as_secs());
        match (expected, issued, life) {
            (Outcome::Token { token_ends_with, life_s }, Some(issued), Some(life)) => {
                same("end of the token", issued.token.secret().ends_with(&token_ends_with), true)?;
                same("life", life, life_s)?;
            }
            (Outcome::Error { error: Kind::TooShort }, Some(_), Some(life)) => same("dead", life <= 5, true)?,
            (Outcome::Error { error: Kind::Decode }, None, None) => {}
            (expected, ..) => return Err(format!("{tenant}: found {read:?}, expected {expected:?}")),
        }
    }
    Ok(())
}

/// The rule of `README.md`, so that a vector cannot contradict it. What is believed in the end, the broker decides.
fn believed(issued: &IssuedToken, date: Option<UnixTime>, local: Option<i64>) -> Duration {
    let Some(exp) = issued.expires_at else { return issued.expires_in.unwrap_or_default() };
    let local = local.map(UnixTime::from_secs).filter(|local| {
        let tolerated = |iat: UnixTime| iat.saturating_sub(Duration::from_secs(300)) <= *local;
        issued.issued_at.is_some_and(tolerated) && *local <= exp
    });
    let left = date.or(local).map(|now| exp.saturating_since(now));
    let at_issue = || exp.saturating_since(issued.issued_at.unwrap_or(exp));
    [left, issued.expires_in].into_iter().flatten().min().unwrap_or_else(at_issue)
}

fn page_is(page: &Page, expected: &ExpectedPage) -> Result<(), String> {
    let tenants: Vec<_> = page.tenants.iter().map(TenantId::as_str).collect();
    same("tenants", tenants, expected.tenants.iter().map(String::as_str).collect())?;
    same("total_elements", page.total_elements, expected.total_elements)?;
    same("unreadable", page.unreadable, expected.unreadable)
}

fn refusal_is(refusal: &Refusal, wait: Option<Duration>, expected: &ExpectedError) -> Result<(), String> {
    let text = |text: &Option<ServiceText>| text.as_ref().map(|text| text.as_str().to_owned());
    same("code", text(&refusal.code), expected.code.clone())?;
    same("message", text(&refusal.message), expected.message.clone())?;
    same("logref", text(&refusal.logref), expected.logref.clone())?;
    same("location", text(&refusal.location), expected.location.clone())?;
    same("retry_after_s", wait.map(|wait| wait.as_secs()), expected.retry_after_s)
}
