//! What happened, as a hash over everything and as text for the last few events.

use std::{
    collections::VecDeque,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use tm_core::{ErrorKind, TenantId, broker::Lane};

/// How many events a failure of one of many seeds shows, if `TM_SIM_EVENTS` does not say otherwise.
const SHOWN: usize = 60;

/// One event, in numbers that name it in every run of the same seed.
#[derive(Debug, Clone, Hash)]
pub(crate) enum Event {
    Asks { caller: usize, tenant: TenantId, lane: Lane, least: Duration, span: Duration, idle: bool },
    Waits { caller: usize },
    Served { caller: usize, token: u64 },
    Refused { caller: usize, kind: ErrorKind, retry_after: Option<Duration> },
    Called { call: usize, tenants: Vec<TenantId>, give_up_at: Duration },
    Answered { call: usize, what: &'static str },
    AsksStore { request: usize, what: &'static str, tenants: Vec<TenantId> },
    StoreAnswers { request: usize, what: &'static str },
    Shown { tenant: TenantId, token: u64, until: Duration },
    Hidden { tenant: TenantId },
    Forgets { caller: usize },
    Rejects { token: u64 },
    NewKey { generation: u32 },
    Held { until: Duration },
    Closed,
    WallSteps { by_ms: i64 },
    Sleeps { until: Option<Duration> },
}

/// The record of one run.
#[derive(Debug)]
pub(crate) struct Trace {
    hasher: DefaultHasher,
    last: VecDeque<(Duration, Event)>,
    shown: usize,
}

impl Default for Trace {
    fn default() -> Self {
        let usual = if crate::is_one_alone() { usize::MAX } else { SHOWN };
        let shown = crate::number_from("TM_SIM_EVENTS").and_then(|number| usize::try_from(number).ok());
        Self { hasher: DefaultHasher::new(), last: VecDeque::new(), shown: shown.unwrap_or(usual) }
    }
}

impl Trace {
    pub(crate) fn record(&mut self, at: Duration, event: Event) {
        (at, &event).hash(&mut self.hasher);
        if self.last.len() >= self.shown {
            self.last.pop_front();
        }
        self.last.push_back((at, event));
    }

    /// Equal for runs with equal events.
    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// All of it, if there is but one seed.
    pub(crate) fn of_one_alone(&self) -> String {
        if crate::is_one_alone() { self.to_string() } else { String::new() }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, event) in &self.last {
            writeln!(f, "  {:>14.6} {event:?}", at.as_secs_f64())?;
        }
        Ok(())
    }
}
