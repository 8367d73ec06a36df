//! The Token Management Service of Siemens Insights Hub on loopback, for tests, demos and benchmarks.
//!
//! A [`Simulator`] is a strict judge: it answers as the public documents say, over real HTTP on `127.0.0.1`, and
//! refuses whatever they do not allow. It knows nothing of the clients in this workspace, and it counts and keeps
//! what it was asked. What the documents leave open is a setting ([`BatchPolicy`], [`ErrorStyle`]), and what goes
//! wrong in the world is scripted ([`Fault`]).
//!
//! ```
//! use std::io::{Read as _, Write as _};
//! use std::time::Duration;
//! use tm_sim::{Endpoint, Fault, Simulator};
//!
//! let sim = Simulator::builder().tenants(3).host_tenant("operator").start()?;
//! sim.fault(Fault::status(503).on(Endpoint::Single).once());
//!
//! // A client would read `sim.environment()`; this one speaks HTTP by hand.
//! let ask = || -> std::io::Result<String> {
//!     let body = r#"{"appName":"simapp","appVersion":"1.0.0","hostTenant":"operator","userTenant":"tenant-0002"}"#;
//!     let mut stream = std::net::TcpStream::connect(("127.0.0.1", sim.port()))?;
//!     stream.set_read_timeout(Some(Duration::from_secs(10)))?;
//!     write!(
//!         stream,
//!         "POST /api/technicaltokenmanager/v3/oauth/token HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
//!          x-space-auth-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
//!         sim.auth_key(),
//!         body.len(),
//!     )?;
//!     let mut answer = String::new();
//!     stream.read_to_string(&mut answer)?;
//!     Ok(answer)
//! };
//! assert!(ask()?.starts_with("HTTP/1.1 503"));
//! assert!(ask()?.contains(r#""token_type":"bearer""#));
//!
//! let counters = sim.counters();
//! assert_eq!((counters.single_calls, counters.faults, counters.tokens_issued), (2, 1, 1));
//! assert_eq!(sim.issued("tenant-0002"), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it checks, and in which order
//! Path (404) and method (405); size of the body (413); credentials or bearer (401, 403); content type (415); the
//! body or query (400, naming the field); the rate limit (429); scripted faults; application and host tenant (403);
//! the tenants (404 unknown, 403 refused). Everything up to the faults is decided at the moment when a request has
//! arrived, so a fault hides no malformed request, and latency does not change which call meets which fault.
//!
//! # What it does not do
//! TLS, HTTP/2, user impersonation, and the redirect of Insights Hub's old host to Xcelerator's (script it with
//! [`Fault::Redirect`]). Paths and issuers of Xcelerator are inferred. Its answers depend on the seed, but for the wall
//! clock and the RSA key, which is new in every process.

mod answers;
mod body;
mod checks;
mod choices;
mod clock;
mod config;
mod counters;
mod endpoints;
mod fault_script;
mod faults;
mod fields;
mod jwt;
mod ledger;
mod limiter;
mod recorder;
mod roster;
mod seeded;
mod server;
mod service;
mod simulator;
mod tokens;

pub use choices::{BatchPolicy, ErrorStyle, Platform, Signing};
pub use config::SimConfig;
pub use counters::Counters;
pub use endpoints::Endpoint;
pub use fault_script::{FaultId, FaultRule};
pub use faults::Fault;
pub use recorder::RecordedRequest;
pub use simulator::{SimError, Simulator};
