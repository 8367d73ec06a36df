//! One row a tenant: JSON for programs, columns for people.

use std::io;

use serde::Serialize;
use tm_core::{Error, ErrorKind, TenantId};
use zeroize::Zeroizing;

use crate::{
    client::Served,
    exit::{Status, told},
    life::spoken,
    output::{tell, visible, write},
};

/// Writes rows and keeps the books of them.
#[derive(Debug)]
pub(crate) struct Rows {
    json: bool,
    reveal: bool,
    width: usize,
    served: usize,
    failed: usize,
    worst: Status,
}

#[derive(Serialize)]
struct Row<'a> {
    tenant: &'a str,
    status: &'static str,
    expires_in_s: Option<u64>,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
}

#[derive(Serialize)]
struct Failed<'a> {
    /// None if it is about the list itself.
    tenant: Option<&'a str>,
    status: &'static str,
    kind: &'static str,
    message: String,
    /// When it is worth asking again, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

impl Rows {
    /// With columns for ids of `width` characters; longer ones widen those that follow.
    pub(crate) fn new(json: bool, reveal: bool, width: usize) -> Self {
        Self { json, reveal, width, served: 0, failed: 0, worst: Status::Done }
    }

    /// The row of a tenant.
    pub(crate) fn tenant(&mut self, tenant: &TenantId, result: &Result<Served, Error>) -> io::Result<()> {
        let line = match result {
            Ok(served) => self.served(tenant.as_str(), served),
            Err(error) => self.failed(tenant.as_str(), error),
        };
        write(&line)
    }

    /// An error about a tenant, if it tells of one, else about the list of tenants.
    pub(crate) fn error(&mut self, error: &Error) -> io::Result<()> {
        if let Some(tenant) = error.tenant() {
            return write(&self.failed(tenant.as_str(), error));
        }
        // The only tenant that can be refused here is the operator, without whom nobody is served.
        let is_refusal = error.kind() == ErrorKind::TenantRefused;
        self.worst = self.worst.max(if is_refusal { Status::Service } else { Status::of_error(error) });
        if !self.json {
            tell(told(error));
            return Ok(());
        }
        write(&json(
            256,
            &Failed {
                tenant: None,
                status: "error",
                kind: error.kind().as_str(),
                message: told(error),
                retry_after_s: seconds(error),
            },
        ))
    }

    /// What all rows make of the run. Tells how many failed.
    pub(crate) fn finish(&self) -> Status {
        if self.failed > 0 && !self.json {
            tell(format_args!("{} of {} tenants failed", self.failed, self.failed + self.served));
        }
        self.worst
    }

    fn served(&mut self, tenant: &str, Served { token, left }: &Served) -> Zeroizing<Vec<u8>> {
        self.served += 1;
        let scopes = token.claims().map(|claims| claims.scopes).unwrap_or_default();
        let access_token = self.reveal.then(|| token.secret());
        let room = tenant.len() + token.bytes() * 2 + 256;
        if self.json {
            let expires_in_s = left.map(|left| left.as_secs());
            return json(room, &Row { tenant, status: "ok", expires_in_s, scopes, access_token });
        }
        self.width = self.width.max(tenant.len());
        let left = left.map_or_else(|| "?".to_owned(), spoken);
        let scopes = match scopes.len() {
            1 => "1 scope".to_owned(),
            count => format!("{count} scopes"),
        };
        let mut line = Zeroizing::new(Vec::with_capacity(room));
        line.extend(format!("{tenant:<width$}  ok     {left:>7}  ", width = self.width).into_bytes());
        match access_token {
            Some(token) => {
                line.extend(format!("{scopes:<10}  ").into_bytes());
                line.extend_from_slice(token.as_bytes());
            }
            None => line.extend(scopes.into_bytes()),
        }
        line.push(b'\n');
        line
    }

    fn failed(&mut self, tenant: &str, error: &Error) -> Zeroizing<Vec<u8>> {
        self.failed += 1;
        self.worst = self.worst.max(Status::of_error(error));
        let message = told(error);
        let message = message.strip_prefix(&format!("tenant {tenant}: ")).unwrap_or(&message);
        if self.json {
            let (kind, message) = (error.kind().as_str(), message.to_owned());
            let retry_after_s = seconds(error);
            return json(
                256,
                &Failed { tenant: Some(tenant), status: "error", kind, message, retry_after_s },
            );
        }
        self.width = self.width.max(tenant.len());
        let message = visible(message);
        format!("{tenant:<width$}  error  {message}\n", width = self.width).into_bytes().into()
    }
}

/// In whole seconds, rather late than early.
fn seconds(error: &Error) -> Option<u64> {
    error.retry_after().map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// As one line. `room` is enough for all of it, so that no copy of a token is left behind by growing.
fn json(room: usize, row: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut line = Zeroizing::new(Vec::with_capacity(room));
    // Text and numbers always make JSON, and a vector takes all of it.
    let _ = serde_json::to_writer(&mut *line, row);
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tm_core::Token;

    use super::*;

    fn line(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn served(left: Option<u64>) -> Served {
        Served { token: Token::new("opaque").unwrap(), left: left.map(Duration::from_secs) }
    }

    #[test]
    fn a_life_is_told_if_it_is_known() {
        let json = |left| line(&Rows::new(true, false, 0).served("acme", &served(left)));
        assert_eq!(
            json(Some(90)),
            "{\"tenant\":\"acme\",\"status\":\"ok\",\"expires_in_s\":90,\"scopes\":[]}\n"
        );
        assert!(json(None).contains("\"expires_in_s\":null"));
        let text = |left| line(&Rows::new(false, false, 6).served("acme", &served(left)));
        assert_eq!(text(Some(90)), "acme    ok       1m30s  0 scopes\n");
        assert_eq!(text(None), "acme    ok           ?  0 scopes\n");
    }

    #[test]
    fn a_token_is_shown_on_request_only() {
        for json in [false, true] {
            assert!(!line(&Rows::new(json, false, 0).served("acme", &served(None))).contains("opaque"));
            assert!(line(&Rows::new(json, true, 0).served("acme", &served(None))).contains("opaque"));
        }
    }

    #[test]
    fn the_worst_row_decides() {
        let mut rows = Rows::new(true, false, 0);
        for kind in [ErrorKind::TenantRefused, ErrorKind::Unauthorized, ErrorKind::Service] {
            rows.failed("acme", &Error::new(kind, "no"));
        }
        assert_eq!(rows.finish(), Status::Unauthorized);
    }

    #[test]
    fn what_the_service_says_stays_on_its_line() {
        let error = Error::new(ErrorKind::Service, "a\nb\u{1b}[2J");
        for json in [false, true] {
            let row = line(&Rows::new(json, false, 0).failed("acme", &error));
            assert_eq!((row.matches('\n').count(), row.contains('\u{1b}')), (1, false), "{row:?}");
        }
    }
}
