//! What can be wrong with the service, when, for whom and how often.

use std::{collections::BTreeSet, time::Duration};

use tm_core::{TenantId, TransportFault};

/// One trouble in one stretch of time.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) what: What,
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    /// Of a hundred calls, how many it strikes.
    pub(crate) percent: u8,
    /// If given, only calls that ask for one of these.
    pub(crate) tenants: Option<BTreeSet<TenantId>>,
}

/// The troubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Refused as a whole.
    Status(u16),
    /// Refused as a whole, with a `Retry-After` in seconds.
    Later(u16, u64),
    /// The same with the point of time on the service's clock.
    LaterAt(u16, u64),
    /// No HTTP at all.
    Transport(TransportFault),
    /// The driver lost the effect.
    Lost,
    /// Never answered.
    Silence,
    /// Answered after so long.
    Slow(Duration),
    /// A 200 that is no token.
    Undecodable,
    /// One tenant is left out of a batch.
    Missing,
    /// One entry of a batch is rubbish.
    Garbled,
    /// A tenant that nobody asked for is in the batch.
    Foreign,
    /// One tenant is in the batch twice, with two tokens.
    Twice,
    /// The answer has no `Date`.
    NoDate,
    /// Tokens live only so long.
    Life(Duration),
    /// The tokens issued last are handed out again.
    Again,
    /// Tokens are over when they arrive.
    Dead,
}

impl Fault {
    /// Strikes every call, always.
    pub(crate) fn always(what: What) -> Self {
        Self { what, from: Duration::ZERO, until: Duration::MAX, percent: 100, tenants: None }
    }

    /// Strikes every call with one of these tenants.
    pub(crate) fn with_tenants<'a>(what: What, tenants: impl IntoIterator<Item = &'a TenantId>) -> Self {
        Self { tenants: Some(tenants.into_iter().cloned().collect()), ..Self::always(what) }
    }

    /// Strikes every call in a stretch of time.
    pub(crate) fn between(what: What, from: Duration, until: Duration) -> Self {
        Self { from, until, ..Self::always(what) }
    }

    pub(crate) fn strikes(&self, now: Duration, tenants: &[TenantId], rng: &mut fastrand::Rng) -> bool {
        (self.from..self.until).contains(&now)
            && self.tenants.as_ref().is_none_or(|struck| tenants.iter().any(|tenant| struck.contains(tenant)))
            && (self.percent >= 100 || rng.u8(0..100) < self.percent)
    }
}

impl What {
    /// How the trace calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Status(status) | Self::Later(status, _) | Self::LaterAt(status, _) => match status {
                300..400 => "3xx",
                400 => "400",
                403 => "403",
                404 => "404",
                408 => "408",
                429 => "429",
                500 => "500",
                502 => "502",
                503 => "503",
                504 => "504",
                _ => "another status",
            },
            Self::Transport(TransportFault::NotSent) => "not sent",
            Self::Transport(TransportFault::Tls) => "no trust",
            Self::Transport(TransportFault::TimedOut) => "timed out",
            Self::Transport(TransportFault::Interrupted) => "interrupted",
            Self::Transport(_) => "too large",
            Self::Lost => "lost",
            Self::Silence => "silence",
            Self::Slow(_) => "slow",
            Self::Undecodable => "undecodable",
            Self::Missing => "missing",
            Self::Garbled => "garbled",
            Self::Foreign => "foreign",
            Self::Twice => "twice",
            Self::NoDate => "no date",
            Self::Life(_) => "short life",
            Self::Again => "again",
            Self::Dead => "dead",
        }
    }
}
