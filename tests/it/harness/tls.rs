//! A company's certificate authority, and the TLS side of a server.

use std::{
    io::{self, BufReader, Write as _},
    net::{Shutdown, TcpStream},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::RawRequest;

/// A connection of a server.
pub(crate) type Tls = StreamOwned<ServerConnection, TcpStream>;

/// Who signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// What a client has to trust.
    pub(crate) fn pem(&self) -> &[u8] {
        self.pem.as_bytes()
    }

    /// A server with a certificate for this name or address.
    pub(crate) fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.certified(&CertificateParams::new([name.to_owned()]).expect("a name"))
    }

    /// The same with a certificate that has ended.
    pub(crate) fn expired_server(&self, name: &str) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_after = date_time_ymd(2020, 1, 1);
        self.certified(&params)
    }

    /// A server that speaks this version of TLS alone.
    pub(crate) fn server_of(
        &self,
        name: &str,
        version: &'static SupportedProtocolVersion,
    ) -> Arc<ServerConfig> {
        self.speaking(&CertificateParams::new([name.to_owned()]).expect("a name"), &[version])
    }

    fn certified(&self, params: &CertificateParams) -> Arc<ServerConfig> {
        self.speaking(params, rustls::ALL_VERSIONS)
    }

    fn speaking(
        &self,
        params: &CertificateParams,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        Arc::new(config.expect("a configuration"))
    }
}

/// Answers one request with a good token, and parts in good order.
///
/// # Errors
/// There is no good handshake, or no request.
pub(crate) fn answer_over_tls(config: &Arc<ServerConfig>, stream: TcpStream) -> io::Result<RawRequest> {
    let mut tls = accept(config, stream)?;
    let request = RawRequest::read(&mut BufReader::new(&mut tls))?;
    let body = r#"{"access_token":"over-tls","token_type":"bearer","expires_in":1799}"#;
    write!(tls, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    part(tls)?;
    Ok(request)
}

/// Ends a connection in good order.
///
/// # Errors
/// The client has gone.
pub(crate) fn part(mut tls: Tls) -> io::Result<()> {
    tls.conn.send_close_notify();
    tls.flush()?;
    tls.sock.shutdown(Shutdown::Write)?;
    io::copy(&mut tls.sock, &mut io::sink()).map(drop)
}

/// Shakes hands with a client.
///
/// # Errors
/// The client does not like the certificate, or has gone.
pub(crate) fn accept(config: &Arc<ServerConfig>, stream: TcpStream) -> io::Result<Tls> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut tls = StreamOwned::new(connection, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(tls)
}
