//! A Redis that is down, hangs, refuses or has no room: an error in time, without a secret, and well again afterwards.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use tm_cache::{RedisOptions, Store, StoreError};

use crate::{
    given::{both, bytes, key, keys, patient, record, refusal},
    server::RedisServer,
};

/// A store writes and reads again.
fn is_well(store: &dyn Store) -> bool {
    let put = store.put_many(&[(key("well"), record(1, 0))]);
    put.is_ok() && store.get_many(&[key("well")]).is_ok_and(|answers| answers[0].is_some())
}

/// With time-outs this short a busy machine may be late without hanging.
fn wait_until_well(store: &dyn Store) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while !is_well(store) {
        assert!(Instant::now() < give_up, "{:?}", store.get_many(&[key("well")]));
    }
}

fn shown(error: &StoreError) -> String {
    format!("{error} {error:?}")
}

#[test]
fn opening_needs_no_server() {
    let mut server = RedisServer::start();
    server.kill();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        let error = store.get_many(&[key("a")]).unwrap_err();
        assert_eq!(error.to_string(), "nobody listens where Redis should be", "{kind}");
        server.restart();
        assert!(is_well(&*store), "{kind}");
        server.kill();
    }
}

/// Its connections are closed at the other end, and it knows no script.
#[test]
fn a_restarted_server_is_used_at_once() {
    let mut server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        assert!(is_well(&*store));
        server.restart();
        assert_eq!(store.get_many(&[key("well")]).unwrap(), [None], "{kind}: it comes back empty");
        assert!(is_well(&*store), "{kind}");
        server.ask(&["SCRIPT", "FLUSH"]);
        assert!(is_well(&*store), "{kind}");
        server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
        assert!(is_well(&*store), "{kind}");
    }
}

#[test]
fn a_server_that_hangs_costs_no_more_than_the_time_outs() {
    let server = RedisServer::start();
    let options = RedisOptions::new(server.url())
        .connect_timeout(Duration::from_millis(300))
        .response_timeout(Duration::from_millis(300));
    for (kind, store) in both(&options) {
        wait_until_well(&*store);
        server.pause();
        for _ in 0..2 {
            let start = Instant::now();
            // Several calls in one pipeline: the library would wait for each of them.
            let error = store.get_many(&keys(5_000)).unwrap_err();
            assert_eq!(error.to_string(), "Redis did not answer in time", "{kind}");
            assert!(start.elapsed() < Duration::from_secs(5), "{kind}: a hang, not a time-out");
        }
        server.resume();
        wait_until_well(&*store);
    }
}

#[test]
fn a_wrong_password_is_an_error_that_does_not_tell_it() {
    let server = RedisServer::start_with(&["--requirepass", "right"]);
    let url = |user_info: &str| format!("redis://{user_info}127.0.0.1:{}", server.port());
    for (user_info, expected) in [
        (":hunter2@", "Redis refused the user or the password"),
        ("somebody:hunter2@", "Redis refused the user or the password"),
        ("", "Redis answered NOAUTH"),
    ] {
        for (kind, store) in both(&patient(RedisOptions::new(url(user_info)))) {
            let error = store.get_many(&[key("a")]).unwrap_err();
            assert_eq!(error.to_string(), expected, "{kind}");
            let shown = shown(&error);
            assert!(!shown.contains("hunter2") && !shown.contains("somebody"), "{shown}");
        }
    }
    for (kind, store) in both(&patient(RedisOptions::new(url(":right@")))) {
        assert!(is_well(&*store), "{kind}");
    }
}

/// The rights that the documentation names are enough; fewer are an error.
#[test]
fn a_user_of_an_acl_needs_the_scripts_and_its_own_names() {
    let server = RedisServer::start();
    server.ask(&[
        "ACL", "SETUSER", "tokens", "on", ">p#ss", "~tm:*", "+mget", "+time", "+evalsha", "+eval", "+get",
        "+set", "+del", "+pttl",
    ]);
    let url = format!("redis://tokens:p%23ss@127.0.0.1:{}", server.port());
    for (kind, store) in both(&patient(RedisOptions::new(&url))) {
        assert!(is_well(&*store), "{kind}");
        store.remove_many(&[(key("a"), refusal(&record(1, 0)))]).unwrap();
    }
    for (kind, store) in both(&patient(RedisOptions::new(&url).prefix("other:"))) {
        let error = store.get_many(&[key("a")]).unwrap_err();
        assert!(error.to_string().starts_with("Redis answered"), "{kind}: {error}");
        assert!(!shown(&error).contains("tokens"), "{kind}: {error:?}");
    }
}

#[test]
fn a_replica_is_read_and_not_written() {
    let master = RedisServer::start();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    for (kind, store) in both(&patient(RedisOptions::new(replica.url()))) {
        assert!(store.get_many(&[key("a")]).is_ok(), "{kind}");
        let error = store.put_many(&[(key("a"), record(1, 0))]).unwrap_err();
        assert_eq!(error.to_string(), "Redis answered READONLY", "{kind}");
    }
}

/// What is refused has to go, room or no room.
#[test]
fn a_server_without_memory_takes_nothing_and_lets_go_of_what_is_refused() {
    let server = RedisServer::start();
    for (kind, store) in both(&patient(RedisOptions::new(server.url()))) {
        server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
        server.ask(&["FLUSHALL"]);
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        server.ask(&["CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1"]);
        let error = store.put_many(&[(key("b"), record(1, 0))]).unwrap_err();
        assert_eq!(error.to_string(), "Redis answered OOM", "{kind}");
        let answers = store.get_many(&[key("a")]).unwrap();
        assert_eq!(bytes(&answers), [Some(&record(1, 0).bytes()[..])], "{kind}");
        store.remove_many(&[(key("a"), refusal(&record(1, 0)))]).unwrap();
        assert_eq!(store.get_many(&[key("a")]).unwrap(), [None], "{kind}");
        let error = store.remove_many(&[(key("c"), refusal(&record(1, 0)))]).unwrap_err();
        assert_eq!(error.to_string(), "Redis answered OOM", "{kind}: it cannot remember this one");
    }
}

#[test]
fn what_is_no_redis_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for answer in
            ["HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n", ":1\r\n", "*1\r\n$-1\r\n"].iter().cycle()
        {
            let Ok((mut connection, _)) = listener.accept() else { return };
            let _ = connection.read(&mut [0; 4_096]);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    let options = patient(RedisOptions::new(format!("redis://127.0.0.1:{port}")));
    for (kind, store) in both(&options) {
        for _ in 0..4 {
            assert!(store.get_many(&[key("a"), key("b")]).is_err(), "{kind}");
        }
    }
}
