//! The store for blocking callers.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    RedisOptions,
    calls::Call,
    exchange::{Batch, Exchange},
    options::Plan,
    pool::Pool,
    replies::Replies,
    routes::{Known, Routes, Server},
};
use crate::{Claim, Key, Lease, Owner, Record, Store, StoreError, Tombstone};

/// A store in Redis, for blocking callers. Any number of threads may use it at once.
///
/// A request of up to 500 tokens is one round trip, in a Cluster one to each of its masters at the same time; so is one of
/// more, in several commands. Nothing is connected before it is used, and a broken connection is replaced.
pub struct RedisStore {
    plan: Arc<Plan>,
    pool: Pool,
    known: Known,
}

impl RedisStore {
    /// The Redis at a URL, with the defaults of [`RedisOptions`].
    ///
    /// # Errors
    /// As [`RedisOptions::open`].
    pub fn open(url: impl AsRef<str>) -> Result<Self, StoreError> {
        RedisOptions::new(url).open()
    }

    pub(super) fn with(plan: Arc<Plan>) -> Self {
        Self { plan, pool: Pool::default(), known: Known::default() }
    }

    fn ask<'a>(&self, calls: &'a [Call]) -> Result<Replies<'a>, StoreError> {
        if calls.is_empty() {
            return Ok(Replies { calls, replies: Vec::new() });
        }
        let routes = self.routes()?;
        let doubt = self.known.doubted();
        let mut exchange = Exchange::new(calls, &routes)?;
        self.exchange(&mut exchange)?;
        if !exchange.has_moved() {
            doubt.dispel();
        }
        Ok(exchange.finish())
    }

    fn exchange(&self, exchange: &mut Exchange<'_>) -> Result<(), StoreError> {
        loop {
            let batches = exchange.round()?;
            if batches.is_empty() {
                return Ok(());
            }
            let answers = self.pool.ask(&self.plan, &batches)?;
            for (batch, values) in batches.into_iter().zip(answers) {
                exchange.answer(batch, values)?;
            }
        }
    }

    fn routes(&self) -> Result<Arc<Routes>, StoreError> {
        if let Some(routes) = self.known.routes() {
            return Ok(routes);
        }
        let topology = &self.plan.topology;
        if let Some(routes) = topology.fixed() {
            return Ok(self.known.learn(routes));
        }
        let mut last = None;
        for server in topology.servers() {
            match self.ask_for_routes(server) {
                Ok(routes) => {
                    self.pool.keep(|server| topology.needs(server, &routes));
                    return Ok(self.known.learn(routes));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| StoreError::new("there is no Redis to ask")))
    }

    fn ask_for_routes(&self, server: &Server) -> Result<Routes, StoreError> {
        let question = [Batch::of(server.clone(), self.plan.topology.question())];
        let answers = self.pool.ask(&self.plan, &question)?;
        self.plan.topology.routes(server, answers.first().and_then(|values| values.first()))
    }
}

impl Store for RedisStore {
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
        self.ask(&self.plan.caller.get(keys))?.records(keys.len())
    }

    fn put_many(&self, records: &[(Key, Record)]) -> Result<(), StoreError> {
        self.ask(&self.plan.caller.put(records))?.counts()
    }

    fn remove_many(&self, tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
        self.ask(&self.plan.caller.bury(tombstones))?.counts()
    }

    fn lease_many(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Result<Vec<Lease>, StoreError> {
        self.ask(&self.plan.caller.lease(claims, owner, time))?.leases(claims.len())
    }

    fn release_many(&self, keys: &[Key], owner: &Owner) -> Result<(), StoreError> {
        self.ask(&self.plan.caller.release(keys, owner))?.counts()
    }

    fn leases(&self) -> bool {
        true
    }
}

/// Shows no URL and no password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("plan", &self.plan).finish_non_exhaustive()
    }
}
