//! What the view is made of: papaya, arc-swap, and the locks and atomics of std. In its models, parts that loom sees into.

pub(super) use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwapOption;
use papaya::ResizeMode;
use rapidhash::quality::RandomState;
use tm_core::TenantId;

use super::name::Name;

/// A place for one shared value. Who looks at the value keeps it whole for as long as the look lasts, replaced or not.
#[derive(Debug)]
pub(super) struct Pointer<T>(ArcSwapOption<T>);

impl<T> Default for Pointer<T> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<T> Pointer<T> {
    pub(super) fn new(value: Option<Arc<T>>) -> Self {
        Self(ArcSwapOption::new(value))
    }

    pub(super) fn replace(&self, value: Option<Arc<T>>) {
        self.0.store(value);
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&Arc<T>) -> R) -> Option<R> {
        self.0.load().as_ref().map(look)
    }
}

/// A map from tenants to values, each in its entry. Who looks at one keeps it for as long as the look lasts, removed or not.
#[derive(Debug)]
pub(super) struct Map<V>(papaya::HashMap<Name, V, RandomState>);

impl<V> Default for Map<V> {
    fn default() -> Self {
        // A map that grows bit by bit, with each write, stays halfway if no write comes, and every hit looks in two places.
        // Growing at once keeps the writer for some milliseconds at 100,000 tenants, and no reader.
        let builder = papaya::HashMap::builder().resize_mode(ResizeMode::Blocking);
        Self(builder.hasher(RandomState::default()).build())
    }
}

impl<V> Map<V> {
    pub(super) fn look<Q, R>(&self, tenant: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: AsRef<str> + ?Sized,
    {
        self.0.pin().get(Name::bytes(tenant)).map(look)
    }

    /// For one writer at a time: what is new is made only if it goes in.
    pub(super) fn look_or_insert<R>(
        &self,
        tenant: &TenantId,
        new: impl FnOnce() -> V,
        look: impl FnOnce(&V) -> R,
    ) -> R {
        look(self.0.pin().get_or_insert_with(Name::of(tenant), new))
    }

    /// Looks a last time at what is removed. It is freed when nobody looks at it any more.
    pub(super) fn remove<R>(&self, tenant: &TenantId, look: impl FnOnce(&V) -> R) -> Option<R> {
        self.0.pin().remove(Name::bytes(tenant)).map(look)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
