//! Stories with exact expectations, by subject.

mod answers;
mod crowds;
mod finds;
mod fleets;
mod holds;
mod leases;
mod lives;
mod outages;
mod patience;
mod refreshes;
mod refusals;
mod rejections;
mod stores;
mod telling;
