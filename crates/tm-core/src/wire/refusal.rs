//! What the service said when it did not give what was asked for.

use std::fmt;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::{MAX_TOKEN_ANSWER, echo::repeats};
use crate::ServiceText;

/// How many bytes of an error body are looked at.
const READ_AT_MOST: usize = MAX_TOKEN_ANSWER;

/// A status other than 2xx, with whatever the body told. All text is capped and escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The service's own code, such as `mdsp.core.tokenmanager.forbidden`.
    pub code: Option<ServiceText>,
    /// What it says to people. What looks like a key or a token in it is hidden: error pages like to repeat requests.
    pub message: Option<ServiceText>,
    /// The reference under which the operator of the service finds it in its log.
    pub logref: Option<ServiceText>,
    /// Where a redirect points. It is never followed.
    pub location: Option<ServiceText>,
}

impl Refusal {
    /// Reads any body: `{"errors":[…]}`, `{"error","error_description"}`, `{"message"}`, other JSON, HTML, nothing.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let location = status.is_redirection().then(|| headers.get(header::LOCATION)).flatten();
        let mut refusal = Self {
            status: status.as_u16(),
            code: None,
            message: None,
            logref: None,
            location: location.and_then(|value| {
                ServiceText::new(&without_secrets(&String::from_utf8_lossy(value.as_bytes())))
            }),
        };
        let body = &body[..body.len().min(READ_AT_MOST)];
        match serde_json::from_slice::<Value>(body) {
            Ok(json) => refusal.take_json(&json),
            Err(_) => refusal.message = plain_text(body),
        }
        refusal
    }

    /// Leaves out what repeats this credential of the request, in any encoding.
    pub(crate) fn hide(&mut self, credential: &HeaderValue) {
        for text in [&mut self.code, &mut self.message, &mut self.logref, &mut self.location] {
            if text.as_ref().is_some_and(|text| repeats(text.as_str(), credential)) {
                *text = ServiceText::new("[hidden: it repeats the request]");
            }
        }
    }

    fn take_json(&mut self, json: &Value) {
        let first = json.pointer("/errors/0").unwrap_or(json);
        let text = |names: &[&str]| {
            names.iter().find_map(|name| match first.get(name)? {
                Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        let shown = |names: &[&str]| ServiceText::new(&without_secrets(&text(names)?));
        self.message = shown(&["message", "error_description", "description", "detail"]);
        self.code = shown(&["code", "errorCode", "error"]);
        // Made up by the service, and of no use with a part hidden.
        self.logref = text(&["logref", "logRef", "logReference"]).and_then(|text| ServiceText::new(&text));
    }
}

/// The words of an HTML page or of plain text: tags fall out, white space folds.
fn plain_text(body: &[u8]) -> Option<ServiceText> {
    let text = String::from_utf8_lossy(body);
    let mut words = String::new();
    let mut rest = &*text;
    while let Some((before, tag)) = rest.split_once('<') {
        let Some((_, after)) = tag.split_once('>') else { break };
        words.push_str(before);
        words.push(' ');
        rest = after;
    }
    words.push_str(rest);
    let folded = words.split_whitespace().collect::<Vec<_>>().join(" ");
    ServiceText::new(&without_secrets(&folded))
}

/// Words that look like a JWT or like base64 of some length are hidden; names of classes, hosts and traces are not.
fn without_secrets(text: &str) -> String {
    let is_of_word = |character: char| character.is_ascii_alphanumeric() || "+-_.".contains(character);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|character| !is_of_word(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        shown.push_str(if looks_secret(word) { "[hidden]" } else { word });
        let next = after.find(is_of_word).unwrap_or(after.len());
        shown.push_str(&after[..next]);
        rest = &after[next..];
    }
    shown
}

fn looks_secret(word: &str) -> bool {
    /// Shorter than the key of any application, whose secret alone makes more.
    const LONG: usize = 32;
    let has = |is: fn(&u8) -> bool| word.bytes().any(|byte| is(&byte));
    let is_jwt = word.find("eyJ").is_some_and(|start| word.len() - start >= LONG);
    let is_base64 = word.len() >= LONG
        && !word.contains('.')
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit);
    is_jwt || is_base64
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ", {message}")?;
        }
        if let Some(logref) = &self.logref {
            write!(f, " (log reference {logref})")?;
        }
        if let Some(location) = &self.location {
            write!(f, ", redirecting to {location}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(status: u16, body: &str) -> String {
        Refusal::read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes()).to_string()
    }

    #[test]
    fn every_known_shape_becomes_one() {
        let errors = r#"{"errors":[{"code":"mdsp.x","message":"no","logref":"r1"},{"code":"second"}]}"#;
        assert_eq!(shown(403, errors), "status 403 mdsp.x, no (log reference r1)");
        let oauth = r#"{"error":"unauthorized","error_description":"Bad credentials"}"#;
        assert_eq!(shown(401, oauth), "status 401 unauthorized, Bad credentials");
        assert_eq!(shown(500, r#"{"message":"oops"}"#), "status 500, oops");
        assert_eq!(shown(500, r#"{"message":" ","detail":"oops"}"#), "status 500, oops");
        assert_eq!(shown(500, "[1,2]"), "status 500");
        assert_eq!(shown(502, "<html><h1>Bad\n Gateway</h1></html>"), "status 502, Bad Gateway");
        assert_eq!(shown(503, ""), "status 503");
    }

    #[test]
    fn hostile_text_is_capped_and_escaped() {
        let long = format!("{{\"message\":\"{}\"}}", "x".repeat(5_000));
        assert!(shown(400, &long).chars().count() < 600);
        assert_eq!(shown(400, "a\u{7}b"), "status 400, a\\u{7}b");
        assert!(shown(400, &"<".repeat(100_000)).chars().count() < 600);
        assert_eq!(shown(400, "a < b"), "status 400, a < b");
    }

    #[test]
    fn a_service_that_repeats_a_request_gives_no_secret_away() {
        let key = "dG06Y2FuYXJ5LTdjMWU5MGQyLXNlY3JldA==";
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiJwY3NON0dfOGxNNmYiLCJp.OvEs0EaOL-7gdPftQyTzebLKk2wn";
        for body in [
            format!("<p>X-SPACE-AUTH-KEY: Basic {key}</p>"),
            format!("Authorization: Bearer {jwt}"),
            format!(r#"{{"access_token":"{jwt}","expires"#),
            format!(r#"{{"message":"bad header: Basic {key}"}}"#),
            format!(r#"{{"error":"{jwt}"}}"#),
        ] {
            let shown = shown(500, &body);
            assert!(!shown.contains("dG06") && !shown.contains("eyJ"), "{shown}");
            assert!(shown.contains("[hidden]"), "{shown}");
        }
        let logref = "Xk3d9AbCdEfGh1JkLmN0pQrStUvWxYz12345";
        let body = format!(r#"{{"message":"no","logref":"{logref}"}}"#);
        assert_eq!(shown(500, &body), format!("status 500, no (log reference {logref})"));
        for harmless in [
            "com.siemens.mindsphere.tokenmanager.exception.TokenNotIssuedException at line 17",
            "see https://developer.mindsphere.io/apis/core-tokenmanagement/api-tokenmanagement-overview.html",
            "logref 3fcf2a5e-cc76-11e7-abc4-cec278b6b50a, trace Root=1-67891233-abcdef012345678912345678",
        ] {
            assert_eq!(shown(500, harmless), format!("status 500, {harmless}"));
        }
    }

    #[test]
    fn what_nobody_sees_between_its_letters_hides_no_secret() {
        let key = "dG06Y2FuYXJ5LTdjMWU5MGQyLXNlY3JldA==";
        let body: String = key.chars().flat_map(|character| [character, '\0']).collect();
        let mut refusal = Refusal::read(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes());
        assert!(refusal.to_string().contains("d\\u{0}G"), "as its shape does not tell: {refusal}");
        refusal.hide(&HeaderValue::from_str(&format!("Basic {key}")).unwrap());
        assert_eq!(refusal.to_string(), "status 502, [hidden: it repeats the request]");
    }

    #[test]
    fn a_redirect_tells_where_it_points() {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, "https://api.eu1.siemens.app/x".parse().unwrap());
        let refusal = Refusal::read(StatusCode::PERMANENT_REDIRECT, &headers, b"");
        assert_eq!(refusal.to_string(), "status 308, redirecting to https://api.eu1.siemens.app/x");
        let repeated = format!("https://login.example/?token=eyJ{}.x", "a".repeat(40));
        headers.insert(header::LOCATION, repeated.parse().unwrap());
        let refusal = Refusal::read(StatusCode::FOUND, &headers, b"");
        assert_eq!(refusal.to_string(), "status 302, redirecting to https://login.example/?token=[hidden]");
    }
}
