//! Technical tokens of Siemens Insights Hub (formerly MindSphere) for async programs.
//!
//! ```
//! # async fn run(setup: tm_async::Setup) -> Result<(), tm_async::Error> {
//! let client = tm_async::Client::new(setup)?; // or `Client::from_env()`, with the platform's variables
//! let token = client.token("acme").await?; // cached, refreshed in time, one call however many ask
//! let header = token.authorization(); // a `HeaderValue`, marked sensitive
//!
//! let mut all = client.all_tokens();
//! while let Some(row) = all.next().await {
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
//! # let setup = tm_async::Setup::from_lookup(lookup, true).unwrap();
//! # tokio::runtime::Runtime::new().unwrap().block_on(run(setup.clone())).unwrap_err(); // no tenant `acme` there
//! ```
//!
//! A call is carried out by a task of its own, never by its caller: a caller may drop its future, run into a time-out or
//! panic, and nobody else notices.

mod all_tokens;
mod blocking_store;
mod builder;
mod client;
mod follow;
mod lister;
mod pages;
mod shared;
mod tenant;
mod transport;
mod waiting;

pub use all_tokens::AllTokens;
pub use blocking_store::BlockingStore;
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
pub use transport::{ReqwestTransport, Transport};
