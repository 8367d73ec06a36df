//! A store, and how tokens lie in it.

use std::{fmt, sync::Arc};

use tm_core::{Application, Credentials};

#[cfg(feature = "seal")]
use crate::KeyRing;
use crate::{
    Codec, Immediate,
    codec::{Form, Plain},
};

/// A store together with the decision whether tokens are sealed in it. What leaves the process is sealed, unless that is
/// refused by name.
#[derive(Clone)]
pub struct Storage<S> {
    store: S,
    form: Arc<dyn Form>,
}

impl<S> Storage<S> {
    /// Tokens lie sealed in the store, and names tell nothing. Processes that share the store must share the ring.
    #[cfg(feature = "seal")]
    pub fn sealed(store: S, ring: KeyRing) -> Self {
        Self { store, form: Arc::new(ring) }
    }

    /// Tokens lie in the store as they are: whoever can read it can use them.
    pub fn plaintext(store: S) -> Self {
        Self { store, form: Arc::new(Plain) }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The same over another handle on the store.
    pub fn map<T>(self, into: impl FnOnce(S) -> T) -> Storage<T> {
        Storage { store: into(self.store), form: self.form }
    }

    /// For one application with one client id.
    pub fn codec(&self, application: &Application, credentials: &Credentials) -> Codec {
        Codec::new(application, credentials, Arc::clone(&self.form))
    }
}

impl<S: Immediate> Storage<S> {
    /// For a store that never leaves the process, where sealing would hide nothing.
    pub fn in_process(store: S) -> Self {
        Self::plaintext(store)
    }
}

/// The store itself has no form to be shown in.
impl<S> fmt::Debug for Storage<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("form", &self.form).finish_non_exhaustive()
    }
}
