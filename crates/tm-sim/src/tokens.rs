//! What a token is made of: the claims of the documented samples, and the answer that carries the token.

use fastrand::Rng;
use serde::Serialize;
use serde_json::Value;

use crate::choices::Platform;
use crate::clock::ServiceTime;
use crate::jwt::{Signer, Unsigned};
use crate::seeded;

/// A token as `/oauth/token` answers it and as `/oauthTokens` lists it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    pub(crate) token_type: &'static str,
    /// The time of issue in milliseconds. The documents have it as a string.
    pub(crate) timestamp: String,
    /// A number, unless a fault made something else of it.
    pub(crate) expires_in: Value,
    pub(crate) scope: String,
    pub(crate) jti: String,
}

/// What a new token needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) platform: Platform,
    pub(crate) client_id: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) issued_at: ServiceTime,
    pub(crate) expires_in_s: i64,
    pub(crate) seed: u64,
    /// How many tokens the tenant had before.
    pub(crate) nth: u64,
}

impl Order<'_> {
    /// Documented: `expires_in` is 1799 where `exp` is `iat` + 1800.
    pub(crate) fn exp(&self) -> i64 {
        self.issued_at.unix_s().saturating_add(self.expires_in_s).saturating_add(1)
    }

    pub(crate) fn fill(&self, signer: &Signer) -> Result<TokenAnswer, Unsigned> {
        let mut rng = seeded::rng(self.seed, self.tenant, self.nth);
        let jti = seeded::hex(&mut rng, 16);
        let rev_sig = seeded::hex(&mut rng, 4);
        let mut claims = Claims::new(self, &jti, &rev_sig);
        claims.add_scopes(&mut rng, signer);
        Ok(TokenAnswer {
            access_token: signer.sign(&claims)?,
            token_type: "bearer",
            timestamp: self.issued_at.unix_ms().to_string(),
            expires_in: Value::from(self.expires_in_s),
            scope: claims.scope.join(" "),
            jti,
        })
    }
}

/// In the order of the samples.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    jti: &'a str,
    sub: &'a str,
    scope: Vec<&'static str>,
    client_id: &'a str,
    cid: &'a str,
    azp: &'a str,
    grant_type: &'static str,
    rev_sig: &'a str,
    iat: i64,
    exp: i64,
    iss: String,
    zid: &'a str,
    aud: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ten: Option<&'a str>,
    #[serde(rename = "sws.samauth.ten", skip_serializing_if = "Option::is_none")]
    sws_ten: Option<&'a str>,
    schemas: [&'static str; 1],
    cat: &'static str,
}

impl<'a> Claims<'a> {
    fn new(order: &Order<'a>, jti: &'a str, rev_sig: &'a str) -> Self {
        let Order { client_id, tenant, .. } = *order;
        let (iss, ten, sws_ten) = match order.platform {
            Platform::InsightsHub => {
                (format!("https://{tenant}.piam.eu1.mindsphere.io/oauth/token"), Some(tenant), None)
            }
            Platform::Xcelerator => {
                (format!("https://{tenant}.piam.eu1.sws.siemens.com/oauth/token"), None, Some(tenant))
            }
        };
        Self {
            jti,
            sub: client_id,
            scope: Vec::new(),
            client_id,
            cid: client_id,
            azp: client_id,
            grant_type: "client_credentials",
            rev_sig,
            iat: order.issued_at.unix_s(),
            exp: order.exp(),
            iss,
            zid: tenant,
            aud: vec![client_id],
            ten,
            sws_ten,
            schemas: ["urn:siemens:mindsphere:iam:v1"],
            cat: "client-token:v1",
        }
    }

    /// Adds scopes until the token is as long as real ones are: the samples have 1.0 to 1.8 KB.
    fn add_scopes(&mut self, rng: &mut Rng, signer: &Signer) {
        let wanted = rng.usize(1_000..1_700);
        let mut payload = serde_json::to_vec(self).map_or(0, |json| json.len());
        let mut scopes = SCOPES.to_vec();
        rng.shuffle(&mut scopes);
        for scope in scopes {
            self.scope.push(scope);
            payload += scope.len() + r#""","#.len();
            if signer.length_for(payload) >= wanted {
                break;
            }
        }
    }
}

