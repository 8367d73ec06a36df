//! Runs that may break a rule, and smaller ones that break one too.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use tm_core::TenantId;

use crate::random::tenants;

/// No random world has more.
const TENANTS: usize = 200;

thread_local! {
    /// Whether what is broken here is caught, and need not be told twice.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// What was said of the last thing broken here, and where.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
    /// Nobody asks for these.
    static LEFT_OUT: RefCell<BTreeSet<TenantId>> = const { RefCell::new(BTreeSet::new()) };
}

/// Runs it. Answers what was broken, and where.
pub(crate) fn attempt<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    listen();
    IS_CAUGHT.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IS_CAUGHT.set(false);
    result.map_err(|_| SAID.take())
}

/// Looks for a run that breaks a rule with callers for fewer tenants: leaves out whom it can, in halves, quarters and so on, as
/// long as something is still broken. Answers what that is then.
pub(crate) fn with_fewer_tenants(run: impl Fn()) -> Option<String> {
    let (mut needed, mut smallest) = (tenants(TENANTS), None);
    let mut size = TENANTS / 2;
    while size > 0 {
        let mut kept = Vec::new();
        for (number, chunk) in needed.chunks(size).enumerate() {
            let others = needed[(number * size + chunk.len())..].iter().chain(&kept).cloned().collect();
            match attempt_with(&others, &run) {
                Err(broken) => smallest = Some((others.len(), broken)),
                Ok(()) => kept.extend_from_slice(chunk),
            }
        }
        needed = kept;
        size /= 2;
    }
    smallest.map(|(count, broken)| format!("with callers for {count} tenants alone:\n{broken}"))
}

/// Whether anybody asks for this tenant.
pub(crate) fn is_asked_for(tenant: &TenantId) -> bool {
    LEFT_OUT.with_borrow(|left_out| !left_out.contains(tenant))
}

fn attempt_with(asked_for: &BTreeSet<TenantId>, run: impl Fn()) -> Result<(), String> {
    let left_out = tenants(TENANTS).into_iter().filter(|tenant| !asked_for.contains(tenant)).collect();
    LEFT_OUT.set(left_out);
    let result = attempt(run);
    LEFT_OUT.take();
    result
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| {
            if IS_CAUGHT.get() {
                SAID.set(info.to_string());
            } else {
                others(info);
            }
        }));
    });
}
