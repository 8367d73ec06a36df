//! Answers of the service: bodies, headers, tokens.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tm_core::{
    Claims, Now, ServiceText, TenantId, Token, UnixTime,
    broker::Settings,
    listing::{Listing, Verdict},
    wire::{self, IssuedToken, Refusal, Rejection, RetryAfter},
};

/// Stands in hostile bodies wherever an error might repeat something.
const CANARY: &str = "hush-7f3a";

/// So many times the same page is the end of the list, even if nothing on it can be read.
const PAGES: usize = 10;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn one_token(bytes: &[u8]) {
    match wire::one_token::answer(&ok(bytes)) {
        Ok(answer) => check_token(&answer.value),
        Err(rejection) => check_undecodable(&rejection),
    }
}

pub(super) fn batch(bytes: &[u8]) {
    match wire::batch::answer(&ok(bytes)) {
        Ok(answer) => {
            let tenants: Vec<&TenantId> = answer.value.iter().map(|(tenant, _)| tenant).collect();
            assert!((1..tenants.len()).all(|end| !tenants[..end].contains(&tenants[end])), "a tenant twice");
            for (_, entry) in &answer.value {
                match entry {
                    Ok(token) => check_token(token),
                    Err(error) => check_silent(error),
                }
            }
        }
        Err(rejection) => check_undecodable(&rejection),
    }
}

/// A page by itself, and as the walk through the list takes it, again and again: the walk ends.
pub(super) fn user_tenants(bytes: &[u8]) {
    match wire::user_tenants::answer(&ok(bytes)) {
        Ok(answer) => assert!(answer.value.tenants.iter().all(|tenant| TenantId::new(tenant).is_ok())),
        Err(rejection) => check_undecodable(&rejection),
    }
    let now = Now { mono: Duration::ZERO, unix: UnixTime::from_secs(1_800_000_000) };
    let mut listing = Listing::new(crate::application(), &Settings::default(), 1);
    for _ in 0..PAGES {
        match listing.received(now, Ok(ok(bytes))) {
            Verdict::Again { .. } | Verdict::Reject => panic!("a page that came is no reason to ask again"),
            Verdict::Failed(_) | Verdict::Page(_) | Verdict::Partial(..) => {}
        }
    }
    assert!(listing.is_done(), "the same page again has nothing new");
}

/// The first two bytes make the status, the rest is the body.
pub(super) fn error_body(bytes: &[u8]) {
    let Some(([high, low], body)) = bytes.split_first_chunk() else { return };
    let number = 300 + u16::from_be_bytes([*high, *low]) % 700;
    let mut response = ok(body);
    *response.status_mut() = StatusCode::from_u16(number).unwrap();
    let Err(Rejection::Refused { refusal, .. }) = wire::one_token::answer(&response) else {
        panic!("{number} is a refusal")
    };
    assert_eq!(refusal.status, number);
    check_refusal(&refusal);
}

/// The first byte tells how much belongs into `Date`, the rest is `Retry-After`.
pub(super) fn retry_after(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else { return };
    let (date, wish) = rest.split_at(rest.len().min(usize::from(*length % 64)));
    let mut response = ok(b"");
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    for (name, value) in [(header::DATE, date), (header::RETRY_AFTER, wish)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().insert(name, value);
        }
    }
    if let Err(Rejection::Refused { retry_after: Some(wish), date, .. }) = wire::one_token::answer(&response)
    {
        let now = date.unwrap_or(UnixTime::from_secs(0));
        assert!(wish.wait(now) <= RetryAfter::MAX);
    }
}

pub(super) fn claims(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Claims::read(text) {
        Ok(claims) => drop(format!("{claims:?}")),
        Err(error) => check_silent(error),
    }
    if let Some(token) = Token::new(text) {
        assert_eq!(token.secret(), text);
        assert_eq!(token.authorization().as_bytes(), [b"Bearer ", bytes].concat());
        assert_eq!(token.claims(), Claims::read(text));
    }
}

fn ok(body: &[u8]) -> Response<Bytes> {
    Response::new(Bytes::copy_from_slice(body))
}

fn check_token(issued: &IssuedToken) {
    assert!(issued.token.secret().len() <= Token::MAX_BYTES);
    assert!(Token::new(issued.token.secret()).is_some(), "it is a good token by itself");
    assert!(issued.expires_in.is_none_or(|life| life <= DAY));
    assert!(issued.expires_in.is_some() || issued.expires_at.is_some(), "it tells when it ends");
    let mut other = issued.clone();
    other.token = Token::new("another").unwrap();
    assert_eq!(format!("{issued:?}"), format!("{other:?}"), "nothing of the token is shown");
}

fn check_undecodable(rejection: &Rejection) {
    let Rejection::Undecodable(error) = rejection else { panic!("a 200 is no refusal") };
    check_silent(error);
}

/// What does not decode is told of without a word of it.
fn check_silent(error: impl std::fmt::Display + std::fmt::Debug) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(CANARY) && shown.len() < 1_000, "{shown}");
}

fn check_refusal(refusal: &Refusal) {
    let texts = [&refusal.code, &refusal.message, &refusal.logref];
    for text in texts.into_iter().flatten() {
        assert!(text.as_str().chars().count() <= ServiceText::MAX_CHARS);
        assert!(!text.as_str().chars().any(char::is_control));
    }
    assert!(refusal.to_string().chars().count() < 4 * ServiceText::MAX_CHARS);
}
