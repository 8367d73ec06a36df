//! Tokens for all tenants: the list pulled page by page, and the tokens as they come.

use std::collections::HashMap;

use tm_core::{TenantId, wire::MAX_BATCH};

/// The books of one run over all tenants. The driver fetches pages when [`Bulk::wants_page`] says so, asks for what
/// [`Bulk::page`] answers, and hands what comes back to [`Bulk::settled`].
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

    /// A page has come; `last` if it ended the list. Answers the tenants to ask for now, each with the number under which
    /// its token is to be handed to [`Bulk::settled`].
    pub fn page(&mut self, tenants: Vec<TenantId>, last: bool) -> Vec<(usize, TenantId)> {
        self.page_asked = false;
        self.list_ended |= last;
        self.over.extend(tenants);
        let now = if self.list_ended { self.over.len() } else { self.over.len() / MAX_BATCH * MAX_BATCH };
        let numbered: Vec<_> =
            self.over.drain(..now).zip(self.next..).map(|(tenant, number)| (number, tenant)).collect();
        self.next += numbered.len();
        self.under_way.extend(numbered.iter().cloned());
        numbered
    }

    /// The list cannot be read any further: what is under way goes on.
    pub fn list_failed(&mut self) -> Vec<(usize, TenantId)> {
        self.page(Vec::new(), true)
    }

    /// A token, or an error, has come under this number: whose it is. `None` for a number that was not asked for.
    pub fn settled(&mut self, number: usize) -> Option<TenantId> {
        self.under_way.remove(&number)
    }

    /// Whether everything has come.
    pub fn is_over(&self) -> bool {
        self.list_ended && self.under_way.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(numbers: std::ops::Range<usize>) -> Vec<TenantId> {
        numbers.map(|number| TenantId::new(format!("t{number}")).unwrap()).collect()
    }

    #[test]
    fn tenants_leave_in_whole_fives_until_the_list_ends() {
        let mut bulk = Bulk::new(7);
        assert_eq!(bulk.page(tenants(0..7), false).len(), 5);
        assert_eq!(bulk.page(tenants(7..14), false).len(), 5);
        assert_eq!(bulk.page(tenants(14..16), true).len(), 6);
        let names: Vec<_> = (0..16).map(|number| bulk.settled(number).unwrap().to_string()).collect();
        assert_eq!((names[0].as_str(), names[15].as_str()), ("t0", "t15"));
        assert!(bulk.is_over() && bulk.settled(3).is_none());
    }

    #[test]
    fn pages_are_pulled_at_most_two_ahead() {
        let mut bulk = Bulk::new(10);
        assert!(bulk.wants_page() && !bulk.wants_page());
        bulk.page(tenants(0..10), false);
        assert!(bulk.wants_page());
        bulk.page(tenants(10..20), false);
        assert!(!bulk.wants_page(), "two pages are under way");
        (0..10).for_each(|number| drop(bulk.settled(number)));
        assert!(bulk.wants_page());
        bulk.list_failed();
        assert!(!bulk.wants_page() && !bulk.is_over());
    }
}
