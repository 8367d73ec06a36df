//! The others, each with its own way to a token in hand.

use std::{
    collections::HashMap,
    hint::black_box,
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::{
    identity::{Identity, IdentityFuture, ResolveCachedIdentity, ResolveIdentity, SharedIdentityResolver},
    runtime_components::{RuntimeComponents, RuntimeComponentsBuilder},
};
use aws_smithy_types::config_bag::ConfigBag;
use azure_core::{
    credentials::{Secret, TokenCredential},
    http::{AsyncRawResponse, ClientOptions, HttpClient, Request, StatusCode, Transport, headers::Headers},
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use gcp_auth::TokenProvider;

use crate::Hits;

const SCOPE: &str = "https://example.com/.default";

/// All five, with a token in hand.
pub async fn all() -> Vec<(&'static str, Hits<'static>)> {
    let fake = fake();
    vec![
        ("google-cloud-auth", google_cloud_auth(&fake).await),
        ("azure_identity", azure_identity().await),
        ("aws-smithy-runtime", aws_smithy_runtime().await),
        ("gcp_auth", gcp_auth(&fake).await),
        ("yup-oauth2", yup_oauth2(&fake).await),
    ]
}

/// Makes a [`Hits`] of an expression that is one hit.
macro_rules! hits {
    ($keep:ident => $hit:expr) => {{
        drop($hit); // with this, the token is in hand
        let $keep = Arc::new($keep);
        Box::new(move |times| {
            let $keep = Arc::clone(&$keep);
            Box::pin(async move {
                for _ in 0..times {
                    black_box($hit);
                }
            })
        })
    }};
}

/// Its credentials of the metadata server, asked for the headers that a request gets, as its clients do.
async fn google_cloud_auth(fake: &str) -> Hits<'static> {
    let credentials = google_cloud_auth::credentials::mds::Builder::default()
        .with_endpoint(fake)
        .build()
        .expect("credentials");
    hits!(credentials => credentials.headers(Default::default()).await.expect("a token"))
}

async fn azure_identity() -> Hits<'static> {
    let client_options =
        ClientOptions { transport: Some(Transport::new(Arc::new(FakeEntra))), ..Default::default() };
    let options = ClientSecretCredentialOptions { client_options };
    let tenant = "00000000-0000-0000-0000-000000000000";
    let credential =
        ClientSecretCredential::new(tenant, "client".to_owned(), Secret::new("secret"), Some(options))
            .expect("set up");
    hits!(credential => credential.get_token(&[SCOPE], None).await.expect("a token"))
}

/// It insists on https, so the fake stands in for its HTTP client.
#[derive(Debug)]
struct FakeEntra;

#[async_trait::async_trait]
impl HttpClient for FakeEntra {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), answer()))
    }
}

/// Its cache of identities, with an identity that its resolver has ready: fetching is left to others there.
async fn aws_smithy_runtime() -> Hits<'static> {
    #[derive(Debug)]
    struct Ready;
    impl ResolveIdentity for Ready {
        fn resolve_identity<'a>(&'a self, _: &'a RuntimeComponents, _: &'a ConfigBag) -> IdentityFuture<'a> {
            let end = SystemTime::now() + Duration::from_secs(3_600);
            IdentityFuture::ready(Ok(Identity::new(access_token(), Some(end))))
        }
    }
    let components = RuntimeComponentsBuilder::for_tests()
        .with_time_source(Some(aws_smithy_async::time::SystemTimeSource::new()))
        .with_sleep_impl(Some(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .build()
        .expect("complete");
    let all =
        (IdentityCache::lazy().build(), SharedIdentityResolver::new(Ready), components, ConfigBag::base());
    hits!(all => all.0.resolve_cached_identity(all.1.clone(), &all.2, &all.3).await.expect("an identity"))
}

async fn gcp_auth(fake: &str) -> Hits<'static> {
    let account = gcp_auth::CustomServiceAccount::from_json(&service_account(fake)).expect("a key");
    hits!(account => account.token(&[SCOPE]).await.expect("a token"))
}

async fn yup_oauth2(fake: &str) -> Hits<'static> {
    let key = serde_json::from_str(&service_account(fake)).expect("a key");
    let account = yup_oauth2::ServiceAccountAuthenticator::builder(key).build().await.expect("set up");
    hits!(account => account.token(&[SCOPE]).await.expect("a token"))
}

/// What one would build it on.
pub struct Moka {
    cache: moka::sync::Cache<Arc<str>, Arc<(String, Instant)>>,
    names: Vec<String>,
}

pub fn moka() -> Moka {
    let cache =
        moka::sync::Cache::builder().max_capacity(200_000).time_to_live(Duration::from_secs(1_700)).build();
    let names: Vec<_> = (0..100).map(canned::tenant).collect();
    let end = Instant::now() + Duration::from_secs(1_700);
    names.iter().for_each(|name| cache.insert(name.as_str().into(), Arc::new((access_token(), end))));
    Moka { cache, names }
}

impl Moka {
    pub fn hit(&self, time: usize) -> Option<Arc<(String, Instant)>> {
        self.cache.get(self.names[time % 100].as_str()).filter(|token| Instant::now() < token.1)
    }
}

fn access_token() -> String {
    "x".repeat(1_500)
}

fn answer() -> String {
    format!(r#"{{"access_token":"{}","token_type":"Bearer","expires_in":3599}}"#, access_token())
}

/// A fake that answers everything with a token. It serves as long as the process lives.
fn fake() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut received = [0; 16_384];
            // One read has the whole of these small requests, or it has not: the client tries again then.
            let _ = stream.read(&mut received);
            let body = answer();
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\netag: 1\r\n";
            let _ = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
        }
    });
    format!("http://{address}")
}

fn service_account(fake: &str) -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).expect("it can be written");
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    let fields = HashMap::from([
        ("type", "service_account".to_owned()),
        ("project_id", "bench".to_owned()),
        ("private_key", key),
        ("client_email", "bench@example.com".to_owned()),
        ("token_uri", format!("{fake}/token")),
    ]);
    serde_json::to_string(&fields).expect("texts")
}
