//! The view: what callers are served from without asking the broker.

#[cfg(all(test, tm_loom))]
mod models;
#[cfg_attr(all(test, tm_loom), path = "view/modelled.rs")]
mod parts;
mod slot;

use std::{borrow::Borrow, hash::Hash, time::Duration};

use parts::{Arc, Map};
use slot::Slot;
use tm_core::{TenantId, Token};

/// A map from tenant to its current token, for any number of readers and one writer at a time: the step that carries out
/// the broker's [`Show`](tm_core::broker::Output::Show) and [`Hide`](tm_core::broker::Output::Hide). [`View::show`],
/// [`View::hide`] and [`View::handle`] belong under the broker's lock; [`View::hit`] needs none.
///
/// A hit takes no lock, allocates nothing and calls no store. The first hit of each token is answered `None` all the same,
/// so that its caller asks the broker, which so learns that the token is used; and so is everything from the token's
/// deadline on.
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
    slots: Map<Slot>,
}

impl View {
    /// Serves `token` until `until`, in place of the tenant's last one.
    pub fn show(&self, tenant: &TenantId, token: Token, until: Duration) {
        self.slots.find_or_insert(tenant).show(token, until);
    }

    /// Serves nothing for this tenant any more. A slot that no handle holds goes with it.
    pub fn hide(&self, tenant: &TenantId) {
        if self.slots.look(tenant, |slot| slot.hide()).is_none() {
            return;
        }
        // Handles are made under the lock that this runs under, so none comes into being meanwhile.
        self.slots.remove_if(tenant, |slot| Arc::strong_count(slot) == 1 && slot.is_hidden());
    }

    /// The tenant's token, if it may be served at `now` without asking the broker.
    pub fn hit<Q>(&self, tenant: &Q, now: Duration) -> Option<Token>
    where
        TenantId: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.slots.look(tenant, |slot| slot.hit(now))?
    }

    /// A handle on the tenant's slot, which skips the look-up.
    pub fn handle(&self, tenant: &TenantId) -> Handle {
        Handle { slot: self.slots.find_or_insert(tenant) }
    }

    /// For how many tenants there is a slot.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no slot at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    fn token(text: &str) -> Token {
        Token::new(text).unwrap()
    }

    #[test]
    fn the_first_hit_of_each_token_asks_the_broker() {
        let view = View::default();
        for text in ["one", "two"] {
            view.show(&tenant("a"), token(text), secs(10));
            assert_eq!(view.hit(&tenant("a"), secs(1)), None);
            assert_eq!(view.hit(&tenant("a"), secs(1)).unwrap().secret(), text);
        }
    }

    #[test]
    fn nothing_is_served_from_the_deadline_on_or_after_hiding() {
        let view = View::default();
        view.show(&tenant("a"), token("t"), secs(10));
        view.hit(&tenant("a"), secs(1));
        assert!(view.hit(&tenant("a"), secs(9)).is_some());
        assert!(view.hit(&tenant("a"), secs(10)).is_none());
        view.hide(&tenant("a"));
        assert!(view.hit(&tenant("a"), secs(9)).is_none());
        assert!(view.is_empty());
        view.hide(&tenant("never-shown"));
    }

    #[test]
    fn a_handle_outlives_hiding_and_sees_the_next_token() {
        let view = View::default();
        let handle = view.handle(&tenant("a"));
        view.show(&tenant("a"), token("one"), secs(10));
        view.hide(&tenant("a"));
        assert_eq!(view.len(), 1, "the slot stays, since a handle holds it");
        view.show(&tenant("a"), token("two"), secs(10));
        handle.hit(secs(1));
        assert_eq!(handle.hit(secs(1)).unwrap().secret(), "two");
        drop(handle);
        view.hide(&tenant("a"));
        assert!(view.is_empty());
    }

    #[test]
    fn readers_see_whole_tokens_while_they_are_replaced() {
        let view = View::default();
        let rounds = 2_000;
        std::thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    let mut last = 0;
                    while last < rounds {
                        if let Some(token) = view.hit(&tenant("a"), secs(1)) {
                            let seen: u32 = token.secret().parse().unwrap();
                            assert!(seen >= last, "an older token came back");
                            last = seen;
                        }
                    }
                });
            }
            for round in 1..=rounds {
                view.show(&tenant("a"), token(&round.to_string()), secs(10));
            }
        });
    }
}
