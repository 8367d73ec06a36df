//! What a caller asks of the broker, and what it gets at once.

use std::time::Duration;

use crate::{Error, Token};

/// Who waits for it. The order is the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody asked for this one tenant and waits.
    Interactive,
    /// Nobody waits yet: a token in use nears its end.
    Refresh,
    /// One of many that were asked for together.
    Bulk,
}

/// How long a caller waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until this point on the monotonic clock.
    Until(Duration),
    /// For as long as no such span goes by in which the client makes no progress at all.
    Idle(Duration),
}

/// What a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Who waits.
    pub lane: Lane,
    /// The least life a token must have left.
    pub min_remaining: Duration,
    /// How long the caller waits.
    pub patience: Patience,
}

/// Names one waiting caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// What [`super::Broker::want`] answers.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Here it is.
    Ready(Token),
    /// Not now; the error tells why, and `retry_after` when to ask again.
    Failed(Error),
    /// [`super::Output::Settle`] will name this ticket, exactly once, unless it is forgotten before.
    Wait(Ticket),
}
