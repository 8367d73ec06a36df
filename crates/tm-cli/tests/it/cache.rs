//! Tokens are kept from one run to the next: in files by default, sealed, and shown to nobody.

use std::{fs, path::Path, process::Child};

use tm_sim::Simulator;

use crate::support::{Ran, TRANSPORTS, Tm, ended, simulator};

/// The program with a user's cache directory.
fn tm_at_home(service: &Simulator, home: &Path, line: &[&str]) -> Tm {
    Tm::of(service, line).without("TM_STORE").env("HOME", home)
}

fn calls(service: &Simulator) -> u64 {
    let counters = service.counters();
    counters.single_calls + counters.batch_calls
}

#[track_caller]
fn all_went_well(ran: &Ran) {
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
}

#[test]
fn the_second_run_makes_no_call() {
    for first in TRANSPORTS {
        for second in TRANSPORTS {
            let (service, home) = (simulator(3), tempfile::tempdir().unwrap());
            let token = |transport| {
                tm_at_home(&service, home.path(), &["token", "tenant-0002", "--reveal"]).args(transport).ran()
            };
            let one = token(first);
            all_went_well(&one);
            assert_eq!(calls(&service), 1);
            let two = token(second);
            all_went_well(&two);
            assert_eq!((two.stdout, calls(&service)), (one.stdout, 1));
        }
    }
}

#[test]
fn all_of_237_tenants_are_kept() {
    let (service, home) = (simulator(237), tempfile::tempdir().unwrap());
    for transport in TRANSPORTS {
        all_went_well(&tm_at_home(&service, home.path(), &["all"]).args(transport).ran());
        assert_eq!(calls(&service), 1 + 48);
    }
}

#[test]
fn a_store_of_none_keeps_nothing() {
    let (service, home) = (simulator(1), tempfile::tempdir().unwrap());
    for store in ["none", "memory"] {
        let before = calls(&service);
        for _ in 0..2 {
            let line = ["token", "tenant-0001", "--store", store];
            all_went_well(&tm_at_home(&service, home.path(), &line).ran());
        }
        assert_eq!(calls(&service), before + 2);
    }
    assert!(fs::read_dir(home.path()).unwrap().next().is_none());
}

#[test]
fn what_is_kept_is_shown_without_a_secret_and_cleared() {
    let (service, home) = (simulator(7), tempfile::tempdir().unwrap());
    let revealed =
        tm_at_home(&service, home.path(), &["tokens", "tenant-0001", "tenant-0002", "--reveal", "--json"]);
    let tokens = revealed.ran();
    all_went_well(&tokens);

    let cache = |line: &[&str]| Tm::new(line).without("TM_STORE").env("HOME", home.path()).ran();
    let (shown, rows) = (cache(&["cache"]), cache(&["cache", "--json"]));
    all_went_well(&shown);
    assert!(shown.stdout.starts_with("2 records in "), "{}", shown.stdout);
    assert_eq!(rows.rows().len(), 2);
    for row in rows.rows() {
        assert!((1_700..1_800).contains(&row["expires_in_s"].as_u64().unwrap()), "{row}");
        assert!(row["sealed_with"].is_string(), "{row}");
    }
    for token in tokens.rows() {
        let token = token["access_token"].as_str().unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        for told in [&shown.stdout, &rows.stdout] {
            assert!(!told.contains(signature) && !told.contains("tenant-"), "{told}");
        }
    }

    let cleared = cache(&["cache", "clear"]);
    all_went_well(&cleared);
    assert!(cleared.stdout.starts_with("2 records cleared from "), "{}", cleared.stdout);
    assert!(cache(&["cache"]).stdout.starts_with("0 records in "));
    all_went_well(&tm_at_home(&service, home.path(), &["token", "tenant-0001"]).ran());
    assert_eq!(calls(&service), 2, "it is fetched again");
}

