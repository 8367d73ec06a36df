//! What the view is made of: papaya, arc-swap and the atomics of std. In its models, parts that loom sees into.

use std::{borrow::Borrow, hash::Hash};

pub(super) use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwapOption;
use tm_core::TenantId;

/// A place for one value. Who looks at the value keeps it whole for as long as the look lasts, replaced or not.
#[derive(Debug)]
pub(super) struct Pointer<T>(ArcSwapOption<T>);

impl<T> Default for Pointer<T> {
    fn default() -> Self {
        Self(ArcSwapOption::empty())
    }
}

impl<T> Pointer<T> {
    pub(super) fn replace(&self, value: Option<T>) {
        self.0.store(value.map(Arc::new));
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.load().as_deref().map(look)
    }
}

/// A map from tenants to shared values. Who looks at one keeps it for as long as the look lasts, removed or not.
#[derive(Debug)]
pub(super) struct Map<V>(papaya::HashMap<TenantId, Arc<V>>);

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(papaya::HashMap::default())
    }
}

impl<V: Default> Map<V> {
    pub(super) fn look<Q, R>(&self, tenant: &Q, look: impl FnOnce(&Arc<V>) -> R) -> Option<R>
    where
        TenantId: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.pin().get(tenant).map(look)
    }

    pub(super) fn find_or_insert(&self, tenant: &TenantId) -> Arc<V> {
        let values = self.0.pin();
        let found = values.get(tenant).map(Arc::clone);
        found.unwrap_or_else(|| Arc::clone(values.get_or_insert_with(tenant.clone(), Arc::default)))
    }

    pub(super) fn remove_if(&self, tenant: &TenantId, condition: impl Fn(&Arc<V>) -> bool) {
        // It is there still, with a condition that does not hold: just as well.
        let _ = self.0.pin().remove_if(tenant, |_, value| condition(value));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
