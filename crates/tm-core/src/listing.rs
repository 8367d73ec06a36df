//! The list of the application's tenants: a small machine that pages through `GET /userTenants`.
//!
//! Its driver repeats: take the operator's token (the host tenant's), send [`Listing::request`], hand the answer to
//! [`Listing::received`] and do what the verdict says, until [`Listing::is_done`].

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    Application, Error, ErrorKind, Now, TenantId, Token, TransportError,
    broker::{Meaning, Settings, before_retry},
    wire::{Refusal, Rejection, RetryAfter, user_tenants},
};

/// More pages than this no application has: 500,000 tenants at the smallest page that makes sense.
const MAX_PAGES: u32 = 10_000;

/// So many pages in a row with nothing but entries that name no acceptable tenant are the end: the service may repeat itself.
const MAX_BARREN: u32 = 10;

/// One walk through the list.
///
/// The totals of the service end it only if they are more than zero, since the documented sample says zero of everything
/// and yet lists a tenant. A short page is not the end either: the service may cap pages as it likes.
#[derive(Debug)]
pub struct Listing {
    application: Arc<Application>,
    size: u16,
    attempts: u32,
    rng: fastrand::Rng,
    /// The one that was asked with, which no error may show.
    operator: Option<Token>,
    page: u32,
    seen: HashSet<TenantId>,
    unreadable: usize,
    barren: u32,
    failed: u32,
    rejected: bool,
    done: bool,
}

/// What became of a page.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Tenants that were not on any page before.
    Page(Vec<TenantId>),
    /// The page has tenants that were not on any page before, and entries that name no acceptable tenant.
    Partial(Vec<TenantId>, Error),
    /// Ask for the same page again after the wait.
    Again {
        /// How long to wait.
        wait: Duration,
        /// The service has named the wait itself: hold the broker's calls too, for this reason.
        hold: Option<Error>,
    },
    /// The service refused this very token: reject it, take another, and ask for the same page again.
    Reject,
    /// There is no list to be had.
    Failed(Error),
}

impl Listing {
    /// Begins at the first page.
    pub fn new(application: Arc<Application>, settings: &Settings, seed: u64) -> Self {
        Self {
            application,
            size: settings.page_size,
            attempts: settings.attempts,
            rng: fastrand::Rng::with_seed(seed),
            operator: None,
            page: 0,
            seen: HashSet::new(),
            unreadable: 0,
            barren: 0,
            failed: 0,
            rejected: false,
            done: false,
        }
    }

    /// Whether there is nothing more to ask for.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The request for the page at hand. `operator` is a token of the application's host tenant.
    pub fn request(&mut self, operator: &Token) -> Request<Bytes> {
        self.operator = Some(operator.clone());
        user_tenants::request(&self.application, operator, self.page, self.size)
    }

    /// Reads the answer and goes on to the next page, if there is one.
    pub fn received(&mut self, now: Now, answer: Result<Response<Bytes>, TransportError>) -> Verdict {
        let response = match answer {
            Ok(response) => response,
            Err(error) => return self.failed(Error::from(error).at(&self.application.gateway), None),
        };
        match user_tenants::answer(&response) {
            Ok(answer) => self.turn(answer.value),
            Err(Rejection::Undecodable(error)) => self.end(Error::from(error).at(&self.application.gateway)),
            Err(Rejection::Refused { mut refusal, retry_after, date }) => {
                if let Some(operator) = &self.operator {
                    refusal.hide(&operator.authorization());
                }
                let wait = retry_after.map(|after: RetryAfter| after.wait(date.unwrap_or(now.unix)));
                self.refused(&refusal, wait)
            }
        }
    }

    fn turn(&mut self, page: user_tenants::Page) -> Verdict {
        (self.failed, self.rejected) = (0, false);
        let number = self.page;
        let is_barren = page.tenants.is_empty() && page.unreadable > 0;
        let new: Vec<_> =
            page.tenants.into_iter().filter(|tenant| self.seen.insert(tenant.clone())).collect();
        self.unreadable += page.unreadable;
        self.page += 1;
        let listed = u64::try_from(self.seen.len() + self.unreadable).unwrap_or(u64::MAX);
        let complete = page.total_elements.is_some_and(|total| total > 0 && listed >= total);
        // Those that can be read may stand on the next page.
        self.barren = if is_barren { self.barren + 1 } else { 0 };
        self.done = complete || if is_barren { self.barren >= MAX_BARREN } else { new.is_empty() };
        if !self.done && self.page >= MAX_PAGES {
            return self.end(Error::new(
                ErrorKind::Service,
                format!("the list of tenants has not ended after {MAX_PAGES} pages"),
            ));
        }
        if page.unreadable == 0 {
            return Verdict::Page(new);
        }
        let message = format!(
            "page {number} of the list has {} entries that name no acceptable tenant",
            page.unreadable
        );
        Verdict::Partial(new, Error::new(ErrorKind::Decode, message))
    }

