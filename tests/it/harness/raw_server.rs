//! The smallest HTTP server there is: it sends the bytes that it is told to, and adds nothing.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
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
}

/// One connection for each request, one after the other, on one thread. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct RawServer {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl RawServer {
    /// Answers on a free port of loopback.
    pub(crate) fn start(answer: impl Fn(&RawRequest) -> Response<Bytes> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stopped = Arc::new(AtomicBool::new(false));
        let is_stopped = Arc::clone(&stopped);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if is_stopped.load(Ordering::SeqCst) {
                    return;
                }
                // A client that breaks off, because an answer is too long for it, is none of our business.
                let _ = stream.and_then(|stream| exchange(stream, &answer));
            }
        });
        Self { address, stopped, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
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

fn exchange(stream: TcpStream, answer: &impl Fn(&RawRequest) -> Response<Bytes>) -> io::Result<()> {
    stream.set_read_timeout(Some(LONGEST))?;
    stream.set_write_timeout(Some(LONGEST))?;
    let mut reader = BufReader::new(stream);
    let request = read(&mut reader)?;
    let mut stream = reader.into_inner();
    stream.write_all(&bytes_of(&answer(&request)))?;
    stream.shutdown(Shutdown::Write)?;
    // Until the client has closed too, so that nothing it has not read yet is thrown away.
    io::copy(&mut stream, &mut io::sink()).map(drop)
}

fn read(reader: &mut impl BufRead) -> io::Result<RawRequest> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    io::copy(&mut reader.take(length), &mut io::sink())?;
    Ok(RawRequest { target })
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
