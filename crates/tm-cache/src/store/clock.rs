//! The wall clock of the stores that have none of their own.

use std::time::{SystemTime, UNIX_EPOCH};

use tm_core::UnixTime;

pub(super) fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
