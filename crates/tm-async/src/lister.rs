//! Reading the list of tenants, behind those who wait for it.

use std::sync::Arc;

use tm_core::{Error, TenantId, listing::Listing};
use tm_driver::{Event, Inbox, Listed};
use tokio::{sync::mpsc, task::AbortHandle};

use crate::{
    pages,
    shared::{Shared, closed},
    waiting::wait,
};

/// A task that reads a page of the list whenever one is asked for. Dropping this ends it.
pub(crate) struct Lister {
    asks: mpsc::UnboundedSender<()>,
    reader: AbortHandle,
}

impl Lister {
    /// `consumer` gets the pages. It is told too if the task ends before the list does.
    ///
    /// # Errors
    /// There is no runtime here, or the system has no randomness to give.
    pub(crate) fn start(shared: &Arc<Shared>, consumer: Arc<Inbox>) -> Result<Self, Error> {
        let runtime = Shared::runtime()?;
        let listing = shared.engine.listing()?;
        let (asks, asked) = mpsc::unbounded_channel();
        let reader = Reader { shared: Arc::clone(shared), consumer, lost: true };
        let reader = runtime.spawn(reader.read(listing, asked)).abort_handle();
        Ok(Self { asks, reader })
    }

    pub(crate) fn ask(&self) {
        // If the task has ended, it has told why.
        let _ = self.asks.send(());
    }
}

impl Drop for Lister {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Reads all pages, and takes of each what `accept` does.
pub(crate) async fn all_pages(
    shared: &Arc<Shared>,
    accept: impl Fn(Listed) -> Result<Vec<TenantId>, Error>,
) -> Result<Vec<TenantId>, Error> {
    let inbox = Arc::new(Inbox::default());
    let lister = Lister::start(shared, Arc::clone(&inbox))?;
    let mut tenants = Vec::new();
    loop {
        lister.ask();
        let Event::Listed(page) = wait(&inbox).await else { return Err(closed()) };
        let last = page.last;
        tenants.extend(accept(page)?);
        if last {
            return Ok(tenants);
        }
    }
}

struct Reader {
    shared: Arc<Shared>,
    consumer: Arc<Inbox>,
    lost: bool,
}

impl Reader {
    /// Until the list ends.
    async fn read(mut self, mut listing: Listing, mut asked: mpsc::UnboundedReceiver<()>) {
        while !listing.is_done() && asked.recv().await.is_some() {
            let listed = tokio::select! {
                biased;
                () = self.shared.closing() => Listed::failed(closed()),
                listed = pages::next_page(&self.shared, &mut listing) => listed,
            };
            let last = listed.last;
            self.tell(listed);
            if last {
                break;
            }
        }
        self.lost = false;
    }

    fn tell(&self, listed: Listed) {
        self.consumer.put(Event::Listed(listed));
        self.consumer.wake();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if self.lost {
            self.tell(Listed::lost());
        }
    }
}
