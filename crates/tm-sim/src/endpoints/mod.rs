//! The way of a request through the service: read, recorded, checked, throttled, delayed, spoilt, answered.

mod batch;
mod keys;
mod tenants;
mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::answers::{Answer, Refusal};
use crate::body::{Hangup, SimBody};
use crate::faults::Met;
use crate::seeded;
use crate::service::{Flight, Live, Service};

/// A resource of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /oauth/token`: one token.
    Single,
    /// `POST /oauthTokens`: up to five tokens.
    Batch,
    /// `GET /userTenants`: a page of tenant ids.
    Page,
    /// `GET /token_keys`: the public key.
    Keys,
}

impl Endpoint {
    pub(crate) fn issues_tokens(self) -> bool {
        matches!(self, Self::Single | Self::Batch)
    }

    fn method(self) -> (Method, &'static str) {
        match self {
            Self::Single | Self::Batch => (Method::POST, "POST"),
            Self::Page | Self::Keys => (Method::GET, "GET"),
        }
    }
}

/// A well-formed request.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Single(token::SingleCall),
    Batch(batch::BatchCall),
    Page(tenants::PageCall),
    Keys,
}

impl Call {
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Single(_) => Endpoint::Single,
            Self::Batch(_) => Endpoint::Batch,
            Self::Page(_) => Endpoint::Page,
            Self::Keys => Endpoint::Keys,
        }
    }

    /// The tenants whose tokens are asked for.
    pub(crate) fn tenants(&self) -> &[String] {
        match self {
            Self::Single(call) => std::slice::from_ref(&call.user_tenant),
            Self::Batch(call) => &call.user_tenants,
            Self::Page(_) | Self::Keys => &[],
        }
    }

    fn serve(self, service: &Service) -> Result<Answer, Refusal> {
        match self {
            Self::Single(call) => call.serve(service),
            Self::Batch(call) => call.serve(service),
            Self::Page(call) => Ok(call.serve(service)),
            Self::Keys => Ok(keys::serve(service)),
        }
    }
}

/// The application that a token call says it is, and the tenant that it says it runs on.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    name: String,
    version: String,
    host_tenant: String,
}

impl Application {
    fn admit(&self, service: &Service) -> Result<(), Refusal> {
        let config = &service.config;
        if self.name != config.app_name || self.version != config.app_version {
            return Err(Refusal::forbidden("The application is not known."));
        }
        if self.host_tenant != service.host_tenant {
            return Err(Refusal::forbidden("The host tenant is not that of the application."));
        }
        Ok(())
    }
}

/// Answers a request, or closes its connection.
pub(crate) async fn answer(
    service: Arc<Service>,
    request: Request<Incoming>,
) -> Result<Response<SimBody>, Hangup> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let Arrival { sequence, latency, outcome, flight } = arrive(&service, &head, &body);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let respond = |result: Result<Answer, Refusal>| {
        result.unwrap_or_else(|refusal| refuse(&service, refusal, sequence))
    };
    let answer = match outcome {
        Err(refusal) => respond(Err(refusal)),
        Ok((call, None)) => respond(call.serve(&service)),
        Ok((call, Some(met))) => met.happen(&service, || respond(call.serve(&service))).await?,
    };
    let date = service.config.sends_date.then(|| service.with(|live| live.now()));
    Ok(answer.into_response(date, flight))
}

/// What is decided when a request has arrived, at one moment, so that the order of arrival decides everything.
struct Arrival {
    sequence: u64,
    latency: Duration,
    outcome: Result<(Call, Option<Met>), Refusal>,
    flight: Flight,
}

fn arrive(service: &Arc<Service>, head: &Parts, body: &Body) -> Arrival {
    let endpoint = route(service, head);
    let is_token_call = endpoint.as_ref().is_ok_and(|endpoint| endpoint.issues_tokens());
    let (sequence, latency, outcome) = service.with(|live| {
        let sequence = live.recorder.record(head, &body.bytes);
        count(live, endpoint.as_ref().ok().copied());
        let latency = latency(live, service.config.seed, sequence);
        let call = endpoint.and_then(|endpoint| parse(service, live, endpoint, head, body));
        (sequence, latency, call.and_then(|call| meet(service, live, call)))
    });
    let flight = if is_token_call { Flight::counted(service) } else { Flight::uncounted() };
    Arrival { sequence, latency, outcome, flight }
}

