//! A client of a few lines over a bare socket: what it sends is in the test, and nothing is added.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use tm_sim::Simulator;

/// No test waits this long; it ends one that would hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const SINGLE: &str = "/api/technicaltokenmanager/v3/oauth/token";
pub(crate) const BATCH: &str = "/api/technicaltokenmanager/v3/oauthTokens";
pub(crate) const PAGE: &str = "/api/technicaltokenmanager/v3/userTenants";

/// One connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Of a name in lower case; twice the same name is a mistake of the service.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        first
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Code and message of the documented shape of errors.
    #[track_caller]
    pub(crate) fn error(&self) -> (String, String) {
        let text = |name: &str| self.json()["errors"][0][name].as_str().expect(name).to_owned();
        (text("code"), text("message"))
    }
}

impl Connection {
    pub(crate) fn open(sim: &Simulator) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", sim.port())).expect("the simulator accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a request with the headers given, `host`, and `content-length` if there is a body.
    pub(crate) fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut request = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() {
            request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.send_raw(&request);
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the simulator reads");
    }

    /// Reads an answer to its end.
    pub(crate) fn receive(&mut self) -> Reply {
        let mut reply = self.receive_head();
        let length = reply.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        reply.body = vec![0; length];
        self.stream.read_exact(&mut reply.body).expect("the whole body");
        reply
    }

    pub(crate) fn receive_head(&mut self) -> Reply {
        let status_line = self.line().expect("an answer");
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.line().expect("the whole head");
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_lowercase(), value.to_owned()));
        }
        Reply { status: status.unwrap_or_else(|| panic!("{status_line}")), headers, body: Vec::new() }
    }

    /// The next bytes, as many as come at once; none when the connection was closed, in whatever way.
    pub(crate) fn receive_some(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 * 1024];
        let length = match self.stream.read(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("the connection was neither used nor closed: {error}"),
        };
        buffer.truncate(length);
        buffer
    }

    /// Everything until the connection is closed.
    pub(crate) fn receive_rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let some = self.receive_some();
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }

    pub(crate) fn leave(self) {
        let stream = self.stream.into_inner();
        // A connection that the other side closed first is as good.
        let _ = stream.shutdown(Shutdown::Both);
    }

    pub(crate) fn call(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.send(method, target, headers, body);
        self.receive()
    }

    pub(crate) fn send_single(&mut self, sim: &Simulator, tenant: &str) {
        let headers = [("x-space-auth-key", &*sim.auth_key()), ("content-type", "application/json")];
        self.send("POST", &at(sim, SINGLE), &headers, single_body(sim, tenant).to_string().as_bytes());
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if line.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

pub(crate) fn single_body(sim: &Simulator, tenant: &str) -> Value {
    json!({"appName": "simapp", "appVersion": "1.0.0", "hostTenant": sim.host_tenant(), "userTenant": tenant})
}

pub(crate) fn batch_body(sim: &Simulator, tenants: &[&str]) -> Value {
    json!({
        "appName": "simapp", "appVersion": "1.0.0", "hostTenantId": sim.host_tenant(), "userTenantIds": tenants,
    })
}

/// A right `POST` of anything, on a connection of its own.
pub(crate) fn post(sim: &Simulator, path: &str, body: &Value) -> Reply {
    let headers = [("x-space-auth-key", &*sim.auth_key()), ("content-type", "application/json")];
    Connection::open(sim).call("POST", &at(sim, path), &headers, body.to_string().as_bytes())
}

pub(crate) fn single(sim: &Simulator, tenant: &str) -> Reply {
    post(sim, SINGLE, &single_body(sim, tenant))
}

pub(crate) fn batch(sim: &Simulator, tenants: &[&str]) -> Reply {
    post(sim, BATCH, &batch_body(sim, tenants))
}

pub(crate) fn access_token(sim: &Simulator, tenant: &str) -> String {
    single(sim, tenant).json()["access_token"].as_str().expect("a token").to_owned()
}

pub(crate) fn page(sim: &Simulator, token: &str, query: &str) -> Reply {
    let authorization = format!("Bearer {token}");
    let target = format!("{}{query}", at(sim, PAGE));
    Connection::open(sim).call("GET", &target, &[("authorization", &authorization)], b"")
}

/// The path on the simulator's platform.
fn at(sim: &Simulator, path: &str) -> String {
    path.replace("/api/technicaltokenmanager/v3", sim.platform().base_path())
}
