//! The store in files: its contract, its files, and several processes at it.
#![cfg(feature = "seal")]
#![allow(clippy::unwrap_used, clippy::unchecked_time_subtraction, reason = "a test fails by panicking")]

mod clocks;
#[cfg(feature = "conformance")]
mod conformance;
mod contract;
mod crowds;
#[cfg(target_os = "linux")]
mod disks;
mod entries;
mod leases;
#[cfg(unix)]
mod permissions;
#[cfg(unix)]
mod processes;
mod rubbish;
mod support;
mod sweeping;
