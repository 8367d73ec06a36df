//! Every target over all its seeds: what a fuzzer has found once stays found.

use std::panic::catch_unwind;

use tm_fuzz::{TARGETS, corpus, seeds};

#[test]
fn every_seed_passes_its_target() {
    for target in TARGETS {
        let seeds = seeds(target.name).expect("a corpus");
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (name, bytes) in seeds {
            assert!(catch_unwind(|| (target.run)(&bytes)).is_ok(), "{}: {name}", target.name);
        }
    }
}

#[test]
fn every_folder_of_the_corpus_is_that_of_a_target() {
    let all = corpus("").read_dir().expect("the corpus");
    for folder in all {
        let name = folder.expect("a folder").file_name();
        assert!(TARGETS.iter().any(|target| name == target.name), "{}", name.display());
    }
}
