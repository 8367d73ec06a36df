//! A token for every tenant of the application, as they come.

use std::sync::Arc;

use tm_core::{Error, TenantId, Token};
use tm_driver::{Bulk, Event, Listed};

use crate::{Client, lister::Lister, shared::Shared, waiting::Waiting};

/// Yields tokens while the list of tenants is still being read; see [`Client::all_tokens`]. Dropping it ends its work.
pub struct AllTokens {
    /// Keeps the client open.
    _client: Client,
    waiting: Waiting,
    bulk: Bulk,
    /// None before the first call of `next`, so that nothing happens before it.
    lister: Option<Lister>,
    shared: Arc<Shared>,
}

impl AllTokens {
    pub(crate) fn new(client: Client) -> Self {
        let shared = Arc::clone(client.shared());
        let bulk = Bulk::new(shared.engine.settings().page_size);
        Self { _client: client, waiting: Waiting::new(Arc::clone(&shared)), bulk, lister: None, shared }
    }

    /// The next token with its tenant, or an error, which tells its tenant if it is about one. `None` at the end.
    ///
    /// An error about no tenant is about the list: either some of its entries cannot be read, or the list broke off and the
    /// tenants that it had so far are all there will be. Safe to cancel.
    pub async fn next(&mut self) -> Option<Result<(TenantId, Token), Error>> {
        loop {
            self.ask_for_pages();
            if self.bulk.is_over() {
                return None;
            }
            let event = self.waiting.next().await;
            let taken = self.bulk.take(event);
            self.waiting.ask_bulk(taken.ask.iter().map(|(position, tenant)| (*position, tenant)));
            if taken.row.is_some() {
                return taken.row;
            }
        }
    }

    fn ask_for_pages(&mut self) {
        if !self.bulk.wants_page() {
            return;
        }
        if let Err(error) = self.ask_for_a_page() {
            self.waiting.inbox().put(Event::Listed(Listed::failed(error)));
        }
    }

    /// The list is read from the first call on.
    fn ask_for_a_page(&mut self) -> Result<(), Error> {
        let lister = match self.lister.take() {
            Some(lister) => lister,
            None => Lister::start(&self.shared, self.waiting.inbox())?,
        };
        self.lister.insert(lister).ask();
        Ok(())
    }
}

impl std::fmt::Debug for AllTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AllTokens").field("bulk", &self.bulk).finish_non_exhaustive()
    }
}
