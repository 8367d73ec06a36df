//! Where the simulated service makes its tokens: JWTs with no signature and with unique texts.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tm_core::{TenantId, UnixTime};

use crate::{
    answers::Instant,
    clock::{self, secs},
    faults::What,
    ledger::{Ends, Ledger},
};

/// How long before a token's end a client must stop serving it (design.md, "expiry").
const MARGIN: Duration = secs(5);

/// Makes tokens and writes down what they are worth.
pub(crate) struct Mint {
    pub(crate) ledger: Ledger,
    /// How long tokens live: `exp` − `iat`.
    pub(crate) life: Duration,
    /// Letters added to every token, to make it as large as real ones.
    pub(crate) padding: usize,
    made: u64,
    latest: BTreeMap<TenantId, Fields>,
}

/// A token as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) text: String,
    pub(crate) expires_in: u64,
    pub(crate) timestamp: UnixTime,
    expires_at: UnixTime,
}

impl Default for Mint {
    fn default() -> Self {
        Self { ledger: Ledger::default(), life: secs(1_800), padding: 0, made: 0, latest: BTreeMap::new() }
    }
}

impl Mint {
    /// A token for this tenant, new unless the faults say otherwise.
    pub(crate) fn token(&mut self, tenant: &TenantId, faults: &[What], at: Instant) -> Fields {
        let cached = self.latest.get(tenant).filter(|_| faults.contains(&What::Again));
        let living = cached.filter(|fields| fields.expires_at > at.service_clock()).cloned();
        let fields = living.unwrap_or_else(|| self.make(tenant, faults, at));
        let dies_at = clock::mono(fields.expires_at, at.skew_ms);
        let times = (fields.timestamp, fields.expires_at);
        self.ledger.note(&fields.text, tenant, times, dies_at, ends(&fields, dies_at, at));
        self.latest.insert(tenant.clone(), fields.clone());
        fields
    }

    fn make(&mut self, tenant: &TenantId, faults: &[What], at: Instant) -> Fields {
        let life = faults.iter().find_map(|fault| match fault {
            What::Life(life) => Some(*life),
            _ => None,
        });
        let life = life.unwrap_or(self.life);
        let age = if faults.contains(&What::Dead) { life + secs(10) } else { Duration::ZERO };
        let issued_at = UnixTime::from_secs(at.service_clock().saturating_sub(age).as_secs());
        let expires_at = issued_at.saturating_add(life);
        self.made += 1;
        let claims = json!({
            "jti": self.made,
            "iat": issued_at.as_secs(),
            "exp": expires_at.as_secs(),
            "ten": tenant,
            "iss": "https://sim.piam.eu1.mindsphere.io/oauth/token",
            "scope": ["uts.r"],
            "schemas": ["x".repeat(self.padding)],
        });
        Fields {
            text: jwt(&claims),
            expires_in: life.as_secs().saturating_sub(1),
            timestamp: issued_at,
            expires_at,
        }
    }
}

fn jwt(claims: &Value) -> String {
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("{}.{claims}.none", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#))
}

/// What design.md lets a client make of the answer. Without `Date` that depends on the local clock: then anything up to
/// the true end may be right.
fn ends(fields: &Fields, dies_at: Duration, at: Instant) -> Ends {
    if !at.dated {
        return Ends { earliest: Duration::ZERO, latest: dies_at };
    }
    let by_claims = fields.expires_at.saturating_since(UnixTime::from_secs(at.service_clock().as_secs()));
    let end = (at.sent + by_claims.min(secs(fields.expires_in))).saturating_sub(MARGIN);
    Ends { earliest: end, latest: end }
}
