//! Parsing bytes from outside without ever repeating them.

use serde::Deserialize;

/// A 2xx whose body is not what was asked for. Says what kind of trouble and where, never what stood there:
/// `serde_json`'s own messages quote values, and a value may be a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not as documented: {problem}")]
pub struct DecodeError {
    what: &'static str,
    problem: String,
}

impl DecodeError {
    pub(crate) fn new(what: &'static str, problem: impl Into<String>) -> Self {
        Self { what, problem: problem.into() }
    }

    pub(super) fn too_large(what: &'static str, limit: usize) -> Self {
        Self::new(what, format!("it is larger than {limit} bytes"))
    }

    pub(super) fn json(what: &'static str, error: &serde_json::Error) -> Self {
        let kind = match error.classify() {
            serde_json::error::Category::Io => "it could not be read",
            serde_json::error::Category::Syntax => "it is not valid JSON",
            serde_json::error::Category::Data => "a field is missing or of the wrong type",
            serde_json::error::Category::Eof => "it ends too early",
        };
        Self::new(what, format!("{kind} (line {}, column {})", error.line(), error.column()))
    }
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(
    what: &'static str,
    json: &'a [u8],
) -> Result<T, DecodeError> {
    serde_json::from_slice(json).map_err(|error| DecodeError::json(what, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_where_and_not_what() {
        let error = from_json::<u8>("the answer", br#""hush-hush""#).unwrap_err();
        let expected =
            "the answer is not as documented: a field is missing or of the wrong type (line 1, column 11)";
        assert_eq!(error.to_string(), expected);
    }
}
