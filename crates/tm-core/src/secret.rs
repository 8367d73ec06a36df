//! Secret text: wiped when its last owner drops, shared with `http` without a copy.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

/// Text that must not be seen, together with a header value over the same memory.
#[derive(Clone)]
pub(crate) struct SecretText {
    text: Arc<Zeroizing<String>>,
    header: HeaderValue,
}

/// Lets [`Bytes`] share the text, so that it is wiped only when the last header value is gone too.
struct Owner(Arc<Zeroizing<String>>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl SecretText {
    /// `None` if the text cannot stand in a header.
    pub(crate) fn new(text: Zeroizing<String>) -> Option<Self> {
        let text = Arc::new(text);
        let bytes = Bytes::from_owner(Owner(Arc::clone(&text)));
        let mut header = HeaderValue::from_maybe_shared(bytes).ok()?;
        header.set_sensitive(true);
        Some(Self { text, header })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Shares the memory; marked sensitive.
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
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
        let secret = SecretText::new(Zeroizing::new("Bearer hush".to_owned())).unwrap();
        let header = secret.header();
        assert_eq!(header.as_bytes().as_ptr(), secret.as_str().as_ptr());
        assert!(header.is_sensitive());
        assert!(!format!("{header:?} {secret:?}").contains("hush"));
    }

    #[test]
    fn text_that_cannot_stand_in_a_header_is_refused() {
        assert!(SecretText::new(Zeroizing::new("two\nlines".to_owned())).is_none());
    }
}
