//! What bytes are taken for: choices, spans of time, tenants, answers.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tm_core::{
    Now, TenantId, Token, TransportError, TransportFault,
    broker::{Effect, Kept, Leased, Outcome, Stamp, StoreAnswer, StoreRequest},
};

pub(super) const DAY: Duration = Duration::from_secs(86_400);

const TENANTS: usize = 8;

/// The service's clock, which says what ours said at the start.
const STANDS_STILL: &str = "Fri, 15 Jan 2027 08:00:00 GMT";
const START: i64 = 1_800_000_000;

/// Bytes, each a choice. When they are at an end, all choices are the first.
pub(super) struct Choices<'a>(pub(super) &'a [u8]);

impl Choices<'_> {
    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::from(self.next()) % most
    }

    pub(super) fn one_in(&mut self, most: usize) -> bool {
        self.below(most) == most - 1
    }

    pub(super) fn pick<'a, T: Clone + 'a>(&mut self, from: impl IntoIterator<Item = &'a T>) -> Option<T> {
        let all: Vec<T> = from.into_iter().cloned().collect();
        let at = self.next();
        all.get(usize::from(at).checked_rem(all.len())?).cloned()
    }

    pub(super) fn span(&mut self) -> Duration {
        const MILLIS: [u64; 10] = [0, 1, 50, 500, 5_000, 30_000, 60_000, 600_000, 1_800_000, 100_000_000];
        Duration::from_millis(MILLIS[self.below(MILLIS.len())])
    }

    pub(super) fn tenant(&mut self) -> TenantId {
        tenant(self.below(TENANTS))
    }

    /// Whatever might come back for this effect, and what might not.
    pub(super) fn outcome(&mut self, effect: &Effect, now: Now) -> Outcome {
        match (effect, self.below(8)) {
            (_, 0) => Outcome::Lost,
            (_, 1) => Outcome::StoreFailed,
            (Effect::Call(call), 2) => {
                let faults = [
                    TransportFault::NotSent,
                    TransportFault::TimedOut,
                    TransportFault::Interrupted,
                    TransportFault::Tls,
                ];
                call.outcome(Err(TransportError::new(faults[self.below(faults.len())])))
            }
            (Effect::Call(call), 3) => call.outcome(Ok(self.refusal())),
            (Effect::Call(call), _) => {
                let body = self.tokens(call.tenants());
                let mut answer = Response::new(Bytes::from(body));
                if self.one_in(2) {
                    answer.headers_mut().insert(header::DATE, HeaderValue::from_static(STANDS_STILL));
                }
                call.outcome(Ok(answer))
            }
            (Effect::Store(request), _) => Outcome::Stored(self.stored(request, now)),
        }
    }

    fn refusal(&mut self) -> Response<Bytes> {
        const CODES: [u16; 12] = [302, 400, 401, 403, 404, 408, 422, 429, 429, 500, 503, 599];
        let mut answer = Response::new(Bytes::from_static(b"{\"message\":\"no\"}"));
        *answer.status_mut() = StatusCode::from_u16(CODES[self.below(CODES.len())]).unwrap();
        if self.one_in(2) {
            let wait = HeaderValue::from(u64::from(self.next()) * 3);
            answer.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        answer
    }

    /// Tokens for those who were asked for, but for some, and perhaps for others.
    fn tokens(&mut self, asked: &[TenantId]) -> String {
        let [one] = asked else {
            let mut entries = Vec::new();
            for tenant in asked {
                let tenant = if self.one_in(8) { self.tenant() } else { tenant.clone() };
                if !self.one_in(8) {
                    entries
                        .push(format!(r#"{{"userTenantId":"{tenant}","token":{}}}"#, self.token_of(&tenant)));
                }
            }
            return format!(r#"{{"oauthTokens":[{}]}}"#, entries.join(","));
        };
        self.token_of(one)
    }

    fn token_of(&mut self, tenant: &TenantId) -> String {
        let (life, number) = (self.life(), self.next());
        let end = START + i64::from(self.next()) * 30;
        let claims = format!(r#"{{"exp":{end},"ten":"{tenant}","n":{number}}}"#);
        let text = match self.below(3) {
            0 => format!("a.{}.c", URL_SAFE_NO_PAD.encode(claims)),
            _ => format!("{tenant}-{number}"),
        };
        format!(r#"{{"access_token":"{text}","expires_in":{life}}}"#)
    }

    fn life(&mut self) -> u64 {
        [1_799, 1_799, 1_799, 600, 60, 6, 5, 1, 0, 100_000][self.below(10)]
    }

    fn stored(&mut self, request: &StoreRequest, now: Now) -> StoreAnswer {
        // One too few or too many, at times.
        let short = usize::from(self.one_in(16));
        match (request, self.one_in(16)) {
            (StoreRequest::Load(tenants), false) => StoreAnswer::Loaded(
                tenants.iter().skip(short).map(|tenant| self.maybe_kept(tenant, now)).collect(),
            ),
            (StoreRequest::Lease { claims, .. }, false) => StoreAnswer::Leased(
                claims.iter().skip(short).map(|(tenant, _)| self.leased(tenant, now)).collect(),
            ),
            (StoreRequest::Load(_), true) => StoreAnswer::Leased(Vec::new()),
            _ => StoreAnswer::Done,
        }
    }

    fn leased(&mut self, tenant: &TenantId, now: Now) -> Leased {
        match self.below(3) {
            0 => Leased::Granted,
            1 => Leased::Held,
            _ => self.maybe_kept(tenant, now).map_or(Leased::Granted, Leased::Found),
        }
    }

    fn maybe_kept(&mut self, tenant: &TenantId, now: Now) -> Option<Kept> {
        if self.one_in(2) {
            return None;
        }
        let remaining = Duration::from_secs(self.life());
        let issued = now.unix.saturating_sub(self.span());
        let stamp = Stamp { issued, expires: now.unix.saturating_add(remaining) };
        let token = Token::new(&format!("{tenant}-kept-{}", self.next())).unwrap();
        Some(Kept { token, stamp, remaining, cold: self.one_in(2) })
    }
}

pub(super) fn tenant(number: usize) -> TenantId {
    TenantId::new(format!("t{number}")).unwrap()
}

pub(super) fn found(leased: &[Leased]) -> impl Iterator<Item = &Kept> {
    leased.iter().filter_map(|leased| match leased {
        Leased::Found(kept) => Some(kept),
        Leased::Granted | Leased::Held => None,
    })
}
