//! `loom`: what runs at once, tried in every order. See "Concurrency" in `docs/reliability.md`.
//!
//! The cfg is one of our own, since tokio and hyper do not build under `--cfg loom`. It makes everything anew, so it has a
//! target folder of its own; without optimisation, since the models take a second and the building a minute.

use crate::command::cargo;
use crate::filtered;
use crate::report::{Outcome, Report};
use crate::workspace::Metadata;

pub(crate) fn run(report: &mut Report) {
    report.step("loom", || match Metadata::read() {
        Ok(metadata) => filtered::run(
            cargo(["test", "--locked", "-p", "tm-cache", "-p", "tm-driver", "--lib", "--target-dir"])
                .arg(metadata.target_directory.join("loom"))
                .args(["--", "models::"])
                .env("RUSTFLAGS", "--cfg tm_loom")
                .env("CARGO_INCREMENTAL", "0")
                .env("CARGO_PROFILE_DEV_DEBUG", "0"),
            1,
        ),
        Err(problem) => Outcome::Failed(problem),
    });
}
