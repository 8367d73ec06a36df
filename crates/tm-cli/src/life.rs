//! How long a token lives, as people read it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tm_core::UnixTime;

/// This machine's wall clock.
pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The two coarsest units: `29m59s`, `1h00m`, `3d04h`.
pub(crate) fn spoken(life: Duration) -> String {
    let seconds = life.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m{:02}s", seconds % 60),
        3_600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_told_in_two_units() {
        let told = [0, 59, 60, 1_799, 3_600, 86_399, 86_400, 273_600];
        let told = told.map(|seconds| spoken(Duration::from_secs(seconds)));
        assert_eq!(told, ["0s", "59s", "1m00s", "29m59s", "1h00m", "23h59m", "1d00h", "3d04h"]);
    }
}
