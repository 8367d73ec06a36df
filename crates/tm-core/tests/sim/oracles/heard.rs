//! What became of one call, as the contract reads it.

use std::time::Duration;

use tm_core::{
    TenantId, TransportFault,
    broker::{EffectId, Outcome},
};

/// A call that came back, or was given up.
#[derive(Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) id: EffectId,
    pub(crate) tenants: &'a [TenantId],
    pub(crate) outcome: &'a Outcome,
    /// Whether it carried the credentials of now.
    pub(crate) current: bool,
}

/// What a call tells of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// It gave a token.
    Token,
    /// It answers, whatever it says.
    Something,
    /// 429: that it has too much to do, which is neither.
    Busy,
    /// It fails, or there was nothing to be heard of it.
    Nothing,
}

impl Heard<'_> {
    pub(crate) fn says(&self) -> Says {
        match self.outcome {
            Outcome::Answered { .. } if self.tenants.iter().any(|tenant| self.serves(tenant)) => Says::Token,
            Outcome::Refused { refusal, .. } => match refusal.status {
                429 => Says::Busy,
                408 | 500.. => Says::Nothing,
                _ => Says::Something,
            },
            Outcome::Failed(error) if error.fault() != TransportFault::TooLarge => Says::Nothing,
            Outcome::Lost => Says::Nothing,
            _ => Says::Something,
        }
    }

    /// Whether a token for this tenant is in it.
    pub(crate) fn serves(&self, tenant: &TenantId) -> bool {
        matches!(self.outcome, Outcome::Answered { entries, .. }
            if entries.iter().any(|(named, entry)| named == tenant && entry.is_ok()))
    }

    /// Whether another attempt may mend it.
    pub(crate) fn is_transient(&self) -> bool {
        match self.outcome {
            Outcome::Refused { refusal, .. } => {
                matches!(refusal.status, 408 | 429 | 500 | 502 | 503 | 504)
            }
            Outcome::Failed(error) => error.is_transient(),
            Outcome::Lost => true,
            _ => false,
        }
    }

    /// Whether this very request was refused, be it for one of its tenants or for all.
    pub(crate) fn is_refused(&self) -> bool {
        let Outcome::Refused { refusal, .. } = self.outcome else { return false };
        (400..500).contains(&refusal.status) && !matches!(refusal.status, 401 | 408 | 429)
    }

    /// For how long the service asks to be left alone.
    pub(crate) fn asks_for(&self, now: tm_core::Now) -> Option<Duration> {
        let Outcome::Refused { refusal, retry_after: Some(retry_after), date } = self.outcome else {
            return None;
        };
        let wait = retry_after.wait(date.unwrap_or(now.unix));
        (matches!(refusal.status, 429 | 503) && !wait.is_zero()).then_some(wait)
    }
}
