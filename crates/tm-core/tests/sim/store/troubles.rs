//! What can be wrong with the store, and when.

use std::time::Duration;

use tm_core::broker::{Kept, Leased, StoreAnswer, StoreRequest};

/// One trouble in one stretch of time.
#[derive(Debug, Clone)]
pub(crate) struct Mishap {
    pub(crate) what: Trouble,
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    /// Of a hundred requests, how many it strikes.
    pub(crate) percent: u8,
}

/// The troubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Says that it failed.
    Fails,
    /// Does it, and never says so.
    Silence,
    /// Never hears of it.
    Deaf,
    /// The driver lost the request.
    Lost,
    /// Answers after so long.
    Slow(Duration),
    /// Can be read, but not told anything.
    ReadOnly,
    /// Answers for one tenant too few.
    TooFew,
    /// Answers something else.
    WrongKind,
    /// What it finds has no time left.
    Expired,
    /// What it finds is said to be as old as the world.
    Ancient,
}

impl Mishap {
    pub(crate) fn always(what: Trouble) -> Self {
        Self::between(what, Duration::ZERO, Duration::MAX)
    }

    pub(crate) fn between(what: Trouble, from: Duration, until: Duration) -> Self {
        Self { what, from, until, percent: 100 }
    }

    pub(super) fn strikes(&self, now: Duration, rng: &mut fastrand::Rng) -> bool {
        (self.from..self.until).contains(&now) && (self.percent >= 100 || rng.u8(0..100) < self.percent)
    }
}

impl Trouble {
    pub(super) fn concerns(self, request: &StoreRequest) -> bool {
        self != Self::ReadOnly || !matches!(request, StoreRequest::Load(_))
    }

    pub(super) fn does_it(self) -> bool {
        !matches!(self, Self::Fails | Self::Deaf | Self::Lost | Self::ReadOnly)
    }

    /// Makes rubbish of an answer.
    pub(super) fn spoil(self, answer: &mut StoreAnswer) {
        match (self, &mut *answer) {
            (Self::TooFew, StoreAnswer::Loaded(found)) => drop(found.pop()),
            (Self::TooFew, StoreAnswer::Leased(leased)) => drop(leased.pop()),
            (Self::WrongKind, StoreAnswer::Done) => *answer = StoreAnswer::Loaded(vec![None]),
            (Self::WrongKind, _) => *answer = StoreAnswer::Done,
            (Self::Expired | Self::Ancient, StoreAnswer::Loaded(found)) => {
                found.iter_mut().flatten().for_each(|kept| self.spoil_kept(kept));
            }
            (Self::Expired | Self::Ancient, StoreAnswer::Leased(leased)) => {
                for leased in leased {
                    if let Leased::Found(kept) = leased {
                        self.spoil_kept(kept);
                    }
                }
            }
            _ => {}
        }
    }

    fn spoil_kept(self, kept: &mut Kept) {
        if self == Self::Expired {
            kept.remaining = Duration::ZERO;
        } else {
            kept.stamp.issued = kept.stamp.issued.saturating_sub(Duration::from_secs(86_400 * 365));
            kept.stamp.expires = kept.stamp.expires.saturating_sub(Duration::from_secs(86_400 * 365));
        }
    }

    /// How the trace calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fails => "store fails",
            Self::Silence => "store is silent",
            Self::Deaf => "store is deaf",
            Self::Lost => "store request lost",
            Self::Slow(_) => "store is slow",
            Self::ReadOnly => "store is read-only",
            Self::TooFew => "store answers too few",
            Self::WrongKind => "store answers something else",
            Self::Expired => "store has expired ones",
            Self::Ancient => "store has ancient ones",
        }
    }
}
