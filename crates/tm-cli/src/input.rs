//! What is read from stdin and files: bounded, and wiped when done with.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use tm_core::TenantId;
use zeroize::Zeroizing;

use crate::exit::Halt;

/// Room for 100,000 ids of any length.
const MOST_IDS: usize = 16 * 1024 * 1024;

/// All that the reader has, which must be text of at most `limit` bytes. `what` names it in errors, which never repeat it.
pub(crate) fn text(reader: impl Read, what: &str, limit: usize) -> Result<Zeroizing<String>, Halt> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit.min(64 * 1024) + 64));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    reader
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| Halt::Usage(format!("{what}: cannot be read: {error}")))?;
    if bytes.len() > limit {
        return Err(Halt::Usage(format!("{what}: is longer than {limit} bytes")));
    }
    String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Halt::Usage(format!("{what}: is not text"))
    })
}

/// The same from a file.
pub(crate) fn file(path: &Path, what: &str, limit: usize) -> Result<Zeroizing<String>, Halt> {
    let file = File::open(path).map_err(|error| Halt::Usage(format!("{what}: cannot be read: {error}")))?;
    text(file, what, limit)
}

/// Tenants as they are named on the command line, those on stdin in the place of `-`.
pub(crate) fn tenants(named: &[String], stdin: impl Read) -> Result<Vec<TenantId>, Halt> {
    let mut stdin = Some(stdin);
    let mut tenants = Vec::with_capacity(named.len());
    for name in named {
        if name != "-" {
            tenants.push(tenant(name, tenants.len())?);
            continue;
        }
        let stdin = stdin.take().ok_or_else(|| Halt::Usage("stdin (-) can be named only once".to_owned()))?;
        for name in text(stdin, "the ids on stdin", MOST_IDS)?.split_whitespace() {
            tenants.push(tenant(name, tenants.len())?);
        }
    }
    Ok(tenants)
}

fn tenant(name: &str, before: usize) -> Result<TenantId, Halt> {
    TenantId::new(name).map_err(|error| Halt::Usage(format!("tenant number {}: {error}", before + 1)))
}

/// stdin, for those who take any reader.
pub(crate) fn stdin() -> impl Read {
    io::stdin().lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(named: &[&str], stdin: &str) -> Result<Vec<String>, String> {
        let named: Vec<_> = named.iter().map(|name| (*name).to_owned()).collect();
        let read = tenants(&named, stdin.as_bytes()).map_err(|halt| halt.message().unwrap_or_default())?;
        Ok(read.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn stdin_stands_where_it_is_named() {
        assert_eq!(read(&["a", "-", "d"], " b\r\n\n\tc ").unwrap(), ["a", "b", "c", "d"]);
        assert_eq!(read(&["-"], "").unwrap(), [""; 0]);
        assert_eq!(read(&["-", "-"], "a").unwrap_err(), "stdin (-) can be named only once");
    }

    #[test]
    fn a_bad_id_is_named_by_its_place() {
        let error = read(&["a", "-"], "b b\u{e4}d").unwrap_err();
        assert_eq!(error, "tenant number 3: tenant id: is not ASCII at position 1");
    }

    #[test]
    fn input_is_bounded_text() {
        assert_eq!(text(&b"abc"[..], "it", 3).unwrap().as_str(), "abc");
        for bad in [&b"abcd"[..], b"\xff"] {
            let message = text(bad, "it", 3).unwrap_err().message().unwrap();
            assert!(message.starts_with("it: is "), "{message}");
        }
    }
}
