//! Nothing that a client shows holds its key, its secret, or a token.

use std::error::Error as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tm_async::Error;
use tm_core::Credentials;
use tm_sim::{Endpoint, Fault, Simulator};

use crate::harness::{Stack, World, setup_for};

both!(
    nothing_that_is_shown_holds_a_secret,
    a_service_that_repeats_a_request_in_its_errors_gives_no_secret_away,
);

const ID: &str = "canary-client";
const SECRET: &str = "canary-secret-5f0d";

fn nothing_that_is_shown_holds_a_secret(stack: Stack) {
    let key = STANDARD.encode(format!("{ID}:{SECRET}"));
    let mut needles = vec![SECRET.to_owned(), key.trim_end_matches('=').to_owned(), STANDARD.encode(SECRET)];
    let mut shown = Vec::new();

    let sim = Simulator::builder().tenants(7).credentials(ID, SECRET).refuse_tenants(["tenant-0003"]);
    let world = World::with_settings(stack, sim, |settings| settings.attempts = 1);
    shown.push(format!("{:?} {:?}", setup_for(&world.sim), Credentials::new(ID, SECRET).unwrap()));

    let rows = world.client.tokens(&world.tenants());
    shown.push(format!("{rows:?}"));
    let tokens: Vec<_> = rows.iter().filter_map(|(_, row)| row.clone().ok()).collect();
    assert_eq!(tokens.len(), 6);
    needles.extend(tokens.iter().flat_map(|token| token.secret().split('.').skip(1)).map(str::to_owned));
    needles.extend(tokens.iter().map(|token| token.secret().to_owned()));
    shown.extend(tokens.iter().map(|token| format!("{token:?} {:?}", token.authorization())));

    let mut all = world.client.all_tokens();
    shown.push(format!("{:?}", all.next()));
    shown.push(format!("{all:?}"));
    drop(all);

    shown.extend(errors_of(&world, &needles).into_iter().flat_map(|error| chain(&error)));
    let stats = world.client.stats();
    shown.push(format!("{:?} {stats:?}", world.client));
    world.client.set_credentials(Credentials::new(ID, SECRET).unwrap());
    world.client.reject(&tokens[0]);
    shown.push(format!("{:?}", world.client));

    for needle in &needles {
        for text in &shown {
            assert!(!text.contains(needle.as_str()), "a secret shows:\n{text}");
        }
    }
}

/// Errors of every origin, some from answers that repeat the secrets in places where no text of the service belongs.
fn errors_of(world: &World, needles: &[String]) -> Vec<Error> {
    let body = serde_json::json!({ "access_token": needles, "expires_in": needles, "timestamp": needles[0] });
    let faults = [
        Fault::Garbage200 { content_type: "application/json".to_owned(), body: body.to_string().into() },
        Fault::Garbage200 { content_type: "text/html".to_owned(), body: needles.join("<br>").into() },
        Fault::SwapAccessToken(format!("{} {SECRET}", needles[1])),
        Fault::CutBody { after: 300 },
        Fault::CloseBeforeHeaders,
        Fault::Status { code: 401, headers: Vec::new(), body: "".into() },
    ];
    let mut errors = Vec::new();
    for (number, fault) in faults.into_iter().enumerate() {
        for endpoint in [Endpoint::Single, Endpoint::Page] {
            world.sim.fault(fault.clone().on(endpoint));
        }
        let name = format!("stranger-{number}");
        world.sim.add_tenant(&name);
        // A fault of tokens is none of the list.
        errors.extend(world.client.user_tenants().err());
        errors.push(world.client.token(&name).expect_err("the fault is there"));
        world.sim.clear_faults();
    }
    assert!(errors.len() >= 10, "too few errors to look at: {errors:?}");
    errors.push(world.client.token("not a tenant").expect_err("no tenant"));
    world.client.close(crate::harness::SOON);
    errors.push(world.client.token("tenant-0001").expect_err("closed"));
    errors
}

/// All that can be read of an error.
fn chain(error: &Error) -> Vec<String> {
    let mut shown = vec![format!("{error} {error:?} {error:#?} {:?}", error.refusal())];
    let mut next = error.source();
    while let Some(error) = next {
        shown.push(format!("{error} {error:?}"));
        next = error.source();
    }
    shown
}

/// The ways in which a gateway or a page of errors may write what it was sent.
fn written(secret: &str) -> [String; 5] {
    let each = |encode: fn(char) -> String| secret.chars().map(encode).collect::<String>();
    [
        secret.to_owned(),
        format!("%20{}", secret.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D")),
        each(|character| format!("%{:02x}", u32::from(character))),
        format!("\\n{}", secret.replace('/', "\\/")),
        each(|character| format!("&#{};", u32::from(character))),
    ]
}

fn a_service_that_repeats_a_request_in_its_errors_gives_no_secret_away(stack: Stack) {
    // Its key has a slash, and no word of 32 characters.
    const SECRET: &str = "what?ever?you?like?9?canary";
    let sim = Simulator::builder().tenants(2).credentials("Aab", SECRET);
    let world = World::with_settings(stack, sim, |settings| settings.attempts = 1);
    let (host, key) = (world.sim.host_tenant().to_owned(), STANDARD.encode(format!("Aab:{SECRET}")));
    let (operator, mut strangers) = (world.client.token(&host).unwrap(), 0);
    for (call, secret) in [(Endpoint::Single, key.as_str()), (Endpoint::Page, operator.secret())] {
        let forms = written(secret);
        let parts: Vec<_> = forms.iter().flat_map(|form| form.as_bytes().chunks_exact(16)).collect();
        for echo in &forms {
            let json = |field: &str| serde_json::json!({ field: format!("no: {echo}") }).to_string();
            let bodies =
                ["message", "error", "logref"].map(json).into_iter().chain([format!("<p>{echo}</p>")]);
            let answers = bodies.map(|body| (500, Vec::new(), body));
            let location = vec![("location".to_owned(), format!("https://login.example/?auth={echo}"))];
            for (code, headers, body) in answers.chain([(302, location, String::new())]) {
                strangers += 1;
                let fault = world.sim.fault(Fault::Status { code, headers, body: body.into() }.on(call));
                let error = match call {
                    Endpoint::Page => world.client.user_tenants().unwrap_err(),
                    _ => world.client.token(&format!("stranger-{strangers}")).unwrap_err(),
                };
                world.sim.clear_fault(fault);
                assert!(error.refusal().is_some(), "it is not what the service said: {error:?}");
                let shown = chain(&error).concat();
                let leaks = parts.iter().any(|part| shown.as_bytes().windows(16).any(|seen| seen == *part));
                assert!(!leaks, "{echo} is repeated in:\n{shown}");
            }
        }
    }
}
