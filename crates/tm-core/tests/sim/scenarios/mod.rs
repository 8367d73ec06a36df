//! Stories with exact expectations, by subject.

mod crowds;
mod fleets;
mod holds;
mod lives;
mod outages;
mod patience;
mod refreshes;
mod refusals;
mod rejections;
mod stores;
