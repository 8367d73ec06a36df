//! Sealing: what leaves the process can be read only by who has the ring.

mod file;
mod form;
mod key;
mod ring;

pub use key::KeyId;
pub use ring::KeyRing;
