//! Parsing bytes from outside without ever repeating them.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

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

/// Reads a JSON object. Nothing but an object: serde would take a list for a struct too, field by field in order.
pub(super) fn from_json<'a, T: Deserialize<'a>>(
    what: &'static str,
    json: &'a [u8],
) -> Result<T, DecodeError> {
    if json.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(DecodeError::new(what, "it is no JSON object"));
    }
    serde_json::from_slice(json).map_err(|error| DecodeError::json(what, &error))
}

/// A JSON object inside of another, and nothing but an object, for the same reason.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyMaps<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyMaps<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(OnlyMaps(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_where_and_not_what() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "nothing is ever read into it")]
        struct Number {
            n: u8,
        }
        let problem = |json: &[u8]| from_json::<Number>("the answer", json).unwrap_err().to_string();
        let expected =
            "the answer is not as documented: a field is missing or of the wrong type (line 1, column 16)";
        assert_eq!(problem(br#"{"n":"hush-hush"}"#), expected);
        assert_eq!(problem(b"[1]"), "the answer is not as documented: it is no JSON object");
    }
    #[test]
    fn what_is_no_object_is_refused_by_that_name() {
        let error = serde_json::from_str::<Object<serde_json::Value>>("[1]").unwrap_err();
        assert!(error.to_string().contains("expected an object"), "{error}");
    }
}
