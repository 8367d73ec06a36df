//! Errors: none while a good token is in hand, none for the innocent, and each about its own tenant.

use std::{collections::BTreeSet, time::Duration};

use tm_core::{Error, ErrorKind, TenantId, broker::Settings};

use super::{Verdict, rule};
use crate::clock::secs;

/// What a world owes its callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nothing in particular.
    #[default]
    Nothing,
    /// Everybody gets a token but the callers for these tenants, the impatient and the demanding.
    AllBut(BTreeSet<TenantId>),
}

/// Watches every error.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) promise: Promise,
}

/// An error on its way to a caller.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) tenant: &'a TenantId,
    pub(crate) error: &'a Error,
    pub(crate) least: Duration,
    /// How long the caller has waited, while the machine was awake.
    pub(crate) waited: Duration,
    /// For how long it was suspended meanwhile.
    pub(crate) asleep: Duration,
    /// Until when a token in hand surely satisfies it.
    pub(crate) in_hand_until: Option<Duration>,
}

impl Failures {
    pub(crate) fn happens(&self, failure: &Failure<'_>) -> Verdict {
        let Failure { tenant, error, least, waited, asleep, in_hand_until } = *failure;
        let kind = error.kind();
        let named = error.tenant();
        rule(named.is_none_or(|named| named == tenant), || {
            format!("a caller for {tenant} is told of tenant {named:?}: {error}")
        })?;
        let must_name = matches!(kind, ErrorKind::TenantRefused | ErrorKind::TooShort);
        rule(!must_name || named.is_some(), || {
            format!("a caller for {tenant} is not told which tenant: {error}")
        })?;
        if kind == ErrorKind::Closed {
            return Ok(());
        }
        rule(in_hand_until.is_none(), || {
            format!(
                "a caller for {tenant} gets {kind} while a token is in hand until {in_hand_until:?}: {error}"
            )
        })?;
        let Promise::AllBut(guilty) = &self.promise else { return Ok(()) };
        let excused = match kind {
            ErrorKind::Deadline => waited < secs(20),
            ErrorKind::TooShort if !least.is_zero() => true,
            // What was under way is given up, unless its answer is the first that the client hears of when it goes on. Then
            // there may be nothing left of what is in it.
            ErrorKind::Transport | ErrorKind::TooShort => asleep >= Settings::default().attempt_time,
            _ => false,
        };
        rule(excused || guilty.contains(tenant), || {
            format!("an innocent caller for {tenant} gets {kind} after {waited:?}: {error}")
        })
    }
}
