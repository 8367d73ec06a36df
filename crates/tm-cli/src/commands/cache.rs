//! `tm cache`: what is kept in files, never a secret.

use std::{fmt::Write as _, path::Path};

use serde::Serialize;
use tm_async::cache::{FileEntry, Head, KeyRing};

use crate::{
    args::{CacheArguments, CacheCommand, StoreOptions},
    connect::variable,
    exit::{Halt, Status},
    life, output,
    storage::{open_files, unusable},
};

/// One record.
#[derive(Serialize)]
struct Shown {
    /// Stands for the tenant and the application, and tells neither.
    name: String,
    issued_at: String,
    expires_at: String,
    expires_in_s: u64,
    bytes: usize,
    /// The id of the key that it is sealed with.
    sealed_with: Option<String>,
}

pub(crate) fn run(arguments: &CacheArguments) -> Result<Status, Halt> {
    if let Some(CacheCommand::NewRing { file }) = &arguments.command {
        return new_ring(file);
    }
    if let Some(CacheCommand::Clear { store, json }) = &arguments.command {
        return clear(store, *json);
    }
    let store = open_files(&arguments.store, variable)?;
    let entries: Vec<_> = store.entries().map_err(unusable)?.iter().map(shown).collect();
    let text = if arguments.json { json(&entries) } else { text(&entries, store.directory()) };
    output::write(text.as_bytes())?;
    Ok(Status::Done)
}

fn clear(options: &StoreOptions, json: bool) -> Result<Status, Halt> {
    let store = open_files(options, variable)?;
    let records = store.clear().map_err(unusable)?;
    let shown = if json {
        format!("{{\"cleared\":{records}}}\n")
    } else {
        format!("{records} records cleared from {}\n", store.directory().display())
    };
    output::write(shown.as_bytes())?;
    Ok(Status::Done)
}

fn new_ring(file: &Path) -> Result<Status, Halt> {
    if file.symlink_metadata().is_ok() {
        return Err(Halt::Usage(format!("{}: is there already, and stays as it is", file.display())));
    }
    let ring = KeyRing::from_file_or_new(file)?;
    let key = ring.ids()[0]; // a ring is never empty
    output::write(format!("a new ring with the key {key} is in {}\n", file.display()).as_bytes())?;
    Ok(Status::Done)
}

fn shown(entry: &FileEntry) -> Shown {
    let sealed = entry.head.flags & Head::SEALED != 0;
    Shown {
        name: entry.name.clone(),
        issued_at: entry.head.stamp.issued.to_string(),
        expires_at: entry.head.stamp.expires.to_string(),
        expires_in_s: entry.remaining.as_secs(),
        bytes: entry.bytes,
        sealed_with: sealed.then(|| format!("{:016x}", u64::from_be_bytes(entry.head.key_id))),
    }
}

fn json(entries: &[Shown]) -> String {
    let mut lines = String::new();
    for entry in entries {
        // Text and numbers always make JSON.
        lines.push_str(&serde_json::to_string(entry).unwrap_or_default());
        lines.push('\n');
    }
    lines
}

fn text(entries: &[Shown], directory: &Path) -> String {
    let mut text = format!("{} records in {}\n", entries.len(), directory.display());
    for entry in entries {
        let Shown { name, issued_at, expires_in_s, bytes, sealed_with, .. } = entry;
        let left = life::spoken(std::time::Duration::from_secs(*expires_in_s));
        let sealed =
            sealed_with.as_ref().map_or_else(|| "plain".to_owned(), |id| format!("sealed with {id}"));
        // A string takes all that is written into it.
        let _ =
            writeln!(text, "{}  issued {issued_at}  {left:>6} left  {bytes:>5} bytes  {sealed}", &name[..16]);
    }
    text
}
