//! The loops that one would write: a request, its answer, the token out of it.

use serde::{Deserialize, Serialize};

const KEY: &str = "Basic Y2xpZW50OnNlY3JldA==";
const PATH: &str = "/api/technicaltokenmanager/v3";

#[derive(Deserialize)]
pub struct Token {
    pub access_token: String,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(rename = "oauthTokens")]
    tokens: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "userTenantId")]
    tenant: String,
    token: Token,
}

impl Tokens {
    fn by_tenant(self) -> Vec<(String, String)> {
        self.tokens.into_iter().map(|row| (row.tenant, row.token.access_token)).collect()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct One<'a> {
    app_name: &'a str,
    app_version: &'a str,
    host_tenant: &'a str,
    user_tenant: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Batch<'a> {
    app_name: &'a str,
    app_version: &'a str,
    host_tenant_id: &'a str,
    user_tenant_ids: &'a [String],
}

fn one(tenant: &str) -> One<'_> {
    One { app_name: "bench", app_version: "1.0.0", host_tenant: "operator", user_tenant: tenant }
}

fn batch(tenants: &[String]) -> Batch<'_> {
    Batch { app_name: "bench", app_version: "1.0.0", host_tenant_id: "operator", user_tenant_ids: tenants }
}

/// reqwest.
#[derive(Clone)]
pub struct Reqwest {
    client: reqwest::Client,
    url: String,
}

impl Reqwest {
    pub fn new(url: &str) -> Self {
        Self::with(reqwest::Client::builder().no_proxy().build().expect("set up"), url)
    }

    pub fn with(client: reqwest::Client, url: &str) -> Self {
        Self { client, url: format!("{url}{PATH}") }
    }

    pub async fn token(&self, tenant: &str) -> Token {
        let url = format!("{}/oauth/token", self.url);
        let request = self.client.post(url).header("x-space-auth-key", KEY).json(&one(tenant));
        request.send().await.expect("an answer").json().await.expect("a token")
    }

    pub async fn tokens(&self, tenants: &[String]) -> Vec<(String, String)> {
        let url = format!("{}/oauthTokens", self.url);
        let request = self.client.post(url).header("x-space-auth-key", KEY).json(&batch(tenants));
        request.send().await.expect("an answer").json::<Tokens>().await.expect("tokens").by_tenant()
    }

    /// A page of the list, which nobody reads further.
    pub async fn page(&self, token: &str) -> usize {
        let url = format!("{}/userTenants?page=0&size=100", self.url);
        let answer = self.client.get(url).bearer_auth(token).send().await.expect("an answer");
        answer.bytes().await.expect("a page").len()
    }
}

/// Not by `send_json`, which sends the body in chunks.
fn sent(
    request: ureq::RequestBuilder<ureq::typestate::WithBody>,
    body: &impl Serialize,
) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    let body = serde_json::to_vec(body).expect("texts");
    request.header("content-type", "application/json").send(&body)
}

/// ureq.
#[derive(Clone)]
pub struct Ureq {
    agent: ureq::Agent,
    url: String,
}

impl Ureq {
    pub fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().proxy(None).max_idle_connections_per_host(8).build();
        Self { agent: config.into(), url: format!("{url}{PATH}") }
    }

    pub fn token(&self, tenant: &str) -> Token {
        let request = self.agent.post(format!("{}/oauth/token", self.url)).header("x-space-auth-key", KEY);
        sent(request, &one(tenant)).expect("an answer").body_mut().read_json().expect("a token")
    }

    pub fn tokens(&self, tenants: &[String]) -> Vec<(String, String)> {
        let request = self.agent.post(format!("{}/oauthTokens", self.url)).header("x-space-auth-key", KEY);
        sent(request, &batch(tenants))
            .expect("an answer")
            .body_mut()
            .read_json::<Tokens>()
            .expect("tokens")
            .by_tenant()
    }

    pub fn page(&self, token: &str) -> usize {
        let url = format!("{}/userTenants?page=0&size=100", self.url);
        let request = self.agent.get(url).header("authorization", format!("Bearer {token}"));
        request.call().expect("an answer").body_mut().read_to_vec().expect("a page").len()
    }
}