    fn refused(&mut self, refusal: &Refusal, wait: Option<Duration>) -> Verdict {
        let error = |kind, message| Error::new(kind, message).with_refusal(refusal.clone());
        match Meaning::of(refusal) {
            Meaning::Credentials if !self.rejected => {
                self.rejected = true;
                Verdict::Reject
            }
            Meaning::Credentials => self.end(error(
                ErrorKind::Service,
                "the list of tenants refuses the operator's token, a fresh one too",
            )),
            Meaning::TooMany => self.failed(
                error(ErrorKind::Throttled, "the list of tenants asks for patience").transient(),
                wait,
            ),
            Meaning::Overload | Meaning::Outage => {
                self.failed(error(ErrorKind::Service, "the list of tenants fails").transient(), wait)
            }
            Meaning::Request | Meaning::Redirect | Meaning::Broken => {
                self.end(error(ErrorKind::Service, "the list of tenants is refused"))
            }
        }
    }

    fn failed(&mut self, error: Error, wait: Option<Duration>) -> Verdict {
        self.failed += 1;
        let wait = wait.filter(|wait| !wait.is_zero());
        let error = match wait {
            Some(wait) => error.after(wait),
            None => error,
        };
        if self.failed >= self.attempts || !error.is_transient() {
            return self.end(error);
        }
        let base = Duration::from_millis(if error.kind() == ErrorKind::Throttled { 1_000 } else { 200 });
        match wait {
            Some(wait) => Verdict::Again { wait, hold: Some(error) },
            None => Verdict::Again { wait: before_retry(&mut self.rng, self.failed, base), hold: None },
        }
    }

