//! Files as this store opens, replaces and removes them: never through a link, never for anybody else.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read as _, Write as _},
    path::Path,
};

use crate::store::StoreError;

/// How the names of files begin that are still being written.
pub(super) const UNFINISHED: &str = ".new-";

/// Follows no link, waits for nobody at the other end of a pipe, and lets nobody else in.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use rustix::fs::OFlags;

        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0)).mode(0o600);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt as _;

        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
    options
}

/// All of a file. `None` if there is none, if it is something else than a file, is longer than that, or is not ours to read:
/// all that the next write mends.
pub(super) fn read(path: &Path, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match options().read(true).open(path) {
        Ok(file) => file,
        Err(error) if concerns_the_file(&error, path) => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    read_open(&file, most).map_err(|error| failed("read", path, error))
}

/// The same of an open file.
pub(super) fn read_open(file: &File, most: usize) -> io::Result<Option<Vec<u8>>> {
    let (metadata, most) = (file.metadata()?, u64::try_from(most).unwrap_or(u64::MAX));
    if !metadata.is_file() || metadata.len() > most {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// Puts a whole new file in the place of what is there, so that a reader sees the one or the other. It is not flushed to the
/// disk: this is a cache, and what a crash of the machine leaves half written is told by its digest.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let number =
        getrandom::u64().map_err(|error| failed("name", path, io::Error::other(error.to_string())))?;
    let unfinished = path.with_file_name(format!("{UNFINISHED}{number:016x}"));
    let written = options()
        .write(true)
        .create_new(true)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&unfinished); // or the sweep does
        failed("write", path, error)
    })
}

/// Removes a file that may be gone already.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", path, error)),
        _ => Ok(()),
    }
}

/// Names the kind in the text, since some programs show no cause.
pub(super) fn failed(doing: &str, path: &Path, error: io::Error) -> StoreError {
    StoreError::new(format!("cannot {doing} {}: {}", path.display(), error.kind())).because(error)
}

/// Whether it is this file that is wrong, and not the disk or the process.
fn concerns_the_file(error: &io::Error, path: &Path) -> bool {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::PermissionDenied => true,
        _ => fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()),
    }
}
