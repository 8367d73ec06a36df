//! What reaches the service is the same to the byte, whichever stack carries it.

use tm_async::{Gateway, Setup};
use tm_sim::{Endpoint as Called, Fault, Platform, RecordedRequest, Simulator};

use crate::{
    harness::{SOON, Stack, in_time},
    vectors::{self, Endpoint, Named, RequestVector},
};

/// What the stacks put into a request of their own accord. Anything else is a surprise.
const OF_THE_STACK: [&str; 2] = ["host", "content-length"];

/// Vectors that no client can be brought to ask, with the reason.
const NOT_ASKED: [(&str, &str); 4] = [
    ("batch-one", "one tenant leaves as a call for one token"),
    ("user-tenants-largest-page", "a list begins at page 0, and the simulator knows no such operator token"),
    ("user-tenants-late-page", "as above"),
    ("user-tenants-prefix", "as above"),
];

#[test]
fn every_vector_is_asked_byte_for_byte_and_alike_over_both() {
    in_time(|| {
        let vectors = vectors::load_all().expect("vectors").requests;
        let passed_over =
            |named: &&Named<RequestVector>| !NOT_ASKED.iter().any(|(name, _)| *name == named.name);
        let asked: Vec<_> = vectors.iter().filter(passed_over).collect();
        assert_eq!(asked.len() + NOT_ASKED.len(), vectors.len(), "every vector is asked or named above");
        let problems: Vec<_> = asked.into_iter().filter_map(|named| check(named).err()).collect();
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    });
}

fn check(named: &Named<RequestVector>) -> Result<(), String> {
    let sent = Stack::BOTH.map(|stack| Sent::read(&recorded(stack, &named.vector)));
    for (stack, sent) in Stack::BOTH.into_iter().zip(&sent) {
        sent.is_as_expected(&named.vector)
            .map_err(|problem| format!("{} over {stack:?}: {problem}", named.name))?;
    }
    if sent[0] == sent[1] {
        Ok(())
    } else {
        Err(format!("{}: {:?} is not {:?}", named.name, sent[0], sent[1]))
    }
}

/// Has a client ask a simulator what the vector is about, and looks up what arrived. What is answered is of no interest.
fn recorded(stack: Stack, vector: &RequestVector) -> RecordedRequest {
    let sim = simulator(vector);
    let application = vector.input.application().expect("a vector's input is good");
    let path = application.gateway.api_path().to_owned();
    let prefix = vector.expect.path_and_query.split_once(path.as_str()).expect("the path of the API").0;
    let url = format!("{}{prefix}", sim.url());
    let gateway =
        Gateway::parse_allowing_loopback_http(&url).and_then(|gateway| gateway.with_api_path(&path));
    let application = tm_async::Application { gateway: gateway.expect("a gateway"), ..application };
    let credentials = vector.input.credentials().expect("a vector's credentials are good");
    let setup = Setup::new(application, credentials).settings(|settings| {
        settings.attempts = 1;
        settings.page_size = vector.input.size.unwrap_or(settings.page_size);
    });
    let client = stack.host().client(setup).expect("a client");
    let tenants = vector.input.tenants().expect("a vector's tenants are good");
    match vector.endpoint {
        Endpoint::OneToken => drop(client.token(tenants[0].as_str())),
        Endpoint::Batch => drop(client.tokens(&tenants)),
        Endpoint::UserTenants => drop(client.user_tenants()),
    }
    client.close(SOON);
    let suffix = if vector.endpoint == Endpoint::UserTenants { "/userTenants" } else { "" };
    let arrived = sim.requests().into_iter().find(|request| request.target.contains(suffix));
    arrived.expect("something was asked")
}

fn simulator(vector: &RequestVector) -> Simulator {
    let input = &vector.input;
    let is_xcelerator = vector.expect.path_and_query.contains(Platform::Xcelerator.base_path());
    let mut config = Simulator::builder()
        .platform(if is_xcelerator { Platform::Xcelerator } else { Platform::InsightsHub })
        .app(&input.app_name, &input.app_version)
        .host_tenant(&input.host_tenant)
        // The operator's token of a vector is years old: without the service's clock, `expires_in` is what counts.
        .sends_date(false);
    if let (Some(id), Some(secret)) = (&input.client_id, &input.client_secret) {
        config = config.credentials(id, secret);
    }
    let sim = config.start().expect("a simulator");
    if let Some(operator) = &input.operator_token {
        sim.fault(Fault::SwapAccessToken(operator.clone()).on(Called::Single));
    }
    sim
}

/// What is ours of a request.
#[derive(Debug, PartialEq)]
struct Sent {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    fn read(request: &RecordedRequest) -> Self {
        let ours = request.headers.iter().filter(|(name, _)| !OF_THE_STACK.contains(&name.as_str()));
        let mut headers: Vec<_> = ours.cloned().collect();
        headers.sort_unstable();
        Self {
            method: request.method.clone(),
            target: request.target.clone(),
            headers,
            body: String::from_utf8_lossy(&request.body).into_owned(),
        }
    }

    /// All headers that are not the stack's must be the vector's, so there is no cookie, no referer, and no wish for a
    /// compressed answer.
    fn is_as_expected(&self, vector: &RequestVector) -> Result<(), String> {
        let expect = &vector.expect;
        let agent = self.headers.iter().find(|(name, _)| name == "user-agent");
        if !agent.is_some_and(|(_, value)| value.starts_with("tm/")) {
            return Err(format!("the user-agent is {agent:?}"));
        }
        let headers: Vec<_> = self.headers.iter().filter(|(name, _)| name != "user-agent").cloned().collect();
        let expected: Vec<_> = expect.headers.clone().into_iter().collect();
        let found = (&self.method, &self.target, &headers, &self.body);
        let wanted = (&expect.method, &expect.path_and_query, &expected, &expect.body);
        if found == wanted { Ok(()) } else { Err(format!("found {found:?}, expected {wanted:?}")) }
    }
}
