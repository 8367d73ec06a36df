//! What a store keeps of tokens, beyond one client.

use std::time::Duration;

use crate::{Token, UnixTime};

/// Which of two tokens of one tenant is newer: the one issued later, then the one that ends later. Both on the service's
/// clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// When it was issued.
    pub issued: UnixTime,
    /// When it ends.
    pub expires: UnixTime,
}

/// A token on its way into a store, or out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The token.
    pub token: Token,
    /// How new it is.
    pub stamp: Stamp,
    /// How long it may be served, from now on.
    pub remaining: Duration,
    /// Whether nobody had a token of this tenant when it was fetched, so that its first refresh is drawn from nearly its
    /// whole life.
    pub cold: bool,
}

/// A token that some service refused, on its way into a store: it is to be forgotten there, and not to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// The token.
    pub token: Token,
    /// When it was issued, on the service's clock.
    pub issued: UnixTime,
    /// How long to remember it.
    pub remaining: Duration,
}
