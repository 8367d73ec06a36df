//! Why Redis failed, in words that hold no address, no user and no password. What the server wrote may hold them (NOPERM
//! tells the user), so only its first word is passed on.

use std::{error::Error, io, sync::Arc};

use ::redis::{ErrorKind, RedisError, ServerError};

use crate::StoreError;

/// What went wrong on the way.
pub(super) fn of(error: &RedisError) -> StoreError {
    if error.is_timeout() {
        return StoreError::new("Redis did not answer in time");
    }
    if error.is_connection_refusal() {
        return StoreError::new("nobody listens where Redis should be");
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => StoreError::new("Redis refused the user or the password"),
        ErrorKind::Server(_) => answered(error.code().unwrap_or("ERR")),
        ErrorKind::Parse => StoreError::new("what answered is no Redis"),
        ErrorKind::Io if is_tls(error) => StoreError::new(
            "TLS with Redis failed: is its certificate from a known authority, and for this host?",
        ),
        _ => StoreError::new("the connection to Redis broke"),
    }
}

/// What the server refused.
pub(super) fn by_server(error: &ServerError) -> StoreError {
    answered(error.code())
}

#[cfg(feature = "redis-tokio")]
pub(super) fn timed_out() -> StoreError {
    StoreError::new("Redis did not answer in time")
}

fn answered(code: &str) -> StoreError {
    let is_code = !code.is_empty() && code.len() <= 20 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    StoreError::new(format!("Redis answered {}", if is_code { code } else { "with an error" }))
}

fn is_tls(error: &RedisError) -> bool {
    type Shared = Arc<dyn Error + Send + Sync>;
    let below = error.source().and_then(|source| source.downcast_ref::<Shared>());
    let io = below.and_then(|below| below.downcast_ref::<io::Error>());
    // `io::Error::source` skips the error that it wraps.
    io.and_then(io::Error::get_ref).is_some_and(<dyn Error + Send + Sync>::is::<::rustls::Error>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_server_wrote_only_its_first_word_is_told() {
        assert_eq!(answered("NOPERM").to_string(), "Redis answered NOPERM");
        assert_eq!(answered("user:secret").to_string(), "Redis answered with an error");
    }
}
