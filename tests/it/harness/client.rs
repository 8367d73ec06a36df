//! One blocking client in front of both: over reqwest on a runtime of its own, or over ureq.

use std::{fmt, sync::Arc, time::Duration};

use tm_async::{BlockingStore, Credentials, Error, Setup, TenantId, Token, Wish};
use tm_cache::{KeyRing, RedisOptions, Storage, Store, StoreError};
use tm_core::broker::Stats;
use tokio::runtime::{Builder, Runtime};

use super::{
    Pending,
    scripted::{Carrier, MockExchange},
    watched::{Seen, Watched},
};

/// Which of the two carries the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stack {
    Reqwest,
    Ureq,
}

impl Stack {
    pub(crate) const BOTH: [Self; 2] = [Self::Reqwest, Self::Ureq];

    /// What clients of this stack run on.
    pub(crate) fn host(self) -> Host {
        match self {
            Self::Reqwest => Host::Async(Arc::new(runtime())),
            Self::Ureq => Host::Blocking,
        }
    }
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Where clients run. Clones share one runtime.
#[derive(Debug, Clone)]
pub(crate) enum Host {
    Async(Arc<Runtime>),
    Blocking,
}

impl Host {
    pub(crate) fn client(&self, setup: Setup) -> Result<Client, Error> {
        Ok(match self {
            Self::Async(runtime) => Client::Async(tm_async::Client::new(setup)?, Arc::clone(runtime)),
            Self::Blocking => Client::Blocking(tm_blocking::Client::new(setup)?),
        })
    }

    /// A client that keeps its tokens in a store.
    pub(crate) fn client_with_store<S: Store>(&self, setup: Setup, storage: Storage<S>) -> Client {
        let client = match self {
            Self::Async(runtime) => tm_async::Client::builder(setup)
                .store(storage.map(BlockingStore::new))
                .build()
                .map(|client| Client::Async(client, Arc::clone(runtime))),
            Self::Blocking => {
                tm_blocking::Client::builder(setup).store(storage).build().map(Client::Blocking)
            }
        };
        client.expect("a good set-up")
    }

    /// A client that keeps its tokens in a Redis, sealed if there is a ring.
    pub(crate) fn client_with_redis(
        &self,
        setup: Setup,
        redis: &RedisOptions,
        ring: Option<&KeyRing>,
    ) -> Client {
        let client = match self {
            Self::Async(runtime) => tm_async::Client::builder(setup)
                .store(stored(redis.open_async().expect("good options"), ring))
                .build()
                .map(|client| Client::Async(client, Arc::clone(runtime))),
            Self::Blocking => tm_blocking::Client::builder(setup)
                .store(stored(redis.open().expect("good options"), ring))
                .build()
                .map(Client::Blocking),
        };
        client.expect("a good set-up")
    }

    /// A client whose transport is a mock.
    pub(crate) fn scripted_client(&self, setup: Setup, script: MockExchange) -> Client {
        self.client_over(setup, Carrier(script))
    }

    /// A client over a transport of one's own.
    pub(crate) fn client_over<T>(&self, setup: Setup, transport: T) -> Client
    where
        T: tm_async::Transport + tm_blocking::Transport,
    {
        let client = match self {
            Self::Async(runtime) => tm_async::Client::builder(setup)
                .transport(transport)
                .build()
                .map(|client| Client::Async(client, Arc::clone(runtime))),
            Self::Blocking => {
                tm_blocking::Client::builder(setup).transport(transport).build().map(Client::Blocking)
            }
        };
        client.expect("a good set-up")
    }

    /// A client whose real transport is watched.
    pub(crate) fn watched_client(&self, setup: Setup) -> Result<(Client, Seen), Error> {
        let seen = Seen::default();
        let client = match self {
            Self::Async(runtime) => {
                let watched = Watched::new(tm_async::ReqwestTransport::new(&setup)?, &seen);
                Client::Async(
                    tm_async::Client::builder(setup).transport(watched).build()?,
                    Arc::clone(runtime),
                )
            }
            Self::Blocking => {
                let watched = Watched::new(tm_blocking::UreqTransport::new(&setup)?, &seen);
                Client::Blocking(tm_blocking::Client::builder(setup).transport(watched).build()?)
            }
        };
        Ok((client, seen))
    }

    /// Tasks of the runtime that have not ended. Threads cannot be told apart within this process.
    pub(crate) fn tasks(&self) -> usize {
        match self {
            Self::Async(runtime) => runtime.metrics().num_alive_tasks(),
            Self::Blocking => 0,
        }
    }
}

fn stored<S>(store: S, ring: Option<&KeyRing>) -> Storage<S> {
    match ring {
        Some(ring) => Storage::sealed(store, ring.clone()),
        None => Storage::plaintext(store),
    }
}

/// Either client.
#[derive(Clone)]
pub(crate) enum Client {
    Async(tm_async::Client, Arc<Runtime>),
    Blocking(tm_blocking::Client),
}

impl Client {
    pub(crate) fn token(&self, tenant: &str) -> Result<Token, Error> {
        match self {
            Self::Async(client, runtime) => runtime.block_on(client.token(tenant)),
            Self::Blocking(client) => client.token(tenant),
        }
    }

