//! A real Redis of a test's own: on a free port of loopback, with nothing on disk, gone with the value.
//!
//! Depends on std and tempfile alone.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A running server. Dropping it ends it.
pub(crate) struct RedisServer {
    process: Child,
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
}

/// How long a server may take to start on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

const IN_MEMORY: [&str; 4] = ["--save", "", "--appendonly", "no"];

impl RedisServer {
    /// With the defaults of Redis.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments, such as `["--requirepass", "secret"]`.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self::start_in(folder, &[&IN_MEMORY, arguments].concat())
    }

    /// As a Sentinel with this file of its folder.
    pub(crate) fn start_sentinel(folder: TempDir, file: &str) -> Self {
        Self::start_in(folder, &[file, "--sentinel"])
    }

    /// With TLS on a second port, which comes with it, and no questions about the client. Certificate and key are files of
    /// the folder.
    pub(crate) fn start_with_tls(folder: TempDir, certificate: &str, key: &str) -> (Self, u16) {
        let port = free_port();
        let tls_port = port.to_string();
        let files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"];
        let arguments = [&IN_MEMORY[..], &files, &["--tls-port", &tls_port]].concat();
        (Self::start_in(folder, &arguments), port)
    }

    fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        // Between finding a free port and using it somebody else may take it.
        for _ in 0..10 {
            let port = free_port();
            let mut process = spawn(port, folder.path(), &arguments);
            if answers(port, &mut process) {
                return Self { process, port, arguments, folder };
            }
        }
        panic!("redis-server ends as soon as it is started with {arguments:?}: try it by hand");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as a machine does that loses its power.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it anew on the same port, empty.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.process = spawn(self.port, self.folder.path(), &self.arguments);
        assert!(answers(self.port, &mut self.process), "redis-server does not start again");
    }

    /// Stops it without ending it: its connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Asks with a connection of its own. Answers as text: arrays a line an element, nil as `nil`, errors with their `-`.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        String::from_utf8_lossy(&self.ask_bytes(&bytes)).into_owned()
    }

    /// The same in bytes.
    pub(crate) fn ask_bytes(&self, words: &[&[u8]]) -> Vec<u8> {
        let mut connection = connect(self.port).expect("a connection to redis-server");
        connection.write_all(&packed(words)).expect("redis-server listens");
        read(&mut BufReader::new(connection)).expect("an answer of redis-server")
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().expect("`kill` (package procps)");
        assert!(status.success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port below 55,000, so that the bus of a cluster, 10,000 above, is a port too.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        if port < 55_000 {
            return port;
        }
    }
}

fn spawn(port: u16, folder: &Path, arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(arguments)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server, which this test needs: `cargo xtask setup` installs it, as does `apt-get install redis-server`")
}

/// Whether it answers before it ends. Asked every few milliseconds, since nobody tells when it is up.
fn answers(port: u16, process: &mut Child) -> bool {
    let give_up = Instant::now() + PATIENCE;
    while Instant::now() < give_up {
        if !matches!(process.try_wait(), Ok(None)) {
            return false;
        }
        let answer = connect(port).and_then(|mut connection| {
            connection.write_all(&packed(&[b"PING"]))?;
            read(&mut BufReader::new(connection))
        });
        // One with a password says so, and is up.
        if answer.is_ok_and(|answer| !answer.starts_with(b"-LOADING")) {
            return true;
        }
        thread::sleep(Duration::from_millis(5)); // sleep: between two looks at what nobody announces
    }
    panic!("redis-server does not answer within {PATIENCE:?}");
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    let connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}

fn packed(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

fn read(connection: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let (kind, rest) = line.split_at(line.len().min(1));
    let count: i64 = rest.parse().unwrap_or(0);
    match kind {
        "$" | "*" if count < 0 => Ok(b"nil".to_vec()),
        "$" => {
            let mut bytes = vec![0; usize::try_from(count).unwrap_or(0) + 2];
            connection.read_exact(&mut bytes)?;
            bytes.truncate(bytes.len() - 2);
            Ok(bytes)
        }
        "*" => {
            let elements: std::io::Result<Vec<Vec<u8>>> = (0..count).map(|_| read(connection)).collect();
            Ok(elements?.join(&b'\n'))
        }
        "-" => Ok(line.as_bytes().to_vec()),
        _ => Ok(rest.as_bytes().to_vec()),
    }
}
