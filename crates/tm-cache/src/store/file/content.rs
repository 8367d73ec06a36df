//! What one file of records holds, and its bytes.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use tm_core::UnixTime;

use super::clock::{ClockReading, Parts, nanos};
use crate::store::{Fingerprint, Grave, Record, Tombstone};

const MAGIC: [u8; 4] = *b"tmf1";
const DIGEST: usize = 16;

/// A record and a grave, each with what is left of its time at some moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) record: Option<Record>,
    pub(super) grave: Option<(Grave, Duration)>,
}

impl Content {
    /// Most bytes of a file.
    pub(super) const MAX_BYTES: usize =
        4 + DIGEST + ClockReading::BYTES + 8 + 8 + 8 + 1 + 16 * Grave::MOST + Record::MAX_BYTES;

    /// Keeps the record if it beats what is here.
    pub(super) fn put(&mut self, record: &Record, unix: UnixTime) {
        let readable = Record::parse(record.bytes().clone(), record.remaining()).is_some();
        let believable = |record: &Record| record.is_believable(unix);
        let buried = self.grave.as_ref().is_some_and(|(grave, _)| grave.buries(record));
        let beaten = self
            .record
            .as_ref()
            .is_some_and(|kept| believable(kept) && (!believable(record) || !record.beats(kept)));
        if readable && !buried && !beaten && !record.remaining().is_zero() {
            self.record = Some(record.clone());
        }
    }

    /// Remembers a refused token, and drops what it buries.
    pub(super) fn bury(&mut self, tombstone: &Tombstone) {
        let (grave, remaining) =
            self.grave.get_or_insert_with(|| (Grave::new(tombstone), tombstone.remaining));
        grave.add(tombstone);
        *remaining = tombstone.remaining.max(*remaining);
        self.record.take_if(|record| grave.buries(record));
        self.grave.take_if(|(_, remaining)| remaining.is_zero());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.record.is_none() && self.grave.is_none()
    }

    /// The file as it is written `now`; [`super`] has its layout.
    pub(super) fn to_bytes(&self, name: &str, now: &ClockReading) -> Vec<u8> {
        let mut rest = Vec::with_capacity(Self::MAX_BYTES.min(4_096));
        rest.extend_from_slice(&now.to_bytes());
        let remaining = self.record.as_ref().map_or(Duration::ZERO, Record::remaining);
        rest.extend_from_slice(&nanos(remaining).to_be_bytes());
        let (grave, remaining) = self.grave.as_ref().map_or((None, Duration::ZERO), |(g, r)| (Some(g), *r));
        rest.extend_from_slice(&nanos(remaining).to_be_bytes());
        rest.extend_from_slice(&grave.map_or(0, |grave| grave.issued.as_millis()).to_be_bytes());
        let refused = grave.map_or(&[][..], |grave| &grave.fingerprints);
        rest.push(u8::try_from(refused.len()).unwrap_or(0)); // at most `Grave::MOST`
        for fingerprint in refused {
            rest.extend_from_slice(fingerprint.as_bytes());
        }
        rest.extend_from_slice(self.record.as_ref().map_or(&[][..], |record| record.bytes()));
        [&MAGIC[..], &digest(name, &rest), &rest].concat()
    }
}

/// What a file holds, as it was when the file was written.
#[derive(Debug)]
pub(super) struct Written {
    at: ClockReading,
    content: Content,
}

impl Written {
    /// `None` for anything but a whole file of this version that was written under this name.
    pub(super) fn parse(name: &str, bytes: Vec<u8>) -> Option<Self> {
        let bytes = Bytes::from(bytes);
        let mut parts = Parts(&bytes);
        parts.take().filter(|magic| *magic == MAGIC)?;
        let expected: [u8; DIGEST] = parts.take()?;
        if digest(name, parts.0) != expected {
            return None;
        }
        let at = parts.reading()?;
        let (record_remaining, grave_remaining) = (parts.duration()?, parts.duration()?);
        let (issued, [refused]) = (parts.time()?, parts.take()?);
        let mut fingerprints = Vec::new();
        for _ in 0..refused {
            fingerprints.push(Fingerprint::new(parts.take()?));
        }
        let grave = (!fingerprints.is_empty() && fingerprints.len() <= Grave::MOST)
            .then_some((Grave { issued, fingerprints }, grave_remaining));
        let record = Record::parse(bytes.slice_ref(parts.0), record_remaining);
        Some(Self { at, content: Content { record, grave } })
    }

    /// What of it lives. Where nobody can tell how long ago it was written, the record is given up and the grave is not: both
    /// err on the side of asking the service.
    pub(super) fn living(self, now: &ClockReading) -> Content {
        let elapsed = self.at.elapsed(now);
        let left =
            |remaining: Duration, elapsed| remaining.checked_sub(elapsed).filter(|left| !left.is_zero());
        let record = self.content.record.and_then(|record| {
            let left = left(record.remaining(), elapsed?)?;
            Some(record.with_remaining(left))
        });
        let grave = self.content.grave.and_then(|(grave, remaining)| {
            let left = left(remaining, elapsed.unwrap_or_default())?;
            Some((grave, left))
        });
        Content { record, grave }
    }

    /// Whether its time is over for certain: a clock that is behind may yet catch up.
    pub(super) fn is_over(&self, now: &ClockReading) -> bool {
        let record = self.content.record.as_ref().map_or(Duration::ZERO, Record::remaining);
        let grave = self.content.grave.as_ref().map_or(Duration::ZERO, |(_, remaining)| *remaining);
        self.at.elapsed(now).is_some_and(|elapsed| elapsed >= record.max(grave))
    }
}

/// Tells a file that a crash has left half written, and one that was written under another name.
fn digest(name: &str, rest: &[u8]) -> [u8; DIGEST] {
    let mut context = Context::new(&SHA256);
    context.update(name.as_bytes());
    context.update(rest);
    *context.finish().as_ref().first_chunk().expect("SHA-256 has 32 bytes")
}
