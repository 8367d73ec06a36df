//! Reading the list of tenants, behind those who wait for it.

use std::sync::Arc;

use tm_core::{Error, TenantId, listing::Listing};
use tm_driver::{Event, Listed};
use tokio::sync::mpsc;

use crate::{
    pages,
    shared::{Shared, closed},
};

/// A task that reads a page of the list whenever one is asked for. Dropping this ends it.
pub(crate) struct Lister {
    asks: mpsc::UnboundedSender<()>,
}

impl Lister {
    /// `consumer` gets the pages. It is told too if the task ends before the list does.
    ///
    /// # Errors
    /// There is no runtime here, or the system has no randomness to give.
    pub(crate) fn start(shared: &Arc<Shared>, consumer: mpsc::UnboundedSender<Event>) -> Result<Self, Error> {
        let runtime = Shared::runtime()?;
        let listing = shared.engine.listing()?;
        let (asks, asked) = mpsc::unbounded_channel();
        let reader = Reader { shared: Arc::clone(shared), consumer, lost: true };
        runtime.spawn(reader.read(listing, asked));
        Ok(Self { asks })
    }

    pub(crate) fn ask(&self) {
        // If the task has ended, it has told why.
        let _ = self.asks.send(());
    }
}

/// Reads all pages.
pub(crate) async fn all_pages(shared: &Arc<Shared>) -> Result<Vec<TenantId>, Error> {
    let (consumer, mut inbox) = mpsc::unbounded_channel();
    let lister = Lister::start(shared, consumer)?;
    let mut tenants = Vec::new();
    loop {
        lister.ask();
        let Some(Event::Listed(page)) = inbox.recv().await else { return Err(closed()) };
        if let Some(error) = page.error {
            return Err(error);
        }
        tenants.extend(page.tenants);
        if page.last {
            return Ok(tenants);
        }
    }
}

struct Reader {
    shared: Arc<Shared>,
    consumer: mpsc::UnboundedSender<Event>,
    lost: bool,
}

impl Reader {
    /// Until the list ends or the consumer goes.
    async fn read(mut self, mut listing: Listing, mut asked: mpsc::UnboundedReceiver<()>) {
        while !listing.is_done() && asked.recv().await.is_some() {
            let listed = tokio::select! {
                biased;
                () = self.shared.closing() => Listed::failed(closed()),
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

impl Drop for Reader {
    fn drop(&mut self) {
        if self.lost {
            let _ = self.consumer.send(Event::Listed(Listed::lost()));
        }
    }
}
