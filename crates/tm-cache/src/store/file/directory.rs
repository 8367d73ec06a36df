//! The directory of a store: where it is, and that it is ours alone.

use std::{
    env,
    ffi::OsString,
    fs::{self, DirBuilder, Metadata},
    io,
    path::{Path, PathBuf},
};

use super::disk::failed;
use crate::store::StoreError;

/// Makes the directory if it is not there, and refuses one that others can look into. The answer is its path without links,
/// so that no link that changes later leads anywhere else.
pub(super) fn open(path: &Path) -> Result<PathBuf, StoreError> {
    make(path, true).map_err(|error| failed("make the directory", path, error))?;
    let path = fs::canonicalize(path).map_err(|error| failed("open", path, error))?;
    let metadata = fs::metadata(&path).map_err(|error| failed("open", &path, error))?;
    if !metadata.is_dir() {
        return Err(StoreError::new(format!("{} is not a directory", path.display())));
    }
    check(&path, &metadata)?;
    Ok(path)
}

/// Makes a directory for its owner alone.
pub(super) fn make(path: &Path, with_parents: bool) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;

        builder.mode(0o700);
    }
    builder.recursive(with_parents).create(path)
}

#[cfg(unix)]
fn check(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt as _;

    let (path, owner, we) = (path.display(), metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != we {
        let text =
            format!("{path} belongs to user {owner}, and this is user {we}: use a directory of your own");
        return Err(StoreError::new(text));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        let text = format!("{path} is open to other users (mode {mode:04o}): run `chmod 700 {path}`");
        return Err(StoreError::new(text));
    }
    Ok(())
}

/// Elsewhere a user's own folders are private by default, and the system's rules cannot be read with what we have.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn check(_path: &Path, _metadata: &Metadata) -> Result<(), StoreError> {
    Ok(())
}

/// The directory for what this user's programs cache, by the custom of the system.
pub(super) fn in_user_cache() -> Result<PathBuf, StoreError> {
    user_cache(env::consts::OS, |name| env::var_os(name))
}

fn user_cache(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, StoreError> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let (path, missing) = match system {
        "windows" => (absolute("LOCALAPPDATA"), "LOCALAPPDATA"),
        "macos" => (absolute("HOME").map(|home| home.join("Library/Caches")), "HOME"),
        // The XDG Base Directory Specification: what is relative is to be ignored.
        _ => (
            absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache"))),
            "XDG_CACHE_HOME or HOME",
        ),
    };
    let missing =
        || StoreError::new(format!("no directory for the cache: set {missing} to an absolute path"));
    path.map(|path| path.join("tm")).ok_or_else(missing)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn found(system: &str, variables: &[(&str, &str)]) -> Result<PathBuf, String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        user_cache(system, variable).map_err(|error| error.to_string())
    }

    #[test]
    fn the_cache_of_a_user_is_where_the_system_has_it() {
        let both = [("HOME", "/users/ann"), ("XDG_CACHE_HOME", "/fast/ann")];
        assert_eq!(found("linux", &both).unwrap(), Path::new("/fast/ann/tm"));
        assert_eq!(found("linux", &both[..1]).unwrap(), Path::new("/users/ann/.cache/tm"));
        assert_eq!(found("macos", &both).unwrap(), Path::new("/users/ann/Library/Caches/tm"));
        assert_eq!(found("windows", &[("LOCALAPPDATA", "/local")]).unwrap(), Path::new("/local/tm"));
    }

    #[test]
    fn a_relative_path_is_ignored_and_what_is_missing_is_named() {
        let relative = [("HOME", "/users/ann"), ("XDG_CACHE_HOME", "cache")];
        assert_eq!(found("linux", &relative).unwrap(), Path::new("/users/ann/.cache/tm"));
        assert!(found("linux", &relative[1..]).unwrap_err().contains("XDG_CACHE_HOME or HOME"));
        assert!(found("linux", &[("HOME", "")]).unwrap_err().contains("XDG_CACHE_HOME or HOME"));
        assert!(found("macos", &[]).unwrap_err().contains("set HOME"));
        assert!(found("windows", &[]).unwrap_err().contains("set LOCALAPPDATA"));
    }
}
