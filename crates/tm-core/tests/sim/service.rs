//! The simulated service: reads real requests, makes real answers, goes wrong by schedule.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use tm_core::{
    Credentials, TenantId, TransportError,
    broker::{Call, Outcome},
    wire::AUTH_KEY_HEADER,
};

use crate::{
    answers::{self, Instant},
    faults::{Fault, What},
    ledger::Ledger,
    tokens::Mint,
};

/// The service and what it remembers.
pub(crate) struct Service {
    rng: fastrand::Rng,
    key: HeaderValue,
    /// How long a call takes, from and to.
    pub(crate) latency: (Duration, Duration),
    /// By how much its clock is ahead of the truth.
    pub(crate) skew_ms: i64,
    pub(crate) faults: Vec<Fault>,
    pub(crate) mint: Mint,
}

/// What becomes of one call.
pub(crate) struct Sent {
    /// When the driver hears of it; nothing is ever heard of silence.
    pub(crate) after: Duration,
    pub(crate) outcome: Option<Outcome>,
    /// For the trace.
    pub(crate) what: &'static str,
}

impl Service {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            key: credentials(0).auth_key(),
            latency: (Duration::from_millis(50), Duration::from_millis(50)),
            skew_ms: 0,
            faults: Vec::new(),
            mint: Mint::default(),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.mint.ledger
    }

    /// From now on only these credentials are good.
    pub(crate) fn accept_only(&mut self, generation: u32) {
        self.key = credentials(generation).auth_key();
    }

    /// Whether this call would be refused for its credentials.
    pub(crate) fn knows(&self, request: &Request<Bytes>) -> bool {
        request.headers().get(AUTH_KEY_HEADER) == Some(&self.key)
    }

    /// Decides at the time of sending what will come of a call.
    pub(crate) fn ask(&mut self, sent: Duration, call: &Call) -> Sent {
        let request = call.request();
        answers::check_request(&request, call.tenants());
        let (shortest, longest) = self.latency;
        let mut after = shortest + (longest - shortest).mul_f64(self.rng.f64());
        let rng = &mut self.rng;
        let faults: Vec<What> = self
            .faults
            .iter()
            .filter(|fault| fault.strikes(sent, call.tenants(), rng))
            .map(|fault| fault.what)
            .collect();
        let mut what = faults.first().map_or("tokens", |fault| fault.name());
        let mut at = Instant { sent, clock: sent + after / 2, skew_ms: self.skew_ms, dated: true };
        for fault in &faults {
            match *fault {
                What::Slow(time) => after = time,
                What::NoDate => at.dated = false,
                What::Lost => return Sent { after, outcome: Some(Outcome::Lost), what },
                What::Silence => return Sent { after, outcome: None, what },
                What::Transport(kind) => {
                    let outcome = call.outcome(Err(TransportError::new(kind)));
                    return Sent { after, outcome: Some(outcome), what };
                }
                _ => {}
            }
        }
        at.clock = sent + after / 2;
        let response = if self.knows(&request) {
            match faults.iter().find_map(|fault| answers::refusal(*fault, at)) {
                Some(refusal) => refusal,
                None => self.tokens(call.tenants(), &faults, at),
            }
        } else {
            what = "401";
            answers::refusal(What::Status(401), at).expect("a status is a refusal")
        };
        Sent { after, outcome: Some(call.outcome(Ok(response))), what }
    }

    fn tokens(&mut self, tenants: &[TenantId], faults: &[What], at: Instant) -> http::Response<Bytes> {
        let has = |fault: What| faults.contains(&fault);
        if let [tenant] = tenants {
            if has(What::Undecodable) {
                return answers::undecodable(self.rng.u8(..), at);
            }
            return answers::one(&self.mint.token(tenant, faults, at), at);
        }
        if has(What::Undecodable) {
            return answers::undecodable(self.rng.u8(..), at);
        }
        let unlucky = self.rng.usize(0..tenants.len());
        let mut entries = Vec::new();
        for (place, tenant) in tenants.iter().enumerate() {
            let struck = place == unlucky;
            if struck && has(What::Missing) {
                continue;
            }
            let token = self.mint.token(tenant, faults, at);
            if struck && has(What::Garbled) {
                entries.push(answers::garbled_entry(tenant, self.rng.u8(..)));
                continue;
            }
            entries.push(answers::entry(tenant, &token));
            if struck && has(What::Twice) {
                entries.push(answers::entry(tenant, &self.mint.token(tenant, &[], at)));
            }
        }
        if has(What::Foreign) {
            let stranger = TenantId::new("stranger").expect("a name");
            let token = self.mint.token(&stranger, &[], at);
            entries.insert(0, answers::entry(&stranger, &token));
        }
        self.rng.shuffle(&mut entries);
        answers::batch(&entries, at)
    }
}

/// The application's credentials, in the order in which they are replaced.
pub(crate) fn credentials(generation: u32) -> Credentials {
    Credentials::new("client", &format!("secret-{generation}")).expect("made of printable letters")
}
