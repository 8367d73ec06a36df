//! A blocking store for async callers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tm_cache::{AsyncStore, Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Asks a blocking store on the runtime's threads for blocking work. A request that is given up goes on there until the store
/// answers it. A store that hangs takes at most 32 of those threads, which look-ups of host names need too; what comes beyond
/// waits.
#[derive(Debug)]
pub struct BlockingStore<S> {
    store: Arc<S>,
    threads: Arc<Semaphore>,
}

const MOST_THREADS: usize = 32;

impl<S: Store> BlockingStore<S> {
    /// Over this store.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), threads: Arc::new(Semaphore::new(MOST_THREADS)) }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&S) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let lost = || StoreError::new("the store panicked, or its runtime ended");
        let store = Arc::clone(&self.store);
        let thread = Arc::clone(&self.threads).acquire_owned().await.map_err(|_| lost())?;
        let answer = spawn_blocking(move || {
            let _thread = thread; // until the store answers, whether anybody waits for it or not
            question(&store)
        });
        answer.await.unwrap_or_else(|_| Err(lost()))
    }
}

/// Another handle on the same store.
impl<S> Clone for BlockingStore<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), threads: Arc::clone(&self.threads) }
    }
}

#[async_trait]
impl<S: Store> AsyncStore for BlockingStore<S> {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let keys = keys.to_vec();
        self.ask(move |store| store.get_many(&keys)).await
    }

    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        let records = records.to_vec();
        self.ask(move |store| store.put_many(&records)).await
    }

    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        let tombstones = tombstones.to_vec();
        self.ask(move |store| store.remove_many(&tombstones)).await
    }

    async fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let (claims, owner) = (claims.to_vec(), *owner);
        self.ask(move |store| store.lease_many(&claims, &owner, time)).await
    }

    async fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        let (keys, owner) = (keys.to_vec(), *owner);
        self.ask(move |store| store.release_many(&keys, &owner)).await
    }

    fn leases(&self) -> bool {
        self.store.leases()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    /// Answers only once somebody comes for it.
    struct Hanging {
        asked: AtomicUsize,
        answers: Barrier,
    }

    impl Store for Hanging {
        fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
            if !keys.is_empty() {
                self.asked.fetch_add(1, Ordering::Relaxed);
                self.answers.wait();
            }
            Ok(vec![None; keys.len()])
        }

        fn put_many(&self, _: &[(Key, Record)]) -> Result<(), StoreError> {
            Ok(())
        }

        fn remove_many(&self, _: &[(Key, Tombstone)]) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_store_that_hangs_takes_no_more_threads_than_its_share() {
        let answers = Barrier::new(MOST_THREADS + 1);
        let store = BlockingStore::new(Hanging { asked: AtomicUsize::new(0), answers });
        let ask = || {
            let store = store.clone();
            async move { store.get_many(&[Key::from_bytes(b"acme")]).await }
        };
        let callers: Vec<_> = (0..MOST_THREADS).map(|_| tokio::spawn(ask())).collect();
        while store.store.asked.load(Ordering::Relaxed) < MOST_THREADS {
            tokio::task::yield_now().await;
        }
        for caller in callers {
            caller.abort();
            assert!(caller.await.is_err(), "it is gone");
        }
        let free = store.threads.available_permits();
        store.store.answers.wait();
        assert_eq!(free, 0, "their threads were not gone");
        assert!(store.get_many(&[]).await.is_ok(), "it goes on once the store does");
    }
}
