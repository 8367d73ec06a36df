//! The smallest HTTP server there is: it sends the bytes that it is told to, and adds nothing.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use http::Response;

/// No exchange lasts longer.
const LONGEST: Duration = Duration::from_secs(20);

/// A request as it came.
#[derive(Debug)]
pub(crate) struct RawRequest {
    pub(crate) target: String,
    /// Everything before the body, as it came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl RawRequest {
    /// Reads one from a connection.
    ///
    /// # Errors
    /// The client has gone before its end.
    pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut head, mut length) = (line.clone(), 0);
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            head.push_str(&line);
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Self { target, head, body })
    }
}

/// A thread for each connection. Dropping it stops it; a connection ends when its client goes.
#[derive(Debug)]
pub(crate) struct RawServer {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawServer {
    /// Answers one request a connection, on a free port of loopback.
    pub(crate) fn start(answer: impl Fn(&RawRequest) -> Response<Bytes> + Send + Sync + 'static) -> Self {
        // A client that breaks off, because an answer is too long for it, is none of our business.
        Self::serving(move |stream| drop(exchange(stream, &answer)))
    }

    /// Does this with each connection. Nothing is waited for longer than [`LONGEST`].
    pub(crate) fn serving(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stopped);
        let serve = Arc::new(serve);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if is_stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream.and_then(with_limits) else { continue };
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self { address, stopped, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address)); // wakes it
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn with_limits(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_read_timeout(Some(LONGEST))?;
    stream.set_write_timeout(Some(LONGEST))?;
    Ok(stream)
}

fn exchange(stream: TcpStream, answer: &impl Fn(&RawRequest) -> Response<Bytes>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let request = RawRequest::read(&mut reader)?;
    let mut stream = reader.into_inner();
    stream.write_all(&bytes_of(&answer(&request)))?;
    stream.shutdown(Shutdown::Write)?;
    // Until the client has closed too, so that nothing it has not read yet is thrown away.
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

fn bytes_of(answer: &Response<Bytes>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Whatever\r\n", answer.status().as_u16()).into_bytes();
    let connection = [("connection", "close".as_bytes())];
    let ours = answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    for (name, value) in ours.filter(|(name, _)| *name != "connection").chain(connection) {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    // These two end with their heads (RFC 9112 §6.3).
    if !matches!(answer.status().as_u16(), 204 | 304) {
        head.extend_from_slice(format!("content-length: {}\r\n", answer.body().len()).as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(answer.body());
    head
}