/// Those of the first sample.
const SCOPES: [&str; 49] = [
    "dep.down",
    "gr.u",
    "pts.si",
    "dep.ad",
    "tm.t.r",
    "dep.dreg",
    "gr.c",
    "im.g.d",
    "gr.d",
    "im.g.c",
    "avs.val",
    "cds.r",
    "nose.se",
    "rep.r",
    "rep.su",
    "cds.w",
    "cfApps.ml",
    "gr.r",
    "cst.r",
    "pub.r",
    "im.g.r",
    "rep.down",
    "prv.g.u",
    "prv.g.r",
    "im.g.u",
    "pub.pt",
    "avs.cks.cp",
    "iam-action.client_credentials.tenant-impersonation",
    "prv.g.d",
    "prv.g.c",
    "dep.reg",
    "pub.pa",
    "dep.upg",
    "rep.up",
    "pts.ut",
    "pub.su",
    "rep.mu",
    "cfApps.so",
    "dep.ureg",
    "cfApps.ss",
    "dep.aud",
    "rep.uv",
    "uts.su",
    "pts.pc",
    "prv.r",
    "cfApps.ar",
    "rep.ap",
    "prv.c",
    "rep.vu",
];

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::choices::Signing;

    fn order(tenant: &str, nth: u64) -> Order<'_> {
        Order {
            platform: Platform::InsightsHub,
            client_id: "app-1.0.0",
            tenant,
            issued_at: ServiceTime::now(0),
            expires_in_s: 1799,
            seed: 7,
            nth,
        }
    }

    fn claims(token: &TokenAnswer) -> Value {
        let payload = token.access_token.split('.').nth(1).expect("a payload");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
    }

    #[test]
    fn tokens_are_as_long_as_the_samples() {
        let signer = Signer::new(Signing::Reused).expect("a key");
        let lengths: Vec<_> = (0..500)
            .map(|nth| order("tenant-0001", nth).fill(&signer).expect("a token").access_token.len())
            .collect();
        assert!(lengths.iter().all(|length| (1_000..=1_800).contains(length)), "{lengths:?}");
        assert!(lengths.iter().any(|&length| length > 1_600) && lengths.iter().any(|&length| length < 1_200));
    }

    #[test]
    fn a_token_has_the_claims_of_the_samples_and_lives_a_second_longer_than_it_says() {
        let signer = Signer::new(Signing::Reused).expect("a key");
        let token = order("acme", 0).fill(&signer).expect("a token");
        let claims = claims(&token);
        let names = claims.as_object().expect("an object").keys().map(String::as_str).collect::<Vec<_>>();
        let mut documented = [
            "jti",
            "sub",
            "scope",
            "client_id",
            "cid",
            "azp",
            "grant_type",
            "rev_sig",
            "iat",
            "exp",
            "iss",
            "zid",
            "aud",
            "ten",
            "schemas",
            "cat",
        ];
        documented.sort_unstable();
        assert_eq!(names, documented);
        assert_eq!(claims["ten"], "acme");
        assert_eq!(claims["iss"], "https://acme.piam.eu1.mindsphere.io/oauth/token");
        let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
        assert_eq!(life, Some(1800));
    }

    #[test]
    fn a_token_of_xcelerator_names_its_tenant_in_a_flat_claim() {
        let signer = Signer::new(Signing::Reused).expect("a key");
        let order = Order { platform: Platform::Xcelerator, ..order("1000000007", 0) };
        let claims = claims(&order.fill(&signer).expect("a token"));
        assert_eq!(claims["sws.samauth.ten"], "1000000007");
        assert!(claims.get("ten").is_none());
        assert!(claims["iss"].as_str().is_some_and(|iss| iss.contains("sws.siemens.com")));
    }

    #[test]
    fn the_seed_decides_the_id_of_a_token() {
        let signer = Signer::new(Signing::Reused).expect("a key");
        let jti = |nth| order("acme", nth).fill(&signer).expect("a token").jti;
        assert_eq!(jti(0), jti(0));
        assert_ne!(jti(0), jti(1));
    }
}
