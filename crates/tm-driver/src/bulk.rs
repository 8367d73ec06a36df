//! Tokens for all tenants: the list pulled page by page, and the tokens as they come.

use std::collections::HashMap;

use tm_core::{Error, ErrorKind, TenantId, Token, wire::MAX_BATCH};

/// What reaches the consumer of a run over all tenants, or any other caller.
#[derive(Debug)]
pub enum Event {
    /// A demand has its answer, by the position under which it was made.
    Settled(usize, Result<Token, Error>),
    /// A page of the list.
    Listed(Listed),
}

/// A page of the list, or its failure.
#[derive(Debug, Default)]
pub struct Listed {
    /// Tenants that were on no page before.
    pub tenants: Vec<TenantId>,
    /// What was wrong with the page, or why there is none.
    pub error: Option<Error>,
    /// Whether the list has ended.
    pub last: bool,
    /// Whether it ended because this page could not be had.
    pub broke_off: bool,
}

impl Listed {
    /// There are no more pages, for this reason.
    pub fn failed(error: Error) -> Self {
        Self { tenants: Vec::new(), error: Some(error), last: true, broke_off: true }
    }

    /// The tenants that can be read.
    ///
    /// # Errors
    /// There is no page.
    pub fn readable(self) -> Result<Vec<TenantId>, Error> {
        match self.error {
            Some(error) if self.broke_off => Err(error),
            _ => Ok(self.tenants),
        }
    }

    /// The tenants, if all can be read.
    ///
    /// # Errors
    /// There is no page, or an entry in it names no acceptable tenant.
    pub fn all(self) -> Result<Vec<TenantId>, Error> {
        self.error.map_or(Ok(self.tenants), Err)
    }

    /// There is no token with which to read it. That is about the list, and about none of its tenants.
    pub fn without_operator(error: Error) -> Self {
        let message = "the list of tenants cannot be read without a token of the operator";
        Self::failed(error.which_means(message))
    }

    /// Whoever read the list is gone.
    pub fn lost() -> Self {
        let message = "whoever read the list of tenants is gone: it panicked, or its runtime ended";
        Self::failed(Error::new(ErrorKind::Service, message))
    }
}

/// What follows from an event.
#[derive(Debug, Default)]
pub struct Taken {
    /// For the consumer: a token with its tenant, or an error that tells its tenant if it is about one.
    pub row: Option<Result<(TenantId, Token), Error>>,
    /// To ask for now, each under its position.
    pub ask: Vec<(usize, TenantId)>,
}

/// The books of one run over all tenants. The driver fetches pages when [`Bulk::wants_page`] says so, hands all events to
/// [`Bulk::take`], and goes on until [`Bulk::is_over`].
///
/// Pages are pulled by the consumer: no more than two pages of tenants are under way. Tenants leave in whole fives until the
/// list ends, so that pages that are no multiple of five cost no call.
#[derive(Debug)]
pub struct Bulk {
    page_size: usize,
    next: usize,
    under_way: HashMap<usize, TenantId>,
    over: Vec<TenantId>,
    page_asked: bool,
    list_ended: bool,
}

impl Bulk {
    /// For pages of this size.
    pub fn new(page_size: u16) -> Self {
        Self {
            page_size: page_size.into(),
            next: 0,
            under_way: HashMap::new(),
            over: Vec::new(),
            page_asked: false,
            list_ended: false,
        }
    }

    /// Whether to fetch a page now. Answers `true` once per page.
    pub fn wants_page(&mut self) -> bool {
        let wants = !self.list_ended && !self.page_asked && self.under_way.len() <= self.page_size;
        self.page_asked |= wants;
        wants
    }

