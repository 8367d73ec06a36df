//! A caller that waits.

use std::{future::poll_fn, sync::Arc};

use tm_core::TenantId;
use tm_driver::{Asked, Demands, Event, Inbox, Wish};
use tokio::task::coop::cooperative;

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

    /// The next event, in the order in which they come. Safe to cancel. It waits for ever if nothing was asked for.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.demands.next_answered() {
                return event;
            }
            tokio::select! {
                biased;
                event = wait(&self.inbox) => {
                    self.demands.came(&event);
                    return event;
                }
                () = self.shared.orphaned() => self.shared.wake(),
            }
        }
    }

    fn caller(&self, position: usize) -> Caller {
        Caller { position, inbox: self.inbox() }
    }

    fn asked(&mut self, asked: Asked) {
        let todo = self.demands.asked(asked);
        self.shared.carry_out(todo);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let tickets = self.demands.leave();
        if !tickets.is_empty() {
            self.shared.carry_out(self.shared.engine.forget(tickets));
        }
    }
}

/// The next event. Safe to cancel. One who takes many in a row lets others have their turn.
pub(crate) fn wait(inbox: &Inbox) -> impl Future<Output = Event> {
    cooperative(poll_fn(|context| inbox.poll(context)))
}
