//! The first token of a fresh process, over TLS, the making of the client included.

use std::{process::Command, time::Instant};

use canned::{Answers, Server, Tls};
use measure::{Line, Pair, by_turns, nanos_since, wanted, wanted_group};

use crate::bare::Reqwest;

const ROUNDS: usize = 15;

pub fn run() {
    if !wanted_group("first-token") {
        return;
    }
    let tls = Tls::new();
    let server = Server::start_tls(Answers::new(1_500, 0), &tls);
    let measured = |which: &str| {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .env("BENCH_FIRST_TOKEN", which)
            .env("BENCH_URL", &server.url)
            .env("BENCH_AUTHORITY", &tls.authority)
            .output()
            .expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse::<f64>().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    };
    for (name, which) in [("first-token-async", "async"), ("first-token-blocking", "blocking")] {
        if wanted(name) {
            let pair = by_turns(ROUNDS, || measured(which), || measured("reqwest"));
            let pair = Pair { ours: pair.ours / 1e6, baseline: pair.baseline / 1e6, ..pair };
            Line::of(name, "ms", "reqwest client and one call", pair).at_most(1.15).print();
        }
    }
}

/// What such a process does: says how many nanoseconds it took.
pub fn in_this_process(which: &str) {
    let start = Instant::now();
    let variable = |name| std::env::var(name).expect("set by the one above");
    let (url, authority) = (variable("BENCH_URL"), variable("BENCH_AUTHORITY"));
    let setup = || canned::setup(&url).root_certificates(authority.as_bytes()).expect("a certificate");
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match which {
        "async" => {
            let client = tm_async::Client::new(setup()).expect("set up");
            runtime().block_on(client.token("tenant-000001")).expect("a token");
        }
        "blocking" => {
            let client = tm_blocking::Client::new(setup()).expect("set up");
            client.token("tenant-000001").expect("a token");
        }
        _ => {
            let certificate = reqwest::Certificate::from_pem(authority.as_bytes()).expect("a certificate");
            let builder = reqwest::Client::builder().no_proxy().tls_certs_merge([certificate]);
            let client = Reqwest::with(builder.build().expect("set up"), &url);
            runtime().block_on(client.token("tenant-000001"));
        }
    }
    println!("{}", nanos_since(start));
}
