//! The strict reader of JSON requests: an object, each field once, none unknown, each of its type.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use crate::answers::Refusal;

/// The fields of a request body.
#[derive(Debug)]
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Reads an object that has no field twice and none but those of `documented` and `extra`.
    pub(crate) fn parse(body: &[u8], documented: &[&str], extra: &[String]) -> Result<Self, Refusal> {
        let fields: Self = serde_json::from_slice(body).map_err(|error| not_an_object(&error))?;
        for (position, (name, _)) in fields.0.iter().enumerate() {
            if !documented.contains(&name.as_str()) && !extra.contains(name) {
                return Err(about(name, "is not known"));
            }
            if fields.0.iter().take(position).any(|(earlier, _)| earlier == name) {
                return Err(about(name, "is there twice"));
            }
        }
        Ok(fields)
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, name: &str) -> Result<String, Refusal> {
        non_empty(name, self.value(name)?)
    }

    /// A list of texts that are not empty.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let Value::Array(values) = self.value(name)? else {
            return Err(about(name, "must be a list"));
        };
        values.iter().map(|value| non_empty(name, value)).collect()
    }

    fn value(&self, name: &str) -> Result<&Value, Refusal> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value).ok_or_else(|| about(name, "is missing"))
    }
}

fn non_empty(name: &str, value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) if text.is_empty() => Err(about(name, "must not be empty")),
        Value::String(text) => Ok(text.clone()),
        _ => Err(about(name, "must be text")),
    }
}

/// Names the field, but not more of it than a reader needs.
pub(crate) fn about(name: &str, problem: &str) -> Refusal {
    let name: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    Refusal::bad_request(format!("The field '{name}' {problem}."))
}

/// Where the JSON goes wrong; serde_json's own words would repeat what was sent.
fn not_an_object(error: &serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    Refusal::bad_request(match error.classify() {
        Category::Data => "The body is not a JSON object.".to_owned(),
        Category::Eof | Category::Syntax | Category::Io => {
            format!("The body is not JSON (line {line}, column {column}).")
        }
    })
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                // A map type of serde's would keep the last of two fields and say nothing.
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        let refusal = Fields::parse(body.as_bytes(), &["a", "b"], &["x".to_owned()])
            .and_then(|fields| fields.text("a").and_then(|_| fields.texts("b")))
            .expect_err("it is wrong");
        format!("{refusal:?}")
    }

    #[test]
    fn each_problem_names_its_field() {
        for (body, words) in [
            (r#"{"b":["1"]}"#, "'a' is missing"),
            (r#"{"a":"","b":["1"]}"#, "'a' must not be empty"),
            (r#"{"a":null,"b":["1"]}"#, "'a' must be text"),
            (r#"{"a":7,"b":["1"]}"#, "'a' must be text"),
            (r#"{"a":"1","b":"1"}"#, "'b' must be a list"),
            (r#"{"a":"1","b":["1",2]}"#, "'b' must be text"),
            (r#"{"a":"1","b":["1",""]}"#, "'b' must not be empty"),
            (r#"{"a":"1","b":["1"],"c":1}"#, "'c' is not known"),
            (r#"{"a":"1","b":["1"],"a":"1"}"#, "'a' is there twice"),
            (r#"{"a":"1","b":["1"],"x":1,"x":2}"#, "'x' is there twice"),
        ] {
            let said = refused(body);
            assert!(said.contains(words), "{body}: {said}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_refused_without_repeating_it() {
        for body in ["", "hush", r#"["hush"]"#, r#""hush""#, r#"{"a":"hush""#, r#"{"a":"1","b":["1"]} hush"#]
        {
            let said = refused(body);
            assert!(said.contains("The body is not") && !said.contains("hush"), "{body}: {said}");
        }
    }

    #[test]
    fn an_extra_field_is_accepted_when_it_was_announced() {
        let body = br#"{"a":"1","x":{"deep":[1]}}"#;
        let fields = Fields::parse(body, &["a"], &["x".to_owned()]).expect("it is right");
        assert_eq!(fields.text("a"), Ok("1".to_owned()));
    }
}
