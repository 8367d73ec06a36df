//! A caller that waits.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    thread::{self, Thread},
};

use tm_core::TenantId;
use tm_driver::{Asked, Demands, Event, Inbox, Wish};

use crate::shared::{Caller, Shared};

/// The demands of one caller. Dropping it forgets those that are not answered.
pub(crate) struct Waiting {
    shared: Arc<Shared>,
    demands: Demands,
    inbox: Arc<Inbox>,
}

impl Waiting {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, demands: Demands::default(), inbox: Arc::default() }
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
    pub(crate) fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    /// The next event, in the order in which they come. It waits for ever if nothing was asked for.
    pub(crate) fn next(&mut self) -> Event {
        if let Some(event) = self.demands.next_answered() {
            return event;
        }
        let event = wait(&self.inbox);
        self.demands.came(&event);
        event
    }

    fn caller(&self, position: usize) -> Caller {
        Caller { position, inbox: self.inbox() }
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

/// The next event. This thread waits for it.
pub(crate) fn wait(inbox: &Inbox) -> Event {
    if let Some(event) = inbox.take() {
        return event;
    }
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(event) = inbox.poll(&mut context) {
            return event;
        }
        thread::park();
    }
}

struct Parked(Thread);

impl std::task::Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
