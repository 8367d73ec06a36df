//! Secret text: wiped when its last owner drops, shared with `http` without a copy.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

/// Text that must not be seen, as the value of a header. There are as many of these in memory as there are tokens, so
/// it keeps nothing beside that value, and looks at the text anew for whoever wants it as a `str`.
#[derive(Clone)]
pub(crate) struct SecretText(HeaderValue);

/// Lets [`Bytes`] own the text, so that it is wiped when the last header value is gone too.
struct Owner(Zeroizing<Box<str>>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl SecretText {
    /// A scheme with its blank, and what is secret. `None` if they cannot stand in a header.
    pub(crate) fn new(scheme: &str, secret: &str) -> Option<Self> {
        // In one piece from the start: by growing or shrinking, a copy would be left behind.
        let text = Zeroizing::new([scheme, secret].concat().into_boxed_str());
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(Owner(text))).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn as_str(&self) -> &str {
        // It was a `str`: there is no other case.
        std::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }

    /// Shares the memory; marked sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_shares_the_memory_and_hides_its_value() {
        let secret = SecretText::new("Bearer ", "hush").unwrap();
        let header = secret.header();
        assert_eq!(header.as_bytes().as_ptr(), secret.as_str().as_ptr());
        assert!(header.is_sensitive());
        assert!(!format!("{header:?} {secret:?}").contains("hush"));
    }

    #[test]
    fn text_that_cannot_stand_in_a_header_is_refused() {
        assert!(SecretText::new("Bearer ", "two\nlines").is_none());
    }
}
