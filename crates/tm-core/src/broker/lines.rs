//! The three lines in which tenants stand one after the other: for the store, for the lease, for the call.

use super::{
    flight::{Key, Line, Place, Serial},
    plan::Plan,
};

/// One plan for each line. A place in line is kept from one to the next.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) load: Plan,
    pub(super) lease: Plan,
    pub(super) call: Plan,
    next: Serial,
}

impl Lines {
    /// Behind all who came before.
    pub(super) fn next_serial(&mut self) -> Serial {
        let next = self.next.next();
        std::mem::replace(&mut self.next, next)
    }

    pub(super) fn insert(&mut self, line: Line, key: Key, place: Place) {
        self.line(line).insert(key, place);
    }

    pub(super) fn remove(&mut self, line: Line, key: Key, place: Place) {
        self.line(line).remove(key, place);
    }

    /// Whether nobody waits for the gate, now or later.
    pub(super) fn is_empty(&self) -> bool {
        [&self.load, &self.lease, &self.call].iter().all(|plan| plan.is_empty())
    }

    fn line(&mut self, line: Line) -> &mut Plan {
        match line {
            Line::Load => &mut self.load,
            Line::Lease => &mut self.lease,
            Line::Call => &mut self.call,
        }
    }
}

impl Default for Lines {
    fn default() -> Self {
        let (load, lease, call) = Default::default();
        Self { load, lease, call, next: Serial::FIRST }
    }
}
