//! What can be said on the command line.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Parser, Subcommand, builder::NonEmptyStringValueParser};

use crate::{sim_options::SimOptions, storage::without_password, store_name::StoreName};

const ENVIRONMENT_AND_STATUS: &str = "\
Environment:
  MDSP_KEY_STORE_CLIENT_ID      the application's client id
  MDSP_KEY_STORE_CLIENT_SECRET  its secret, unless it comes from a file or stdin
  MDSP_OS_VM_APP_NAME           the application's name
  MDSP_OS_VM_APP_VERSION        its version
  MDSP_HOST_TENANT              the tenant where it runs, the operator
  HOST_ENVIRONMENT              the region, if there is no gateway; eu1 by default
  TM_GATEWAY                    as --gateway
  TM_API_PATH                   as --api-path
  TM_SECRET_FILE                as --secret-file; goes before MDSP_KEY_STORE_CLIENT_SECRET
  TM_STORE                      as --store; here, the URL may have a password
  TM_STORE_FILE                 as --store-file
  TM_SEAL_KEYS                  the key ring itself: name=KEY seal=KEY [seal=KEY ...], each KEY 32 bytes in base64
  TM_SEAL_KEYS_FILE             as --ring-file
  HTTPS_PROXY, ALL_PROXY        the proxy, for https only; the first of them counts
  NO_PROXY                      where there is none
  RUST_LOG                      what is logged on stderr, such as debug, or trace for the HTTP stacks' own lines

Exit status:
  0  all done, or whoever read the output wanted no more of it
  1  the output could not be written
  2  usage or configuration
  3  the service refuses the credentials
  4  the service cannot be reached, fails, throttles, answers nonsense, or the time is over
  5  one or more tenants failed, and the service is otherwise well
If several apply, the first of 3, 4, 5 counts. Ctrl-C ends with 130, SIGTERM with 143; `tm sim` ends with 0 on either.";

/// Technical tokens of Siemens Insights Hub (formerly MindSphere) for all tenants of an application.
///
/// Start with `tm demo`, which needs nothing. Data is written to stdout, everything else to stderr. No token is printed
/// without --reveal, and no secret is ever an argument.
#[derive(Debug, Parser)]
#[command(name = "tm", version, after_long_help = ENVIRONMENT_AND_STATUS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(DemoArguments),
    All(AllArguments),
    Token(TokenArguments),
    Tokens(TokensArguments),
    Tenants(TenantsArguments),
    Inspect(InspectArguments),
    Cache(CacheArguments),
    Sim(SimOptions),
}

/// Shows the whole job without an account: starts a simulator inside and gets a token for every tenant from it
///
/// What it cost is taken from the simulator's own counters, not from what the client believes. Tokens are kept in files, sealed,
/// in a temporary directory, so that a second client finds them.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// How many tenants the simulated application has
    #[arg(long, value_name = "N", default_value_t = 237, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) tenants: u32,
    #[command(flatten)]
    pub(crate) run: RunOptions,
}

/// A token for every tenant of the application, one row a tenant as they come
///
/// The first row comes before the list of tenants is complete.
#[derive(Debug, Args)]
#[command(after_long_help = ENVIRONMENT_AND_STATUS)]
pub(crate) struct AllArguments {
    #[command(flatten)]
    pub(crate) service: ServiceOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
    #[command(flatten)]
    pub(crate) reveal: Reveal,
}

/// A token for one tenant
///
/// With --reveal, and without --json, prints the bare token and nothing else.
#[derive(Debug, Args)]
#[command(after_long_help = ENVIRONMENT_AND_STATUS)]
pub(crate) struct TokenArguments {
    /// The tenant's id
    #[arg(value_name = "TENANT")]
    pub(crate) tenant: String,
    #[command(flatten)]
    pub(crate) service: ServiceOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
    #[command(flatten)]
    pub(crate) reveal: Reveal,
}

/// Tokens for named tenants, five a call, one row a tenant in the order in which they are named
#[derive(Debug, Args)]
#[command(after_long_help = ENVIRONMENT_AND_STATUS)]
pub(crate) struct TokensArguments {
    /// The tenants' ids; `-` stands for those on stdin, with white space between
    #[arg(value_name = "TENANT", required = true)]
    pub(crate) tenants: Vec<String>,
    #[command(flatten)]
    pub(crate) service: ServiceOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
    #[command(flatten)]
    pub(crate) reveal: Reveal,
}

/// The tenants that use the application, one a line
#[derive(Debug, Args)]
#[command(after_long_help = ENVIRONMENT_AND_STATUS)]
pub(crate) struct TenantsArguments {
    #[command(flatten)]
    pub(crate) service: ServiceOptions,
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
}

