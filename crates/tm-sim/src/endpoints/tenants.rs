//! `GET /userTenants`: the tenants of the application, a page at a time.

use http::request::Parts;

use crate::answers::{Answer, PageAnswer, PageEntry, PageNumbers, Payload, Refusal};
use crate::checks;
use crate::service::{Live, Service};

#[derive(Debug, Clone, Copy)]
pub(crate) struct PageCall {
    number: usize,
    size: Option<usize>,
}

/// A newer description of the service allows a `size` up to this; what a page holds may be less.
const LARGEST_SIZE: usize = 500;

impl PageCall {
    pub(super) fn parse(service: &Service, live: &Live, head: &Parts) -> Result<Self, Refusal> {
        checks::operator_bearer(&head.headers, live, &service.host_tenant)?;
        let mut number = None;
        let mut size = None;
        for parameter in head.uri.query().unwrap_or_default().split('&').filter(|text| !text.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let slot = match name {
                "page" => &mut number,
                "size" => &mut size,
                _ => return Err(Refusal::bad_request("The query has more than 'page' and 'size'.")),
            };
            let value = whole_number(value)
                .ok_or_else(|| Refusal::bad_request("'page' and 'size' must be whole numbers."))?;
            if slot.replace(value).is_some() {
                return Err(Refusal::bad_request("The query has a parameter twice."));
            }
        }
        if size.is_some_and(|size| size == 0 || size > LARGEST_SIZE) {
            return Err(Refusal::bad_request("'size' must be 1 to 500."));
        }
        Ok(Self { number: number.unwrap_or(0), size })
    }

    pub(super) fn serve(self, service: &Service) -> Answer {
        let cap = service.config.page_cap;
        let size = self.size.unwrap_or(cap).min(cap);
        let (ids, total) =
            service.with(|live| (live.roster.page(self.number, size).to_vec(), live.roster.listed().len()));
        let page = if service.config.totals_are_zero {
            PageNumbers { size: 0, total_elements: 0, total_pages: 0, number: self.number }
        } else {
            let total_pages = total.div_ceil(size.max(1));
            PageNumbers { size, total_elements: total, total_pages, number: self.number }
        };
        let tenants = ids.into_iter().map(|id| PageEntry { id }).collect();
        Answer::ok(Payload::Page(PageAnswer { page, tenants }))
    }
}

/// Digits only: `parse` alone would take a `+`.
fn whole_number(text: &str) -> Option<usize> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
