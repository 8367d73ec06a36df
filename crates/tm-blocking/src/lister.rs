//! Reading the list of tenants, behind those who wait for it.

use std::{
    sync::{Arc, atomic::AtomicBool, mpsc},
    thread,
};

use tm_core::{Error, ErrorKind, TenantId, listing::Listing};
use tm_driver::{Event, Inbox, Listed};

use crate::{
    pages,
    shared::{Shared, closed},
    waiting::wait,
};

/// A thread that reads a page of the list whenever one is asked for. Dropping this ends it.
pub(crate) struct Lister {
    asks: mpsc::Sender<()>,
    shared: Arc<Shared>,
    unwanted: Arc<AtomicBool>,
}

impl Lister {
    /// `consumer` gets the pages. It is told too if the thread ends before the list does.
    ///
    /// # Errors
    /// The thread cannot be started, or the system has no randomness to give.
    pub(crate) fn start(shared: &Arc<Shared>, consumer: Arc<Inbox>) -> Result<Self, Error> {
        let listing = shared.engine.listing()?;
        let (asks, asked) = mpsc::channel();
        let unwanted = Arc::new(AtomicBool::new(false));
        let reader =
            Reader { shared: Arc::clone(shared), consumer, unwanted: Arc::clone(&unwanted), lost: true };
        let thread = thread::Builder::new().name("tm-list".to_owned());
        thread.spawn(move || reader.read(listing, &asked)).map_err(|error| {
            Error::new(ErrorKind::Transport, "the client's thread cannot be started").because(error)
        })?;
        Ok(Self { asks, shared: Arc::clone(shared), unwanted })
    }

    pub(crate) fn ask(&self) {
        // If the thread has ended, it has told why.
        let _ = self.asks.send(());
    }
}

impl Drop for Lister {
    fn drop(&mut self) {
        self.shared.workers.end_wait(&self.unwanted);
    }
}

/// Reads all pages, and takes of each what `accept` does.
pub(crate) fn all_pages(
    shared: &Arc<Shared>,
    accept: impl Fn(Listed) -> Result<Vec<TenantId>, Error>,
) -> Result<Vec<TenantId>, Error> {
    let inbox = Arc::new(Inbox::default());
    let lister = Lister::start(shared, Arc::clone(&inbox))?;
    let mut tenants = Vec::new();
    loop {
        lister.ask();
        let Event::Listed(page) = wait(&inbox) else { return Err(closed()) };
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
    unwanted: Arc<AtomicBool>,
    lost: bool,
}

impl Reader {
    /// Until the list ends or the consumer goes.
    fn read(mut self, mut listing: Listing, asked: &mpsc::Receiver<()>) {
        while !listing.is_done() && asked.recv().is_ok() {
            let listed = pages::next_page(&self.shared, &mut listing, &self.unwanted);
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
