//! One target under libFuzzer, with the compiler at hand: what it needs of LLVM are stable flags of code generation; only the
//! sanitizers, which find no more in safe code, would need a nightly one.

use std::path::Path;

use crate::command::{find, output, program, run as run_command};
use crate::report::Outcome;
use crate::workspace::{Metadata, root};

/// As cargo-fuzz sets them, and the checks of a debug build.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks";

/// `seeds` is the program that knows them.
///
/// # Errors
/// What could not be run.
pub(super) fn run(seeds: &Path, target: &str, seconds: u64) -> Result<Outcome, String> {
    if find("c++").is_none() {
        return Ok(Outcome::Skipped("no C++ compiler for libFuzzer: install g++ or clang".to_owned()));
    }
    let folder = Metadata::read()?.target_directory.join("libfuzzer");
    let (grown, given) = (folder.join("corpus").join(target), folder.join("seeds").join(target));
    output(program(seeds).args(["seeds", target]).arg(&given))?;
    std::fs::create_dir_all(&grown).map_err(|error| format!("{}: {error}", grown.display()))?;
    let host = host()?;
    // Named, so that the flags are for the target alone: a build script that counts its branches does not link.
    let built = run_command(
        program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(root().join("tests/fuzz/libfuzzer"))
            .args(["build", "--release", "--locked", "--target", &host, "--target-dir"])
            .arg(&folder)
            .env("RUSTFLAGS", FLAGS),
    );
    if let Outcome::Failed(_) = built {
        return Ok(built);
    }
    let fuzzer = folder.join(&host).join("release").join("tm-libfuzzer");
    let artifacts = folder.join(format!("found-{target}-"));
    Ok(run_command(
        program(fuzzer)
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}", artifacts.display()))
            .args(["-print_final_stats=1", "-max_len=81920", "-timeout=10"])
            .args([&grown, &given])
            .env("TM_FUZZ_TARGET", target),
    ))
}

fn host() -> Result<String, String> {
    let text = output(program("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "`rustc -vV` tells no host".to_owned())
}
