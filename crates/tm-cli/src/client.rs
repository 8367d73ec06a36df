//! One client over either transport, without `async`, so that each command is written once.

use std::{ops::Deref, sync::Arc, thread, time::Duration};

use tm_async::{
    BlockingStore, ReqwestTransport, Setup,
    cache::{self, StoreError},
};
use tm_blocking::UreqTransport;
use tm_core::{Error, ErrorKind, TenantId, Token};
use tokio::runtime::{Builder, Runtime};

use crate::{
    deadline::Deadline,
    exit::{Halt, told},
    interrupt,
    output::tell,
    storage::{Storage, unusable},
    way::Way,
};

/// How long the end of a client may take: as long as its store may take to be told something.
const CLOSING: Duration = Duration::from_secs(2);

/// How long it may take if the user interrupts it: others wait for the leases that this process has.
const INTERRUPTED: Duration = Duration::from_millis(500);

/// Cheap to clone. Its methods wait; let them do it on a thread that may be left behind.
#[derive(Clone)]
pub(crate) enum Client {
    Async(Arc<Background>, tm_async::Client),
    Blocking(tm_blocking::Client),
}

/// A token, and how long the client serves it yet: by the service's clock, whatever this machine's says. `None` if it has just let
/// it go.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) token: Token,
    pub(crate) left: Option<Duration>,
}

/// How many answers a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Whoever waits for it drives the client meanwhile.
    One,
    /// The client has threads of its own.
    Many,
}

/// A client for as long as a run needs it. However the run ends, its leases go back and its tokens are kept.
pub(crate) struct Session {
    client: Client,
    deadline: Deadline,
}

/// A tokio runtime whose end nobody waits for: it may have a look-up of a host name under way.
pub(crate) struct Background(Option<Runtime>);

impl Client {
    /// # Errors
    /// The set-up is not good.
    pub(crate) fn new(
        setup: Setup,
        storage: Storage,
        blocking: bool,
        answers: Answers,
    ) -> Result<Self, Halt> {
        if blocking {
            let way = Way::new(&setup, UreqTransport::new)?;
            let builder = tm_blocking::Client::builder(setup).transport(way);
            let builder = match storage {
                Storage::None => builder,
                Storage::Memory(store) => builder.store(cache::Storage::in_process(store)),
                Storage::Files(store, ring) => builder.store(cache::Storage::sealed(store, ring)),
                Storage::Redis(redis, ring) => {
                    builder.store(cache::Storage::sealed(redis.open().map_err(unusable)?, ring))
                }
            };
            return Ok(Self::Blocking(builder.build()?));
        }
        let way = Way::new(&setup, ReqwestTransport::new)?;
        let builder = tm_async::Client::builder(setup).transport(way);
        let builder = match storage {
            Storage::None => builder,
            Storage::Memory(store) => builder.store(cache::Storage::in_process(store)),
            Storage::Files(store, ring) => {
                builder.store(cache::Storage::sealed(BlockingStore::new(store), ring))
            }
            Storage::Redis(redis, ring) => {
                builder.store(cache::Storage::sealed(redis.open_async().map_err(unusable)?, ring))
            }
        };
        Ok(Self::Async(Arc::new(Background::new(answers)?), builder.build()?))
    }

