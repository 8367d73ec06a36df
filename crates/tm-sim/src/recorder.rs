//! The requests as they arrived, for tests that look at every byte.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use http::request::Parts;

/// A request that arrived whole. Its `Debug` has no credentials.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The position in the order of arrival, from 0, over all connections.
    pub sequence: u64,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, with the query if there is one, as it was sent.
    pub target: String,
    /// Names (lowercased) and values in the order sent, but repeated names stand together. A value that is not
    /// UTF-8 has its odd bytes replaced.
    pub headers: Vec<(String, String)>,
    /// The body, at most its first 64 KiB.
    pub body: Bytes,
}

impl RecordedRequest {
    /// The first value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECRET: [&str; 4] = ["x-space-auth-key", "authorization", "proxy-authorization", "cookie"];
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| (name, if SECRET.contains(&name.as_str()) { "[redacted]" } else { value }))
            .collect();
        f.debug_struct("RecordedRequest")
            .field("sequence", &self.sequence)
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &headers)
            .field("body", &String::from_utf8_lossy(&self.body))
            .finish()
    }
}

/// The last requests, and the number of the next.
#[derive(Debug)]
pub(crate) struct Recorder {
    kept: VecDeque<RecordedRequest>,
    limit: usize,
    next: u64,
}

impl Recorder {
    pub(crate) fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), limit, next: 0 }
    }

    /// Keeps the request and answers its sequence number.
    pub(crate) fn record(&mut self, head: &Parts, body: &Bytes) -> u64 {
        let sequence = self.next;
        self.next += 1;
        if self.limit > 0 {
            if self.kept.len() >= self.limit {
                self.kept.pop_front();
            }
            self.kept.push_back(recorded(sequence, head, body));
        }
        sequence
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.kept.iter().cloned().collect()
    }
}

fn recorded(sequence: u64, head: &Parts, body: &Bytes) -> RecordedRequest {
    let headers = head.headers.iter();
    RecordedRequest {
        sequence,
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: body.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(path: &str) -> Parts {
        let request = http::Request::get(path)
            .header("X-SPACE-AUTH-KEY", "Basic aWQ6aHVzaA==")
            .header("Authorization", "Bearer hush.hush.hush")
            .header("Accept", "application/json");
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn only_the_last_requests_are_kept_and_the_numbers_go_on() {
        let mut recorder = Recorder::new(2);
        for path in ["/a", "/b", "/c?d=e"] {
            recorder.record(&head(path), &Bytes::new());
        }
        let kept = recorder.requests();
        let kept: Vec<_> = kept.iter().map(|request| (request.sequence, request.target.as_str())).collect();
        assert_eq!(kept, [(1, "/b"), (2, "/c?d=e")]);
    }

    #[test]
    fn the_debug_of_a_request_has_no_credentials_but_its_fields_do() {
        let mut recorder = Recorder::new(1);
        recorder.record(&head("/a"), &Bytes::new());
        let request = recorder.requests().pop().expect("a request");
        let debug = format!("{request:?}");
        assert!(!debug.contains("aWQ6aHVzaA") && !debug.contains("hush"), "{debug}");
        assert!(debug.contains("application/json"));
        assert_eq!(request.header("authorization"), Some("Bearer hush.hush.hush"));
    }
}
