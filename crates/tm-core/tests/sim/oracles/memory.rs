//! Memory stays under its bound, what is held is what is shown, and nothing is left when nothing goes on.
//!
//! How many bytes are held is what the broker says, but no fewer than the texts of the tokens that are shown.

use tm_core::broker::Stats;

use super::{Verdict, View, rule};

/// Watches what the broker says of itself.
#[derive(Debug)]
pub(crate) struct Memory {
    bound: usize,
}

impl Memory {
    pub(crate) fn new(bound: usize) -> Self {
        Self { bound }
    }

    /// After a drain. `evicted` living tokens were hidden in it.
    pub(crate) fn rest(&self, stats: &Stats, view: &View, waiting: usize, evicted: usize) -> Verdict {
        let Stats { bytes_held, tokens_held, .. } = *stats;
        let (bound, shown) = (self.bound, view.len());
        let seen: usize = view.all().map(|(_, token)| token.secret().len()).sum();
        rule(seen <= bytes_held, || format!("{bytes_held} bytes are held, the tokens shown have {seen}"))?;
        rule(bytes_held <= bound, || format!("{bytes_held} bytes are held, {bound} are allowed"))?;
        rule(tokens_held == shown, || format!("{tokens_held} tokens are held, {shown} are shown"))?;
        rule((tokens_held == 0) == (bytes_held == 0), || {
            format!("{tokens_held} tokens hold {bytes_held} bytes")
        })?;
        let theirs = stats.waiting;
        rule(theirs == waiting, || format!("{waiting} callers wait, stats say {theirs}"))?;
        if evicted > 0 && tokens_held > 0 {
            // Nothing is thrown out long before there is need.
            let each = bytes_held / tokens_held;
            rule(bytes_held + 2 * each * evicted > bound, || {
                format!("{evicted} living tokens were thrown out, and {bytes_held} of {bound} bytes are held")
            })?;
        }
        Ok(())
    }

    /// After idle hours.
    pub(crate) fn nothing_left(stats: &Stats) -> Verdict {
        let left = (stats.waiting, stats.calls_under_way, stats.tenants, stats.tokens_held, stats.bytes_held);
        rule(left == (0, 0, 0, 0, 0), || {
            format!("after idle hours there are callers, calls, tenants, tokens, bytes left: {left:?}")
        })
    }
}
