//! A service that is good until it is told to be bad.

use std::{
    io::{self, BufReader, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{
    MARK,
    column::{Column, page},
    fault::{Fault, answer},
    peers,
    row::Row,
    traps::ELSEWHERE,
};
use crate::harness::{RawRequest, RawServer, part};

/// The life of the first token, where another is to follow while it lives: 6 s after all safety.
pub(super) const SHORT_LIFE_S: u64 = 11;

pub(super) struct Service {
    server: RawServer,
    ways: Arc<Ways>,
}

struct Ways {
    fault: Fault,
    /// What is asked for ends so where the fault is.
    path: &'static str,
    life_s: u64,
    issued: AtomicU64,
    bad: AtomicBool,
    strayed: AtomicU64,
}

impl Service {
    pub(super) fn start(row: &Row, column: Column) -> Self {
        let ways = Arc::new(Ways {
            fault: row.fault.clone(),
            path: match (column, &row.list) {
                (Column::List, Some(_)) => "/userTenants",
                _ if row.tenants > 1 => "/oauthTokens",
                _ => "/oauth/token",
            },
            life_s: if column == Column::Refresh { SHORT_LIFE_S } else { 1_799 },
            issued: AtomicU64::new(0),
            bad: AtomicBool::new(false),
            strayed: AtomicU64::new(0),
        });
        let told = Arc::clone(&ways);
        let server = RawServer::serving(move |stream| {
            // Whatever a client does to a connection, it is none of ours.
            let _ = match &told.fault {
                Fault::Handshake(_) => told.over_tls(stream),
                _ => told.in_clear(&stream),
            };
        });
        Self { server, ways }
    }

    pub(super) fn url(&self) -> String {
        let scheme = if matches!(self.ways.fault, Fault::Handshake(_)) { "https" } else { "http" };
        format!("{scheme}://{}", self.server.address())
    }

    pub(super) fn break_down(&self) {
        self.ways.bad.store(true, Ordering::SeqCst);
    }

    pub(super) fn recover(&self) {
        self.ways.bad.store(false, Ordering::SeqCst);
    }

    /// How many requests came to where only a redirect points.
    pub(super) fn strayed(&self) -> u64 {
        self.ways.strayed.load(Ordering::SeqCst)
    }

    pub(super) fn path(&self) -> &'static str {
        self.ways.path
    }
}

impl Ways {
    fn is_bad(&self) -> bool {
        self.bad.load(Ordering::SeqCst)
    }

    fn in_clear(&self, stream: &TcpStream) -> io::Result<()> {
        loop {
            let target = await_request(stream)?;
            if target == ELSEWHERE {
                self.strayed.fetch_add(1, Ordering::SeqCst);
            }
            if self.is_bad()
                && target.split('?').next().is_some_and(|path| path.ends_with(self.path))
                && let Fault::Sends(bytes, then) = &self.fault
            {
                if !then.leaves_the_request_unread() {
                    RawRequest::read(&mut BufReader::new(stream))?;
                }
                if !then.play(&bytes.0, stream)? {
                    return Ok(());
                }
            } else {
                let request = RawRequest::read(&mut BufReader::new(stream))?;
                (&*stream).write_all(&self.good(&request, &[]))?;
            }
        }
    }

    fn over_tls(&self, stream: TcpStream) -> io::Result<()> {
        if self.is_bad()
            && let Fault::Handshake(peer) = &self.fault
        {
            return peer.play(stream, &answer(200, &[], self.one_token()));
        }
        let mut tls = peers::good(stream)?;
        let request = RawRequest::read(&mut BufReader::new(&mut tls))?;
        tls.write_all(&self.good(&request, &[("connection", "close")]))?;
        part(tls)
    }

    fn good(&self, request: &RawRequest, headers: &[(&str, &str)]) -> Vec<u8> {
        let body = if request.target.contains("/userTenants") {
            page()
        } else if request.target.contains("/oauthTokens") {
            self.tokens(&request.body)
        } else {
            self.one_token()
        };
        answer(200, headers, body)
    }

    fn one_token(&self) -> String {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let life = self.life_s;
        format!(r#"{{"access_token":"{MARK}-{number}","token_type":"bearer","expires_in":{life}}}"#)
    }

    fn tokens(&self, request: &[u8]) -> String {
        let asked: serde_json::Value = serde_json::from_slice(request).expect("a client sends JSON");
        let tenants = asked["userTenantIds"].as_array().expect("a list of tenants");
        let entry = |tenant| format!(r#"{{"userTenantId":{tenant},"token":{}}}"#, self.one_token());
        format!(r#"{{"oauthTokens":[{}]}}"#, tenants.iter().map(entry).collect::<Vec<_>>().join(","))
    }
}

/// Waits for a request, and answers what it is for without taking it.
fn await_request(stream: &TcpStream) -> io::Result<String> {
    let mut seen = [0; 1_024];
    loop {
        let seen = match stream.peek(&mut seen)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => String::from_utf8_lossy(&seen[..length]),
        };
        if let Some((line, _)) = seen.split_once("\r\n") {
            return Ok(line.split(' ').nth(1).unwrap_or_default().to_owned());
        }
    }
}
