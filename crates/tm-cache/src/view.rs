//! The view: what callers are served from without asking the broker.

#[cfg(all(test, tm_loom))]
mod models;
mod name;
#[cfg_attr(all(test, tm_loom), path = "view/modelled.rs")]
mod parts;
mod slot;
#[cfg(test)]
mod tests;

use std::{cell::Cell, collections::HashMap, sync::PoisonError, time::Duration};

use parts::{Arc, Map, Mutex, MutexGuard};
use slot::Slot;
use tm_core::{TenantId, Token};

/// A map from tenant to its current token, for any number of readers and one writer at a time: the step that carries out
/// the broker's [`Show`](tm_core::broker::Output::Show) and [`Hide`](tm_core::broker::Output::Hide). [`View::show`] and
/// [`View::hide`] belong under the broker's lock, so that they come in its order; [`View::hit`] needs none.
///
/// A hit takes no lock, allocates nothing and calls no store. The first hit of each token by the tenant's id is answered
/// `None` all the same, and so is the first through a handle, so that its caller asks the broker, which so learns that the
/// token is used; and so is everything from the token's deadline on, or from up to about a millisecond before it.
///
/// ```
/// # use std::time::Duration;
/// # use tm_cache::View;
/// # use tm_core::{TenantId, Token};
/// let (view, acme) = (View::default(), TenantId::new("acme")?);
/// view.show(&acme, Token::new("abc").unwrap(), Duration::from_secs(100));
/// assert!(view.hit(&acme, Duration::from_secs(1)).is_none(), "the first one asks the broker");
/// assert!(view.hit(&acme, Duration::from_secs(2)).is_some());
/// assert!(view.hit(&acme, Duration::from_secs(100)).is_none());
/// # Ok::<(), tm_core::InvalidInput>(())
/// ```
#[derive(Debug, Default)]
pub struct View {
    /// Everything that a hit reads but the token itself lies in the map's entry: at 100,000 tenants each line of memory
    /// is a miss of the processor's caches.
    slots: Map<Slot>,
    /// The slots of those tenants that have a handle. For the writer only, and its lock is what makes it one.
    with_handle: Mutex<HashMap<TenantId, Arc<Slot>>>,
}

impl View {
    /// Serves `token` until `until`, in place of the tenant's last one.
    pub fn show(&self, tenant: &TenantId, token: Token, until: Duration) {
        let mut with_handle = self.with_handle();
        let Some(held) = held(&mut with_handle, tenant) else {
            let token = Cell::new(Some(token));
            let new = || Slot::showing(token.take(), until);
            let show = |slot: &Slot| token.take().into_iter().for_each(|token| slot.show(token, until));
            return self.slots.look_or_insert(tenant, new, show);
        };
        self.slots.look_or_insert(tenant, Slot::default, |slot| {
            // Nobody who has this token through a handle gets the last one by the id after that.
            slot.blank();
            held.show(token.clone(), until);
            slot.show(token, until);
        });
    }

    /// Serves nothing for this tenant any more.
    pub fn hide(&self, tenant: &TenantId) {
        let mut with_handle = self.with_handle();
        if let Some(slot) = held(&mut with_handle, tenant) {
            slot.hide();
        }
        // A reader may still be looking at the slot. The token does not wait for that.
        self.slots.remove(tenant, Slot::hide);
    }

    /// The tenant's token, if it may be served at `now` without asking the broker.
    pub fn hit<Q: AsRef<str> + ?Sized>(&self, tenant: &Q, now: Duration) -> Option<Token> {
        self.slots.look(tenant, |slot| slot.hit(now))?
    }

    /// A handle on the tenant's slot, which skips the look-up.
    pub fn handle(&self, tenant: &TenantId) -> Handle {
        let mut with_handle = self.with_handle();
        make_room(&mut with_handle);
        let slot = with_handle
            .entry(tenant.clone())
            .or_insert_with(|| Arc::new(self.slots.look(tenant, Slot::untouched).unwrap_or_default()));
        Handle { slot: Arc::clone(slot) }
    }

    /// For how many tenants there is a token.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with_handle(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Slot>>> {
        self.with_handle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Before the map grows, those go that no handle holds: for a tenant that never has a token nothing else would take its slot away.
fn make_room(with_handle: &mut HashMap<TenantId, Arc<Slot>>) {
    if with_handle.len() == with_handle.capacity() {
        with_handle.retain(|_, slot| Arc::strong_count(slot) > 1);
        with_handle.reserve(with_handle.len());
    }
}

/// The slot that this tenant's handles are served from. One that no handle holds goes: handles come into being under the
/// lock of this map only, or from others.
fn held<'a>(with_handle: &'a mut HashMap<TenantId, Arc<Slot>>, tenant: &TenantId) -> Option<&'a Slot> {
    if Arc::strong_count(with_handle.get(tenant)?) == 1 {
        with_handle.remove(tenant);
    }
    with_handle.get(tenant).map(|slot| &**slot)
}

/// One tenant's slot in a view.
#[derive(Debug, Clone)]
pub struct Handle {
    slot: Arc<Slot>,
}

impl Handle {
    /// As [`View::hit`].
    pub fn hit(&self, now: Duration) -> Option<Token> {
        self.slot.hit(now)
    }
}
