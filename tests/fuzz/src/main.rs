//! `tm-fuzz TARGET SECONDS [SEED]`: gives a target what it makes of the target's seeds, for so long.
//!
//! It is blind: it does not see which code an input reaches, so it finds what lies near the seeds. For the fuzzer that sees
//! (`libfuzzer/`) it writes the seeds down: `tm-fuzz seeds TARGET FOLDER`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to the terminal")]

mod mutation;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fastrand::Rng;
use mutation::mutated;
use tm_fuzz::Target;

/// What formats are made of.
const WORDS: &[&[u8]] = &[
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"1e309",
    b"9223372036854775808",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\r\n",
    b"\0",
    b".",
    b"=",
    b"/",
    b"//",
    b"%",
    b"..",
    b"@",
    b"#",
    b"?",
    b"[::1]",
    b"127.0.0.1",
    b"access_token",
    b"expires_in",
    b"oauthTokens",
    b"userTenantId",
    b"errors",
    b"message",
    b"hush-7f3a",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["list"] {
        for target in tm_fuzz::TARGETS {
            println!("{}", target.name);
        }
        return ExitCode::SUCCESS;
    }
    if let [word, target, folder] = arguments.as_slice()
        && word == "seeds"
    {
        return write_seeds(target, Path::new(folder));
    }
    if let Some((target, time, seed)) = parse(&arguments) {
        return fuzz(target, time, seed);
    }
    eprintln!("usage: tm-fuzz TARGET SECONDS [SEED], tm-fuzz list, or tm-fuzz seeds TARGET FOLDER");
    ExitCode::from(2)
}

fn parse(arguments: &[String]) -> Option<(&'static Target, Duration, u64)> {
    let (name, seconds, seed) = match arguments {
        [name, seconds] => (name, seconds, None),
        [name, seconds, seed] => (name, seconds, Some(seed)),
        _ => return None,
    };
    let new = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seed = seed.map_or_else(|| Some(new()), |seed| seed.parse().ok())?;
    Some((tm_fuzz::target(name)?, Duration::from_secs(seconds.parse().ok()?), seed))
}

fn write_seeds(target: &str, folder: &Path) -> ExitCode {
    let written = tm_fuzz::seeds(target).and_then(|seeds| {
        let write = |(name, bytes): (String, Vec<u8>)| fs::write(folder.join(name), bytes);
        fs::create_dir_all(folder)
            .and_then(|()| seeds.into_iter().try_for_each(write))
            .map_err(|error| format!("{}: {error}", folder.display()))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn fuzz(target: &Target, time: Duration, seed: u64) -> ExitCode {
    let seeds: Vec<Vec<u8>> = match tm_fuzz::seeds(target.name) {
        Ok(seeds) => seeds.into_iter().map(|(_, bytes)| bytes).collect(),
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let (mut rng, start, mut runs) = (Rng::with_seed(seed), Instant::now(), 0_u64);
    while start.elapsed() < time {
        let input = mutated(&seeds, WORDS, &mut rng);
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            return found(target, &input, seed);
        }
        runs += 1;
    }
    println!("{}: {runs} inputs from {} seeds, seed {seed}", target.name, seeds.len());
    ExitCode::SUCCESS
}

/// Keeps the input, for the corpus once it is mended.
fn found(target: &Target, input: &[u8], seed: u64) -> ExitCode {
    let file = std::env::temp_dir().join(format!("tm-fuzz-{}-{seed}", target.name));
    let kept = fs::write(&file, input);
    eprintln!("{} fails on {} bytes, kept in {} ({kept:?})", target.name, input.len(), file.display());
    eprintln!("mend it, and move the file to {}", tm_fuzz::corpus(target.name).display());
    ExitCode::FAILURE
}
