//! What the service was asked, in numbers.

/// A snapshot of what a simulator was asked since it started. Every number but `in_flight` only grows.
///
/// A call is counted when it has arrived whole, before it is checked, so refused, throttled and faulted calls count
/// as calls too.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections accepted.
    pub connections: u64,
    /// Calls of `/oauth/token`.
    pub single_calls: u64,
    /// Those of them that were well-formed and asked for the host tenant's own token.
    pub operator_calls: u64,
    /// Calls of `/oauthTokens`.
    pub batch_calls: u64,
    /// The tenants that all well-formed batch calls asked for, added up.
    pub batched_tenants: u64,
    /// Calls of `/userTenants`.
    pub page_calls: u64,
    /// Calls of `/token_keys`.
    pub key_calls: u64,
    /// Requests that the service itself refused with a 4xx other than 429, unknown paths included.
    pub refused: u64,
    /// Calls answered 429 by the rate limit.
    pub throttled: u64,
    /// Calls that met a scripted fault.
    pub faults: u64,
    /// Tokens issued. A token handed out again from the service's cache is not issued again.
    pub tokens_issued: u64,
    /// Tokens handed out again from the service's cache.
    pub tokens_repeated: u64,
    /// Single and batch calls being answered now.
    pub in_flight: u64,
    /// The most that were being answered at once.
    pub in_flight_peak: u64,
}

impl Counters {
    pub(crate) fn enter_flight(&mut self) {
        self.in_flight += 1;
        self.in_flight_peak = self.in_flight_peak.max(self.in_flight);
    }

    pub(crate) fn leave_flight(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}
