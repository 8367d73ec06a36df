//! The async store on several runtimes, and with callers that go away.

use std::{
    future::Future,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    thread,
    time::{Duration, Instant},
};

use tm_cache::{AsyncRedisStore, AsyncStore as _, Record, RedisOptions};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    given::{bytes, key, keys, patient, record},
    server::RedisServer,
};

/// Of one thread, which runs only while somebody waits in it.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn store(server: &RedisServer) -> AsyncRedisStore {
    patient(RedisOptions::new(server.url())).open_async().expect("a store")
}

#[test]
fn a_store_outlives_the_runtimes_that_use_it() {
    let server = RedisServer::start();
    let store = store(&server);
    runtime().block_on(store.put_many(&[(key("a"), record(1, 0))])).unwrap();
    for _ in 0..10 {
        let answers = runtime().block_on(store.get_many(&[key("a")])).unwrap();
        assert_eq!(bytes(&answers), [Some(&record(1, 0).bytes()[..])]);
    }
}

/// A runtime of one thread stands still while nobody is in it, and with it the task behind its connection.
#[test]
fn a_runtime_that_stands_still_keeps_no_other_from_the_store() {
    let server = RedisServer::start();
    let store = store(&server);
    let (still, other) = (runtime(), runtime());
    still.block_on(store.put_many(&[(key("a"), record(1, 0))])).unwrap();
    for runtime in [&other, &still, &other] {
        assert!(runtime.block_on(store.get_many(&[key("a")])).unwrap()[0].is_some());
    }
}

#[test]
fn outside_of_a_runtime_there_is_an_error() {
    let server = RedisServer::start();
    let store = store(&server);
    let keys = [key("a")];
    let future = pin!(store.get_many(&keys));
    let polled = future.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, std::task::Poll::Ready(Err(_))));
}

#[test]
fn a_future_that_is_dropped_harms_nobody() {
    let server = RedisServer::start();
    let store = Arc::new(store(&server));
    runtime().block_on(async {
        let keys = keys(300);
        let records: Vec<_> = keys.iter().map(|key| (key.clone(), record(1, 0))).collect();
        store.put_many(&records).await.unwrap();
        for polls in 0..60 {
            // Dropped after so many polls: before connecting, while writing, before the answer, in the midst of it.
            let mut dropped = Box::pin(store.get_many(&keys));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls % 6 {
                let is_pending = dropped.as_mut().poll(&mut context).is_pending();
                if !is_pending {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(dropped);
            let answers = store.get_many(&keys[..2]).await.unwrap();
            assert_eq!(bytes(&answers), [Some(&record(1, 0).bytes()[..]); 2]);
        }
    });
}

#[test]
fn callers_who_come_at_once_share_one_connection() {
    let server = RedisServer::start();
    let store = Arc::new(store(&server));
    let received = || -> u64 {
        let info = server.ask(&["INFO", "stats"]);
        let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().trim().parse().unwrap()
    };
    let before = received();
    runtime().block_on(async {
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.get_many(&[key("a")]).await.unwrap() })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    });
    assert_eq!(received() - before, 2, "one of the store and one of the test");
}

/// Callers who give up before every time-out of the store, as long as they like.
async fn impatient(store: &AsyncRedisStore) -> Option<Vec<Option<Record>>> {
    let answer = timeout(Duration::from_millis(2), store.get_many(&[key("a")])).await;
    answer.ok().and_then(Result::ok)
}

#[test]
fn a_connection_that_hangs_is_replaced_though_no_caller_waits_for_its_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    // Takes all that comes and says nothing.
    thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((connection, _)) = listener.accept() {
            kept.push(connection);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let options = RedisOptions::new(format!("redis://127.0.0.1:{port}"));
    let store = options.response_timeout(Duration::from_secs(1)).open_async().unwrap();
    let give_up = Instant::now() + Duration::from_secs(30);
    runtime().block_on(async {
        while connections.load(Ordering::Relaxed) < 2 {
            assert!(Instant::now() < give_up, "there is one connection, and it hangs");
            assert_eq!(impatient(&store).await, None);
        }
    });
}

#[test]
fn a_connection_comes_about_though_no_caller_waits_for_it() {
    let server = RedisServer::start();
    let slow = SlowPort::to(server.port(), Duration::from_millis(30));
    // With a password the connection is up only after an answer.
    server.ask(&["CONFIG", "SET", "requirepass", "secret"]);
    let options = patient(RedisOptions::new(format!("redis://:secret@127.0.0.1:{}", slow.port)));
    let store = options.open_async().unwrap();
    let give_up = Instant::now() + Duration::from_secs(30);
    runtime().block_on(async {
        // While it is made all of them leave; when it is there the store answers in time again, which is what one waits for.
        while slow.answers.load(Ordering::Relaxed) == 0 {
            assert!(Instant::now() < give_up, "no connection lives longer than its caller");
            impatient(&store).await;
        }
        assert_eq!(store.get_many(&[key("a")]).await.unwrap(), [None]);
    });
    assert_eq!(slow.connections.load(Ordering::Relaxed), 1);
}

/// Passes all on to a server, and its first answer late.
struct SlowPort {
    port: u16,
    connections: Arc<AtomicUsize>,
    answers: Arc<AtomicUsize>,
}

impl SlowPort {
    fn to(server: u16, late: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let slow = Self {
            port: listener.local_addr().unwrap().port(),
            connections: Arc::default(),
            answers: Arc::default(),
        };
        let (connections, answers) = (Arc::clone(&slow.connections), Arc::clone(&slow.answers));
        thread::spawn(move || {
            while let Ok((mut client, _)) = listener.accept() {
                connections.fetch_add(1, Ordering::Relaxed);
                let answers = Arc::clone(&answers);
                let mut server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let (mut from_client, mut to_server) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || io::copy(&mut from_client, &mut to_server));
                thread::spawn(move || {
                    let mut bytes = [0; 4_096];
                    thread::sleep(late); // sleep: a network that is slow
                    while let Ok(count) = server.read(&mut bytes) {
                        if count == 0 || client.write_all(&bytes[..count]).is_err() {
                            return;
                        }
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        slow
    }
}
