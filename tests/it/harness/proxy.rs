//! A proxy that takes note of all it is told.

use std::{
    io::{BufReader, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use super::{RawRequest, RawServer};

/// Dropping it stops it.
pub(crate) struct ProxyServer {
    server: RawServer,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ProxyServer {
    /// Answers each request so, and hands the connection on after that.
    pub(crate) fn start(
        answer: impl Into<Vec<u8>>,
        tunnel: impl Fn(TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (notes, answer) = (Arc::clone(&heads), answer.into());
        let server = RawServer::serving(move |mut stream| {
            let Ok(request) = RawRequest::read(&mut BufReader::new(&stream)) else { return };
            notes.lock().expect("nobody panics with it").push(request.head);
            if stream.write_all(&answer).is_ok() {
                tunnel(stream);
            }
        });
        Self { server, heads }
    }

    /// One that opens no tunnel.
    pub(crate) fn refusing() -> Self {
        Self::start("HTTP/1.1 403 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", drop)
    }

    /// `127.0.0.1:3128`.
    pub(crate) fn authority(&self) -> String {
        self.server.address().to_string()
    }

    /// What came since the last look, each up to its empty line.
    pub(crate) fn heads(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().expect("nobody panics with it"))
    }
}
