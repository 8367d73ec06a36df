//! What a client is made of.

use std::{fmt, sync::Arc};

use tm_cache::{AsyncStore, Storage};
use tm_core::Error;
use tm_driver::{Keeper, Setup};

use crate::{Client, ReqwestTransport, Transport, shared::Shared};

/// Makes a client; see [`Client::builder`].
pub struct Builder {
    setup: Setup,
    transport: Option<Box<dyn Transport>>,
    storage: Option<Storage<Arc<dyn AsyncStore>>>,
}

impl Builder {
    pub(crate) fn new(setup: Setup) -> Self {
        Self { setup, transport: None, storage: None }
    }

    /// Keeps tokens beyond this client: what is in the store is not fetched, and clients that share one which leases take turns.
    ///
    /// A blocking store goes into [`crate::BlockingStore`] first.
    /// ```
    /// # use tm_cache::{MemoryStore, Storage};
    /// # fn client(setup: tm_driver::Setup) -> Result<tm_async::Client, tm_core::Error> {
    /// tm_async::Client::builder(setup).store(Storage::in_process(MemoryStore::default())).build()
    /// # }
    /// ```
    #[must_use]
    pub fn store(mut self, storage: Storage<impl AsyncStore>) -> Self {
        self.storage = Some(storage.map(|store| Arc::new(store) as Arc<dyn AsyncStore>));
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
            None => Box::new(ReqwestTransport::new(&self.setup)?),
        };
        let keeper = self.storage.map(|storage| self.setup.keeper(storage)).transpose()?;
        let engine = self.setup.engine(keeper.as_ref().map(Keeper::<dyn AsyncStore>::leases))?;
        Ok(Client::open(Shared::new(engine, transport, keeper)))
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