    /// The transport's name.
    pub(crate) fn transport(&self) -> &'static str {
        match self {
            Self::Async(..) => "async (tokio, reqwest)",
            Self::Blocking(_) => "blocking (threads, ureq)",
        }
    }

    pub(crate) fn token(&self, tenant: &TenantId) -> Result<Served, Error> {
        let token = match self {
            Self::Async(background, client) => background.runtime()?.block_on(client.token(tenant)),
            Self::Blocking(client) => client.token(tenant),
        };
        token.map(|token| self.served(token))
    }

    pub(crate) fn tokens(&self, tenants: Vec<TenantId>) -> Vec<(TenantId, Result<Served, Error>)> {
        let rows = match self {
            Self::Async(background, client) => match background.runtime() {
                Ok(runtime) => runtime.block_on(client.tokens(tenants)),
                Err(error) => tenants.into_iter().map(|tenant| (tenant, Err(error.clone()))).collect(),
            },
            Self::Blocking(client) => client.tokens(tenants),
        };
        rows.into_iter().map(|(tenant, token)| (tenant, token.map(|token| self.served(token)))).collect()
    }

    pub(crate) fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        match self {
            Self::Async(background, client) => background.runtime()?.block_on(client.user_tenants()),
            Self::Blocking(client) => client.user_tenants(),
        }
    }

    /// A token for every tenant, as they come.
    pub(crate) fn all_tokens(&self) -> AllTokens {
        let rows = match self {
            Self::Async(background, client) => Rows::Async(Arc::clone(background), client.all_tokens()),
            Self::Blocking(client) => Rows::Blocking(client.all_tokens()),
        };
        AllTokens { client: self.clone(), rows }
    }

    fn served(&self, token: Token) -> Served {
        let left = match self {
            Self::Async(_, client) => client.remaining(&token),
            Self::Blocking(client) => client.remaining(&token),
        };
        Served { token, left }
    }

    /// Lets go of connections and leases, and of tokens once they are kept.
    fn close(&self, within: Duration) {
        match self {
            Self::Async(background, client) => {
                if let Ok(runtime) = background.runtime() {
                    runtime.block_on(client.close(within));
                }
            }
            Self::Blocking(client) => client.close(within),
        }
    }

    /// Tokens that came out of the store.
    pub(crate) fn tokens_loaded(&self) -> u64 {
        match self {
            Self::Async(_, client) => client.stats().tokens_loaded,
            Self::Blocking(client) => client.stats().tokens_loaded,
        }
    }

    fn store_error(&self) -> Option<StoreError> {
        match self {
            Self::Async(_, client) => client.store_error(),
            Self::Blocking(client) => client.store_error(),
        }
    }
}

impl Session {
    /// The end takes no longer than the run may.
    pub(crate) fn new(client: Client, deadline: Deadline) -> Self {
        let interrupted = client.clone();
        interrupt::before_the_end(move || interrupted.close(INTERRUPTED));
        Self { client, deadline }
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.client.close(self.deadline.left().unwrap_or(CLOSING).min(CLOSING));
        if let Some(error) = self.client.store_error() {
            tell(format_args!("the store failed, and tokens may not be kept: {}", told(&error)));
        }
    }
}

/// The tokens of all tenants from either client.
pub(crate) struct AllTokens {
    client: Client,
    rows: Rows,
}

enum Rows {
    Async(Arc<Background>, tm_async::AllTokens),
    Blocking(tm_blocking::AllTokens),
}

impl Iterator for AllTokens {
    type Item = Result<(TenantId, Served), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = match &mut self.rows {
            Rows::Async(background, all) => match background.runtime() {
                Ok(runtime) => runtime.block_on(all.next()),
                Err(error) => Some(Err(error)),
            },
            Rows::Blocking(all) => all.next(),
        };
        row.map(|row| row.map(|(tenant, token)| (tenant, self.client.served(token))))
    }
}

impl Background {
    fn new(answers: Answers) -> Result<Self, Error> {
        let mut builder = match answers {
            Answers::One => Builder::new_current_thread(),
            Answers::Many => Builder::new_multi_thread(),
        };
        // tokio panics if the system gives it no thread at all, so one is asked for here.
        let thread = thread::Builder::new().name("probe".to_owned()).spawn(|| ());
        let made = thread.and_then(|thread| {
            drop(thread.join());
            builder.worker_threads(2).enable_all().build()
        });
        made.map(|runtime| Self(Some(runtime)))
            .map_err(|error| Error::new(ErrorKind::Transport, "the runtime cannot be started").because(error))
    }

    /// It is there until the drop.
    fn runtime(&self) -> Result<&Runtime, Error> {
        self.0.as_ref().ok_or_else(|| Error::new(ErrorKind::Closed, "the runtime has ended"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
