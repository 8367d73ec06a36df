//! Technical tokens of Siemens Insights Hub (formerly MindSphere) for blocking programs.
//!
//! ```
//! # fn run(setup: tm_blocking::Setup) -> Result<(), tm_blocking::Error> {
//! let client = tm_blocking::Client::new(setup)?; // or `Client::from_env()`, with the platform's variables
//! let token = client.token("acme")?; // cached, refreshed in time, one call however many ask
//! let header = token.authorization(); // a `HeaderValue`, marked sensitive
//!
//! for row in client.all_tokens() {
//!     match row {
//!         Ok((tenant, token)) => println!("{tenant}: {} bytes", token.secret().len()),
//!         Err(error) => eprintln!("{error}"),
//!     }
//! }
//! # Ok(())
//! # }
//! # let simulator = tm_sim::Simulator::builder().tenants(7).start().unwrap();
//! # let environment = simulator.environment();
//! # let lookup = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
//! # run(tm_blocking::Setup::from_lookup(lookup, true).unwrap()).unwrap_err(); // no tenant `acme` there
//! ```
//!
//! A call is carried out by a thread of the client, started when there is work and ended when there is none, never by its
//! caller: a caller may run into a time-out or panic, and nobody else notices.

mod addresses;
mod all_tokens;
mod builder;
mod client;
mod follow;
mod lister;
mod pages;
mod shared;
mod tenant;
mod transport;
mod waiting;
mod workers;

pub use all_tokens::AllTokens;
pub use builder::Builder;
pub use client::Client;
pub use tenant::Tenant;
pub use tm_cache as cache;
pub use tm_core::{
    AppName, AppVersion, Application, Claims, Credentials, Error, ErrorKind, Gateway, InvalidInput, Platform,
    TenantId, Token, TransportError, TransportFault,
    broker::{Settings, Stats},
};
pub use tm_driver::{Limits, Proxy, Setup, Wish};
pub use transport::{Transport, UreqTransport};
