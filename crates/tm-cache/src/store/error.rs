//! What goes wrong in a store.

use std::{error::Error as StdError, fmt, sync::Arc};

/// Why a store could not do what was asked of it.
#[derive(Debug, Clone)]
pub struct StoreError {
    message: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// With nothing below it. The text must hold no secret.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same with a cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_text_and_its_cause() {
        let error = StoreError::new("cannot be read");
        assert!(error.to_string() == "cannot be read" && error.source().is_none());
        let error = error.because("permission denied");
        assert_eq!(error.to_string(), "cannot be read");
        assert_eq!(error.source().unwrap().to_string(), "permission denied");
    }
}
