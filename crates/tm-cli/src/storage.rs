//! Where tokens are kept from one run to the next.

use std::path::{Path, PathBuf};

use tm_async::cache::{FileStore, KeyRing, MemoryStore, RedisOptions, StoreError};
use zeroize::Zeroizing;

use crate::{
    args::StoreOptions,
    exit::{Halt, told},
    input,
    output::tell,
    store_name::StoreName,
};

const VARIABLE: &str = "TM_STORE";
const FILE_VARIABLE: &str = "TM_STORE_FILE";
const RING_VARIABLE: &str = "TM_SEAL_KEYS";
const RING_FILE_VARIABLE: &str = "TM_SEAL_KEYS_FILE";

/// Longer than any URL or ring that is accepted.
const LIMIT: usize = 4_096;

/// For the command line, where all users of the machine can read along.
pub(crate) fn without_password(text: &str) -> Result<StoreName, String> {
    let name = text.parse()?;
    if let StoreName::Redis(url) = &name
        && RedisOptions::new(url.as_str()).has_password_in_url().map_err(|error| told(&error))?
    {
        return Err(format!("has a password, which belongs into {VARIABLE} or a file (--store-file)"));
    }
    Ok(name)
}

/// A store that is open, with its ring.
pub(crate) enum Storage {
    None,
    Memory(MemoryStore),
    Files(FileStore, KeyRing),
    Redis(RedisOptions, KeyRing),
}

impl Storage {
    /// What the options or the environment name. Without a word about it, the user's cache directory; if that cannot be
    /// used, tokens are not kept, and stderr is told.
    ///
    /// # Errors
    /// What is named cannot be used.
    pub(crate) fn open(
        options: &StoreOptions,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Halt> {
        let ring = || named_ring(options, &variable);
        let Some(name) = named(options, &variable)? else {
            return Ok(Self::files(None, ring()?).unwrap_or_else(|halt| {
                let why = halt.message().unwrap_or_default();
                tell(format_args!("tokens are not kept: {why}"));
                Self::None
            }));
        };
        match name {
            StoreName::None => Ok(Self::None),
            StoreName::Memory => Ok(Self::Memory(MemoryStore::default())),
            StoreName::File(directory) => Self::files(directory, ring()?),
            StoreName::Redis(url) => {
                let mut redis = RedisOptions::new(url.as_str());
                if options.allow_plaintext_redis {
                    redis = redis.allow_plaintext_network();
                }
                let ring = match ring()? {
                    Some(ring) => ring,
                    None => ring_of(&FileStore::in_user_cache().map_err(unusable)?)?,
                };
                Ok(Self::Redis(redis, ring))
            }
        }
    }

    /// Files in this directory, with a ring of their own.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub(crate) fn in_directory(directory: &Path) -> Result<Self, Halt> {
        Self::files(Some(directory.to_owned()), None)
    }

    fn files(directory: Option<PathBuf>, ring: Option<KeyRing>) -> Result<Self, Halt> {
        let store = files(directory)?;
        let ring = match ring {
            Some(ring) => ring,
            None => ring_of(&store)?,
        };
        Ok(Self::Files(store, ring))
    }
}

