//! `tm sim` as a process of its own, and other processes that use it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdout, Command},
};

use tm_core::Claims;

use crate::support::{Ran, TRANSPORTS, Tm, ended, signal};

/// A simulator, its address and the environment that it prints.
pub(crate) struct Sim {
    child: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
    environment: Vec<(String, String)>,
}

impl Sim {
    pub(crate) fn start(tm: Tm) -> Self {
        let mut child = tm.start();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let url = line(&mut stdout).strip_prefix("listening on ").unwrap().to_owned();
        let mut environment = Vec::new();
        while environment.last().is_none_or(|(name, _)| name != "TM_GATEWAY") {
            let line = line(&mut stdout);
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            let value = value.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
            environment.push((name.to_owned(), value.to_owned()));
        }
        Self { child, stdout, url, environment }
    }

    fn value(&self, name: &str) -> &str {
        &self.environment.iter().find(|(known, _)| known == name).unwrap().1
    }

    pub(crate) fn tm(&self, line: &[&str]) -> Ran {
        let environment = self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Tm::new(line).arg("--allow-loopback-http").envs(environment).ran()
    }

    pub(crate) fn stop(mut self, name: &str) -> Ran {
        signal(name, self.child.id());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let mut ran = ended(self.child);
        ran.stdout = rest;
        ran
    }
}

fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

#[test]
fn other_processes_find_it_by_the_lines_it_prints() {
    let sim = Sim::start(Tm::new(["sim", "--tenants", "7", "--refuse", "tenant-0004"]));
    assert!(sim.url.starts_with("http://127.0.0.1:") && sim.url == sim.value("TM_GATEWAY"));
    for transport in TRANSPORTS {
        let ran = sim.tm(&[&["all", "--json"], transport].concat());
        assert_eq!((ran.status, ran.rows().len()), (Some(5), 7), "{ran:?}");
    }
    for name in ["TERM", "INT"] {
        let ran = Sim::start(Tm::new(["sim"])).stop(name);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    }
    let ran = sim.stop("TERM");
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""));
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn the_program_leaves_no_core_dump() {
    let sim = Sim::start(Tm::new(["sim"]));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", sim.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let limits: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(limits, ["0", "0"], "{core}");
    sim.stop("TERM");
}

#[test]
fn the_readme_s_lines_can_be_run_as_they_stand() {
    let readme = include_str!("../../../../README.md");
    let block = readme.split("```").find(|block| block.contains("tm sim --tenants 30 > sim.txt &")).unwrap();
    let lines = block.strip_prefix("sh\n").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tm")).parent().unwrap();
    let (search, place) = (std::env::var("PATH").unwrap(), tempfile::tempdir().unwrap());

    let ran = Command::new("sh")
        .args(["-ec", &format!("{lines}kill $!\nwait\n")])
        .current_dir(place.path())
        .env("PATH", format!("{}:{search}", program.display()))
        .env("TM_STORE", "none")
        .output()
        .expect("`sh` runs");

    let rows = String::from_utf8(ran.stdout).unwrap();
    assert_eq!((ran.status.code(), rows.matches("  ok  ").count()), (Some(0), 30), "{rows}");
}

#[test]
fn it_takes_what_the_environment_has() {
    let environment = [
        ("MDSP_KEY_STORE_CLIENT_ID", "my-client"),
        ("MDSP_KEY_STORE_CLIENT_SECRET", "my $secret"),
        ("MDSP_OS_VM_APP_NAME", "my-app"),
        ("MDSP_OS_VM_APP_VERSION", "9.9.9"),
        ("MDSP_HOST_TENANT", "my-host"),
    ];
    let sim = Sim::start(Tm::new(["sim"]).envs(environment));
    for (name, value) in environment {
        assert_eq!(sim.value(name), value);
    }
    assert_eq!(sim.tm(&["tenants"]).stdout.lines().count(), 10);
    sim.stop("TERM");
    let ran = Tm::new(["sim"]).env("MDSP_KEY_STORE_CLIENT_ID", "a:b").ran();
    assert_eq!(ran.status, Some(2));
}

#[test]
fn it_makes_a_secret_of_its_own_in_each_run() {
    let secrets = [(), ()].map(|()| {
        let sim = Sim::start(Tm::new(["sim"]));
        let secret = sim.value("MDSP_KEY_STORE_CLIENT_SECRET").to_owned();
        sim.stop("TERM");
        secret
    });
    assert_ne!(secrets[0], secrets[1]);
}

#[test]
fn its_options_are_the_simulator_s() {
    let line =
        ["sim", "--tenants=3", "--token-life=120", "--platform=xcelerator", "--page-cap=2", "--latency=1"];
    let mut sim = Sim::start(Tm::new(line));
    let path = line_after(&mut sim);
    let (name, value) = path.strip_prefix("export ").unwrap().split_once('=').unwrap();
    sim.environment.push((name.to_owned(), value.trim_matches('\'').to_owned()));
    let ran = sim.tm(&["all", "--json", "--reveal"]);
    assert_eq!((ran.status, ran.rows().len()), (Some(0), 3), "{ran:?}");
    for row in ran.rows() {
        assert!((60..=121).contains(&row["expires_in_s"].as_u64().unwrap()), "{row}");
        let claims = Claims::read(row["access_token"].as_str().unwrap()).unwrap();
        assert_eq!(claims.platform, Some(tm_core::Platform::Xcelerator));
    }
    sim.stop("TERM");
}

fn line_after(sim: &mut Sim) -> String {
    line(&mut sim.stdout)
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = Tm::new(["sim", "--port", &port]).ran();
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains(&port), "{}", ran.stderr);
}
