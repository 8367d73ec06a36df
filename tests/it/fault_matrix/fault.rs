//! What a server does wrong.

use std::{
    fmt,
    io::{self, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use super::peers::Peer;

#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Nobody listens there.
    Refused,
    /// Somebody listens and takes no connection up: the queue is full.
    Unanswered,
    /// These bytes come in place of an answer.
    Sends(Bytes, Then),
    /// It does not speak TLS as it should.
    Handshake(Peer),
}

/// What is done with the connection after the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It is kept for the next request.
    Keep,
    /// It ends in good order.
    Close,
    /// It is torn down.
    Reset,
    /// Nothing more comes.
    Silence,
    /// This comes again and again.
    Forever(&'static str),
    /// They have come one by one, so slowly that it takes too long.
    Drip,
}

impl Fault {
    /// Whether it shows by a time running out. Then the time is short.
    pub(super) fn takes_time(&self) -> bool {
        match self {
            Self::Refused => false,
            Self::Unanswered => true,
            Self::Sends(_, then) => matches!(then, Then::Silence | Then::Drip),
            Self::Handshake(peer) => matches!(peer, Peer::Silent),
        }
    }
}

pub(super) fn sends(bytes: impl Into<Vec<u8>>, then: Then) -> Fault {
    Fault::Sends(Bytes(bytes.into()), then)
}

/// A whole answer, with the connection kept.
pub(super) fn answers(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Fault {
    sends(answer(status, headers, body), Then::Keep)
}

/// The bytes of a whole answer.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes = format!("HTTP/1.1 {status} Whatever\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    // These end with their heads (RFC 9112 §6.3).
    if !matches!(status, 100..=199 | 204 | 304) {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

impl Then {
    /// What was not read makes the system tear the connection down.
    pub(super) fn leaves_the_request_unread(self) -> bool {
        self == Self::Reset
    }

    /// Sends the bytes. Answers whether the connection is there for another request.
    pub(super) fn play(self, bytes: &[u8], mut stream: &TcpStream) -> io::Result<bool> {
        match self {
            Self::Drip => {
                for byte in bytes {
                    stream.write_all(&[*byte])?;
                    // sleep: slowness is what this is about, and no test waits for its end.
                    thread::sleep(Duration::from_millis(20));
                }
            }
            _ => stream.write_all(bytes)?,
        }
        match self {
            Self::Keep => return Ok(true),
            Self::Reset => return Ok(false),
            Self::Forever(text) => {
                let text = text.repeat(1_000);
                loop {
                    stream.write_all(text.as_bytes())?;
                }
            }
            Self::Close => stream.shutdown(Shutdown::Write)?,
            Self::Silence | Self::Drip => {}
        }
        // Until the client goes.
        io::copy(&mut stream, &mut io::sink())?;
        Ok(false)
    }
}

/// Not to be read in full when a row fails.
#[derive(Clone)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
