//! The client.

use std::{fmt, sync::Arc, time::Duration};

use tm_cache::StoreError;
use tm_core::{Credentials, Error, TenantId, Token, broker::Stats};
use tm_driver::{Event, Listed, Setup, Wish};

use crate::{
    AllTokens, Builder, Tenant, follow, lister,
    shared::{Shared, closed},
    waiting::Waiting,
};

/// Keeps a valid token for each tenant that is asked for. Cheap to clone; all clones share one cache and one gate.
///
/// It may be kept in a `static` and used from several tokio runtimes, at once or one after the other; they need their timers and
/// their I/O (`enable_all`). When the last clone is dropped, its tasks end, and whoever still waits is told so.
#[derive(Clone)]
pub struct Client {
    open: Arc<Open>,
}

/// Closes the client when the last clone is gone. Its tasks hold the shared part only.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Client {
    /// A client over reqwest, without a store. Nothing is sent yet.
    ///
    /// # Errors
    /// The set-up is not good: the error names the field.
    pub fn new(setup: Setup) -> Result<Self, Error> {
        Self::builder(setup).build()
    }

    /// A client with a store, or with a transport of your own.
    pub fn builder(setup: Setup) -> Builder {
        Builder::new(setup)
    }

    pub(crate) fn open(shared: Shared) -> Self {
        Self { open: Arc::new(Open(Arc::new(shared))) }
    }

    /// A client for the environment that the platform gives its applications: see [`Setup::from_env`].
    ///
    /// # Errors
    /// Names the variables that are missing, or the field that is not good.
    pub fn from_env() -> Result<Self, Error> {
        Self::new(Setup::from_env()?)
    }

    /// A token of this tenant that lives for a while yet. With one in hand this takes no lock and allocates nothing. To be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// See [`tm_core::ErrorKind`]. It comes after [`Settings::patience`](crate::Settings::patience) at the latest.
    pub async fn token(&self, tenant: impl AsRef<str>) -> Result<Token, Error> {
        if let Some(token) = self.shared().engine.hit(tenant.as_ref()) {
            return Ok(token);
        }
        self.token_with(&TenantId::new(tenant.as_ref())?, Wish::default()).await
    }

    /// As [`Client::token`], for a caller with a wish of its own: a least life, or another patience.
    ///
    /// # Errors
    /// As [`Client::token`]; `too_short` if the service has no token that lives as long.
    pub async fn token_with(&self, tenant: &TenantId, wish: Wish) -> Result<Token, Error> {
        Shared::runtime()?;
        let mut waiting = Waiting::new(Arc::clone(self.shared()));
        waiting.ask(tenant, wish);
        match waiting.next().await {
            Event::Settled(_, result) => result,
            Event::Listed(_) => Err(closed()),
        }
    }

    /// Tokens of many tenants, five a call, in the order in which they are named.
    ///
    /// # Errors
    /// Each tenant has its own result: one that is refused costs the others nothing.
    pub async fn tokens(
        &self,
        tenants: impl IntoIterator<Item = TenantId>,
    ) -> Vec<(TenantId, Result<Token, Error>)> {
        let mut rows: Vec<_> = tenants.into_iter().map(|tenant| (tenant, None)).collect();
        if let Err(error) = Shared::runtime() {
            return rows.into_iter().map(|(tenant, _)| (tenant, Err(error.clone()))).collect();
        }
        let mut waiting = Waiting::new(Arc::clone(self.shared()));
        waiting.ask_bulk(rows.iter().map(|(tenant, _)| tenant).enumerate());
        for _ in 0..rows.len() {
            if let Event::Settled(position, result) = waiting.next().await {
                rows[position].1 = Some(result);
            }
        }
        rows.into_iter().map(|(tenant, result)| (tenant, result.unwrap_or_else(|| Err(closed())))).collect()
    }

    /// Tokens of these tenants are going to be wanted: fetches those that are not in hand, five a call, behind everybody who
    /// waits. It comes back at once, and nobody is told how it went. Outside of a runtime it waits for the next caller within one.
    pub fn prefetch<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId>) {
        self.shared().carry_out(self.shared().engine.prefetch(tenants));
    }

    /// Keeps tokens of these tenants in hand from now on, whether anybody asks for them or not, until [`Client::let_fade`].
    ///
    /// # Errors
    /// There is no room for all of them: [`Settings::memory`](crate::Settings::memory) is too small. Those before the one that
    /// the error names are kept. Or it is called outside of a runtime.
    pub fn keep_fresh<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId>) -> Result<(), Error> {
        Shared::runtime()?;
        let (kept, todo) = self.shared().engine.keep_fresh(tenants);
        self.shared().carry_out(todo);
        kept
    }

    /// Keeps these tenants fresh no longer than they are used.
    pub fn let_fade<'a>(&self, tenants: impl IntoIterator<Item = &'a TenantId>) {
        self.shared().carry_out(self.shared().engine.let_fade(tenants));
    }

    /// Keeps a token of every tenant of the application in hand, as they come and go: the list is read now, and again every 5 to
    /// 15 minutes as long as the client is open. Answers how many there are now. To be called once.
    ///
    /// Entries of the list that name no acceptable tenant are passed over: [`Client::user_tenants`] tells of them. What goes wrong
    /// later is told by [`Client::list_error`].
    ///
    /// # Errors
    /// The list cannot be read now, or there is no room for all of them.
    pub async fn keep_fresh_all(&self) -> Result<usize, Error> {
        follow::follow(self.shared()).await
    }

    /// A handle on one tenant, for those who ask for it often.
    ///
    /// # Errors
    /// The id is not good.
    pub fn tenant(&self, tenant: impl AsRef<str>) -> Result<Tenant, Error> {
        Ok(Tenant::new(self.clone(), TenantId::new(tenant.as_ref())?))
    }

    /// The tenants that use the application, all pages of them.
    ///
    /// # Errors
    /// The list cannot be read, or has entries that name no acceptable tenant. [`Client::all_tokens`] goes on in that case.
    pub async fn user_tenants(&self) -> Result<Vec<TenantId>, Error> {
        Shared::runtime()?;
        lister::all_pages(self.shared(), Listed::all).await
    }

    /// A token for every tenant of the application. Yields the first before the list is complete, and reads no more of the
    /// list than its consumer keeps up with.
    pub fn all_tokens(&self) -> AllTokens {
        AllTokens::new(self.clone())
    }

    /// How long this token is served yet, on the service's clock and up to five seconds before its end; `None` if it is not in
    /// hand any more. The claims of a token tell when it ends, but a local clock that is wrong does not tell when that is.
    pub fn remaining(&self, token: &Token) -> Option<Duration> {
        self.shared().engine.remaining(token)
    }

    /// Some service refused this very token (401): it is not served again, and the next caller gets another.
    pub fn reject(&self, token: &Token) {
        self.shared().carry_out(self.shared().engine.reject(token));
    }

    /// Replaces the application's credentials while running, and lifts the pause that refused ones brought.
    pub fn set_credentials(&self, credentials: Credentials) {
        let shared = self.shared();
        shared.carry_out(shared.engine.set_credentials(credentials, shared.keeper.as_ref()));
    }

    /// Why the store does not work, if there is one, and it did not take the last thing that it was told or failed the last
    /// request. For those who ask for tokens, a store that fails is a miss.
    pub fn store_error(&self) -> Option<StoreError> {
        self.shared().keeper.as_ref()?.error()
    }

    /// Why [`Client::keep_fresh_all`] does not keep all tenants fresh, as of the last time that the list was read: the list cannot be
    /// read, or there is no room for all of them. It goes on trying.
    pub fn list_error(&self) -> Option<Error> {
        self.shared().list_error()
    }

    /// What the client has done and holds.
    pub fn stats(&self) -> Stats {
        self.shared().engine.stats()
    }

    /// Closes the client for all clones: whoever waits is told so, calls under way are broken off, tokens are let go, and
    /// the store is told what it has still to be told. Waits for the tasks to end, no longer than `within`; outside of a runtime
    /// it does not wait, and the store is told nothing.
    pub async fn close(&self, within: Duration) {
        self.shared().close();
        if Shared::runtime().is_ok() {
            let _ = tokio::time::timeout(within, self.shared().no_task_left()).await;
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.open.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine = &self.shared().engine;
        f.debug_struct("Client")
            .field("application", engine.application())
            .field("stats", &engine.stats())
            .finish()
    }
}
