//! A tenant's slot: the token that is shown, until when, and whether anybody has used it.

use std::{sync::Arc, time::Duration};

use tm_core::{Token, TokenText};

use super::parts::{AtomicU64, Ordering, Pointer};

/// Two words that are read one after the other and belong together, without a third that would hold them together and be
/// one more line of memory. The writer blanks the state before it changes the token, and states the next deadline after
/// that. So a reader that finds the same state before and after it found a token has found the token of that state.
///
/// The state has the deadline on the monotonic clock of the step, in nanoseconds, and in its lowest bits
///
/// * whether the token was hit: a bit of the same word, so that a hit that comes too late marks no token but the one it saw;
/// * how many tokens were shown here, so that no two have the same state, even if both end at the same time.
#[derive(Debug, Default)]
pub(super) struct Slot {
    state: AtomicU64,
    token: Pointer<TokenText>,
}

const USED: u64 = 1;
const ONE_MORE: u64 = 2;
/// About a millisecond, which a token is served less.
const MARKS: u64 = (1 << 20) - 1;

impl Slot {
    /// A new one, which shows this token. A pointer that others can see already is replaced only after a look at what each thread
    /// of the process is looking at.
    pub(super) fn showing(token: Option<Token>, until: Duration) -> Self {
        let state = (nanos(until) & !MARKS) | ONE_MORE;
        Self { state: AtomicU64::new(state), token: Pointer::new(token.map(Into::into)) }
    }

    /// For the one writer.
    pub(super) fn show(&self, token: Token, until: Duration) {
        let count = self.blank().wrapping_add(ONE_MORE) & MARKS;
        self.token.replace(Some(token.into()));
        // Who sees this sees the token, too.
        self.state.store((nanos(until) & !MARKS) | count, Ordering::Release);
    }

    /// For the one writer. The token is let go at once.
    pub(super) fn hide(&self) {
        self.blank();
        self.token.replace(None);
    }

    /// For the one writer: serves nothing until the next token. The answer is the count of those so far.
    pub(super) fn blank(&self) -> u64 {
        // No deadline, so none that is ahead. Who sees the token that is stored after this sees this, or what came later.
        self.state.fetch_and(MARKS & !USED, Ordering::Relaxed) & MARKS & !USED
    }

    /// The same token, as if it had just come. For the one writer, whom nothing changes under its hands.
    pub(super) fn untouched(&self) -> Self {
        let state = self.state.load(Ordering::Relaxed) & !USED;
        Self { state: AtomicU64::new(state), token: Pointer::new(self.token.look(Arc::clone)) }
    }

    pub(super) fn hit(&self, now: Duration) -> Option<Token> {
        let mut state = self.state.load(Ordering::Acquire);
        if nanos(now) >= state & !MARKS {
            return None;
        }
        // Read before it is written: a written line would travel between the processors at every hit.
        if state & USED == 0 {
            let used = state | USED;
            if self.state.compare_exchange(state, used, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return None;
            }
            // Somebody else was first, or the state is another by now, and what it says is not served.
            state = used;
        }
        let is_same = || self.state.load(Ordering::Relaxed) == state;
        self.token.look(|token| is_same().then(|| Arc::clone(token).into()))?
    }
}

/// Enough for centuries.
fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(time.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_count_of_tokens_begins_anew_and_touches_no_deadline() {
        let slot = Slot { state: AtomicU64::new(MARKS & !USED), token: Pointer::default() };
        let until = Duration::from_secs(10);
        for _ in 0..3 {
            slot.show(Token::new("t").unwrap(), until);
            assert!(slot.hit(Duration::from_secs(1)).is_none(), "the first one asks the broker");
            assert!(slot.hit(Duration::from_millis(9_998)).is_some());
            assert!(slot.hit(until).is_none());
        }
    }

    #[test]
    fn tokens_that_end_at_one_time_have_different_states_hidden_in_between_or_not() {
        let slot = Slot::default();
        let states = (0..100).map(|number| {
            slot.show(Token::new("t").unwrap(), Duration::from_secs(10));
            let state = slot.state.load(Ordering::Relaxed);
            if number % 2 == 0 {
                slot.hide();
            }
            state
        });
        assert_eq!(states.collect::<BTreeSet<_>>().len(), 100);
    }

    #[test]
    fn what_is_blank_serves_nothing_until_the_next_token() {
        let (slot, now, until) = (Slot::default(), Duration::from_secs(1), Duration::from_secs(10));
        for text in ["one", "two"] {
            slot.show(Token::new(text).unwrap(), until);
            assert!(slot.hit(now).is_none(), "the first one asks the broker");
            assert_eq!(slot.hit(now).unwrap().secret(), text);
            slot.blank();
            assert!(slot.hit(now).is_none() && slot.hit(now).is_none());
        }
    }
}
