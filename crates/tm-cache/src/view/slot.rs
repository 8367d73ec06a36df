//! A tenant's slot: the token that is shown, until when, and whether anybody has used it.

use std::time::Duration;

use tm_core::Token;

use super::parts::{AtomicBool, Ordering, Pointer};

#[derive(Debug, Default)]
pub(super) struct Slot {
    shown: Pointer<Shown>,
}

/// One token with all that belongs to it, so that a reader never sees the deadline or the bit of another one.
#[derive(Debug)]
struct Shown {
    token: Token,
    /// On the monotonic clock of the step.
    until: Duration,
    used: AtomicBool,
}

impl Slot {
    pub(super) fn show(&self, token: Token, until: Duration) {
        self.shown.replace(Some(Shown { token, until, used: AtomicBool::new(false) }));
    }

    pub(super) fn hide(&self) {
        self.shown.replace(None);
    }

    pub(super) fn is_hidden(&self) -> bool {
        self.shown.look(|_| ()).is_none()
    }

    pub(super) fn hit(&self, now: Duration) -> Option<Token> {
        self.shown.look(|shown| shown.hit(now))?
    }
}

impl Shown {
    fn hit(&self, now: Duration) -> Option<Token> {
        if now >= self.until {
            return None;
        }
        // Read before it is written: a written line would travel between the processors at every hit.
        let known = self.used.load(Ordering::Relaxed) || self.used.swap(true, Ordering::Relaxed);
        known.then(|| self.token.clone())
    }
}