/// The files that the options or the environment name, for those who want to look into them.
///
/// # Errors
/// Another kind of store is named, or the files cannot be used.
pub(crate) fn open_files(
    options: &StoreOptions,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<FileStore, Halt> {
    match named(options, &variable)? {
        None => files(None),
        Some(StoreName::File(directory)) => files(directory),
        Some(StoreName::None | StoreName::Memory) => Err(Halt::Usage("this store keeps nothing".to_owned())),
        Some(StoreName::Redis(_)) => Err(Halt::Usage(
            "a Redis may be shared, and is looked into with its own tools: redis-cli --scan --pattern 'tm:*'"
                .to_owned(),
        )),
    }
}

fn files(directory: Option<PathBuf>) -> Result<FileStore, Halt> {
    directory.map_or_else(FileStore::in_user_cache, FileStore::open).map_err(unusable)
}

/// The store's own ring, made if there is none.
fn ring_of(store: &FileStore) -> Result<KeyRing, Halt> {
    Ok(KeyRing::from_file_or_new(store.directory().join("ring"))?)
}

/// What the command line names goes first, then the environment.
fn named(
    options: &StoreOptions,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<StoreName>, Halt> {
    if let Some(name) = &options.store {
        return Ok(Some(name.clone()));
    }
    let parsed = |what: &str, text: &str| {
        text.trim().parse().map(Some).map_err(|error| Halt::Usage(format!("{what}: {error}")))
    };
    let file = match (&options.store_file, set(VARIABLE, variable)) {
        (Some(file), _) => Some(file.clone()),
        (None, Some(text)) => return parsed(VARIABLE, &text),
        (None, None) => set(FILE_VARIABLE, variable).map(|path| PathBuf::from(path.as_str())),
    };
    let Some(path) = file else { return Ok(None) };
    let what = format!("the file {}", path.display());
    parsed(&what, &input::file(&path, &what, LIMIT)?)
}

/// A variable that is set to something. Its copy is wiped.
fn set(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Zeroizing<String>> {
    variable(name).filter(|value| !value.is_empty()).map(Zeroizing::new)
}

fn named_ring(
    options: &StoreOptions,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Option<KeyRing>, Halt> {
    let ring = match (&options.ring_file, set(RING_VARIABLE, variable), set(RING_FILE_VARIABLE, variable)) {
        (Some(file), ..) => KeyRing::from_file(file),
        (None, Some(text), _) => KeyRing::parse(&text),
        (None, None, Some(file)) => KeyRing::from_file(file.as_str()),
        (None, None, None) => return Ok(None),
    };
    Ok(Some(ring?))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn unusable(error: StoreError) -> Halt {
    Halt::Usage(format!("the store cannot be used: {}", told(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> StoreOptions {
        StoreOptions { store: None, store_file: None, ring_file: None, allow_plaintext_redis: false }
    }

    #[test]
    fn a_password_is_no_argument() {
        for bad in [
            "redis://:hush@host",
            "rediss://user:hush@host:1/0",
            "unix:///run/redis.sock?user=app&pass=hush",
            "unix:///run/redis.sock?p%61ss=hush",
        ] {
            let refused = without_password(bad).unwrap_err();
            assert!(refused.contains("TM_STORE") && !refused.contains("hush"), "{refused}");
            assert!(bad.parse::<StoreName>().is_ok(), "elsewhere it is welcome");
            assert!(!format!("{:?}", bad.parse::<StoreName>()).contains("hush"));
        }
        for good in ["redis://host:6379/1", "redis://user@host", "unix:///run/redis.sock?db=1", "file:/a:b@c"]
        {
            assert!(without_password(good).is_ok(), "{good}");
        }
        let refused = without_password("redis://:hush@host:port").unwrap_err();
        assert!(refused.starts_with("not a URL of a Redis") && !refused.contains("hush"), "{refused}");
    }

    #[test]
    fn what_is_named_most_closely_goes_first() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("store");
        std::fs::write(&path, "memory\n").unwrap();
        let set = |name: &str| match name {
            VARIABLE => Some("none".to_owned()),
            FILE_VARIABLE => Some(path.display().to_string()),
            _ => None,
        };
        let named_store = Some(StoreName::File(None));
        let by_option = StoreOptions { store: named_store.clone(), ..options() };
        let by_file = StoreOptions { store_file: Some(path.clone()), ..options() };
        assert_eq!(named(&by_option, &set).unwrap(), named_store);
        assert_eq!(named(&by_file, &set).unwrap(), Some(StoreName::Memory));
        assert_eq!(named(&options(), &set).unwrap(), Some(StoreName::None));
        let file_only = |name: &str| set(name).filter(|_| name == FILE_VARIABLE);
        assert_eq!(named(&options(), &file_only).unwrap(), Some(StoreName::Memory));
        assert_eq!(named(&options(), &|_: &str| None).unwrap(), None);
    }

    #[test]
    fn what_was_asked_for_and_cannot_be_used_is_an_error() {
        let place = tempfile::NamedTempFile::new().unwrap();
        let taken = StoreName::File(Some(place.path().to_owned()));
        let halt = Storage::open(&StoreOptions { store: Some(taken), ..options() }, |_| None);
        assert!(matches!(halt, Err(Halt::Usage(why)) if why.contains("cannot be used")));
        let bad_ring = |name: &str| (name == RING_VARIABLE).then(|| "hush".to_owned());
        for store in [None, Some(StoreName::File(None)), Some("redis://127.0.0.1:1".parse().unwrap())] {
            let halt = Storage::open(&StoreOptions { store, ..options() }, bad_ring).err().unwrap();
            assert_eq!(halt.message().unwrap(), "key ring: entry 1 is neither name=KEY nor seal=KEY");
        }
    }
}
