//! TLS, the same for both clients: one provider, passed explicitly, and one list of roots.

use std::{error::Error as StdError, io, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_pki_types::CertificateDer;
use tm_core::InvalidInput;

use crate::Setup;

/// aws-lc-rs. Passed to each client rather than installed for the process, which belongs to the program.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are respected) with those of the set-up. Single broken certificates
/// on the system are passed over. None at all for plain http, which needs none.
///
/// # Errors
/// There is not a single one.
pub fn roots(setup: &Setup) -> Result<Vec<CertificateDer<'static>>, InvalidInput> {
    if setup.application().gateway.is_plain_http() {
        return Ok(Vec::new());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = found.certs;
    roots.extend_from_slice(setup.added_roots());
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        return Err(InvalidInput::new(
            "root certificates",
            format!(
                "are nowhere on this system{why}: install its package (ca-certificates), point SSL_CERT_FILE at a bundle, \
                 or give the client some"
            ),
        ));
    }
    Ok(roots)
}

/// Whether it is one that anything can be verified with.
pub(crate) fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

/// A configuration for TLS 1.2 and 1.3 with [`provider`] and [`roots`].
///
/// # Errors
/// As [`roots`].
pub fn client_config(setup: &Setup) -> Result<ClientConfig, InvalidInput> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots(setup)?);
    let versions = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| InvalidInput::new("TLS provider", "supports no version of TLS"))?;
    Ok(versions.with_root_certificates(store).with_no_client_auth())
}

/// Whether TLS is what failed, rather than the connection below it. HTTP libraries hide that deep in their errors.
pub fn is_tls_failure(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // `io::Error::source` skips the error that it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if wrapped.is_some_and(|wrapped| is_tls_failure(wrapped)) {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_failures_are_found_however_deep() {
        let tls = || rustls::Error::NoCertificatesPresented;
        assert!(is_tls_failure(&tls()));
        assert!(is_tls_failure(&io::Error::other(io::Error::other(tls()))));
        assert!(!is_tls_failure(&io::Error::other("reset")));
    }
}
