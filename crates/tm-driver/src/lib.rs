//! What `tm-async` and `tm-blocking` share, so that they stay one client: its set-up, and the step that carries out the
//! decisions of `tm-core`.
//!
//! Nothing here sends anything, and nothing here waits. It is public for those who write a third driver.

mod bulk;
mod clock;
mod demands;
mod engine;
mod environment;
mod followed;
mod inbox;
mod keeper;
mod proxy;
mod setup;
pub mod tls;

use std::time::Duration;

pub use bulk::{Bulk, Event, Listed, Taken};
pub use clock::Clock;
pub use demands::Demands;
pub use engine::{Asked, Engine, Job, Todo, Wake, Wish};
pub use followed::Followed;
pub use inbox::Inbox;
pub use keeper::{Keeper, TELLING_AT_ONCE};
pub use proxy::Proxy;
pub use setup::Setup;

/// What one exchange with the service may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time for the whole exchange, from connecting to the last byte.
    pub time: Duration,
    /// Most bytes of body, after decoding.
    pub body: usize,
}
