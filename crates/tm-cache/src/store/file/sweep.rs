//! Removes what is past its end and what the dead left, a shard at a time.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use tm_core::UnixTime;

use super::{
    ClockReading, FileStore,
    clock::Parts,
    content::{Content, Written},
    disk,
    leases::{self, SUFFIX},
    shard::{self, Locked, Name, Patience},
};
use crate::store::StoreError;

/// Of one shard after the other: all 256 in three quarters of an hour, if somebody writes as often.
const PAUSE: Duration = Duration::from_secs(10);

impl FileStore {
    /// Sweeps the shard whose turn it is. It is nobody's loss if that fails: the next call tries the next one.
    pub(super) fn sweep(&self) {
        let (now, path) = (self.clock.now(), self.directory.join(".swept"));
        let last = Swept::read(&path);
        let due = |last: &Swept| now.unix < last.at || now.unix >= last.at.saturating_add(PAUSE);
        if last.as_ref().is_none_or(due) {
            let shard = last.map_or(0, |last| last.shard.wrapping_add(1));
            if (Swept { at: now.unix, shard }.write(&path)).is_ok() {
                let _ = self.sweep_shard(&shard::name(shard), &now);
            }
        }
    }

    fn sweep_shard(&self, shard: &str, now: &ClockReading) -> Result<(), StoreError> {
        if !self.directory.join(shard).exists() {
            return Ok(());
        }
        let shard = Locked::lock(&self.directory, shard, &mut Patience::none())?;
        for file in shard::names(shard.path())? {
            let path = shard.path().join(&file);
            if is_rubbish(&path, &file, now)? {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Under the shard's lock nobody writes, so that what is unfinished stays so.
fn is_rubbish(path: &Path, file: &str, now: &ClockReading) -> Result<bool, StoreError> {
    if let Some(name) = Name::parse(file) {
        let written = disk::read(path, Content::MAX_BYTES)?.map(|bytes| Written::parse(name.as_str(), bytes));
        return Ok(written.is_some_and(|written| written.is_none_or(|written| written.is_over(now))));
    }
    let is_lease = file.strip_suffix(SUFFIX).is_some_and(|name| Name::parse(name).is_some());
    Ok(file.starts_with(disk::UNFINISHED) || (is_lease && !leases::is_held(path)))
}

/// What `.swept` holds: when (8 bytes, milliseconds since 1970), and which shard (1).
struct Swept {
    at: UnixTime,
    shard: u8,
}

impl Swept {
    fn read(path: &Path) -> Option<Self> {
        let bytes = disk::read(path, 9).ok()??;
        let mut parts = Parts(&bytes);
        let (at, [shard]) = (parts.time()?, parts.take()?);
        Some(Self { at, shard })
    }

    /// Two at a time do no harm, nor does one that is cut short.
    fn write(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            fs::remove_file(path)?;
        }
        let mut file = disk::options().write(true).create(true).truncate(true).open(path)?;
        file.write_all(&[&self.at.as_millis().to_be_bytes()[..], &[self.shard]].concat())
    }
}
