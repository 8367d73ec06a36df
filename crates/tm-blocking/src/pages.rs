//! The list of tenants, page by page.

use std::sync::{Arc, atomic::AtomicBool};

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

/// Reads the next page of the list, with as many attempts as it takes, and no more once it is unwanted.
pub(crate) fn next_page(shared: &Arc<Shared>, listing: &mut Listing, unwanted: &AtomicBool) -> Listed {
    let settings = shared.engine.settings();
    let limits = Limits { time: settings.attempt_time, body: MAX_PAGE_ANSWER };
    loop {
        if let Err(error) = sit_out_a_hold(shared, unwanted) {
            return Listed::failed(error);
        }
        let operator = match operator_token(shared) {
            Ok(operator) => operator,
            Err(error) => return Listed::without_operator(error),
        };
        let request = listing.request(&operator);
        let answer = shared.transport.send(request, limits);
        match listing.received(shared.engine.now(), answer) {
            Verdict::Page(tenants) => {
                return Listed { tenants, last: listing.is_done(), ..Listed::default() };
            }
            Verdict::Partial(tenants, error) => {
                let last = listing.is_done();
                return Listed { tenants, error: Some(error), last, ..Listed::default() };
            }
            Verdict::Again { wait, hold } => {
                if let Some(error) = hold {
                    shared.try_to_carry_out(shared.engine.hold(wait, error));
                } else if shared.workers.is_over_within(wait, unwanted) {
                    return Listed::failed(closed());
                }
            }
            Verdict::Reject => shared.try_to_carry_out(shared.engine.reject(&operator)),
            Verdict::Failed(error) => return Listed::failed(error),
        }
    }
}

/// A page is a call like others: while the service asks for patience, none leaves.
fn sit_out_a_hold(shared: &Shared, unwanted: &AtomicBool) -> Result<(), Error> {
    while let Some(wait) = shared.engine.held()? {
        if shared.workers.is_over_within(wait, unwanted) {
            return Err(closed());
        }
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
