//! What there is to decide about technical tokens of Siemens Insights Hub, without doing anything.
//!
//! This crate has no socket, no clock, no thread, no `async` and reads no environment: time and answers are
//! passed in, requests and decisions come out. `tm-async` and `tm-blocking` carry them out.
//!
//! * [`wire`]: the three REST calls of the service as pure pairs of request and answer.
//! * [`broker`]: the state machine that decides which tenants go into which call, when, and what callers get.
//! * [`listing`]: the small machine beside it that pages through the application's tenants.
//! * [`Token`], [`Claims`], [`Error`]: what callers see.
//!
//! ```
//! use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, TenantId, wire};
//!
//! let application = Application {
//!     gateway: Gateway::region("eu1")?,
//!     host_tenant: TenantId::new("operator")?,
//!     name: AppName::new("pump-watch")?,
//!     version: AppVersion::new("1.0.0")?,
//! };
//! let credentials = Credentials::new("client", "secret")?;
//! let request = wire::one_token::request(&application, &credentials, &TenantId::new("acme")?);
//! assert_eq!(request.uri().path(), "/api/technicaltokenmanager/v3/oauth/token");
//! # Ok::<(), tm_core::InvalidInput>(())
//! ```

pub mod broker;
mod claims;
mod credentials;
mod error;
mod gateway;
mod input;
pub mod listing;
mod secret;
mod service_text;
mod time;
mod token;
mod transport_error;
pub mod wire;

pub use claims::{Claims, ClaimsError};
pub use credentials::Credentials;
pub use error::{Error, ErrorKind};
pub use gateway::{Application, Gateway, Platform};
pub use input::{AppName, AppVersion, InvalidInput, TenantId};
pub use service_text::ServiceText;
pub use time::{Now, UnixTime};
pub use token::{Token, TokenText};
pub use transport_error::{TransportError, TransportFault};