/// Reads a token on stdin and shows what it says of itself; nothing is verified, and the token is not printed
///
/// The word `Bearer` before the token is accepted. An expired token is shown as such, with status 0; what is no JWT ends with
/// status 2.
#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// One JSON object: tenant, platform, issuer, issued_at, expires_at, expired, scopes, verified (always false)
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows which tokens are kept in files, and never a secret
///
/// Names and contents are sealed: a record tells when its token was issued, how long it is still kept, and which key opens it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CacheArguments {
    #[command(flatten)]
    pub(crate) store: StoreOptions,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<CacheCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Clears them; the key ring stays
    Clear {
        #[command(flatten)]
        store: StoreOptions,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Writes a new key ring into a file, for --ring-file on all machines that share a Redis; it is not printed
    NewRing {
        /// The file, which must not be there yet
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Where tokens are kept from one run to the next.
#[derive(Debug, Clone, Args)]
pub(crate) struct StoreOptions {
    /// none, memory, file, file:DIR, redis://..., rediss://... or unix://...; by default file, in the user's cache directory
    ///
    /// What is kept is sealed, with the ring of the user's cache directory unless another is named. Machines that share a Redis
    /// must share a ring (TM_SEAL_KEYS, --ring-file): otherwise each keeps tokens for itself.
    #[arg(long, value_name = "STORE", value_parser = without_password)]
    pub(crate) store: Option<StoreName>,
    /// Reads the store's name from this file, for a URL with a password
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub(crate) store_file: Option<PathBuf>,
    /// Reads the key ring from this file, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub(crate) ring_file: Option<PathBuf>,
    /// Lets redis:// go to another host without TLS; tokens are sealed all the same, a password is not
    #[arg(long)]
    pub(crate) allow_plaintext_redis: bool,
}

/// Where the service is, and the secret for it.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("secret").args(["secret_file", "secret_stdin"]))]
pub(crate) struct ServiceOptions {
    /// The base URL of the service, instead of the region's
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) gateway: Option<String>,
    /// The path of the API below the gateway, where it is another than the platform's
    #[arg(long, value_name = "PATH", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) api_path: Option<String>,
    /// Lets the gateway be plain http, to a literal loopback address only, such as a simulator's
    #[arg(long)]
    pub(crate) allow_loopback_http: bool,
    /// Reads the client secret from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Reads the client secret from stdin
    #[arg(long)]
    pub(crate) secret_stdin: bool,
}

/// How a run goes.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// Goes over threads and ureq instead of tokio and reqwest
    #[arg(long)]
    pub(crate) blocking: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// The longest time for the whole run
    #[arg(long, value_name = "SECONDS", value_parser = timeout)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Reveal {
    /// Prints tokens: in JSON as access_token, else as the last column
    #[arg(long)]
    pub(crate) reveal: bool,
}

/// Seconds, with a fraction if need be.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "is not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| *time <= Duration::from_secs(366 * 86_400))
        .ok_or_else(|| "is not within 0 and a year".to_owned())
}

fn timeout(text: &str) -> Result<Duration, String> {
    seconds(text).and_then(|time| if time.is_zero() { Err("is no time at all".to_owned()) } else { Ok(time) })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_are_seconds_within_bounds() {
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1_500)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for bad in ["", "x", "-1", "nan", "inf", "1e300"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert!(timeout("0").is_err() && timeout("0.1").is_ok());
    }

    /// All of them, the one that has them at the end.
    fn with_all_below(command: clap::Command) -> Vec<clap::Command> {
        let below = command.get_subcommands().cloned().flat_map(with_all_below);
        let mut commands: Vec<_> = below.collect();
        commands.push(command);
        commands
    }

    #[test]
    fn no_option_takes_a_secret() {
        let commands = with_all_below(Arguments::command());
        assert!(commands.iter().any(|command| command.get_name() == "new-ring"), "two levels down");
        let arguments = commands.iter().flat_map(clap::Command::get_arguments);
        let names: Vec<_> = arguments.map(|argument| argument.get_id().to_string()).collect();
        let secret: Vec<_> = names.iter().filter(|name| name.contains("secret")).collect();
        assert!(secret.iter().all(|name| ["secret", "secret_file", "secret_stdin"].contains(&name.as_str())));
        assert!(!names.iter().any(|name| name.contains("password") || name.contains("key")));
    }

    #[test]
    fn the_help_hides_nothing() {
        for command in with_all_below(Arguments::command()) {
            assert!(!command.is_hide_set(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(!argument.is_hide_set(), "{} of {}", argument.get_id(), command.get_name());
            }
        }
    }
}