#[test]
fn nothing_in_the_files_matches_a_token_a_secret_or_a_tenant() {
    let (service, home) = (simulator(12), tempfile::tempdir().unwrap());
    let ran = tm_at_home(&service, home.path(), &["all", "--reveal", "--json"]).ran();
    let mut secrets: Vec<String> = service.tenants();
    secrets.extend(ran.rows().iter().map(|row| row["access_token"].as_str().unwrap().to_owned()));
    secrets.extend(service.environment().into_iter().map(|(_, value)| value));
    let mut files = 0;
    for (path, bytes) in files_below(home.path()) {
        files += 1;
        let name = path.to_string_lossy().into_owned().into_bytes();
        for secret in &secrets {
            // A piece of a token betrays it as well as the whole.
            let piece = &secret.as_bytes()[..secret.len().min(40)];
            let found =
                [&bytes, &name].iter().any(|text| text.windows(piece.len()).any(|part| part == piece));
            assert!(!found || piece.len() < 6, "{secret} is in {}", path.display());
        }
    }
    assert!(files > 12, "there are files: {files}");
}

fn files_below(place: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
    files
}

#[test]
fn without_a_place_for_files_tokens_are_not_kept_and_stderr_tells() {
    let service = simulator(1);
    let ran = Tm::of(&service, &["token", "tenant-0001"]).without("TM_STORE").ran();
    assert_eq!(ran.status, Some(0));
    assert!(ran.stderr.starts_with("tm: tokens are not kept: the store cannot be used: "), "{}", ran.stderr);
}

#[test]
fn a_store_that_is_named_and_cannot_be_used_ends_the_run() {
    let (service, file) = (simulator(1), tempfile::NamedTempFile::new().unwrap());
    let named = format!("file:{}", file.path().display());
    for line in [["token", "tenant-0001", "--store", &named], ["token", "tenant-0001", "--store", "hush"]] {
        let ran = Tm::of(&service, &line).ran();
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
    }
    assert_eq!(calls(&service), 0);
}

#[test]
fn a_password_is_never_an_argument() {
    let service = simulator(1);
    let ran = Tm::of(&service, &["token", "tenant-0001", "--store", "redis://:hushhush@127.0.0.1:1"]).ran();
    assert_eq!(ran.status, Some(2));
    assert!(ran.stderr.contains("TM_STORE") && !ran.stderr.contains("hushhush"), "{}", ran.stderr);
}

#[test]
fn a_new_ring_is_written_and_not_shown() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("ring");
    let line = ["cache", "new-ring", file.to_str().unwrap()];
    let ran = Tm::new(line).ran();
    all_went_well(&ran);
    let ring = fs::read_to_string(&file).unwrap();
    for entry in ring.split(' ') {
        assert!(!ran.stdout.contains(entry.split_once('=').unwrap().1), "{}", ran.stdout);
    }
    assert_eq!(Tm::new(line).ran().status, Some(2), "what is there is not replaced");
    assert_eq!(fs::read_to_string(&file).unwrap(), ring);

    let (service, home) = (simulator(1), tempfile::tempdir().unwrap());
    let with_ring = ["token", "tenant-0001", "--ring-file", file.to_str().unwrap()];
    for line in [&with_ring[..], &with_ring, &with_ring[..2]] {
        all_went_well(&tm_at_home(&service, home.path(), line).ran());
    }
    assert_eq!(calls(&service), 2, "another ring keeps for itself");
}

#[test]
fn a_key_is_replaced_without_a_miss_while_processes_run() {
    let (service, home) = (simulator(60), tempfile::tempdir().unwrap());
    let key = |seed: u8| base64_of([seed; 32]);
    let (name, old, new) = (key(1), key(2), key(3));
    let rings = [
        format!("name={name} seal={old}"),
        format!("name={name} seal={old} seal={new}"),
        format!("name={name} seal={new} seal={old}"),
        format!("name={name} seal={new}"),
    ];
    let start =
        |ring: &str| tm_at_home(&service, home.path(), &["all", "--json"]).env("TM_SEAL_KEYS", ring).start();
    all_went_well(&ended(start(&rings[0])));
    let before = calls(&service);
    // At any moment two rings that follow each other are in use.
    for pair in rings[..3].windows(2) {
        let running: Vec<Child> =
            [&pair[0], &pair[1], &pair[0]].into_iter().map(|ring| start(ring)).collect();
        for child in running {
            all_went_well(&ended(child));
        }
    }
    assert_eq!(calls(&service), before, "nothing was missed");
    all_went_well(&ended(start(&rings[3])));
    assert_eq!(calls(&service), 2 * before, "with its key retired, what it sealed is");
}

fn base64_of(bytes: [u8; 32]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