    /// What follows from what has come.
    pub fn take(&mut self, event: Event) -> Taken {
        match event {
            Event::Settled(position, result) => {
                let row = self.under_way.remove(&position).map(|tenant| match result {
                    Ok(token) => Ok((tenant, token)),
                    // That the client was closed is about everybody, and this row about one.
                    Err(error) => Err(error.about(&tenant)),
                });
                Taken { row, ask: Vec::new() }
            }
            Event::Listed(listed) => {
                self.page_asked = false;
                self.list_ended |= listed.last;
                self.over.extend(listed.tenants);
                Taken { row: listed.error.map(Err), ask: self.whole_fives() }
            }
        }
    }

    /// Whether everything has come.
    pub fn is_over(&self) -> bool {
        self.list_ended && self.under_way.is_empty()
    }

    fn whole_fives(&mut self) -> Vec<(usize, TenantId)> {
        let count = if self.list_ended { self.over.len() } else { self.over.len() / MAX_BATCH * MAX_BATCH };
        let ask: Vec<_> = (self.next..).zip(self.over.drain(..count)).collect();
        self.next += ask.len();
        self.under_way.extend(ask.iter().cloned());
        ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(numbers: std::ops::Range<usize>, last: bool) -> Event {
        let tenants = numbers.map(|number| TenantId::new(format!("t{number}")).unwrap()).collect();
        Event::Listed(Listed { tenants, last, ..Listed::default() })
    }

    fn token(position: usize) -> Event {
        Event::Settled(position, Ok(Token::new("t").unwrap()))
    }

    #[test]
    fn tenants_leave_in_whole_fives_until_the_list_ends() {
        let mut bulk = Bulk::new(7);
        let asked = [page(0..7, false), page(7..14, false), page(14..16, true)]
            .map(|event| bulk.take(event).ask.len());
        assert_eq!(asked, [5, 5, 6]);
        let names: Vec<_> =
            (0..16).map(|position| bulk.take(token(position)).row.unwrap().unwrap().0.to_string()).collect();
        assert_eq!((names[0].as_str(), names[15].as_str()), ("t0", "t15"));
        assert!(bulk.is_over() && bulk.take(token(3)).row.is_none());
    }

    #[test]
    fn pages_are_pulled_at_most_two_ahead() {
        let mut bulk = Bulk::new(10);
        assert!(bulk.wants_page() && !bulk.wants_page());
        bulk.take(page(0..10, false));
        assert!(bulk.wants_page());
        bulk.take(page(10..20, false));
        assert!(!bulk.wants_page(), "two pages are under way");
        (0..10).for_each(|position| drop(bulk.take(token(position))));
        assert!(bulk.wants_page());
    }

    #[test]
    fn entries_that_cannot_be_read_are_passed_over_by_who_wants_that() {
        let error =
            || Some(Error::new(ErrorKind::Decode, "page 0 has an entry that names no acceptable tenant"));
        let listed = || Listed {
            tenants: vec![TenantId::new("acme").unwrap()],
            error: error(),
            last: true,
            broke_off: false,
        };
        assert_eq!(listed().readable().unwrap().len(), 1);
        assert_eq!(listed().all().unwrap_err().kind(), ErrorKind::Decode);
        assert!(Listed::failed(error().unwrap()).readable().is_err());
    }

    #[test]
    fn every_error_of_a_tenant_tells_which() {
        let mut bulk = Bulk::new(10);
        bulk.take(page(0..5, true));
        let closed = Error::new(ErrorKind::Closed, "the client is closed");
        let row = bulk.take(Event::Settled(3, Err(closed))).row.unwrap();
        assert_eq!(row.unwrap_err().to_string(), "tenant t3: the client is closed");
    }

    #[test]
    fn a_list_that_breaks_loses_none_of_those_it_had() {
        let mut bulk = Bulk::new(10);
        bulk.take(page(0..7, false));
        let taken = bulk.take(Event::Listed(Listed::lost()));
        assert!(taken.row.unwrap().is_err());
        assert_eq!(taken.ask.len(), 2, "the two that waited for company");
        assert!(!bulk.wants_page() && !bulk.is_over());
    }
}