    fn end(&mut self, error: Error) -> Verdict {
        self.done = true;
        Verdict::Failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixTime;

    const NOW: Now = Now { mono: Duration::ZERO, unix: UnixTime::from_secs(0) };

    fn listing() -> Listing {
        seeded(1)
    }

    fn seeded(seed: u64) -> Listing {
        let application = Application {
            gateway: crate::Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: crate::AppName::new("app").unwrap(),
            version: crate::AppVersion::new("1").unwrap(),
        };
        Listing::new(Arc::new(application), &Settings::default(), seed)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands for what a transport answers")]
    fn page(total: u64, ids: &[&str]) -> Result<Response<Bytes>, TransportError> {
        let ids: Vec<_> = ids.iter().map(|id| serde_json::json!({ "id": id })).collect();
        let body = serde_json::json!({ "page": { "totalElements": total }, "userTenants": ids });
        Ok(Response::new(Bytes::from(body.to_string())))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands for what a transport answers")]
    fn status(code: u16, retry_after: Option<&str>) -> Result<Response<Bytes>, TransportError> {
        let mut response = Response::builder().status(code);
        if let Some(value) = retry_after {
            response = response.header("retry-after", value);
        }
        Ok(response.body(Bytes::new()).unwrap())
    }

    fn names(verdict: Verdict) -> Vec<String> {
        match verdict {
            Verdict::Page(tenants) => tenants.into_iter().map(String::from).collect(),
            other => panic!("no page: {other:?}"),
        }
    }

    #[test]
    fn totals_end_the_list_only_above_zero() {
        let mut list = listing();
        assert_eq!(names(list.received(NOW, page(0, &["a", "b"]))), ["a", "b"]);
        assert!(!list.is_done(), "zero totals prove nothing, nor does a short page");
        assert_eq!(names(list.received(NOW, page(3, &["c"]))), ["c"]);
        assert!(list.is_done());
    }

    #[test]
    fn each_page_is_asked_for_by_its_number() {
        let (operator, mut list) = (Token::new("abc").unwrap(), listing());
        let query = |list: &mut Listing| list.request(&operator).uri().query().map(str::to_owned);
        assert_eq!(query(&mut list).as_deref(), Some("page=0&size=100"));
        names(list.received(NOW, page(0, &["a"])));
        assert_eq!(query(&mut list).as_deref(), Some("page=1&size=100"));
    }

    #[test]
    fn entries_that_name_no_tenant_count_towards_the_total() {
        let mut list = listing();
        assert!(matches!(list.received(NOW, page(4, &["a", "b c"])), Verdict::Partial(..)));
        assert!(!list.is_done());
        assert!(matches!(list.received(NOW, page(4, &["c", ""])), Verdict::Partial(..)));
        assert!(list.is_done(), "two tenants and two that are none");
    }

    #[test]
    fn an_empty_page_or_one_with_nothing_new_ends_it() {
        let mut list = listing();
        names(list.received(NOW, page(0, &["a"])));
        assert!(names(list.received(NOW, page(0, &[]))).is_empty() && list.is_done());
        let mut list = listing();
        names(list.received(NOW, page(0, &["a", "b"])));
        assert!(names(list.received(NOW, page(0, &["b", "a"]))).is_empty() && list.is_done());
    }

    #[test]
    fn entries_that_name_no_tenant_are_told_and_lose_nobody() {
        let mut list = listing();
        let Verdict::Partial(tenants, error) = list.received(NOW, page(0, &["a", "b c", ""])) else {
            panic!()
        };
        assert_eq!(tenants.len(), 1);
        assert_eq!(error.to_string(), "page 0 of the list has 2 entries that name no acceptable tenant");
        assert!(!list.is_done());
    }

    #[test]
    fn a_page_that_has_nothing_but_such_entries_is_not_the_end() {
        let mut list = listing();
        assert!(matches!(list.received(NOW, page(0, &["a b"])), Verdict::Partial(..)));
        assert!(!list.is_done());
        assert_eq!(names(list.received(NOW, page(0, &["c"]))), ["c"]);
        assert!(names(list.received(NOW, page(0, &[]))).is_empty() && list.is_done());
    }

    #[test]
    fn a_service_that_repeats_such_a_page_for_ever_is_left() {
        let mut list = listing();
        names(list.received(NOW, page(0, &["a"])));
        for _ in 0..MAX_BARREN {
            assert!(!list.is_done());
            assert!(matches!(list.received(NOW, page(0, &["a b"])), Verdict::Partial(..)));
        }
        assert!(list.is_done());
        let mut list = listing();
        for is_end in [false, true] {
            assert!(matches!(list.received(NOW, page(0, &["a", "a b"])), Verdict::Partial(..)));
            assert_eq!(list.is_done(), is_end);
        }
    }

    #[test]
    fn a_refused_token_is_replaced_once_per_page() {
        let mut list = listing();
        assert!(matches!(list.received(NOW, status(401, None)), Verdict::Reject));
        names(list.received(NOW, page(0, &["a"])));
        assert!(matches!(list.received(NOW, status(401, None)), Verdict::Reject));
        let Verdict::Failed(error) = list.received(NOW, status(401, None)) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::Service, "an error of the list, not of the credentials");
        assert!(list.is_done());
    }

    #[test]
    fn outages_are_tried_again_a_bounded_number_of_times() {
        let mut list = listing();
        assert!(matches!(list.received(NOW, status(503, None)), Verdict::Again { hold: None, .. }));
        let Verdict::Again { wait, hold: Some(_) } = list.received(NOW, status(429, Some("7"))) else {
            panic!()
        };
        assert_eq!(wait, Duration::from_secs(7));
        assert!(matches!(list.received(NOW, status(500, None)), Verdict::Failed(_)));
    }

    #[test]
    fn a_service_that_asks_for_patience_gets_more_of_it_than_one_that_fails() {
        let longest = |code| {
            let waits = (0..50).filter_map(|seed| match seeded(seed).received(NOW, status(code, None)) {
                Verdict::Again { wait, .. } => Some(wait),
                _ => None,
            });
            waits.max().unwrap()
        };
        assert!(longest(500) <= Duration::from_millis(200));
        assert!((300..=1_000).contains(&longest(429).as_millis()));
    }

    #[test]
    fn what_cannot_be_mended_is_not_tried_again() {
        for code in [400, 403, 404, 308, 501] {
            assert!(matches!(listing().received(NOW, status(code, None)), Verdict::Failed(_)), "{code}");
        }
        let html = Ok(Response::new(Bytes::from_static(b"<html>")));
        let Verdict::Failed(error) = listing().received(NOW, html) else { panic!() };
        assert_eq!(error.kind(), ErrorKind::Decode);
    }

    #[test]
    fn who_cannot_reach_the_list_or_read_it_is_told_which_gateway_it_was() {
        let refused = Err(TransportError::new(crate::TransportFault::Tls));
        let html = Ok(Response::new(Bytes::from_static(b"<html>")));
        for answer in [refused, html] {
            let Verdict::Failed(error) = listing().received(NOW, answer) else { panic!() };
            assert!(error.to_string().ends_with("(https://gateway.eu1.mindsphere.io)"), "{error}");
        }
    }

    #[test]
    fn a_list_without_end_ends() {
        let mut list = listing();
        for number in 0..MAX_PAGES - 1 {
            names(list.received(NOW, page(0, &[&format!("t{number}")])));
        }
        assert!(matches!(list.received(NOW, page(0, &["last"])), Verdict::Failed(_)));
        assert!(list.is_done());
    }
}
