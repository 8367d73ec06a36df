//! The parts of the view as loom sees them: the steps of papaya and arc-swap, with what goes on inside each left out.
//!
//! * A [`Pointer`] is stored to with `Release` and loaded with `Acquire`, which is less than arc-swap promises.
//! * A [`Map`] does each of its steps at once. Who looks at a value keeps it, removed or not.
//!
//! That papaya and arc-swap are right inside is not shown here.

use std::{collections::HashMap, sync};

use loom::sync::atomic::AtomicUsize;
pub(super) use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
use tm_core::TenantId;

use super::name::Name;

/// All that was ever stored, and which of it is there now. The lock is of std, since it is no part of the model.
#[derive(Debug)]
pub(super) struct Pointer<T> {
    now: AtomicUsize,
    stored: sync::Mutex<Vec<Option<sync::Arc<T>>>>,
}

impl<T> Default for Pointer<T> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<T> Pointer<T> {
    pub(super) fn new(value: Option<sync::Arc<T>>) -> Self {
        Self { now: AtomicUsize::new(0), stored: sync::Mutex::new(vec![value]) }
    }

    pub(super) fn replace(&self, value: Option<sync::Arc<T>>) {
        let last = {
            let mut stored = self.stored.lock().unwrap();
            stored.push(value);
            stored.len() - 1
        };
        self.now.store(last, Ordering::Release);
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&sync::Arc<T>) -> R) -> Option<R> {
        let now = self.now.load(Ordering::Acquire);
        let value = self.stored.lock().unwrap()[now].clone();
        value.as_ref().map(look)
    }
}

/// The `Arc` is what papaya's guards do for a reader.
#[derive(Debug)]
pub(super) struct Map<V>(Mutex<HashMap<Name, sync::Arc<V>>>);

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<V> Map<V> {
    pub(super) fn look<Q, R>(&self, tenant: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: AsRef<str> + ?Sized,
    {
        let found = self.values().get(Name::bytes(tenant)).cloned()?;
        Some(look(&found))
    }

    pub(super) fn look_or_insert<R>(
        &self,
        tenant: &TenantId,
        new: impl FnOnce() -> V,
        look: impl FnOnce(&V) -> R,
    ) -> R {
        let new = || sync::Arc::new(new());
        let found = sync::Arc::clone(self.values().entry(Name::of(tenant)).or_insert_with(new));
        look(&found)
    }

    pub(super) fn remove<R>(&self, tenant: &TenantId, look: impl FnOnce(&V) -> R) -> Option<R> {
        let removed = self.values().remove(Name::bytes(tenant))?;
        Some(look(&removed))
    }

    pub(super) fn len(&self) -> usize {
        self.values().len()
    }

    fn values(&self) -> MutexGuard<'_, HashMap<Name, sync::Arc<V>>> {
        self.0.lock().unwrap()
    }
}
