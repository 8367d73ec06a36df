//! Every token the simulated service ever handed out, and the truth about it.

use std::{collections::HashMap, time::Duration};

use tm_core::{TenantId, Token, UnixTime};

/// A token as the service knows it.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    /// Names it in traces: tokens themselves are not printed.
    pub(crate) serial: u64,
    pub(crate) tenant: TenantId,
    /// On the service's clock.
    pub(crate) born_at: UnixTime,
    pub(crate) expires_at: UnixTime,
    /// When the service stops accepting it, on the true clock.
    pub(crate) dies_at: Duration,
    /// When a client must stop serving it (design.md, "expiry"), by the hand-out that lets it live shortest.
    pub(crate) earliest_end: Duration,
    /// The same by the hand-out that lets it live longest.
    pub(crate) latest_end: Duration,
}

/// By text. Only ever looked up, so its order does not matter.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    tokens: HashMap<String, Issued>,
}

impl Ledger {
    /// Notes that a token was put into an answer. `ends` is what a client can know of its life from this answer.
    pub(crate) fn note(
        &mut self,
        text: &str,
        tenant: &TenantId,
        (born_at, expires_at): (UnixTime, UnixTime),
        dies_at: Duration,
        ends: Ends,
    ) {
        let serial = self.tokens.len() as u64;
        let issued = self.tokens.entry(text.to_owned()).or_insert_with(|| Issued {
            serial,
            tenant: tenant.clone(),
            born_at,
            expires_at,
            dies_at,
            earliest_end: ends.earliest,
            latest_end: ends.latest,
        });
        issued.earliest_end = issued.earliest_end.min(ends.earliest);
        issued.latest_end = issued.latest_end.max(ends.latest);
    }

    /// What is known of a token; `None` if the service never made it.
    pub(crate) fn find(&self, token: &Token) -> Option<&Issued> {
        self.tokens.get(token.secret())
    }

    /// The number of a token for the trace.
    pub(crate) fn serial(&self, token: &Token) -> u64 {
        self.find(token).map_or(u64::MAX, |issued| issued.serial)
    }
}

/// Between which points a client's own idea of a token's end lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    pub(crate) earliest: Duration,
    pub(crate) latest: Duration,
}
