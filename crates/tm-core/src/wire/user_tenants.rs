//! `GET /userTenants`: one page of the tenants that use the application.

use bytes::Bytes;
use http::{Request, Response, header};
use serde::Deserialize;

use super::{Answer, MAX_PAGE_ANSWER, Rejection, accepted, common, decode};
use crate::{Application, TenantId, Token};

const WHAT: &str = "the answer of /userTenants";

/// One page. The totals are what the service says, which need not be true: the documented sample says zero of
/// everything and yet lists a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Page {
    /// The tenants on it, in the service's order.
    pub tenants: Vec<TenantId>,
    /// How many entries named no acceptable tenant and were passed over.
    pub unreadable: usize,
    /// `totalElements`, if it was there.
    pub total_elements: Option<u64>,
}

/// Asks for one page, counted from 0, of at most `size` tenants. `operator` is a token of the host tenant.
pub fn request(application: &Application, operator: &Token, page: u32, size: u16) -> Request<Bytes> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = application.gateway.user_tenants(page, size);
    request.headers_mut().insert(header::AUTHORIZATION, operator.authorization());
    common(request.headers_mut());
    request
}

/// Reads the answer.
///
/// # Errors
/// The service refused, or its answer holds no list.
pub fn answer(response: &Response<Bytes>) -> Result<Answer<Page>, Rejection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        #[serde(default)]
        page: serde_json::Value,
        user_tenants: Vec<serde_json::Value>,
    }
    let date = accepted(response, WHAT, MAX_PAGE_ANSWER)?;
    let wire: Wire = decode::from_json(WHAT, response.body()).map_err(Rejection::Undecodable)?;
    let listed = wire.user_tenants.len();
    let tenants: Vec<_> =
        wire.user_tenants.iter().filter_map(|entry| TenantId::new(entry.get("id")?.as_str()?).ok()).collect();
    let total_elements = wire.page.get("totalElements").and_then(serde_json::Value::as_u64);
    let value = Page { unreadable: listed - tenants.len(), tenants, total_elements };
    Ok(Answer { value, date })
}
