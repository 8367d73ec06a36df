//! What a client is made of.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tm_cache::{Storage, Store};
use tm_core::Error;
use tm_driver::{Keeper, Setup};

use crate::{Client, Transport, UreqTransport, shared::Shared, workers::Workers};

/// Makes a client; see [`Client::builder`].
pub struct Builder {
    setup: Setup,
    transport: Option<Box<dyn Transport>>,
    storage: Option<Storage<Arc<dyn Store>>>,
}

impl Builder {
    pub(crate) fn new(setup: Setup) -> Self {
        Self { setup, transport: None, storage: None }
    }

    /// Keeps tokens beyond this client: what is in the store is not fetched, and clients that share one which leases take turns.
    ///
    /// ```
    /// # use tm_cache::{MemoryStore, Storage};
    /// # fn client(setup: tm_driver::Setup) -> Result<tm_blocking::Client, tm_core::Error> {
    /// tm_blocking::Client::builder(setup).store(Storage::in_process(MemoryStore::default())).build()
    /// # }
    /// ```
    #[must_use]
    pub fn store(mut self, storage: Storage<impl Store>) -> Self {
        self.storage = Some(storage.map(|store| Arc::new(store) as Arc<dyn Store>));
        self
    }

    /// Sends over a transport of your own, which has to mind the set-up's proxy and roots itself.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Box::new(transport));
        self
    }

    /// Makes the client. Nothing is sent yet.
    ///
    /// # Errors
    /// The set-up is not good: the error names the field.
    pub fn build(self) -> Result<Client, Error> {
        let transport = match self.transport {
            Some(transport) => transport,
            None => Box::new(UreqTransport::new(&self.setup)?),
        };
        let keeper = self.storage.map(|storage| self.setup.keeper(storage)).transpose()?;
        let engine = self.setup.engine(keeper.as_ref().map(Keeper::<dyn Store>::leases))?;
        Ok(Client::open(Shared {
            engine,
            transport,
            keeper,
            workers: Workers::default(),
            list_error: Mutex::default(),
        }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("setup", &self.setup)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}