    pub(crate) fn token_with(&self, tenant: &TenantId, wish: Wish) -> Result<Token, Error> {
        match self {
            Self::Async(client, runtime) => runtime.block_on(client.token_with(tenant, wish)),
            Self::Blocking(client) => client.token_with(tenant, wish),
        }
    }

    pub(crate) fn tokens(&self, tenants: &[TenantId]) -> Vec<(TenantId, Result<Token, Error>)> {
        let tenants = tenants.to_vec();
        match self {
            Self::Async(client, runtime) => runtime.block_on(client.tokens(tenants)),
            Self::Blocking(client) => client.tokens(tenants),
        }
    }

    /// A caller of its own, a task or a thread, that waits for a token.
    pub(crate) fn asking(&self, tenant: &TenantId, wish: Wish) -> Pending {
        match self {
            Self::Async(client, runtime) => Pending::task(runtime, client.clone(), tenant.clone(), wish),
            Self::Blocking(client) => Pending::thread(client.clone(), tenant.clone(), wish),
        }
    }

    pub(crate) fn tenant(&self, tenant: &str) -> Result<Tenant, Error> {
        Ok(match self {
            Self::Async(client, runtime) => Tenant::Async(client.tenant(tenant)?, Arc::clone(runtime)),
            Self::Blocking(client) => Tenant::Blocking(client.tenant(tenant)?),
        })
    }

    pub(crate) fn user_tenants(&self) -> Result<Vec<TenantId>, Error> {
        match self {
            Self::Async(client, runtime) => runtime.block_on(client.user_tenants()),
            Self::Blocking(client) => client.user_tenants(),
        }
    }

    pub(crate) fn all_tokens(&self) -> AllTokens {
        match self {
            Self::Async(client, runtime) => AllTokens::Async(client.all_tokens(), Arc::clone(runtime)),
            Self::Blocking(client) => AllTokens::Blocking(client.all_tokens()),
        }
    }

    pub(crate) fn prefetch(&self, tenants: &[TenantId]) {
        match self {
            Self::Async(client, runtime) => {
                let _inside = runtime.enter();
                client.prefetch(tenants);
            }
            Self::Blocking(client) => client.prefetch(tenants),
        }
    }

    pub(crate) fn keep_fresh(&self, tenants: &[TenantId]) -> Result<(), Error> {
        match self {
            Self::Async(client, runtime) => {
                let _inside = runtime.enter();
                client.keep_fresh(tenants)
            }
            Self::Blocking(client) => client.keep_fresh(tenants),
        }
    }

    pub(crate) fn let_fade(&self, tenants: &[TenantId]) {
        match self {
            Self::Async(client, runtime) => {
                let _inside = runtime.enter();
                client.let_fade(tenants);
            }
            Self::Blocking(client) => client.let_fade(tenants),
        }
    }

    pub(crate) fn keep_fresh_all(&self) -> Result<usize, Error> {
        match self {
            Self::Async(client, runtime) => runtime.block_on(client.keep_fresh_all()),
            Self::Blocking(client) => client.keep_fresh_all(),
        }
    }

    pub(crate) fn reject(&self, token: &Token) {
        match self {
            Self::Async(client, runtime) => {
                let _inside = runtime.enter();
                client.reject(token);
            }
            Self::Blocking(client) => client.reject(token),
        }
    }

    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        match self {
            Self::Async(client, runtime) => {
                let _inside = runtime.enter();
                client.set_credentials(credentials);
            }
            Self::Blocking(client) => client.set_credentials(credentials),
        }
    }

    pub(crate) fn store_error(&self) -> Option<StoreError> {
        match self {
            Self::Async(client, _) => client.store_error(),
            Self::Blocking(client) => client.store_error(),
        }
    }

    pub(crate) fn remaining(&self, token: &Token) -> Option<Duration> {
        match self {
            Self::Async(client, _) => client.remaining(token),
            Self::Blocking(client) => client.remaining(token),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        match self {
            Self::Async(client, _) => client.stats(),
            Self::Blocking(client) => client.stats(),
        }
    }

    pub(crate) fn close(&self, within: Duration) {
        match self {
            Self::Async(client, runtime) => runtime.block_on(client.close(within)),
            Self::Blocking(client) => client.close(within),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Async(client, _) => client.fmt(f),
            Self::Blocking(client) => client.fmt(f),
        }
    }
}

/// Either handle on one tenant.
#[derive(Clone)]
pub(crate) enum Tenant {
    Async(tm_async::Tenant, Arc<Runtime>),
    Blocking(tm_blocking::Tenant),
}

impl Tenant {
    pub(crate) fn id(&self) -> &TenantId {
        match self {
            Self::Async(tenant, _) => tenant.id(),
            Self::Blocking(tenant) => tenant.id(),
        }
    }

    pub(crate) fn token(&self) -> Result<Token, Error> {
        match self {
            Self::Async(tenant, runtime) => runtime.block_on(tenant.token()),
            Self::Blocking(tenant) => tenant.token(),
        }
    }
}

/// Either run over all tenants.
#[derive(Debug)]
pub(crate) enum AllTokens {
    Async(tm_async::AllTokens, Arc<Runtime>),
    Blocking(tm_blocking::AllTokens),
}

impl Iterator for AllTokens {
    type Item = Result<(TenantId, Token), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Async(all, runtime) => runtime.block_on(all.next()),
            Self::Blocking(all) => all.next(),
        }
    }
}
