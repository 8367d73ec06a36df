//! What is asked for while the fault is there.

use tm_core::wire::{MAX_PAGE_ANSWER, MAX_TOKEN_ANSWER};

/// A column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// A token, with none in hand.
    First,
    /// A newer token, while the last one lives and is served.
    Refresh,
    /// The list of tenants.
    List,
}

impl Column {
    /// What a good answer holds. There is no other token like it.
    pub(super) fn good_body(self) -> String {
        match self {
            Self::First | Self::Refresh => token_with(r#""expires_in":1799"#),
            Self::List => page(),
        }
    }

    /// The largest body that is read.
    pub(super) fn limit(self) -> usize {
        match self {
            Self::First | Self::Refresh => MAX_TOKEN_ANSWER,
            Self::List => MAX_PAGE_ANSWER,
        }
    }
}

/// An answer to `/oauth/token` with these fields besides the token.
pub(super) fn token_with(fields: &str) -> String {
    format!(r#"{{"access_token":"{}-of-the-row","token_type":"bearer",{fields}}}"#, super::MARK)
}

pub(super) fn page() -> String {
    r#"{"page":{"totalElements":2},"userTenants":[{"id":"acme"},{"id":"bcorp"}]}"#.to_owned()
}
