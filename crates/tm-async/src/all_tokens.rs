//! A token for every tenant of the application, as they come.

use std::sync::Arc;

use tm_core::{Error, TenantId, Token, listing::Listing};
use tm_driver::{Bulk, Event, Listed};
use tokio::sync::mpsc;

use crate::{Client, pages, shared::Shared, waiting::Waiting};

/// Yields tokens while the list of tenants is still being read; see [`Client::all_tokens`]. Dropping it ends its work.
pub struct AllTokens {
    /// Keeps the client open.
    _client: Client,
    waiting: Waiting,
    bulk: Bulk,
    /// Each asks the lister for a page. None before the first call of `next`, so that nothing happens before it.
    pages: Option<mpsc::UnboundedSender<()>>,
    shared: Arc<Shared>,
}

impl AllTokens {
    pub(crate) fn new(client: Client) -> Self {
        let shared = Arc::clone(client.shared());
        let bulk = Bulk::new(shared.engine.settings().page_size);
        Self { _client: client, waiting: Waiting::new(Arc::clone(&shared)), bulk, pages: None, shared }
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
        let asked = self.lister().and_then(|lister| lister.send(()).map_err(|_| Listed::lost()));
        if let Err(lost) = asked {
            // The lister's channel cannot be closed while we hold an end of it.
            let _ = self.waiting.sender().send(Event::Listed(lost));
        }
    }

    /// Started with the first page.
    fn lister(&mut self) -> Result<mpsc::UnboundedSender<()>, Listed> {
        if let Some(pages) = &self.pages {
            return Ok(pages.clone());
        }
        let runtime = Shared::runtime().map_err(Listed::failed)?;
        let listing = self.shared.engine.listing().map_err(Listed::failed)?;
        let (pages, asked) = mpsc::unbounded_channel();
        let lister = Lister { shared: Arc::clone(&self.shared), consumer: self.waiting.sender(), lost: true };
        runtime.spawn(lister.read(listing, asked));
        Ok(self.pages.insert(pages).clone())
    }
}

impl std::fmt::Debug for AllTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AllTokens").field("bulk", &self.bulk).finish_non_exhaustive()
    }
}

/// The task that reads the list. If it ends before its time, its consumer is told.
struct Lister {
    shared: Arc<Shared>,
    consumer: mpsc::UnboundedSender<Event>,
    lost: bool,
}

impl Lister {
    /// Reads a page whenever one is asked for, until the list ends or the consumer goes.
    async fn read(mut self, mut listing: Listing, mut asked: mpsc::UnboundedReceiver<()>) {
        while !listing.is_done() && asked.recv().await.is_some() {
            let listed = tokio::select! {
                biased;
                () = self.shared.closing() => Listed::failed(crate::shared::closed()),
                () = self.consumer.closed() => break,
                listed = pages::next_page(&self.shared, &mut listing) => listed,
            };
            let last = listed.last;
            if self.consumer.send(Event::Listed(listed)).is_err() || last {
                break;
            }
        }
        self.lost = false;
    }
}

impl Drop for Lister {
    fn drop(&mut self) {
        if self.lost {
            let _ = self.consumer.send(Event::Listed(Listed::lost()));
        }
    }
}
