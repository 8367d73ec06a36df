//! The list of tenants, page by page.

use std::sync::Arc;

use tm_core::{
    Error, TransportError, TransportFault,
    listing::{Listing, Verdict},
    wire::MAX_PAGE_ANSWER,
};
use tm_driver::{Event, Limits, Listed, Wish};

use crate::{
    shared::{Shared, closed},
    waiting::Waiting,
};

/// Reads the next page of the list, with as many attempts as it takes.
pub(crate) async fn next_page(shared: &Arc<Shared>, listing: &mut Listing) -> Listed {
    let settings = shared.engine.settings();
    let limits = Limits { time: settings.attempt_time, body: MAX_PAGE_ANSWER };
    loop {
        if let Err(error) = sit_out_a_hold(shared).await {
            return Listed::failed(error);
        }
        let operator = match operator_token(shared).await {
            Ok(operator) => operator,
            Err(error) => return Listed::without_operator(error),
        };
        let request = listing.request(&operator);
        let answer = tokio::time::timeout(limits.time, shared.transport.send(request, limits)).await;
        let answer = answer.unwrap_or_else(|_| Err(TransportError::new(TransportFault::TimedOut)));
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
                    shared.carry_out(shared.engine.hold(wait, error));
                } else {
                    tokio::time::sleep(wait).await;
                }
            }
            Verdict::Reject => shared.carry_out(shared.engine.reject(&operator)),
            Verdict::Failed(error) => return Listed::failed(error),
        }
    }
}

/// A page is a call like others: while the service asks for patience, none leaves.
async fn sit_out_a_hold(shared: &Shared) -> Result<(), Error> {
    while let Some(wait) = shared.engine.held()? {
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

async fn operator_token(shared: &Arc<Shared>) -> Result<tm_core::Token, Error> {
    let operator = &shared.engine.application().host_tenant;
    let mut waiting = Waiting::new(Arc::clone(shared));
    waiting.ask(operator, Wish { patience: Some(shared.engine.settings().bulk_patience), ..Wish::default() });
    match waiting.next().await {
        Event::Settled(_, result) => result,
        Event::Listed(_) => Err(closed()),
    }
}
