//! The service with its answers ready: in this process for those who measure no HTTP, and on raw sockets.

mod server;
mod transport;

pub use server::{Server, Tls};
pub use transport::InProcess;

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, TenantId};
use tm_driver::Setup;

/// The answers, with tokens of this many bytes, about.
#[derive(Debug)]
pub struct Answers {
    stem: String,
    issued: AtomicU64,
    tenants: usize,
}

impl Answers {
    /// No two tokens are alike.
    pub fn new(token_bytes: usize, tenants: usize) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let claims = format!(r#"{{"jti":"0123456789abcdef","iat":{now},"exp":{},"ten":"acme""#, now + 1_800);
        let room = token_bytes.saturating_sub(80) * 3 / 4;
        let padding = "x".repeat(room.saturating_sub(claims.len() + 13));
        let claims = URL_SAFE_NO_PAD.encode(format!(r#"{claims},"scope":"{padding}"}}"#));
        let stem = format!("{}.{claims}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#));
        Self { stem, issued: AtomicU64::new(0), tenants }
    }

    /// The body of the answer to a request with this path and body.
    pub fn answer(&self, target: &str, body: &[u8]) -> String {
        if let Some((_, query)) = target.split_once("userTenants?") {
            return self.page(query);
        }
        let body = str::from_utf8(body).expect("JSON is text");
        match body.split_once(r#""userTenantIds":["#) {
            Some((_, ids)) => {
                let ids = ids.split(']').next().unwrap_or_default().split(',').map(|id| id.trim_matches('"'));
                let rows: Vec<_> =
                    ids.map(|id| format!(r#"{{"userTenantId":"{id}","token":{}}}"#, self.token())).collect();
                format!(r#"{{"oauthTokens":[{}]}}"#, rows.join(","))
            }
            None => self.token(),
        }
    }

    /// How many tokens they were.
    pub fn issued(&self) -> u64 {
        self.issued.load(Ordering::Relaxed)
    }

    fn token(&self) -> String {
        let number = self.issued.fetch_add(1, Ordering::Relaxed);
        let mut text = String::with_capacity(self.stem.len() + 160);
        write!(
            text,
            r#"{{"access_token":"{}s{number:010}","token_type":"bearer","timestamp":"1559120938825","expires_in":1799,"scope":"","jti":"0123456789abcdef"}}"#,
            self.stem
        )
        .expect("a String takes everything");
        text
    }

    fn page(&self, query: &str) -> String {
        let number = |name: &str, default: usize| {
            query
                .split('&')
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
                .unwrap_or(default)
        };
        let (page, size) = (number("page", 0), number("size", 100));
        let ids = (page * size..self.tenants.min((page + 1) * size)).map(tenant);
        let rows: Vec<_> = ids.map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
        format!(
            r#"{{"page":{{"size":{size},"totalElements":{},"totalPages":{},"number":{page}}},"userTenants":[{}]}}"#,
            self.tenants,
            self.tenants.div_ceil(size),
            rows.join(",")
        )
    }
}

/// The id of a tenant by its number.
pub fn tenant(number: usize) -> String {
    format!("tenant-{number:06}")
}

/// The same for so many.
pub fn tenants(count: usize) -> Vec<TenantId> {
    (0..count).map(|number| TenantId::new(tenant(number)).expect("visible ASCII")).collect()
}

/// Who asks, at this gateway.
pub fn application(gateway: &str) -> Application {
    Application {
        gateway: Gateway::parse_allowing_loopback_http(gateway).expect("a URL"),
        host_tenant: TenantId::new("operator").expect("visible ASCII"),
        name: AppName::new("bench").expect("visible ASCII"),
        version: AppVersion::new("1.0.0").expect("visible ASCII"),
    }
}

/// Its credentials.
pub fn credentials() -> Credentials {
    Credentials::new("client", "secret").expect("printable ASCII")
}

/// A set-up for this gateway, with room for everything that is measured.
pub fn setup(gateway: &str) -> Setup {
    Setup::new(application(gateway), credentials()).settings(|settings| settings.memory = 2 << 30)
}
