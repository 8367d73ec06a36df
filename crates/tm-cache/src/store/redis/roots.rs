//! Whom TLS with Redis trusts.

use ::rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::StoreError;

/// The system's roots (`SSL_CERT_FILE` and `SSL_CERT_DIR` are respected) and those added, as PEM. Single broken certificates on
/// the system are passed over.
///
/// # Errors
/// What is added has no certificate in it or a broken one; or there is not a single root.
pub(super) fn with_the_systems(added: &[u8]) -> Result<Vec<u8>, StoreError> {
    let added = parse(added)?;
    let of_the_system = rustls_native_certs::load_native_certs().certs;
    let usable = of_the_system.into_iter().filter(|root| RootCertStore::empty().add(root.clone()).is_ok());
    let roots: Vec<CertificateDer<'_>> = usable.chain(added).collect();
    if roots.is_empty() {
        return Err(StoreError::new(
            "there are no root certificates on this system: install its package (ca-certificates), point SSL_CERT_FILE at \
             a bundle, or add some",
        ));
    }
    Ok(roots.iter().flat_map(|root| pem(root).into_bytes()).collect())
}

fn parse(added: &[u8]) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let broken = || StoreError::new("an added root certificate is no certificate in PEM");
    let roots: Vec<_> =
        CertificateDer::pem_slice_iter(added).collect::<Result<_, _>>().map_err(|_| broken())?;
    if roots.is_empty() && !added.is_empty()
        || roots.iter().any(|root| RootCertStore::empty().add(root.clone()).is_err())
    {
        return Err(broken());
    }
    Ok(roots)
}

fn pem(root: &CertificateDer<'_>) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert!(parse(b"").unwrap().is_empty());
        assert!(parse(b"nothing").is_err());
        assert!(parse(pem(&CertificateDer::from(vec![1, 2, 3])).as_bytes()).is_err());
    }
}