fn route(service: &Service, head: &Parts) -> Result<Endpoint, Refusal> {
    let path = head.uri.path();
    let endpoint = match path.strip_prefix(service.config.platform.base_path()) {
        Some("/oauth/token") => Endpoint::Single,
        Some("/oauthTokens") => Endpoint::Batch,
        Some("/userTenants") => Endpoint::Page,
        _ if path == "/token_keys" => Endpoint::Keys,
        _ => return Err(Refusal::unknown_path()),
    };
    let (method, name) = endpoint.method();
    if head.method == method { Ok(endpoint) } else { Err(Refusal::method(name)) }
}

fn count(live: &mut Live, endpoint: Option<Endpoint>) {
    let counters = &mut live.counters;
    match endpoint {
        Some(Endpoint::Single) => counters.single_calls += 1,
        Some(Endpoint::Batch) => counters.batch_calls += 1,
        Some(Endpoint::Page) => counters.page_calls += 1,
        Some(Endpoint::Keys) => counters.key_calls += 1,
        None => {}
    }
    if endpoint.is_some_and(Endpoint::issues_tokens) {
        counters.enter_flight();
    }
}

fn latency(live: &Live, seed: u64, sequence: u64) -> Duration {
    if live.latency_jitter.is_zero() {
        return live.latency;
    }
    let share = seeded::rng(seed, "latency", sequence).f64();
    let jitter = Duration::try_from_secs_f64(live.latency_jitter.as_secs_f64() * share);
    live.latency.saturating_add(jitter.unwrap_or(live.latency_jitter))
}

/// All that can be wrong with a request by itself.
fn parse(
    service: &Service,
    live: &Live,
    endpoint: Endpoint,
    head: &Parts,
    body: &Body,
) -> Result<Call, Refusal> {
    if !body.complete {
        return Err(Refusal::too_large());
    }
    match endpoint {
        Endpoint::Single => token::SingleCall::parse(service, live, head, &body.bytes).map(Call::Single),
        Endpoint::Batch => batch::BatchCall::parse(service, live, head, &body.bytes).map(Call::Batch),
        Endpoint::Page => tenants::PageCall::parse(service, live, head).map(Call::Page),
        Endpoint::Keys => Ok(Call::Keys),
    }
}

/// Counts what a well-formed call asks for, and finds what stands in its way.
fn meet(service: &Service, live: &mut Live, call: Call) -> Result<(Call, Option<Met>), Refusal> {
    match &call {
        Call::Single(single) if single.user_tenant == service.host_tenant => {
            live.counters.operator_calls += 1;
        }
        Call::Batch(batch) => {
            let asked = u64::try_from(batch.user_tenants.len()).unwrap_or(u64::MAX);
            live.counters.batched_tenants = live.counters.batched_tenants.saturating_add(asked);
        }
        Call::Single(_) | Call::Page(_) | Call::Keys => {}
    }
    if !matches!(call, Call::Keys)
        && let Some(limiter) = &mut live.limiter
    {
        limiter.admit(Instant::now()).map_err(Refusal::throttled)?;
    }
    let met = live.faults.meet(&call);
    live.counters.faults += u64::from(met.is_some());
    Ok((call, met))
}

fn refuse(service: &Service, refusal: Refusal, sequence: u64) -> Answer {
    let status = refusal.status;
    service.with(|live| {
        if status == StatusCode::TOO_MANY_REQUESTS {
            live.counters.throttled += 1;
        } else if status.is_client_error() {
            live.counters.refused += 1;
        }
    });
    let logref = seeded::hex(&mut seeded::rng(service.config.seed, "logref", sequence), 8);
    let mut answer = refusal.into_answer(service.config.error_style, &logref);
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        // Some of the body may still be under way.
        answer.headers.push((CONNECTION, HeaderValue::from_static("close")));
    }
    answer
}

/// A request body, or its beginning.
struct Body {
    bytes: Bytes,
    complete: bool,
}

/// The largest body that is read for its meaning.
const BODY_LIMIT: usize = 64 * 1024;
/// How much of a larger body is read at all, so that its sender gets to read the refusal instead of a reset.
const DISCARD_LIMIT: usize = 1024 * 1024;

async fn read(mut body: Incoming) -> Result<Body, Hangup> {
    let mut bytes = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        // The client broke off: there is nobody to answer.
        let Ok(data) = frame.map_err(|_| Hangup)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        let room = BODY_LIMIT.saturating_sub(bytes.len()).min(data.len());
        bytes.extend_from_slice(data.get(..room).unwrap_or_default());
        if length > DISCARD_LIMIT {
            break;
        }
    }
    Ok(Body { bytes: bytes.freeze(), complete: length <= BODY_LIMIT })
}
