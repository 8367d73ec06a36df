//! One client over either transport, without `async`, so that each command is written once.

use std::{sync::Arc, time::Duration};

use tm_async::Setup;
use tm_core::{Error, ErrorKind, TenantId, Token};
use tokio::runtime::{Builder, Runtime};

/// How long the end of a client may take.
const CLOSING: Duration = Duration::from_millis(200);

/// Cheap to clone. Its methods wait; let them do it on a thread that may be left behind.
#[derive(Clone)]
pub(crate) enum Client {
    Async(Arc<Background>, tm_async::Client),
    Blocking(tm_blocking::Client),
}

/// A tokio runtime whose end nobody waits for: it may have a look-up of a host name under way.
pub(crate) struct Background(Option<Runtime>);

impl Client {
    /// # Errors
    /// The set-up is not good.
    pub(crate) fn new(setup: Setup, blocking: bool) -> Result<Self, Error> {
        if blocking {
            return Ok(Self::Blocking(tm_blocking::Client::new(setup)?));
        }
        Ok(Self::Async(Arc::new(Background::new()?), tm_async::Client::new(setup)?))
    }

    /// The transport's name.
    pub(crate) fn transport(&self) -> &'static str {
        match self {
            Self::Async(..) => "async (tokio, reqwest)",
            Self::Blocking(_) => "blocking (threads, ureq)",
        }
    }

    pub(crate) fn token(&self, tenant: &TenantId) -> Result<Token, Error> {
        match self {
            Self::Async(background, client) => background.runtime()?.block_on(client.token(tenant)),
            Self::Blocking(client) => client.token(tenant),
        }
    }

    pub(crate) fn tokens(&self, tenants: Vec<TenantId>) -> Vec<(TenantId, Result<Token, Error>)> {
        match self {
            Self::Async(background, client) => match background.runtime() {
                Ok(runtime) => runtime.block_on(client.tokens(tenants)),
                Err(error) => tenants.into_iter().map(|tenant| (tenant, Err(error.clone()))).collect(),
            },
            Self::Blocking(client) => client.tokens(tenants),
        }
    }

    pub(crate) fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        match self {
            Self::Async(background, client) => background.runtime()?.block_on(client.user_tenants()),
            Self::Blocking(client) => client.user_tenants(),
        }
    }

    /// A token for every tenant, as they come.
    pub(crate) fn all_tokens(&self) -> AllTokens {
        match self {
            Self::Async(background, client) => AllTokens::Async(Arc::clone(background), client.all_tokens()),
            Self::Blocking(client) => AllTokens::Blocking(client.all_tokens()),
        }
    }

    /// Lets go of tokens and connections.
    pub(crate) fn close(&self) {
        match self {
            Self::Async(background, client) => {
                if let Ok(runtime) = background.runtime() {
                    runtime.block_on(client.close(CLOSING));
                }
            }
            Self::Blocking(client) => client.close(CLOSING),
        }
    }
}

/// The tokens of all tenants from either client.
pub(crate) enum AllTokens {
    Async(Arc<Background>, tm_async::AllTokens),
    Blocking(tm_blocking::AllTokens),
}

impl Iterator for AllTokens {
    type Item = Result<(TenantId, Token), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Async(background, all) => match background.runtime() {
                Ok(runtime) => runtime.block_on(all.next()),
                Err(error) => Some(Err(error)),
            },
            Self::Blocking(all) => all.next(),
        }
    }
}

impl Background {
    fn new() -> Result<Self, Error> {
        let made = Builder::new_multi_thread().worker_threads(2).enable_all().build();
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
