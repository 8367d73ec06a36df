//! Which certificate authorities are trusted: the system's, and those that the user adds. The same for both clients.

use rustls_pki_types::CertificateDer;

/// The system has no certificate authorities to offer.
#[derive(Debug)]
pub struct RootsError(Vec<rustls_native_certs::Error>);

impl std::fmt::Display for RootsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "no certificate authorities found on this system: install its package (ca-certificates), point SSL_CERT_FILE \
             at a bundle, or give the client a root certificate",
        )?;
        self.0.first().map_or(Ok(()), |first| write!(f, " ({first})"))
    }
}

impl std::error::Error for RootsError {}

/// The system's roots with `extra` ones. `SSL_CERT_FILE` and `SSL_CERT_DIR` are respected. Single broken certificates on
/// the system are passed over.
///
/// # Errors
/// There is not a single one.
pub fn native_roots(extra: &[CertificateDer<'static>]) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = loaded.certs;
    roots.extend_from_slice(extra);
    if roots.is_empty() {
        return Err(RootsError(loaded.errors));
    }
    Ok(roots)
}
