//! Runs the program with an environment that holds nothing but what the test says.

use std::{
    ffi::OsStr,
    io::Write as _,
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;
use tm_sim::Simulator;

/// Nothing here takes as long; a program that hangs fails the test instead of hanging it.
pub(crate) const LONGEST: Duration = Duration::from_secs(120);

/// The options of each transport.
pub(crate) const TRANSPORTS: [&[&str]; 2] = [&[], &["--blocking"]];

/// A command line and its environment.
pub(crate) struct Tm {
    command: Command,
    stdin: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Tm {
    pub(crate) fn new<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tm"));
        // A test that keeps tokens says where.
        command.env_clear().env("TM_STORE", "none").args(arguments);
        // What a coverage run needs, if this is one.
        if let Some(profile) = std::env::var_os("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", profile);
        }
        Self { command, stdin: Vec::new() }
    }

    /// A command for this simulator.
    pub(crate) fn of(simulator: &Simulator, arguments: &[&str]) -> Self {
        Self::new(arguments).arg("--allow-loopback-http").envs(simulator.environment())
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.command.envs(variables);
        self
    }

    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    pub(crate) fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to);
        self
    }

    pub(crate) fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stderr(to);
        self
    }

    pub(crate) fn run(mut self) -> Ran {
        let piped = self.command.stdin(Stdio::piped());
        // `output` alone would pipe these two, and lose what a test says of them.
        let mut child = piped.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let input = self.stdin;
        // It may end without reading all of it.
        let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
        let ran = ended(child);
        feeder.join().expect("stdin is fed");
        ran
    }

    /// Runs it with both outputs in hand.
    pub(crate) fn ran(mut self) -> Ran {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.run()
    }

    /// Starts it with nothing on stdin and both outputs in hand.
    pub(crate) fn start(self) -> Child {
        self.start_with(Stdio::null())
    }

    /// As [`Tm::start`], with this on stdin.
    pub(crate) fn start_with(mut self, stdin: impl Into<Stdio>) -> Child {
        let piped = self.command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        piped.spawn().expect("the program starts")
    }
}

impl Ran {
    /// The rows of `--json`.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let parsed = self.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON"));
        parsed.collect()
    }

    pub(crate) fn tenants(&self) -> Vec<String> {
        self.rows().iter().map(|row| row["tenant"].as_str().expect("a tenant").to_owned()).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Waits for the end of a program, and reads what is left of its output.
pub(crate) fn ended(child: Child) -> Ran {
    let id = child.id();
    let (done, wait) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = wait.recv_timeout(LONGEST) else {
        signal("KILL", id);
        panic!("the program hangs");
    };
    output.expect("the program can be waited for").into()
}

/// Sends a signal to a process that the test has started.
pub(crate) fn signal(name: &str, id: u32) {
    let status = Command::new("kill").args([format!("-{name}"), id.to_string()]).status();
    assert!(status.expect("`kill` runs").success());
}

/// A simulator of so many tenants.
pub(crate) fn simulator(tenants: usize) -> Simulator {
    Simulator::builder().tenants(tenants).start().expect("the simulator starts")
}
