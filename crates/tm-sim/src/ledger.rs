//! What has been issued: which bearer is whose and until when, how many a tenant got, and the tokens still cached.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use crate::clock::ServiceTime;
use crate::tokens::TokenAnswer;

/// Keeps fingerprints of tokens, not tokens, so a long benchmark does not fill the memory.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    live: HashMap<Fingerprint, Issued>,
    counts: HashMap<String, u64>,
    cache: HashMap<String, Cached>,
    /// The size of `live` at which the expired are looked for next.
    sweep_at: usize,
}

type Fingerprint = [u8; 32];

#[derive(Debug)]
struct Issued {
    tenant: Arc<str>,
    exp: i64,
}

#[derive(Debug)]
struct Cached {
    token: TokenAnswer,
    exp: i64,
}

/// Whose a bearer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bearer {
    Of(Arc<str>),
    Expired,
    /// Never issued here, revoked, or expired so long ago that it was forgotten.
    Unknown,
}

/// Below this, nobody looks for expired tokens.
const SWEEP_AT_LEAST: usize = 4096;

impl Ledger {
    /// Counts a token about to be issued; the answer is how many the tenant had before.
    pub(crate) fn count(&mut self, tenant: &str) -> u64 {
        // No `entry`: it would need an owned key on every call.
        if let Some(count) = self.counts.get_mut(tenant) {
            *count += 1;
            return *count - 1;
        }
        self.counts.insert(tenant.to_owned(), 1);
        0
    }

    pub(crate) fn issued(&self, tenant: &str) -> u64 {
        self.counts.get(tenant).copied().unwrap_or(0)
    }

    pub(crate) fn enter(
        &mut self,
        tenant: &str,
        token: &TokenAnswer,
        exp: i64,
        caches: bool,
        now: ServiceTime,
    ) {
        if self.live.len() >= self.sweep_at.max(SWEEP_AT_LEAST) {
            self.live.retain(|_, issued| issued.exp > now.unix_s());
            self.sweep_at = self.live.len().saturating_mul(2);
        }
        self.live.insert(fingerprint(&token.access_token), Issued { tenant: tenant.into(), exp });
        if caches {
            self.cache.insert(tenant.to_owned(), Cached { token: token.clone(), exp });
        }
    }

    /// The token issued last, if it has more than `floor_s` seconds to live.
    pub(crate) fn cached(&self, tenant: &str, now: ServiceTime, floor_s: i64) -> Option<TokenAnswer> {
        let cached = self.cache.get(tenant)?;
        (cached.exp.saturating_sub(now.unix_s()) > floor_s).then(|| cached.token.clone())
    }

    pub(crate) fn bearer(&self, token: &str, now: ServiceTime) -> Bearer {
        match self.live.get(&fingerprint(token)) {
            Some(issued) if issued.exp > now.unix_s() => Bearer::Of(Arc::clone(&issued.tenant)),
            Some(_) => Bearer::Expired,
            None => Bearer::Unknown,
        }
    }

    pub(crate) fn revoke(&mut self, token: &str) -> bool {
        let Some(issued) = self.live.remove(&fingerprint(token)) else { return false };
        if self.cache.get(&*issued.tenant).is_some_and(|cached| cached.token.access_token == token) {
            self.cache.remove(&*issued.tenant);
        }
        true
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
}
