//! Reads the vectors of this folder, for whoever tests against them: `#[path = "…/vectors.rs"] mod vectors;`.
//!
//! The format is told in `README.md`. A reader's package needs `base64`, `bytes`, `http`, `serde`, `serde_json` and
//! `tm-core`. Whatever does not have the format is an error that names the file, so no vector is passed over.

#![allow(dead_code, reason = "each reader uses its own part")]
#![allow(clippy::disallowed_methods, reason = "files are read by the tests of tm-core, not by tm-core")]

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use tm_core::{AppName, AppVersion, Application, Credentials, Gateway, InvalidInput, TenantId, Token};

/// The word that stands in hostile bodies wherever an error might repeat something.
pub(crate) const CANARY: &str = "hush-7f3a";

/// Everything there is, in the order of the names.
#[derive(Debug)]
pub(crate) struct Vectors {
    pub(crate) requests: Vec<Named<RequestVector>>,
    pub(crate) answers: Vec<Named<AnswerVector>>,
}

/// A vector and the name of its file, without `.json`.
#[derive(Debug)]
pub(crate) struct Named<V> {
    pub(crate) name: String,
    pub(crate) vector: V,
}

/// Reads all vectors.
pub(crate) fn load_all() -> Result<Vectors, LoadError> {
    let folder = folder()?;
    Ok(Vectors { requests: load(&folder.join("requests"))?, answers: load(&folder.join("answers"))? })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Endpoint {
    OneToken,
    Batch,
    UserTenants,
}

/// Where a vector comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Seed,
    Protocol,
    Hostile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestVector {
    pub(crate) why: String,
    pub(crate) source: Source,
    pub(crate) endpoint: Endpoint,
    pub(crate) input: Input,
    pub(crate) expect: ExpectedRequest,
    pub(crate) documented_body: Option<String>,
}

/// What a request is made from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) gateway: GatewayInput,
    pub(crate) api_path: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    pub(crate) auth_key: Option<String>,
    pub(crate) app_name: String,
    pub(crate) app_version: String,
    pub(crate) host_tenant: String,
    #[serde(default)]
    pub(crate) tenants: Vec<String>,
    pub(crate) page: Option<u32>,
    pub(crate) size: Option<u16>,
    pub(crate) operator_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GatewayInput {
    Region(String),
    Xcelerator(String),
    Url(String),
    LoopbackHttp(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedRequest {
    pub(crate) method: String,
    pub(crate) origin: String,
    pub(crate) path_and_query: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Input {
    pub(crate) fn application(&self) -> Result<Application, InvalidInput> {
        Ok(Application {
            gateway: self.gateway()?,
            host_tenant: TenantId::new(&self.host_tenant)?,
            name: AppName::new(&self.app_name)?,
            version: AppVersion::new(&self.app_version)?,
        })
    }

    pub(crate) fn credentials(&self) -> Result<Credentials, InvalidInput> {
        match &self.auth_key {
            Some(key) => Credentials::from_auth_key(key),
            None => Credentials::new(
                self.client_id.as_deref().unwrap_or_default(),
                self.client_secret.as_deref().unwrap_or_default(),
            ),
        }
    }

    pub(crate) fn tenants(&self) -> Result<Vec<TenantId>, InvalidInput> {
        self.tenants.iter().map(TenantId::new).collect()
    }

    pub(crate) fn operator(&self) -> Option<Token> {
        Token::new(self.operator_token.as_deref()?)
    }

    fn gateway(&self) -> Result<Gateway, InvalidInput> {
        let gateway = match &self.gateway {
            GatewayInput::Region(region) => Gateway::region(region),
            GatewayInput::Xcelerator(region) => Gateway::xcelerator(region),
            GatewayInput::Url(url) => Gateway::parse(url),
            GatewayInput::LoopbackHttp(url) => Gateway::parse_allowing_loopback_http(url),
        }?;
        self.api_path.as_ref().map_or_else(|| Ok(gateway.clone()), |path| gateway.with_api_path(path))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerVector {
    pub(crate) why: String,
    pub(crate) source: Source,
    pub(crate) endpoint: Endpoint,
    pub(crate) asked: Vec<String>,
    /// What the client's wall clock shows, where the result may depend on it.
    pub(crate) local_unix: Option<i64>,
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    body: Option<String>,
    body_base64: Option<String>,
    body_repeat: Option<Repeat>,
    pub(crate) expect: Expected,
    pub(crate) wire: Option<ExpectedEntries>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    #[serde(default)]
    before: String,
    text: String,
    times: usize,
    #[serde(default)]
    after: String,
}

/// What a client makes of an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expected {
    /// By tenant asked for.
    Tokens(BTreeMap<String, Outcome>),
    Page(ExpectedPage),
    /// For every tenant asked for, or for the list.
    Error(ExpectedError),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Outcome {
    Token { token_ends_with: String, life_s: u64 },
    Error { error: Kind },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedPage {
    pub(crate) tenants: Vec<String>,
    pub(crate) total_elements: Option<u64>,
    pub(crate) unreadable: usize,
}

/// What is not named is not there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedError {
    pub(crate) kind: Kind,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) logref: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) retry_after_s: Option<u64>,
}

/// What the wire makes of a batch, before it is told which tenants were asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedEntries {
    /// In the order of the answer; tenants that nobody asked for too.
    pub(crate) present: Vec<String>,
    pub(crate) undecodable: Vec<String>,
    /// Asked for, and not in the answer.
    pub(crate) absent: Vec<String>,
}

/// The kinds of `tm_core::ErrorKind` that an answer can lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Unauthorized,
    TenantRefused,
    Throttled,
    Service,
    Decode,
    TooShort,
}

impl Kind {
    /// As `tm_core::ErrorKind::as_str`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::TenantRefused => "tenant_refused",
            Self::Throttled => "throttled",
            Self::Service => "service",
            Self::Decode => "decode",
            Self::TooShort => "too_short",
        }
    }
}

