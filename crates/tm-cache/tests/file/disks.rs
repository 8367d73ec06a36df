//! Disks that are full or read-only, and a process that may open no more files: each in a process of its own, with a
//! small disk in memory that nobody else sees.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
};

use tm_cache::{FileStore, Lease, Record, Store as _};

use crate::support::{HOUR, bury, found, key, lease, names, owner, put, record, text, tombstone};

/// Where the disk is; set in the process that was started for one story.
const DISK: &str = "TM_FILE_STORE_DISK";

/// Runs the test that calls it once more, in a process that has a disk of its own and runs these commands first.
fn with_a_disk(commands: &str, story: fn(&FileStore)) {
    if let Some(disk) = env::var_os(DISK) {
        return story(&FileStore::open(PathBuf::from(disk)).unwrap());
    }
    let (place, name) = (tempfile::tempdir().unwrap(), thread::current().name().unwrap().to_owned());
    let script = format!(
        "mount -t tmpfs -o size=256k,mode=700 tm \"${DISK}\" && echo mounted && {commands} \
         exec \"$0\" \"$1\" --exact --nocapture"
    );
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    unshare.arg(env::current_exe().unwrap()).arg(&name).env(DISK, place.path()).stdin(Stdio::null());
    let ended = unshare.output().expect("this test needs `unshare`, of the package util-linux");
    let (told, complained) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(told.contains("mounted"), "this test needs user namespaces, or root:\n{complained}");
    assert!(ended.status.success() && told.contains("1 passed"), "{name}, alone:\n{told}\n{complained}");
}

/// Leaves no room.
fn fill(store: &FileStore) {
    let ballast = vec![0; 1024 * 1024];
    fs::write(store.directory().join("ballast"), ballast).unwrap_err();
}

fn large(issued: i64) -> Record {
    record(&"x".repeat(16 * 1024), issued)
}

#[test]
fn on_a_full_disk_reads_go_on_and_writes_are_errors_that_leave_nothing() {
    with_a_disk("", |store| {
        put(store, &key("k"), large(100));
        let shard = store.directory().join(&key("k").to_name()[..2]);
        let before = names(&shard);
        fill(store);
        let error = store.put_many(&[(key("k"), large(101))]).unwrap_err();
        assert!(error.to_string().contains("no storage space"), "{error}");
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(found(store, &key("k")).unwrap().stamp(), large(100).stamp());
        assert_eq!(names(&shard), before);
        let claim = tm_cache::Claim { key: key("k"), has: Some(large(100).stamp()) };
        let error = store.lease_many(&[claim], &owner(1), HOUR).unwrap_err();
        assert!(error.to_string().contains("no storage space"), "{error}");
        assert_eq!(names(&shard), before);

        fs::remove_file(store.directory().join("ballast")).unwrap();
        put(store, &key("k"), large(101));
        assert_eq!(found(store, &key("k")).unwrap().stamp(), large(101).stamp());
    });
}

#[test]
fn on_a_full_disk_a_refused_token_goes_all_the_same() {
    with_a_disk("", |store| {
        put(store, &key("k"), record("refused", 100));
        fill(store);
        store.remove_many(&[(key("k"), tombstone("refused", 100))]).unwrap_err();
        assert_eq!(text(store, &key("k")), None);
    });
}

#[test]
fn on_a_read_only_disk_reads_go_on_and_writes_are_errors() {
    with_a_disk("", |store| {
        put(store, &key("k"), record("t", 100));
        let mut remount = Command::new("mount");
        remount.args(["-o", "remount,bind,ro"]).arg(store.directory());
        assert!(remount.status().unwrap().success());
        let store = FileStore::open(store.directory()).unwrap();
        assert_eq!(text(&store, &key("k")).as_deref(), Some("t"));
        assert_eq!(store.entries().unwrap().len(), 1);
        let errors = [
            store.put_many(&[(key("k"), record("t", 101))]).unwrap_err(),
            store.remove_many(&[(key("k"), tombstone("t", 100))]).unwrap_err(),
            store.clear().unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains("read-only filesystem"), "{error}");
        }
        assert!(matches!(store.lease_many(&[], &owner(1), HOUR).as_deref(), Ok([])));
    });
}

#[test]
fn who_may_open_no_more_files_gets_errors_and_goes_on_after_it() {
    with_a_disk("ulimit -n 30 &&", |store| {
        put(store, &key("k"), record("t", 100));
        let mut files = Vec::new();
        while let Ok(file) = fs::File::open("/dev/null") {
            files.push(file);
        }
        store.get_many(&[key("k")]).unwrap_err();
        store.put_many(&[(key("k"), record("t", 101))]).unwrap_err();
        files.truncate(files.len() - 1);
        assert_eq!(text(store, &key("k")).as_deref(), Some("t"));
        let error = store.put_many(&[(key("k"), record("t", 101))]).unwrap_err().to_string();
        assert!(error.contains("cannot"), "with the lock open there is no room for the record: {error}");
        drop(files);
        assert_eq!(text(store, &key("k")).as_deref(), Some("t"), "and it was not taken for missing");
        bury(store, &key("k"), tombstone("t", 100));
        assert_eq!(lease(store, &key("k"), &owner(1), HOUR), Lease::Granted);
    });
}
