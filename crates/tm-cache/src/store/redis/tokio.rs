//! The store for async callers on tokio.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use tokio::{runtime::Handle, task::yield_now, time::timeout};

use super::{
    RedisOptions,
    calls::Call,
    exchange::{Batch, Exchange},
    failure,
    lines::Lines,
    options::Plan,
    replies::Replies,
    routes::{Known, Routes, Server},
};
use crate::{AsyncStore, Claim, Key, Lease, Owner, Record, StoreError, Tombstone};

/// To read so many records takes so long that others should have their turn first.
const MANY: usize = 50;

/// A store in Redis, for async callers on tokio, on any number of runtimes. A future may be dropped at any time.
///
/// A request of up to 500 tokens is one round trip, in a Cluster one to each of its masters at the same time; so is one of
/// more, in several commands. Nothing is connected before it is used, and a broken connection is replaced.
pub struct AsyncRedisStore {
    plan: Arc<Plan>,
    lines: Lines,
    known: Known,
}

impl AsyncRedisStore {
    /// The Redis at a URL, with the defaults of [`RedisOptions`].
    ///
    /// # Errors
    /// As [`RedisOptions::open`].
    pub fn open(url: impl AsRef<str>) -> Result<Self, StoreError> {
        RedisOptions::new(url).open_async()
    }

    pub(super) fn with(plan: Arc<Plan>) -> Self {
        Self { plan, lines: Lines::default(), known: Known::default() }
    }

    /// Once the routes are known, all in all not longer than for a connection and two answers, whatever others wait for on
    /// the same line.
    async fn ask<'a>(&self, calls: &'a [Call]) -> Result<Replies<'a>, StoreError> {
        if calls.is_empty() {
            return Ok(Replies { calls, replies: Vec::new() });
        }
        if Handle::try_current().is_err() {
            return Err(StoreError::new("Redis is asked outside of a tokio runtime"));
        }
        let patience = self.plan.connect_timeout + 2 * self.plan.response_timeout;
        let routes = self.routes().await?;
        let doubt = self.known.doubted();
        let mut exchange = Exchange::new(calls, &routes)?;
        timeout(patience, self.exchange(&mut exchange))
            .await
            .unwrap_or_else(|_| Err(failure::timed_out()))?;
        if !exchange.has_moved() {
            doubt.dispel();
        }
        Ok(exchange.finish())
    }

    async fn exchange(&self, exchange: &mut Exchange<'_>) -> Result<(), StoreError> {
        loop {
            let batches = exchange.round()?;
            if batches.is_empty() {
                return Ok(());
            }
            let answers = try_join_all(batches.iter().map(|batch| self.lines.ask(&self.plan, batch))).await?;
            for (batch, values) in batches.into_iter().zip(answers) {
                exchange.answer(batch, values)?;
            }
        }
    }

    async fn routes(&self) -> Result<Arc<Routes>, StoreError> {
        if let Some(routes) = self.known.routes() {
            return Ok(routes);
        }
        let topology = &self.plan.topology;
        if let Some(routes) = topology.fixed() {
            return Ok(self.known.learn(routes));
        }
        let mut last = None;
        for server in topology.servers() {
            match self.ask_for_routes(server).await {
                Ok(routes) => {
                    self.lines.keep(|server| topology.needs(server, &routes));
                    return Ok(self.known.learn(routes));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| StoreError::new("there is no Redis to ask")))
    }

    async fn ask_for_routes(&self, server: &Server) -> Result<Routes, StoreError> {
        let question = Batch::of(server.clone(), self.plan.topology.question());
        let patience = self.plan.connect_timeout + self.plan.response_timeout;
        let values = timeout(patience, self.lines.ask(&self.plan, &question)).await;
        let values = values.unwrap_or_else(|_| Err(failure::timed_out()))?;
        self.plan.topology.routes(server, values.first())
    }
}

#[async_trait]
impl AsyncStore for AsyncRedisStore {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        let calls = self.plan.caller.get(keys);
        let replies = self.ask(&calls).await?;
        if keys.len() >= MANY {
            // The task that listens to Redis has woken us, and tokio runs such a one next on the same worker, before the listener
            // gets on; no other worker may take it over (the LIFO slot). Whoever yields stands in the queue that all share.
            yield_now().await;
        }
        replies.records(keys.len())
    }

    async fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        self.ask(&self.plan.caller.put(records)).await?.counts()
    }

    async fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        self.ask(&self.plan.caller.bury(tombstones)).await?.counts()
    }

    async fn lease_many(
        &self,
        claims: &[Claim],
        owner: &Owner,
        time: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        self.ask(&self.plan.caller.lease(claims, owner, time)).await?.leases(claims.len())
    }

    async fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        self.ask(&self.plan.caller.release(keys, owner)).await?.counts()
    }

    fn leases(&self) -> bool {
        true
    }
}

/// Shows no URL and no password.
impl fmt::Debug for AsyncRedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncRedisStore").field("plan", &self.plan).finish_non_exhaustive()
    }
}
