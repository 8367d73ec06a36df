//! Between tokens and what a store keeps of them: keys, records, tombstones.

mod name;
mod plain;

use std::{fmt, sync::Arc};

use tm_core::{
    Application, Credentials, TenantId, Token,
    broker::{Buried, Kept},
};

pub(crate) use plain::Plain;

use crate::{Fingerprint, Head, Key, Record, Tombstone};

/// How a token lies in a record: as it is, or sealed.
pub(crate) trait Form: fmt::Debug + Send + Sync {
    /// The key for what has this name.
    fn key(&self, name: &[u8]) -> Key;

    fn fingerprint(&self, token: &Token) -> Fingerprint;

    /// The body, with what the head has to tell of it. `None` if it cannot be made.
    fn write(&self, head: Head, key: &Key, token: &Token) -> Option<(Head, Vec<u8>)>;

    /// The token of a record, if it has this form, was written for this key, and is the one that the head tells of.
    fn read(&self, key: &Key, record: &Record) -> Option<Token>;
}

/// Turns tokens into records and back, for one application with one client id. The format stands byte by byte in
/// `docs/record-format.md`. Made by a [`crate::Storage`].
#[derive(Debug, Clone)]
pub struct Codec {
    scope: name::Scope,
    form: Arc<dyn Form>,
}

impl Codec {
    pub(crate) fn new(application: &Application, credentials: &Credentials, form: Arc<dyn Form>) -> Self {
        Self { scope: name::Scope::new(application, credentials.client_id()), form }
    }

    /// Under which key this tenant's token is kept.
    pub fn key(&self, tenant: &TenantId) -> Key {
        self.form.key(&self.scope.name(tenant))
    }

    /// A token as a record for a store. `None` if it cannot be sealed, or is too large for a record.
    pub fn record(&self, key: &Key, kept: &Kept) -> Option<Record> {
        let head = Head {
            flags: if kept.cold { Head::COLD } else { 0 },
            key_id: [0; 8],
            stamp: kept.stamp,
            fingerprint: self.form.fingerprint(&kept.token),
        };
        let (head, body) = self.form.write(head, key, &kept.token)?;
        let record = Record::new(&head, &body, kept.remaining);
        (record.bytes().len() <= Record::MAX_BYTES).then_some(record)
    }

    /// The token of a record. `None` if it cannot be opened, or was not kept under this key: a miss. What claims to be plain is
    /// never believed where records are sealed.
    pub fn kept(&self, key: &Key, record: &Record) -> Option<Kept> {
        let token = self.form.read(key, record)?;
        let head = record.head();
        let (stamp, cold) = (head.stamp, head.flags & Head::COLD != 0);
        Some(Kept { token, stamp, remaining: record.remaining(), cold })
    }

    /// What is to be remembered of a refused token.
    pub fn tombstone(&self, buried: &Buried) -> Tombstone {
        let Buried { token, issued, remaining } = buried;
        Tombstone { issued: *issued, fingerprint: self.form.fingerprint(token), remaining: *remaining }
    }
}
