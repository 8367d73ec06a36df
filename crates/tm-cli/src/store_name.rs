//! Stores by their names, as one writes them on a command line.

use std::{fmt, path::PathBuf, str::FromStr};

use zeroize::Zeroizing;

/// What was asked for, by name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum StoreName {
    None,
    Memory,
    /// In this directory, or in the user's cache directory.
    File(Option<PathBuf>),
    /// A URL, which may hold a password.
    Redis(Zeroizing<String>),
}

impl FromStr for StoreName {
    type Err = String;

    /// The text stands in no error.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "memory" => Ok(Self::Memory),
            None if text == "file" => Ok(Self::File(None)),
            Some(("file", directory)) if !directory.is_empty() => Ok(Self::File(Some(directory.into()))),
            Some(("redis" | "rediss" | "unix", rest)) if rest.starts_with("//") => {
                Ok(Self::Redis(Zeroizing::new(text.to_owned())))
            }
            _ => Err("is none of none, memory, file, file:DIR, redis://…, rediss://…, unix://…".to_owned()),
        }
    }
}

impl fmt::Debug for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Memory => f.write_str("memory"),
            Self::File(directory) => write!(f, "file:{directory:?}"),
            Self::Redis(_) => f.write_str("redis"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_have_names() {
        assert_eq!("none".parse(), Ok(StoreName::None));
        assert_eq!("file".parse(), Ok(StoreName::File(None)));
        assert_eq!("file:/tmp/x".parse(), Ok(StoreName::File(Some("/tmp/x".into()))));
        assert!(matches!("rediss://host:1".parse(), Ok(StoreName::Redis(_))));
        for bad in ["", "hush", "file:", "redis:host", "http://host", "memory:"] {
            let refused = bad.parse::<StoreName>().unwrap_err();
            assert!(refused.starts_with("is none of"), "{refused}");
        }
    }
}
