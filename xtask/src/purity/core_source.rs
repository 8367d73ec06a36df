//! The source of tm-core names no clock, thread, socket, file, environment or runtime.
//!
//! Its `clippy.toml` forbids the same by path, and sees through imports; this sees what is written, also where clippy
//! is told to look away. Tests are left to clippy.

use std::fs;
use std::path::PathBuf;

use crate::rust_text::{code_of, is_in_modules, line_of, test_items, test_modules, words};
use crate::workspace;

const FOLDER: &str = "crates/tm-core/src";

/// Words that are about time that passes or work that waits, wherever they stand.
const WORDS: &[&str] = &["Instant", "SystemTime", "tokio", "async", "await"];

/// Modules of std that reach outside the program.
const MODULES: &[&str] = &["env", "fs", "net", "process", "thread"];

/// What is plain data in one of those modules.
const DATA: &[&str] = &["IpAddr", "Ipv4Addr", "Ipv6Addr"];

/// A file and its text.
pub(super) type Source = (String, String);

/// # Errors
/// When a file cannot be read, or there is none.
pub(super) fn read() -> Result<Vec<Source>, String> {
    let mut sources = Vec::new();
    let mut folders = vec![PathBuf::from(FOLDER)];
    while let Some(folder) = folders.pop() {
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(workspace::root().join(&folder)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(entry.path()).map_err(failed)?;
                sources.push((path.display().to_string(), text));
            }
        }
    }
    sources.sort();
    if sources.is_empty() { Err(format!("{FOLDER}: there is no source")) } else { Ok(sources) }
}

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let for_tests: Vec<String> =
        sources.iter().flat_map(|(path, text)| test_modules(path, &code_of(text))).collect();
    let products = sources.iter().filter(|(path, _)| !is_in_modules(path, &for_tests));
    products.flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let (tests, _) = test_items(&code);
    let is_for_tests = |place: usize| tests.iter().any(|test| test.contains(&place));
    let found =
        words(&code).filter(|(place, word)| WORDS.contains(word) || is_module_of_std(&code, *place, word));
    found
        .filter(|(place, _)| !is_for_tests(*place))
        .map(|(place, word)| {
            let line = line_of(&code, place);
            format!(
                "{path}:{line}: `{word}`: tm-core decides and does nothing: have it passed in by the driver"
            )
        })
        .collect()
}

/// `std::fs`, or `fs` in the group of `use std::{fs, …}`.
fn is_module_of_std(code: &str, place: usize, word: &str) -> bool {
    let before = code[..place].trim_end();
    let after = code[place + word.len()..].strip_prefix("::").unwrap_or_default();
    if !MODULES.contains(&word)
        || words(after).next().is_some_and(|(at, item)| at == 0 && DATA.contains(&item))
    {
        return false;
    }
    if let Some(path) = before.strip_suffix("::") {
        return path.trim_end().ends_with("std");
    }
    let group = before.rfind("std::{").map(|start| &before[start + "std::{".len()..]);
    group.is_some_and(|inside| {
        let depth = inside.matches('{').count().checked_sub(inside.matches('}').count());
        depth == Some(0) && inside.trim_end().ends_with([',', '{']) || inside.trim().is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&[("crates/tm-core/src/lib.rs".to_owned(), text.to_owned())]).len()
    }

    #[test]
    fn what_computes_passes() {
        assert_eq!(
            count(
                "use std::{fmt, net::IpAddr, time::{Duration, UNIX_EPOCH}};\nuse core::net::SocketAddr;\nlet env = 1; io(net, fs)"
            ),
            0
        );
        assert_eq!(count("// tokio\nconst A: &str = \"std::fs\";"), 0);
    }

    #[test]
    fn each_way_out_is_told() {
        for text in [
            "use std::time::{Duration, Instant};",
            "let now = std::time::SystemTime::now();",
            "std::thread::spawn(f);",
            "use std::env;",
            "use std::net::TcpStream;",
            "use std::net::{IpAddr, TcpStream};",
            "use std::fs::File;",
            "use std::{env, fmt};",
            "use std::{fmt, time::{Duration}, thread};",
            "async fn f() {}",
            "tokio::spawn(f);",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
    }

    #[test]
    fn the_line_is_told() {
        let complaints = check_file("a.rs", "\n\nuse std::fs;\n");
        assert!(complaints[0].starts_with("a.rs:3: `fs`: "), "{complaints:?}");
    }

    #[test]
    fn tests_are_left_to_clippy() {
        assert_eq!(count("#[cfg(test)]\nmod tests { use std::fs; }"), 0);
        let files = [
            ("src/a.rs", "#[cfg(test)] mod oracle;"),
            ("src/a/oracle.rs", "use std::fs;"),
            ("src/a/b.rs", "use std::fs;"),
        ];
        let complaints = check(&files.map(|(path, text)| (path.to_owned(), text.to_owned())));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
    }
}
