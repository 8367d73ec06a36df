//! Input from outside, parsed once: after that it is good.

use std::{fmt, sync::Arc};

use serde::Serialize;

/// Why a piece of input was not accepted. Names the field and the reason, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidInput {
    field: &'static str,
    reason: String,
}

impl InvalidInput {
    /// For parsers outside this crate that share its errors, such as those of the environment.
    pub fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }

    /// Which field was refused, such as `client id`.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Why, such as `is empty`.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Visible ASCII, neither empty nor longer than `max` characters.
pub(crate) fn visible(field: &'static str, text: &str, max: usize) -> Result<(), InvalidInput> {
    printable(field, text, max)?;
    match text.find(' ') {
        Some(at) => Err(InvalidInput::new(field, format!("has a space at position {at}"))),
        None => Ok(()),
    }
}

/// Visible ASCII and spaces, neither empty nor longer than `max` characters.
pub(crate) fn printable(field: &'static str, text: &str, max: usize) -> Result<(), InvalidInput> {
    if text.is_empty() {
        return Err(InvalidInput::new(field, "is empty"));
    }
    if text.len() > max {
        let reason = format!("is {} bytes long, at most {max} are allowed", text.len());
        return Err(InvalidInput::new(field, reason));
    }
    match text.bytes().position(|byte| !matches!(byte, b' '..=b'~')) {
        Some(at) if text.as_bytes()[at].is_ascii() => {
            Err(InvalidInput::new(field, format!("has a control character at position {at}")))
        }
        Some(at) => Err(InvalidInput::new(field, format!("is not ASCII at position {at}"))),
        None => Ok(()),
    }
}

/// Defines a cheap, shared, parsed text. A macro, since the types differ in name and bound only.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $field:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses visible ASCII of a bounded length.
            ///
            /// # Errors
            /// Empty, too long, with spaces or control characters, or not ASCII.
            pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidInput> {
                let text = text.as_ref();
                visible($field, text, $max)?;
                Ok(Self(text.into()))
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidInput;
            fn from_str(text: &str) -> Result<Self, InvalidInput> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidInput;
            fn try_from(text: &str) -> Result<Self, InvalidInput> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidInput;
            fn try_from(text: String) -> Result<Self, InvalidInput> {
                Self::new(text)
            }
        }

        impl From<&$name> for $name {
            fn from(name: &$name) -> Self {
                name.clone()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// A tenant of the platform: visible ASCII, 1 to 128 characters. Cheap to clone.
    ///
    /// ```
    /// # use tm_core::TenantId;
    /// assert_eq!(TenantId::new("acme")?.as_str(), "acme");
    /// assert_eq!(TenantId::new("a b").unwrap_err().to_string(), "tenant id: has a space at position 1");
    /// # Ok::<(), tm_core::InvalidInput>(())
    /// ```
    TenantId, "tenant id", 128
}

name! {
    /// The name of the application as registered on the platform: visible ASCII, 1 to 128 characters.
    AppName, "app name", 128
}

name! {
    /// The version of the application as registered on the platform: visible ASCII, 1 to 64 characters.
    AppVersion, "app version", 64
}

impl std::borrow::Borrow<str> for TenantId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        TenantId::new(text).unwrap_err().to_string()
    }

    #[test]
    fn a_refusal_tells_field_and_reason_apart() {
        let refused = TenantId::new("").unwrap_err();
        assert_eq!((refused.field(), refused.reason()), ("tenant id", "is empty"));
    }

    #[test]
    fn bad_ids_are_refused_with_field_and_reason() {
        assert_eq!(reason(""), "tenant id: is empty");
        assert_eq!(reason("a\nb"), "tenant id: has a control character at position 1");
        assert_eq!(reason("ab\u{7f}"), "tenant id: has a control character at position 2");
        assert_eq!(reason("bär"), "tenant id: is not ASCII at position 1");
        assert_eq!(reason(&"x".repeat(129)), "tenant id: is 129 bytes long, at most 128 are allowed");
        assert!(TenantId::new("x".repeat(128)).is_ok());
    }

    #[test]
    fn a_tenant_is_found_by_its_text() {
        let known = std::collections::BTreeSet::from([TenantId::new("acme").unwrap()]);
        assert!(known.contains("acme") && !known.contains("other"));
    }

    #[test]
    fn an_error_never_repeats_the_value() {
        let error = AppName::new("s3cret value").unwrap_err();
        assert_eq!(error.field(), "app name");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
