//! What `RUST_LOG` asks for, on stderr, without secrets.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, filter_fn},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Starts logging, if `RUST_LOG` is set to something. The lines of crates that use `log` come too.
pub(crate) fn start() {
    let Some(wanted) = std::env::var("RUST_LOG").ok().filter(|wanted| !wanted.trim().is_empty()) else {
        return;
    };
    let filter = match EnvFilter::try_new(wanted) {
        Ok(filter) => filter,
        Err(error) => return crate::output::tell(format_args!("RUST_LOG is ignored: {error}")),
    };
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        // It would use `eprintln!`, which panics when stderr is full.
        .log_internal_errors(false);
    let secretive = filter_fn(|metadata| is_safe(metadata.target(), LevelFilter::from(*metadata.level())))
        .with_max_level_hint(LevelFilter::TRACE);
    // The first subscriber of the program, so this cannot fail; if it did, there would be no log.
    let _ = tracing_subscriber::registry().with(secretive.and_then(filter)).with(lines).try_init();
}

/// Whether lines of this target and level have no secrets in them. No directive of `RUST_LOG` can override this.
///
/// At `trace`, ureq-proto dumps every byte that it sends and receives (`ureq_proto::util::log_data`, seen in 0.7.1), sixteen a
/// row in hex and in ASCII: the auth key, the bearer of the list, all tokens, and a proxy's password.
/// reqwest does the same if `connection_verbose` is on, which it is not; should it ever be, this holds.
fn is_safe(target: &str, level: LevelFilter) -> bool {
    let dumps_bytes = target.starts_with("ureq_proto") || target.starts_with("reqwest::connect::verbose");
    !dumps_bytes || level < LevelFilter::TRACE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_of_bytes_are_never_logged() {
        assert!(!is_safe("ureq_proto::util", LevelFilter::TRACE));
        assert!(!is_safe("reqwest::connect::verbose", LevelFilter::TRACE));
        assert!(is_safe("ureq_proto::client", LevelFilter::DEBUG));
        assert!(is_safe("ureq::run", LevelFilter::TRACE));
    }
}
