//! Stores in a Redis, or anything that speaks as one: version 5 or later, alone, with Sentinel, or as a Cluster.
//!
//! * [`options`] is where a user begins; [`url`](self::url), [`way`] and [`roots`] decide what may be connected to, and how.
//! * [`calls`] makes requests into calls of scripts, under the names of [`names`]; [`replies`] reads what came back. All that takes
//!   several steps is a script ([`script`]), so that it is one step for everybody else.
//! * [`exchange`] decides what goes over the wire to which of the servers in [`routes`].
//! * [`blocking`] and [`tokio`](self::tokio) wait, each in its own way, and do nothing else.

mod blocking;
mod calls;
mod exchange;
mod failure;
mod names;
mod options;
mod pool;
mod replies;
mod roots;
mod routes;
mod script;
mod url;
mod way;

#[cfg(feature = "redis-tokio")]
mod lines;
#[cfg(feature = "redis-tokio")]
mod tokio;

pub use blocking::RedisStore;
pub use options::RedisOptions;
#[cfg(feature = "redis-tokio")]
pub use tokio::AsyncRedisStore;