impl AnswerVector {
    /// The body, byte for byte.
    pub(crate) fn body(&self) -> Bytes {
        let repeated = |repeat: &Repeat| {
            [repeat.before.as_str(), &repeat.text.repeat(repeat.times), &repeat.after].concat().into_bytes()
        };
        let plain = || self.body.clone().unwrap_or_default().into_bytes();
        let encoded = self.body_base64.as_ref().map(|text| STANDARD.decode(text).unwrap_or_default());
        encoded.or_else(|| self.body_repeat.as_ref().map(repeated)).unwrap_or_else(plain).into()
    }

    /// The whole answer. Mind that an HTTP server may add headers of its own, a `Date` above all.
    pub(crate) fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.body());
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or_default();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    /// Those asked for.
    pub(crate) fn tenants(&self) -> Result<Vec<TenantId>, InvalidInput> {
        self.asked.iter().map(TenantId::new).collect()
    }

    /// What each tenant that was asked for gets. Empty for the list of tenants.
    pub(crate) fn outcomes(&self) -> BTreeMap<String, Outcome> {
        match &self.expect {
            Expected::Tokens(outcomes) => outcomes.clone(),
            Expected::Page(_) => BTreeMap::new(),
            Expected::Error(error) => self
                .asked
                .iter()
                .map(|tenant| (tenant.clone(), Outcome::Error { error: error.kind }))
                .collect(),
        }
    }
}

/// A file that is no vector, or a folder that is not there.
#[derive(Debug)]
pub(crate) struct LoadError {
    path: PathBuf,
    problem: String,
}

impl LoadError {
    fn new(path: &Path, problem: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), problem: problem.to_string() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problem)
    }
}

impl std::error::Error for LoadError {}

/// What a vector must hold beyond its types.
trait Check {
    fn check(&self) -> Result<(), &'static str>;
}

impl Check for RequestVector {
    fn check(&self) -> Result<(), &'static str> {
        let input = &self.input;
        let by_id = input.client_id.is_some() && input.client_secret.is_some();
        if by_id == input.auth_key.is_some() {
            return Err("needs either `auth_key` or `client_id` with `client_secret`");
        }
        let is_list = input.page.is_some() && input.size.is_some() && input.operator_token.is_some();
        let fits = match self.endpoint {
            Endpoint::OneToken => input.tenants.len() == 1,
            Endpoint::Batch => (1..=5).contains(&input.tenants.len()),
            Endpoint::UserTenants => input.tenants.is_empty() && is_list,
        };
        if fits { Ok(()) } else { Err("its input is not that of its endpoint") }
    }
}

impl Check for AnswerVector {
    fn check(&self) -> Result<(), &'static str> {
        let bodies = [self.body.is_some(), self.body_base64.is_some(), self.body_repeat.is_some()];
        if bodies.into_iter().filter(|there| *there).count() != 1 {
            return Err("needs one of `body`, `body_base64`, `body_repeat`");
        }
        if self.body_base64.as_ref().is_some_and(|text| STANDARD.decode(text).is_err()) {
            return Err("its `body_base64` is not base64");
        }
        if StatusCode::from_u16(self.status).is_err() {
            return Err("its `status` is none");
        }
        if self.response().headers().len() != self.headers.len() {
            return Err("has a header that is none, or one twice");
        }
        if !self.headers.contains_key("Date") && self.local_unix.is_none() {
            return Err("has neither `Date` nor `local_unix`");
        }
        if self.tenants().is_err() {
            return Err("asks for a tenant whose id is none");
        }
        let is_list = self.endpoint == Endpoint::UserTenants;
        let fits = match &self.expect {
            Expected::Tokens(outcomes) => !is_list && outcomes.keys().eq(&sorted(&self.asked)),
            Expected::Page(_) => is_list,
            Expected::Error(_) => true,
        };
        let is_read_batch = self.endpoint == Endpoint::Batch && matches!(self.expect, Expected::Tokens(_));
        if !fits || self.asked.is_empty() != is_list || self.wire.is_some() != is_read_batch {
            return Err("what it expects is not what its endpoint can lead to");
        }
        Ok(())
    }
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

fn load<V: DeserializeOwned + Check>(folder: &Path) -> Result<Vec<Named<V>>, LoadError> {
    let mut vectors = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| LoadError::new(folder, error))? {
        let path = entry.map_err(|error| LoadError::new(folder, error))?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            return Err(LoadError::new(&path, "is no vector: only .json files belong here"));
        }
        let text = fs::read_to_string(&path).map_err(|error| LoadError::new(&path, error))?;
        let vector: V = serde_json::from_str(&text).map_err(|error| LoadError::new(&path, error))?;
        vector.check().map_err(|problem| LoadError::new(&path, problem))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        vectors.push(Named { name, vector });
    }
    if vectors.is_empty() {
        return Err(LoadError::new(folder, "holds no vectors"));
    }
    vectors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(vectors)
}

/// `tests/vectors` of the nearest folder, from the reader's package upwards, that has one.
fn folder() -> Result<PathBuf, LoadError> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .ancestors()
        .map(|folder| folder.join("tests/vectors"))
        .find(|folder| folder.join("answers").is_dir())
        .ok_or_else(|| LoadError::new(package, "no tests/vectors/answers here, nor in any folder above"))
}
