//! The invariants, one file for each part of the contract. Each check answers with the rule that was broken.

mod calls;
mod company;
mod failures;
mod heard;
mod holds;
mod memory;
mod outages;
mod requests;
mod tickets;
mod view;

pub(crate) use calls::Calls;
pub(crate) use company::Company;
pub(crate) use failures::{Failure, Failures, Promise};
pub(crate) use heard::{Heard, Says};
pub(crate) use holds::Holds;
pub(crate) use memory::Memory;
pub(crate) use outages::Outages;
pub(crate) use requests::{Requests, tenants_of};
pub(crate) use tickets::{Tickets, Waiting};
pub(crate) use view::View;

/// Nothing, or the rule that was broken and how.
pub(crate) type Verdict<T = ()> = Result<T, String>;

/// Fails with a text unless the rule holds.
pub(crate) fn rule(holds: bool, broken: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(broken()) }
}
