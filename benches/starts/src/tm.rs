//! The program's token out of its files, beside the program saying its version: whole processes, from start to end.

use std::{
    ffi::OsString,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Instant,
};

use canned::{Answers, Server, Tls};
use measure::{Line, Pair, by_turns, nanos_since, wanted};
use tempfile::TempDir;

/// Names the program, which is of the product's workspace and built by its lock: `cargo xtask bench` does so.
const PROGRAM: &str = "BENCH_TM";

const ROUNDS: usize = 300;

pub fn run() {
    if !wanted("cli-token") {
        return;
    }
    let Some(program) = std::env::var_os(PROGRAM) else {
        eprintln!(
            "cli-token: left out, {PROGRAM} names no program: `cargo xtask bench` builds it and says where"
        );
        return;
    };
    let tm = Tm::with_a_token(program);
    let pair = by_turns(ROUNDS, || tm.took(&Tm::TOKEN, None), || tm.took(&["--version"], None));
    assert_eq!(tm.service.issued(), 1, "the service was asked though the token is kept");
    let pair = Pair { ours: pair.ours / 1e6, baseline: pair.baseline / 1e6, ..pair };
    Line::of("cli-token", "ms", "tm --version", pair).at_most(1.5).print();
}

/// The program, its files and its service.
struct Tm {
    program: OsString,
    files: TempDir,
    service: Server,
}

impl Tm {
    const TOKEN: [&str; 2] = ["token", "tenant-000001"];

    /// The first one is fetched over TLS, and kept in files, sealed.
    fn with_a_token(program: OsString) -> Self {
        let tls = Tls::new();
        let service = Server::start_tls(Answers::new(1_500, 0), &tls);
        let tm = Self { program, files: TempDir::new().expect("a temporary folder"), service };
        let authority = tm.files.path().join("authority.pem");
        fs::write(&authority, &tls.authority).expect("the folder can be written");
        tm.took(&Self::TOKEN, Some(authority));
        tm
    }

    /// How long one process takes, in nanoseconds. Without an authority it trusts whom the system trusts.
    fn took(&self, arguments: &[&str], authority: Option<PathBuf>) -> f64 {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .envs(authority.map(|file| ("SSL_CERT_FILE", file)))
            .env("TM_GATEWAY", &self.service.url)
            .env("TM_STORE", format!("file:{}/tm", self.files.path().display()))
            .env("MDSP_KEY_STORE_CLIENT_ID", "client")
            .env("MDSP_KEY_STORE_CLIENT_SECRET", "secret")
            .env("MDSP_OS_VM_APP_NAME", "bench")
            .env("MDSP_OS_VM_APP_VERSION", "1.0.0")
            .env("MDSP_HOST_TENANT", "operator")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let start = Instant::now();
        let status = command.status().expect("the program starts");
        let took = nanos_since(start);
        assert!(status.success(), "tm {arguments:?}: {status}");
        took
    }
}
