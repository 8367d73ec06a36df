//! Real processes at one store: they race, die and hang.

use std::{
    env,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tm_cache::{Claim, FileClock, FileStore, Lease, Store as _};

use crate::support::{HOUR, Place, found, key, lease, neighbours, owner, record};

/// Where the other process finds its store.
const AT: &str = "TM_FILE_STORE_AT";

/// Another process, of this very program.
struct Other {
    process: Child,
    says: BufReader<ChildStdout>,
}

impl Other {
    fn start(part: &str, at: &Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([part, "--exact", "--ignored", "--nocapture"]).env(AT, at);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(process.stdout.take().unwrap());
        Self { process, says }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// What follows this word.
    fn hear(&mut self, word: &str) -> String {
        let mut lines = self.says.by_ref().lines().map(Result::unwrap);
        let line = lines.find(|line| line.contains(word)).expect("the other process has ended early");
        line.split_once(word).unwrap().1.trim().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.end();
    }
}

fn next_line() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
#[ignore = "the part of another process, for the tests below"]
fn holder() {
    let Some(at) = env::var_os(AT) else { return };
    let store = FileStore::open(at).unwrap();
    assert_eq!(lease(&store, &key("k"), &owner(1), HOUR), Lease::Granted);
    println!("leased");
    next_line();
    store.release_many(&[key("k")], &owner(1)).unwrap();
    println!("released");
    next_line();
}

#[test]
fn who_is_killed_gives_its_lease_back_at_once() {
    let place = Place::new();
    let mut holder = Other::start("processes::holder", &place.path());
    holder.hear("leased");
    let store = FileStore::open(place.path()).unwrap();
    assert_eq!(lease(&store, &key("k"), &owner(2), HOUR), Lease::Held);
    holder.kill();
    assert_eq!(lease(&store, &key("k"), &owner(2), HOUR), Lease::Granted);
}

#[test]
fn who_is_stopped_loses_its_lease_at_its_end() {
    let place = Place::new();
    let mut holder = Other::start("processes::holder", &place.path());
    holder.hear("leased");
    holder.signal(Signal::STOP);
    let system = FileClock::system();
    let later = FileClock::new(move || system.now().after(HOUR));
    let (now, later) =
        (FileStore::open(place.path()).unwrap(), FileStore::with_clock(place.path(), later).unwrap());
    assert_eq!(lease(&now, &key("k"), &owner(2), HOUR), Lease::Held);
    assert_eq!(lease(&later, &key("k"), &owner(2), HOUR), Lease::Granted);

    holder.signal(Signal::CONT);
    holder.tell("release");
    holder.hear("released");
    assert_eq!(lease(&later, &key("k"), &owner(3), HOUR), Lease::Held, "that was not the holder's any more");
}

#[test]
#[ignore = "the part of another process, for the test below"]
fn racer() {
    let Some(at) = env::var_os(AT) else { return };
    let store = FileStore::open(at).unwrap();
    let owner = owner(u8::try_from(std::process::id() % 251).unwrap());
    println!("ready");
    next_line();
    let keys: Vec<_> = (0..100).map(|number| key(format!("tenant {number}"))).collect();
    let claims: Vec<_> = keys.iter().map(|key| Claim { key: key.clone(), has: None }).collect();
    // On a busy machine eight processes may need longer than a lease waits.
    let answers =
        std::iter::from_fn(|| Some(store.lease_many(&claims, &owner, HOUR))).find_map(Result::ok).unwrap();
    let granted = keys.into_iter().zip(answers).filter(|(_, answer)| *answer == Lease::Granted);
    let granted: Vec<_> = granted.map(|(key, _)| (key, record("t", 100))).collect();
    store.put_many(&granted).unwrap();
    let keys: Vec<_> = granted.into_iter().map(|(key, _)| key).collect();
    let _ = store.release_many(&keys, &owner); // if it fails, the end of this process gives them back
    println!("granted {}", keys.len());
}

#[test]
fn eight_processes_that_start_at_once_fetch_each_token_once() {
    let place = Place::new();
    let mut racers: Vec<_> = (0..8).map(|_| Other::start("processes::racer", &place.path())).collect();
    for racer in &mut racers {
        racer.hear("ready");
    }
    for racer in &mut racers {
        racer.tell("go");
    }
    let granted: usize = racers.iter_mut().map(|racer| racer.hear("granted").parse::<usize>().unwrap()).sum();
    assert_eq!(granted, 100);
    assert_eq!(FileStore::open(place.path()).unwrap().entries().unwrap().len(), 100);
}

#[test]
fn a_shard_that_stays_locked_is_an_error_and_no_hanging() {
    let place = Place::new();
    let (store, keys) = (place.store(), neighbours(2));
    crate::support::put(&store, &keys[0], record("t", 100));
    let lock = File::open(place.shard_of(&keys[0]).join(".lock")).unwrap();
    lock.lock().unwrap();

    let records = [(keys[1].clone(), record("t", 100)), (key("of another shard"), record("t", 100))];
    let error = store.put_many(&records).unwrap_err().to_string();
    assert!(error.contains("is locked by a process"), "{error}");
    assert!(found(&store, &keys[0]).is_some(), "who reads takes no lock");
    assert!(found(&store, &records[1].0).is_some(), "the rest is kept");
    let claim = Claim { key: keys[1].clone(), has: None };
    store.lease_many(&[claim], &owner(1), HOUR).unwrap_err();
    lock.unlock().unwrap();
    store.put_many(&records).unwrap();
    assert!(found(&store, &keys[1]).is_some());
}

#[test]
#[ignore = "the part of another process, for the test below"]
fn cached() {
    let Some(_) = env::var_os(AT) else { return };
    match FileStore::in_user_cache() {
        Ok(store) => println!("it is {}", store.directory().display()),
        Err(error) => println!("it is {error}"),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_cache_of_a_user_is_found_by_the_environment() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    let home = place.path().canonicalize().unwrap();
    let cached = |variables: &[(&str, &Path)]| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["processes::cached", "--exact", "--ignored", "--nocapture"]);
        command.env_remove("HOME").env_remove("XDG_CACHE_HOME").env(AT, "");
        let ended = command.envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(ended.stdout).unwrap()
    };
    let expected = |path: &str| format!("it is {}\n", home.join(path).display());
    assert!(cached(&[("HOME", &home)]).contains(&expected(".cache/tm")));
    assert!(cached(&[("HOME", &home), ("XDG_CACHE_HOME", &home.join("x"))]).contains(&expected("x/tm")));
    assert!(cached(&[]).contains("set XDG_CACHE_HOME or HOME to an absolute path"));
}
