//! A ring in a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use tm_core::InvalidInput;
use zeroize::Zeroizing;

use super::KeyRing;

/// A ring of sixteen keys is shorter.
const MAX_BYTES: u64 = 4 * 1024;

impl KeyRing {
    /// Reads a ring from a file.
    ///
    /// # Errors
    /// The file cannot be read, can be read by others than its owner, or holds no ring.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, InvalidInput> {
        let path = path.as_ref();
        let text = read(path).map_err(|error| unusable(path, "cannot be read", &error))??;
        Self::parse(&text).map_err(|error| {
            let message = format!("in the file {}: {}", path.display(), error.reason());
            InvalidInput::new("key ring", message)
        })
    }

    /// Reads a ring from a file, which is made if there is none, for its owner only. Of several processes that make it at
    /// the same moment all get the same.
    ///
    /// # Errors
    /// As [`KeyRing::from_file`], or the file cannot be made.
    pub fn from_file_or_new(path: impl AsRef<Path>) -> Result<Self, InvalidInput> {
        let path = path.as_ref();
        if let Err(error) = fs::symlink_metadata(path) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(unusable(path, "cannot be read", &error));
            }
            let text = Self::generate()?;
            make(path, &text).map_err(|error| unusable(path, "cannot be made", &error))?;
        }
        Self::from_file(path)
    }
}

fn unusable(path: &Path, what: &str, error: &io::Error) -> InvalidInput {
    InvalidInput::new("key ring", format!("{what}, in the file {}: {}", path.display(), error.kind()))
}

fn read(path: &Path) -> io::Result<Result<Zeroizing<String>, InvalidInput>> {
    let file = File::open(path)?;
    let bad = |what: &str| {
        let message = format!("in the file {} {what}", path.display());
        Ok(Err(InvalidInput::new("key ring", message)))
    };
    if is_open_to_others(&file)? {
        return bad("can be read by others than its owner: chmod 600");
    }
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MAX_BYTES).unwrap_or(0) + 1));
    match file.take(MAX_BYTES + 1).read_to_string(&mut text) {
        Ok(_) if text.len() as u64 > MAX_BYTES => bad("is too long for a ring"),
        Ok(_) => Ok(Ok(text)),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => bad("is no text"),
        Err(error) => Err(error),
    }
}

/// Written elsewhere and put in place whole, unless somebody else was first.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let random = getrandom::u64().map_err(|_| io::ErrorKind::Other)?;
    let draft = path.with_extension(format!("{random:016x}.new"));
    let linked = private(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::hard_link(&draft, path)
    });
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = file.metadata()?;
    Ok(metadata.is_file() && metadata.permissions().mode() & 0o077 != 0)
}

/// The system's rules cannot be read with what we have.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn is_open_to_others(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn all_who_make_a_ring_at_the_same_moment_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (path, barrier) = (folder.path().join("ring"), Barrier::new(8));
        let rings: Vec<_> = thread::scope(|scope| {
            let make = || {
                barrier.wait();
                KeyRing::from_file_or_new(&path).unwrap().ids()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(rings.iter().all(|ids| *ids == rings[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_ring_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring");
        KeyRing::from_file_or_new(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = KeyRing::from_file(&path).unwrap_err().to_string();
        assert!(error.ends_with("can be read by others than its owner: chmod 600"), "{error}");
    }

    #[test]
    fn what_is_no_ring_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none");
        let error = KeyRing::from_file(&path).unwrap_err().to_string();
        assert!(error.contains("none: entity not found"), "{error}");
        for (content, what) in [(&[0xff_u8][..], "is no text"), (&[b' '; 5_000], "is too long for a ring")] {
            private(&path).unwrap().write_all(content).unwrap();
            let error = KeyRing::from_file_or_new(&path).unwrap_err().to_string();
            assert!(error.ends_with(what), "{error}");
            fs::remove_file(&path).unwrap();
        }
    }
}
