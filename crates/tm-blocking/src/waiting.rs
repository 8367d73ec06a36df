//! A caller that waits.

use std::sync::{Arc, mpsc};

use tm_core::TenantId;
use tm_driver::{Asked, Demands, Event, Wish};

use crate::shared::{Caller, Shared};

/// The demands of one caller. Dropping it forgets those that are not answered.
pub(crate) struct Waiting {
    shared: Arc<Shared>,
    demands: Demands,
    inbox: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
}

impl Waiting {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (sender, inbox) = mpsc::channel();
        Self { shared, demands: Demands::default(), inbox, sender }
    }

    /// Asks for one tenant, at position 0.
    pub(crate) fn ask(&mut self, tenant: &TenantId, wish: Wish) {
        let asked = self.shared.engine.ask(tenant, wish, |position| self.caller(position));
        self.asked(asked);
    }

    /// Asks for many tenants, each at its position.
    pub(crate) fn ask_bulk<'a>(&mut self, tenants: impl IntoIterator<Item = (usize, &'a TenantId)>) {
        let asked = self.shared.engine.ask_bulk(tenants, |position| self.caller(position));
        self.asked(asked);
    }

    /// For others to send events to this caller.
    pub(crate) fn sender(&self) -> mpsc::Sender<Event> {
        self.sender.clone()
    }

    /// The next event, in the order in which they come. `None` never comes while something was asked for.
    pub(crate) fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.demands.next_answered() {
            return Some(event);
        }
        let event = self.inbox.recv().ok()?;
        self.demands.came(&event);
        Some(event)
    }

    fn caller(&self, position: usize) -> Caller {
        Caller { position, inbox: self.sender.clone() }
    }

    fn asked(&mut self, asked: Asked) {
        let todo = self.demands.asked(asked);
        if let Err(error) = self.shared.carry_out(todo) {
            let tickets = self.demands.give_up(&error);
            self.shared.try_to_carry_out(self.shared.engine.forget(tickets));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let tickets = self.demands.leave();
        if !tickets.is_empty() {
            self.shared.try_to_carry_out(self.shared.engine.forget(tickets));
        }
    }
}
