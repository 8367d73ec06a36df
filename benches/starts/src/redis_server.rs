//! A Redis of the benchmark's own: on a free port of loopback, with nothing on disk, gone with the value.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long it may take to start on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it.
pub struct RedisServer {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl RedisServer {
    /// `None` if there is no redis-server on this machine.
    pub fn start() -> Option<Self> {
        // Between finding a free port and using it somebody else may take it.
        for _ in 0..10 {
            let folder = TempDir::new().expect("a temporary folder");
            let port = free_port();
            let process = Command::new("redis-server")
                .args([
                    "--port",
                    &port.to_string(),
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                ])
                .current_dir(&folder)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let process = match process {
                Err(error) if error.kind() == ErrorKind::NotFound => return None,
                process => process.expect("redis-server starts"),
            };
            let mut server = Self { process, port, _folder: folder };
            if server.answers() {
                return Some(server);
            }
        }
        panic!("redis-server ends as soon as it is started: try it by hand");
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A bare connection of the library that the stores use too.
    pub fn connect(&self) -> redis::RedisResult<redis::Connection> {
        redis::Client::open(self.url())?.get_connection()
    }

    /// Whether it answers before it ends. Asked every few milliseconds, since nobody tells when it is up.
    fn answers(&mut self) -> bool {
        let give_up = Instant::now() + PATIENCE;
        while Instant::now() < give_up {
            let ended = self.process.try_wait().is_ok_and(|status| status.is_some());
            if ended {
                return false;
            }
            if self.connect().and_then(|mut connection| redis::cmd("PING").exec(&mut connection)).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(5)); // sleep: see above
        }
        panic!("redis-server does not answer within {PATIENCE:?}");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
