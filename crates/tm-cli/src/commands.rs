//! The commands, one a file.

pub(crate) mod all;
pub(crate) mod cache;
pub(crate) mod demo;
pub(crate) mod inspect;
pub(crate) mod sim;
pub(crate) mod tenants;
pub(crate) mod token;
pub(crate) mod tokens;
