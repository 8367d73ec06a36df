//! The conformance suite, over stores on one directory: each is to the others like another process.

use tm_cache::{FileStore, conformance::Suite};

use crate::support::Place;

#[test]
fn the_store_in_files_keeps_the_contract() {
    let place = Place::new();
    Suite::of(|| FileStore::open(place.path()).unwrap()).shared().run().assert();
}
