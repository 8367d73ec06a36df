//! The parts of the view as loom sees them: the steps of papaya and arc-swap, with what goes on inside each left out.
//!
//! * A [`Pointer`] is stored to with `Release` and loaded with `Acquire`, which is less than arc-swap promises.
//! * A [`Map`] does each of its steps at once, but for `remove_if`: as in papaya the condition is looked at first, and what it
//!   was true of is removed after that. Anything may happen in between. Who looks at a value keeps it, removed or not.
//!
//! That papaya and arc-swap are right inside is not shown here.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync};

pub(super) use loom::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use loom::sync::{Mutex, MutexGuard, atomic::AtomicUsize};
use tm_core::TenantId;

/// All that was ever stored, and which of it is there now. The lock is of std, since it is no part of the model.
#[derive(Debug)]
pub(super) struct Pointer<T> {
    now: AtomicUsize,
    stored: sync::Mutex<Vec<Option<sync::Arc<T>>>>,
}

impl<T> Default for Pointer<T> {
    fn default() -> Self {
        Self { now: AtomicUsize::new(0), stored: sync::Mutex::new(vec![None]) }
    }
}

impl<T> Pointer<T> {
    pub(super) fn replace(&self, value: Option<T>) {
        let last = {
            let mut stored = self.stored.lock().unwrap();
            stored.push(value.map(sync::Arc::new));
            stored.len() - 1
        };
        self.now.store(last, Ordering::Release);
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        let now = self.now.load(Ordering::Acquire);
        let value = self.stored.lock().unwrap()[now].clone();
        value.as_deref().map(look)
    }
}

/// The inner `Arc` is the value's own, whose count is part of the model; the outer one is what papaya's guards do for a reader.
#[derive(Debug)]
pub(super) struct Map<V>(Mutex<HashMap<TenantId, sync::Arc<Arc<V>>>>);

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<V: Default> Map<V> {
    pub(super) fn look<Q, R>(&self, tenant: &Q, look: impl FnOnce(&Arc<V>) -> R) -> Option<R>
    where
        TenantId: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.values().get(tenant).cloned()?;
        Some(look(&found))
    }

    pub(super) fn find_or_insert(&self, tenant: &TenantId) -> Arc<V> {
        let found = sync::Arc::clone(
            self.values().entry(tenant.clone()).or_insert_with(|| sync::Arc::new(Arc::new(V::default()))),
        );
        Arc::clone(&found)
    }

    pub(super) fn remove_if(&self, tenant: &TenantId, condition: impl Fn(&Arc<V>) -> bool) {
        let Some(seen) = self.look_at(tenant).filter(|seen| condition(seen)) else { return };
        let removed = {
            let mut values = self.values();
            let is_same = values.get(tenant).is_some_and(|found| sync::Arc::ptr_eq(found, &seen));
            is_same.then(|| values.remove(tenant))
        };
        drop(removed);
    }

    pub(super) fn len(&self) -> usize {
        self.values().len()
    }

    fn look_at(&self, tenant: &TenantId) -> Option<sync::Arc<Arc<V>>> {
        self.values().get(tenant).cloned()
    }

    fn values(&self) -> MutexGuard<'_, HashMap<TenantId, sync::Arc<Arc<V>>>> {
        self.0.lock().unwrap()
    }
}
