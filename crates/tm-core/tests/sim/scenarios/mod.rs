//! Stories with exact expectations, by subject.

mod crowds;
mod holds;
mod lives;
mod outages;
mod patience;
mod refusals;
mod rejections;
