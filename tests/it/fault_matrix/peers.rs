//! Peers that do not speak TLS as they should, and one that does.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{Arc, LazyLock},
};

use rustls::ServerConfig;

use crate::harness::{Authority, Tls, accept};

/// How a peer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// Its certificate is signed by nobody whom the client knows.
    Unknown,
    /// Its certificate has ended.
    Expired,
    /// Its certificate is another host's.
    OtherHost,
    /// It sends these bytes, whatever it is told.
    Sends(&'static [u8]),
    /// It says nothing.
    Silent,
    /// It goes.
    Gone,
    /// It is trusted, and its answer is cut off without the end that TLS asks for.
    Cut,
}

/// Plain HTTP on the port of TLS, as nginx answers it.
pub(super) const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What a server that knows TLS 1.1 at most answers a client that offers 1.2 and 1.3: a fatal alert, `protocol_version`
/// (RFC 5246 §7.2.2).
pub(super) const TOO_OLD: &[u8] = &[21, 3, 2, 0, 2, 2, 70];

/// A `ServerHello` of TLS 1.1 for a client that has not offered it: version 3.2, a random of zeros, no session,
/// `TLS_RSA_WITH_AES_128_CBC_SHA`, no compression.
pub(super) const INSISTS_ON_1_1: &[u8] = &{
    let mut hello = [0; 47];
    let head = [22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    let mut at = 0;
    while at < head.len() {
        hello[at] = head[at];
        at += 1;
    }
    hello[45] = 0x2f;
    hello
};

/// All that is needed of certificates, made once.
struct Servers {
    authority: Authority,
    good: Arc<ServerConfig>,
    unknown: Arc<ServerConfig>,
    expired: Arc<ServerConfig>,
    other_host: Arc<ServerConfig>,
}

static SERVERS: LazyLock<Servers> = LazyLock::new(|| {
    let authority = Authority::new("a company");
    Servers {
        good: authority.server("127.0.0.1"),
        unknown: Authority::new("somebody").server("127.0.0.1"),
        expired: authority.expired_server("127.0.0.1"),
        other_host: authority.server("gateway.example"),
        authority,
    }
});

/// Whom the clients trust besides the system's authorities.
pub(super) fn trusted() -> &'static [u8] {
    SERVERS.authority.pem()
}

/// The handshake of a good peer.
pub(super) fn good(stream: TcpStream) -> io::Result<Tls> {
    accept(&SERVERS.good, stream)
}

impl Peer {
    /// `answer` is what a good peer would have said.
    pub(super) fn play(self, mut stream: TcpStream, answer: &[u8]) -> io::Result<()> {
        match self {
            Self::Unknown => accept(&SERVERS.unknown, stream).map(drop),
            Self::Expired => accept(&SERVERS.expired, stream).map(drop),
            Self::OtherHost => accept(&SERVERS.other_host, stream).map(drop),
            Self::Sends(bytes) => {
                stream.read_exact(&mut [0])?;
                stream.write_all(bytes)?;
                stream.shutdown(Shutdown::Write)?;
                io::copy(&mut stream, &mut io::sink()).map(drop)
            }
            Self::Silent => io::copy(&mut stream, &mut io::sink()).map(drop),
            Self::Gone => stream.read_exact(&mut [0]),
            Self::Cut => {
                let mut tls = good(stream)?;
                tls.read_exact(&mut [0])?;
                tls.write_all(&answer[..answer.len() - 10])?;
                tls.flush()?;
                tls.sock.shutdown(Shutdown::Write)?;
                io::copy(&mut tls.sock, &mut io::sink()).map(drop)
            }
        }
    }
}
