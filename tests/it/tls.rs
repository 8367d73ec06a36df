//! TLS is 1.2 or later, with the system's authorities and those that were added, alike over both transports.

use std::{env, fs, path::Path, sync::Arc};

use http::Request;
use tm_async::{ErrorKind, Limits, Setup, TransportFault};

use crate::{
    harness::{Authority, RawServer, Stack, answer_over_tls, runtime},
    processes::alone,
};

both!(
    a_company_s_authority_can_be_added,
    a_peer_that_is_not_trusted_is_told_as_such_and_asked_once,
    both_versions_of_tls_are_spoken,
    no_provider_is_installed_for_the_process,
    what_is_meant_for_https_is_never_sent_in_clear,
);

fn setup(gateway: &str) -> Setup {
    let lookup = |name: &str| match name {
        "TM_GATEWAY" => Some(gateway.to_owned()),
        _ => name.starts_with("MDSP_").then(|| "x".to_owned()),
    };
    Setup::from_lookup(lookup, true).unwrap()
}

/// The environment of a system with these authorities.
fn authorities<'p>(bundle: &'p Path, folder: &'p Path) -> [(&'static str, &'p str); 2] {
    [("SSL_CERT_FILE", bundle.to_str().unwrap()), ("SSL_CERT_DIR", folder.to_str().unwrap())]
}

fn server(config: Arc<rustls::ServerConfig>) -> (RawServer, String) {
    let server = RawServer::serving(move |stream| drop(answer_over_tls(&config, stream)));
    let url = format!("https://{}", server.address());
    (server, url)
}

fn a_company_s_authority_can_be_added(stack: Stack) {
    let authority = Authority::new("a company");
    let (_server, url) = server(authority.server("127.0.0.1"));
    let setup = setup(&url).root_certificates(authority.pem()).unwrap();
    assert_eq!(stack.host().client(setup).unwrap().token("acme").unwrap().secret(), "over-tls");
}

fn a_peer_that_is_not_trusted_is_told_as_such_and_asked_once(stack: Stack) {
    let (_server, url) = server(Authority::new("somebody").server("127.0.0.1"));
    let setup = setup(&url).root_certificates(Authority::new("a company").pem()).unwrap();
    let (client, seen) = stack.host().watched_client(setup).unwrap();

    let error = client.token("acme").unwrap_err();

    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Transport, false));
    let expected = format!("tenant acme: no trusted TLS connection to the gateway ({url})");
    assert_eq!(error.to_string(), expected);
    let told: Vec<_> = seen.attempts().into_iter().map(|attempt| attempt.told).collect();
    assert_eq!(told, [Some(TransportFault::Tls)]);
}

#[test]
fn both_trust_the_authorities_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("roots.pem");
    alone(&authorities(&bundle, folder.path()), || {
        let authority = Authority::new("a company");
        fs::write(env::var("SSL_CERT_FILE").unwrap(), authority.pem()).unwrap();
        let (_server, url) = server(authority.server("127.0.0.1"));
        for stack in Stack::BOTH {
            stack.host().client(setup(&url)).unwrap().token("acme").unwrap();
        }
    });
}

#[test]
fn without_a_single_authority_there_is_no_client() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing.pem");
    alone(&authorities(&nothing, folder.path()), || {
        for stack in Stack::BOTH {
            let error = stack.host().client(setup("https://127.0.0.1:1")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(
                error.to_string().starts_with("root certificates: are nowhere on this system"),
                "{error}"
            );
            // Plain http to loopback needs none.
            stack.host().client(setup("http://127.0.0.1:1")).unwrap();
        }
    });
}

fn both_versions_of_tls_are_spoken(stack: Stack) {
    let authority = Authority::new("a company");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (_server, url) = server(authority.server_of("127.0.0.1", version));
        let setup = setup(&url).root_certificates(authority.pem()).unwrap();
        stack.host().client(setup).unwrap().token("acme").unwrap();
    }
}

fn no_provider_is_installed_for_the_process(stack: Stack) {
    both_versions_of_tls_are_spoken(stack);
    let installed = rustls::crypto::CryptoProvider::get_default();
    assert!(installed.is_none(), "which one is the program's to say");
}

/// The last line of defence, below the check of the gateway.
fn what_is_meant_for_https_is_never_sent_in_clear(stack: Stack) {
    let server = RawServer::serving(|_| panic!("something was sent in clear"));
    let setup = setup("https://127.0.0.1:1");
    let request = Request::get(server.url()).body(bytes::Bytes::new()).unwrap();
    let limits = Limits { time: std::time::Duration::from_secs(5), body: 1_000 };
    let sent = match stack {
        Stack::Reqwest => {
            let transport = tm_async::ReqwestTransport::new(&setup).unwrap();
            runtime().block_on(tm_async::Transport::send(&transport, request, limits))
        }
        Stack::Ureq => {
            let transport = tm_blocking::UreqTransport::new(&setup).unwrap();
            tm_blocking::Transport::send(&transport, request, limits)
        }
    };
    assert_eq!(sent.unwrap_err().fault(), TransportFault::NotSent);
}
