//! The service on raw sockets, a thread for each connection: as little between client and answer as can be.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::Answers;

/// Serves as long as the process lives.
#[derive(Debug)]
pub struct Server {
    /// Its base URL.
    pub url: String,
    answers: Arc<Answers>,
}

/// What a TLS server needs, and what its clients do.
#[derive(Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    /// The authority to trust.
    pub authority: String,
}

impl Tls {
    /// A new authority, for loopback only.
    pub fn new() -> Self {
        let signed = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
            .expect("a key");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
        let config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("TLS 1.3")
                .with_no_client_auth()
                .with_single_cert(vec![signed.cert.der().clone()], key)
                .expect("a certificate of its own");
        Self { config: Arc::new(config), authority: signed.cert.pem() }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// Answers each request after this time.
    pub fn start(answers: Answers, latency: Duration) -> Self {
        let answers = Arc::new(answers);
        let served = Arc::clone(&answers);
        let url = listen("http", move |stream| serve(stream, &served, latency));
        Self { url, answers }
    }

    /// The same with TLS.
    pub fn start_tls(answers: Answers, tls: &Tls) -> Self {
        let answers = Arc::new(answers);
        let (served, config) = (Arc::clone(&answers), Arc::clone(&tls.config));
        let url = listen("https", move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            serve(StreamOwned::new(connection, stream), &served, Duration::ZERO)
        });
        Self { url, answers }
    }

    /// How many tokens it has given away.
    pub fn issued(&self) -> u64 {
        self.answers.issued()
    }
}

fn listen(scheme: &str, serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            // A client that leaves is no error.
            thread::spawn(move || stream.set_nodelay(true).and_then(|()| serve(stream)));
        }
    });
    format!("{scheme}://{address}")
}

fn serve(mut stream: impl Read + Write, answers: &Answers, latency: Duration) -> io::Result<()> {
    let mut received = Vec::new();
    let mut chunk = [0; 8_192];
    loop {
        let (head, total) = loop {
            if let Some(whole) = whole_request(&received) {
                break whole;
            }
            match stream.read(&mut chunk)? {
                0 => return Ok(()),
                count => received.extend_from_slice(&chunk[..count]),
            }
        };
        let target = String::from_utf8_lossy(&received[..head]);
        let body = answers.answer(target.split(' ').nth(1).unwrap_or_default(), &received[head..total]);
        if !latency.is_zero() {
            thread::sleep(latency); // sleep: it is what is simulated
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        stream.flush()?;
        received.drain(..total);
    }
}

/// Where the head ends, and the request.
fn whole_request(received: &[u8]) -> Option<(usize, usize)> {
    let head = received.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let total = head + length.unwrap_or(0_usize);
    (received.len() >= total).then_some((head, total))
}
