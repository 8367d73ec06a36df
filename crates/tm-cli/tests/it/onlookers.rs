//! What other processes see of the program.
#![cfg(target_os = "linux")]

use std::{
    env,
    fs::{self, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tm_sim::{Fault, Simulator};

use crate::{
    needles::Needles,
    support::{TRANSPORTS, Tm, ended, signal},
};

const SECRET: &str = "canary-8d20b7f4-1c53";

/// A service that never answers.
fn silent_service() -> Simulator {
    let service = Simulator::builder().tenants(1).credentials("client", SECRET).start().unwrap();
    service.fault(Fault::Hang);
    service
}

#[track_caller]
fn wait_for_a_call(service: &Simulator) {
    assert!(service.wait_for(Duration::from_secs(60), |seen| seen.in_flight > 0), "it has the secret by now");
}

#[test]
fn a_secret_from_stdin_stands_nowhere_that_all_may_read() {
    for transport in TRANSPORTS {
        let service = silent_service();
        let tm = Tm::of(&service, &["token", "tenant-0001", "--secret-stdin", "--reveal"]).args(transport);
        let mut child = tm.without("MDSP_KEY_STORE_CLIENT_SECRET").start_with(Stdio::piped());
        write!(child.stdin.take().unwrap(), "{SECRET}").unwrap();
        wait_for_a_call(&service);

        for file in ["cmdline", "comm"] {
            let shown = fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
            assert!(!shown.is_empty() && !Needles::of(SECRET).any_in(&shown), "{file}: {shown}");
        }
        let is_child = format!("PPid:\t{}", child.id());
        let processes = fs::read_dir("/proc").unwrap().filter_map(|process| Some(process.ok()?.path()));
        let statuses = processes.filter_map(|process| fs::read_to_string(process.join("status")).ok());
        assert_eq!(
            statuses.filter(|status| status.lines().any(|line| line == is_child)).count(),
            0,
            "it starts no process"
        );

        signal("KILL", child.id());
        ended(child);
    }
}

#[test]
fn no_other_process_of_its_user_can_read_its_memory_or_its_environment() {
    let place = tempfile::tempdir().unwrap();
    let sleep = copy_for_everybody(&path_of("sleep"), &place);
    let tm = copy_for_everybody(Path::new(env!("CARGO_BIN_EXE_tm")), &place);
    for transport in TRANSPORTS {
        let service = silent_service();
        let environment = service.environment();

        let seen = look_at(&sleep, &["60"], &environment, &|| ());
        let is_open = seen.contains(SECRET) && seen.contains("its memory is open");
        assert!(is_open, "whoever looks sees nothing of any process: {seen}");

        let line =
            [&["token", "tenant-0001", "--allow-loopback-http", "--store", "none"], transport].concat();
        let seen = look_at(&tm, &line, &environment, &|| wait_for_a_call(&service));
        let is_alive = seen.contains("State:") && !seen.contains("(zombie)");
        assert!(is_alive && seen.contains("who looks is at its end"), "{seen}");
        assert!(!seen.contains(SECRET) && !seen.contains("its memory is open"), "{seen}");
    }
}

/// Starts a program with these arguments, waits, and looks at it, all as one user. Who looks is its parent, whom Yama lets
/// look at what the other processes of a user are kept from.
const LOOK: &str = r#"
"$@" > /dev/null 2>&1 &
read -r now
while kill -0 $! && [ "$(cat "/proc/$!/comm")" != "${1##*/}" ]; do :; done
grep '^State:' "/proc/$!/status"
tr '\0' '\n' < "/proc/$!/environ"
(: < "/proc/$!/mem") && echo its memory is open
echo who looks is at its end
kill $!
"#;

/// What is seen of a program with this environment after `wait`. Root sees everything, so it sends somebody else.
fn look_at(program: &Path, arguments: &[&str], environment: &[(&str, String)], wait: &dyn Fn()) -> String {
    let is_root = rustix::process::geteuid().is_root();
    let mut command = Command::new(if is_root { "setpriv" } else { "sh" });
    if is_root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh"]);
    }
    command.env_clear().env("PATH", env::var_os("PATH").unwrap()).envs(environment.iter().cloned());
    command.args(["-c", LOOK, "sh"]).arg(program).args(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        piped.spawn().expect("`sh`, or for root `setpriv`, which `apt-get install util-linux` brings");
    let mut now = child.stdin.take().unwrap();
    wait();
    // If it has ended already, what it says tells why.
    let _ = writeln!(now);
    let ran = ended(child);
    ran.stdout + &ran.stderr
}

/// Where everybody may read and run a copy of a program: of one that its user cannot read, nobody sees anything anyway.
fn copy_for_everybody(program: &Path, place: &TempDir) -> PathBuf {
    let copy = place.path().join(program.file_name().unwrap());
    fs::copy(program, &copy).unwrap();
    for path in [place.path(), &copy] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    copy
}

fn path_of(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    let found = env::split_paths(&path).map(|place| place.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("`{program}` is nowhere in {}", path.display()))
}
