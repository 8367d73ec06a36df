//! A caller that waits.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, mpsc},
};

use tm_core::{Error, TenantId, broker::Ticket};
use tm_driver::{Asked, Event, Wish};

use crate::shared::{Caller, Shared};

/// The demands of one caller. Dropping it forgets those that are not answered.
pub(crate) struct Waiting {
    shared: Arc<Shared>,
    answered: VecDeque<Event>,
    tickets: HashMap<usize, Ticket>,
    inbox: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
}

impl Waiting {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (sender, inbox) = mpsc::channel();
        Self { shared, answered: VecDeque::new(), tickets: HashMap::new(), inbox, sender }
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
        if let Some(event) = self.answered.pop_front() {
            return Some(event);
        }
        let event = self.inbox.recv().ok()?;
        if let Event::Settled(position, _) = &event {
            self.tickets.remove(position);
        }
        Some(event)
    }

    fn caller(&self, position: usize) -> Caller {
        Caller { position, inbox: self.sender.clone() }
    }

    fn asked(&mut self, asked: Asked) {
        self.answered
            .extend(asked.answered.into_iter().map(|(position, result)| Event::Settled(position, result)));
        self.tickets.extend(asked.waiting);
        if let Err(error) = self.shared.carry_out(asked.todo) {
            self.give_up(&error);
        }
    }

    /// Nobody is there to do the work: all that waits is answered with the reason.
    fn give_up(&mut self, error: &Error) {
        let tickets = std::mem::take(&mut self.tickets);
        self.answered.extend(tickets.keys().map(|position| Event::Settled(*position, Err(error.clone()))));
        self.shared.try_to_carry_out(self.shared.engine.forget(tickets.into_values()));
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.tickets.is_empty() {
            let tickets = self.tickets.drain().map(|(_, ticket)| ticket);
            self.shared.try_to_carry_out(self.shared.engine.forget(tickets));
        }
    }
}
