//! A handle on one tenant.

use tm_cache::Handle;
use tm_core::{Error, TenantId, Token};
use tm_driver::Wish;

use crate::Client;

/// One tenant of one client; see [`Client::tenant`]. Cheap to clone, and the fastest way to a token: it skips the look-up.
#[derive(Debug, Clone)]
pub struct Tenant {
    client: Client,
    id: TenantId,
    handle: Handle,
}

impl Tenant {
    pub(crate) fn new(client: Client, id: TenantId) -> Self {
        let handle = client.shared().engine.handle(&id);
        Self { client, id, handle }
    }

    /// Whose tokens these are.
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// As [`Client::token`].
    ///
    /// # Errors
    /// As [`Client::token`].
    pub fn token(&self) -> Result<Token, Error> {
        match self.client.shared().engine.hit_through(&self.handle) {
            Some(token) => Ok(token),
            None => self.client.token_with(&self.id, Wish::default()),
        }
    }
}
