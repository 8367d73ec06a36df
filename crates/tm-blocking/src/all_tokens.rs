//! A token for every tenant of the application, as they come.

use std::{
    sync::{Arc, mpsc},
    thread,
};

use tm_core::{Error, ErrorKind, TenantId, Token, listing::Listing};
use tm_driver::{Bulk, Event, Listed};

use crate::{Client, pages, shared::Shared, waiting::Waiting};

/// Yields tokens while the list of tenants is still being read; see [`Client::all_tokens`]. Dropping it ends its work.
///
/// An error about no tenant is about the list: either some of its entries cannot be read, or the list broke off and the
/// tenants that it had so far are all there will be.
pub struct AllTokens {
    /// Keeps the client open.
    _client: Client,
    waiting: Waiting,
    bulk: Bulk,
    /// Each asks the lister for a page. None before the first call of `next`, so that nothing happens before it.
    pages: Option<mpsc::Sender<()>>,
    shared: Arc<Shared>,
}

impl AllTokens {
    pub(crate) fn new(client: Client) -> Self {
        let shared = Arc::clone(client.shared());
        let bulk = Bulk::new(shared.engine.settings().page_size);
        Self { _client: client, waiting: Waiting::new(Arc::clone(&shared)), bulk, pages: None, shared }
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
    fn lister(&mut self) -> Result<mpsc::Sender<()>, Listed> {
        if let Some(pages) = &self.pages {
            return Ok(pages.clone());
        }
        let listing = self.shared.engine.listing().map_err(Listed::failed)?;
        let (pages, asked) = mpsc::channel();
        let lister = Lister { shared: Arc::clone(&self.shared), consumer: self.waiting.sender(), lost: true };
        thread::Builder::new()
            .name("tm-list".to_owned())
            .spawn(move || lister.read(listing, &asked))
            .map_err(|error| {
                let message = "the client's thread cannot be started";
                Listed::failed(Error::new(ErrorKind::Transport, message).because(error))
            })?;
        Ok(self.pages.insert(pages).clone())
    }
}

impl Iterator for AllTokens {
    type Item = Result<(TenantId, Token), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.ask_for_pages();
            if self.bulk.is_over() {
                return None;
            }
            let event = self.waiting.next()?;
            let taken = self.bulk.take(event);
            self.waiting.ask_bulk(taken.ask.iter().map(|(position, tenant)| (*position, tenant)));
            if taken.row.is_some() {
                return taken.row;
            }
        }
    }
}

impl std::fmt::Debug for AllTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AllTokens").field("bulk", &self.bulk).finish_non_exhaustive()
    }
}

/// The thread that reads the list. If it ends before its time, its consumer is told.
struct Lister {
    shared: Arc<Shared>,
    consumer: mpsc::Sender<Event>,
    lost: bool,
}

impl Lister {
    /// Reads a page whenever one is asked for, until the list ends or the consumer goes.
    fn read(mut self, mut listing: Listing, asked: &mpsc::Receiver<()>) {
        while !listing.is_done() && asked.recv().is_ok() {
            let listed = pages::next_page(&self.shared, &mut listing);
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
