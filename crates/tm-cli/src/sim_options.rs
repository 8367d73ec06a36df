//! The options of `tm sim`, and the simulator they make.

use std::time::Duration;

use clap::{Args, ValueEnum};
use tm_core::{AppName, AppVersion, Credentials, InvalidInput, TenantId};
use tm_sim::{Platform, SimConfig, Simulator};

use crate::args::seconds;

/// Runs a simulator of the service on loopback until Ctrl-C or SIGTERM
///
/// First prints `listening on http://127.0.0.1:PORT`, then the environment that points an application at it, ready for a
/// shell. It takes the credentials, host tenant and application of the environment (MDSP_KEY_STORE_CLIENT_ID,
/// MDSP_KEY_STORE_CLIENT_SECRET, MDSP_OS_VM_APP_NAME, MDSP_OS_VM_APP_VERSION, MDSP_HOST_TENANT) where they are set, and makes
/// its own where not. This is the one command that prints a secret: the simulator's. Do not run it with a real one.
#[derive(Debug, Args)]
pub(crate) struct SimOptions {
    /// The port on 127.0.0.1; 0 for a free one
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
    /// How many tenants the application has
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    tenants: u32,
    /// The most tenants on a page of the list
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    page_cap: Option<u32>,
    /// How long tokens live
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    token_life: Option<Duration>,
    /// How long each answer takes at least
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    latency: Option<u64>,
    /// Calls in any stretch of so many seconds; the others are answered 429
    #[arg(long, value_name = "CALLS/SECONDS", value_parser = rate_limit)]
    rate_limit: Option<(u32, Duration)>,
    /// How far its clock is ahead of this machine's
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-MOST_SKEW..=MOST_SKEW))]
    clock_skew: Option<i64>,
    /// Where everything that looks random comes from
    #[arg(long)]
    seed: Option<u64>,
    /// The platform that it simulates
    #[arg(long, value_enum, default_value_t = PlatformName::InsightsHub)]
    platform: PlatformName,
    /// A tenant that is listed and refused a token; may be given again
    #[arg(long, value_name = "TENANT", value_parser = |id: &str| TenantId::new(id))]
    refuse: Vec<TenantId>,
}

/// A hundred years.
const MOST_SKEW: i64 = 3_155_760_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlatformName {
    InsightsHub,
    Xcelerator,
}

impl SimOptions {
    /// The simulator's settings, with its own secret where the environment has none.
    ///
    /// # Errors
    /// A variable is set to something that no client would accept.
    pub(crate) fn config(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        own_secret: &str,
    ) -> Result<SimConfig, InvalidInput> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let or = |name: &str, own: &str| variable(name).unwrap_or_else(|| own.to_owned());
        let client_id = or("MDSP_KEY_STORE_CLIENT_ID", "simapp-1.0.0");
        let secret = or("MDSP_KEY_STORE_CLIENT_SECRET", own_secret);
        Credentials::new(&client_id, &secret)?;
        let name = AppName::new(or("MDSP_OS_VM_APP_NAME", "simapp"))?;
        let version = AppVersion::new(or("MDSP_OS_VM_APP_VERSION", "1.0.0"))?;
        let platform = match self.platform {
            PlatformName::InsightsHub => Platform::InsightsHub,
            PlatformName::Xcelerator => Platform::Xcelerator,
        };
        let config = Simulator::builder()
            .platform(platform)
            .port(self.port)
            .tenants(usize::try_from(self.tenants).unwrap_or(usize::MAX))
            .refuse_tenants(self.refuse.iter().map(TenantId::as_str))
            .credentials(client_id, secret)
            .app(name.as_str(), version.as_str())
            .recorded_requests(0);
        let config = apply(config, variable("MDSP_HOST_TENANT"), |config, host| {
            Ok(config.host_tenant(TenantId::new(host)?.as_str()))
        })?;
        let config = apply(config, self.page_cap, |config, cap| {
            Ok(config.page_cap(usize::try_from(cap).unwrap_or(usize::MAX)))
        })?;
        let config = apply(config, self.token_life, |config, life| Ok(config.token_life(life)))?;
        let config =
            apply(
                config,
                self.latency,
                |config, latency| Ok(config.latency(Duration::from_millis(latency))),
            )?;
        let config =
            apply(config, self.rate_limit, |config, (calls, per)| Ok(config.rate_limit(calls, per)))?;
        let config = apply(config, self.clock_skew, |config, skew| Ok(config.clock_skew(skew)))?;
        apply(config, self.seed, |config, seed| Ok(config.seed(seed)))
    }

    /// The path of the API, where a client would not infer it from a loopback address.
    pub(crate) fn api_path(&self) -> Option<&'static str> {
        (self.platform == PlatformName::Xcelerator).then(|| Platform::Xcelerator.base_path())
    }
}

fn apply<T>(
    config: SimConfig,
    option: Option<T>,
    change: impl FnOnce(SimConfig, T) -> Result<SimConfig, InvalidInput>,
) -> Result<SimConfig, InvalidInput> {
    match option {
        Some(value) => change(config, value),
        None => Ok(config),
    }
}

fn rate_limit(text: &str) -> Result<(u32, Duration), String> {
    let (calls, per) = text.split_once('/').ok_or("is not CALLS/SECONDS, such as 20/1")?;
    let calls = calls.parse().map_err(|_| "does not begin with a number of calls")?;
    match seconds(per)? {
        Duration::ZERO => Err("is for no time at all".to_owned()),
        per => Ok((calls, per)),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: SimOptions,
    }

    fn parsed(line: &[&str]) -> Result<SimOptions, clap::Error> {
        Line::try_parse_from([&["sim"], line].concat()).map(|line| line.options)
    }

    #[test]
    fn a_rate_is_calls_by_seconds() {
        assert_eq!(rate_limit("20/1"), Ok((20, Duration::from_secs(1))));
        assert_eq!(rate_limit("3/0.5"), Ok((3, Duration::from_millis(500))));
        for bad in ["", "20", "x/1", "20/", "20/0", "-1/1"] {
            assert!(rate_limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_options_make_a_simulator_that_runs() {
        let line = ["--tenants=3", "--page-cap=2", "--token-life=60", "--latency=1", "--rate-limit=99/1"];
        let more = ["--clock-skew", "-5", "--seed=7", "--platform=xcelerator", "--refuse=a", "--refuse=b"];
        let options = parsed(&[&line[..], &more].concat()).unwrap();
        let host = |name: &str| (name == "MDSP_HOST_TENANT").then(|| "4711".to_owned());
        let simulator = options.config(host, "hush").unwrap().start().unwrap();
        assert_eq!(simulator.host_tenant(), "4711");
        assert_eq!(simulator.tenants().len(), 5);
        assert!(options.api_path().is_some());
    }

    #[test]
    fn what_no_client_would_accept_is_refused() {
        let options = parsed(&[]).unwrap();
        for name in ["MDSP_KEY_STORE_CLIENT_ID", "MDSP_OS_VM_APP_NAME", "MDSP_HOST_TENANT"] {
            let bad = |asked: &str| (asked == name).then(|| "b\u{e4}d".to_owned());
            assert!(options.config(bad, "hush").is_err(), "{name}");
        }
        assert!(parsed(&["--refuse", "a b"]).is_err() && parsed(&["--page-cap", "0"]).is_err());
    }
}
