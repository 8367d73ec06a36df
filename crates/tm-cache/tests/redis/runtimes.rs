//! The async store on several runtimes, and with callers that go away.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use tm_cache::{AsyncRedisStore, AsyncStore as _, RedisOptions};
use tokio::runtime::{Builder, Runtime};

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
