//! Over TLS, with an authority of the test's own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tm_cache::{RedisOptions, Store};

use crate::{
    given::{both, key, patient, record},
    server::RedisServer,
};

/// A server that speaks TLS on a port of its own, and the authority that vouches for it as `localhost`.
fn server() -> (RedisServer, String, String) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let (server, port) = RedisServer::start_with_tls(folder, "certificate.pem", "key.pem");
    (server, format!("localhost:{port}"), authority.pem())
}

fn fails(store: &dyn Store) -> String {
    store.get_many(&[key("a")]).unwrap_err().to_string()
}

#[test]
fn a_known_authority_is_trusted_and_an_unknown_one_is_not() {
    let (_server, place, authority) = server();
    let options = patient(RedisOptions::new(format!("rediss://{place}")));
    for (kind, store) in both(&options) {
        assert!(fails(&*store).starts_with("TLS with Redis failed"), "{kind}: {}", fails(&*store));
    }
    for (kind, store) in both(&options.add_root_certificates(authority)) {
        store.put_many(&[(key("a"), record(1, 0))]).unwrap();
        assert!(store.get_many(&[key("a")]).unwrap()[0].is_some(), "{kind}");
    }
}

#[test]
fn a_certificate_for_another_host_is_refused() {
    let (_server, place, authority) = server();
    let url = format!("rediss://{}", place.replace("localhost", "127.0.0.1"));
    for (kind, store) in both(&patient(RedisOptions::new(url).add_root_certificates(authority))) {
        assert!(fails(&*store).starts_with("TLS with Redis failed"), "{kind}: {}", fails(&*store));
    }
}
