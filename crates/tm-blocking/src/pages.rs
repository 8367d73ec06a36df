//! The list of tenants, page by page.

use std::{sync::Arc, thread};

use tm_core::{
    Error, Token,
    listing::{Listing, Verdict},
    wire::MAX_PAGE_ANSWER,
};
use tm_driver::{Event, Limits, Listed, Wish};

use crate::{
    shared::{Shared, closed},
    waiting::Waiting,
};

/// Reads the next page of the list, with as many attempts as it takes.
pub(crate) fn next_page(shared: &Arc<Shared>, listing: &mut Listing) -> Listed {
    let settings = shared.engine.settings();
    let limits = Limits { time: settings.attempt_time, body: MAX_PAGE_ANSWER };
    loop {
        if let Err(error) = sit_out_a_hold(shared) {
            return Listed::failed(error);
        }
        let operator = match operator_token(shared) {
            Ok(operator) => operator,
            Err(error) => return Listed::without_operator(error),
        };
        let request = listing.request(&operator);
        let answer = shared.transport.send(request, limits);
        match listing.received(shared.engine.now(), answer) {
            Verdict::Page(tenants) => return Listed { tenants, error: None, last: listing.is_done() },
            Verdict::Partial(tenants, error) => {
                return Listed { tenants, error: Some(error), last: listing.is_done() };
            }
            Verdict::Again { wait, hold } => {
                if let Some(error) = hold {
                    shared.try_to_carry_out(shared.engine.hold(wait, error));
                } else {
                    thread::sleep(wait);
                }
            }
            Verdict::Reject => shared.try_to_carry_out(shared.engine.reject(&operator)),
            Verdict::Failed(error) => return Listed::failed(error),
        }
    }
}

/// A page is a call like others: while the service asks for patience, none leaves.
fn sit_out_a_hold(shared: &Shared) -> Result<(), Error> {
    while let Some(wait) = shared.engine.held()? {
        thread::sleep(wait);
    }
    Ok(())
}

fn operator_token(shared: &Arc<Shared>) -> Result<Token, Error> {
    let operator = &shared.engine.application().host_tenant;
    let mut waiting = Waiting::new(Arc::clone(shared));
    waiting.ask(operator, Wish { patience: Some(shared.engine.settings().bulk_patience), ..Wish::default() });
    match waiting.next() {
        Event::Settled(_, result) => result,
        Event::Listed(_) => Err(closed()),
    }
}
