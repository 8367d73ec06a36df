//! What comes from the environment, from stores and from stdin.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use tm_cache::{Head, Record};
use tm_core::{AppName, AppVersion, Credentials, Gateway, TenantId, UnixTime};

/// By path, since a program has no library to link, and `tm-driver` brings TLS along.
#[path = "../../../crates/tm-cli/src/input.rs"]
#[allow(dead_code, reason = "the program uses all of it")]
mod input;
#[path = "../../../crates/tm-driver/src/proxy.rs"]
#[allow(dead_code, unreachable_pub, reason = "the driver uses all of it, and shows some")]
mod proxy_of_driver;

#[path = "../../../crates/tm-cli/src/store_name.rs"]
mod store_name;

use store_name::StoreName;

pub(super) fn gateway(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for read in [Gateway::parse, Gateway::parse_allowing_loopback_http, Gateway::region, Gateway::xcelerator]
    {
        let Ok(gateway) = read(text) else { continue };
        assert!(!gateway.host().is_empty());
        let shown = gateway.to_string();
        assert!(!gateway.is_plain_http() || Gateway::parse(&shown).is_err(), "clear text on request only");
        let address = gateway.host().trim_matches(['[', ']']).parse::<IpAddr>();
        let is_loopback = address.is_ok_and(|address| address.is_loopback());
        assert!(
            !gateway.is_plain_http() || is_loopback,
            "clear text to loopback only, by its address: {shown}"
        );
        let again = Gateway::parse_allowing_loopback_http(&shown).expect("what is shown can be read");
        assert_eq!((again.host(), again.is_plain_http()), (gateway.host(), gateway.is_plain_http()));
    }
    if let Ok(gateway) = Gateway::region("eu1").unwrap().with_api_path(text) {
        assert!(gateway.api_path().is_empty() || gateway.api_path().starts_with('/'));
    }
}

pub(super) fn ids(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(id) = TenantId::new(text) {
        assert_eq!(id.as_str(), text);
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.is_empty());
        assert_eq!(serde_json::to_string(&id).unwrap(), serde_json::to_string(text).unwrap());
    }
    let known = [AppName::new(text).map(|name| name.as_str().to_owned())]
        .into_iter()
        .chain([AppVersion::new(text).map(|version| version.as_str().to_owned())]);
    for id in known.flatten() {
        assert_eq!(id, text);
    }
}

/// The first line is an id, or all of it a prepared key.
pub(super) fn credentials(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (id, secret) = text.split_once('\n').unwrap_or((text, "hush"));
    for credentials in [Credentials::new(id, secret), Credentials::from_auth_key(text)].into_iter().flatten()
    {
        assert!(credentials.auth_key().is_sensitive());
        let key = String::from_utf8(credentials.auth_key().as_bytes().to_vec()).unwrap();
        let again = Credentials::from_auth_key(&key).expect("our own key is good");
        assert_eq!(again.client_id(), credentials.client_id());
        assert!(!format!("{credentials:?}").contains(key.as_str()));
    }
}

pub(super) fn record(bytes: &[u8]) {
    let remaining = Duration::from_secs(60);
    let Some(record) = Record::parse(Bytes::copy_from_slice(bytes), remaining) else { return };
    let head: Head = record.head();
    let again = Record::new(&head, record.body(), remaining);
    assert_eq!(again.bytes(), record.bytes(), "what was read is written alike");
    assert!(!record.beats(&again) && !again.beats(&record));
    record.is_believable(UnixTime::from_secs(1_800_000_000));
    let _ = format!("{record:?}");
}

/// The variables as lines of `NAME=value`, the gateway in the line `gateway`.
pub(super) fn proxy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let variable = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    let hub = "https://gateway.eu1.mindsphere.io".to_owned();
    let Ok(gateway) = Gateway::parse_allowing_loopback_http(&variable("gateway").unwrap_or(hub)) else {
        return;
    };
    if let Some(url) = proxy_of_driver::Proxy::FromEnvironment.resolve(&gateway, variable) {
        assert!(url.contains("://") && !gateway.is_plain_http());
    }
}

/// A name says all that it was made of, and shows no URL.
pub(super) fn store_name(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name: Result<StoreName, String> = text.parse();
    let shown = format!("{name:?}");
    match name {
        Ok(StoreName::None) => assert_eq!(text, "none"),
        Ok(StoreName::Memory) => assert_eq!(text, "memory"),
        Ok(StoreName::File(None)) => assert_eq!(text, "file"),
        Ok(StoreName::File(Some(directory))) => assert_eq!(text, format!("file:{}", directory.display())),
        Ok(StoreName::Redis(url)) => {
            assert_eq!(text, url.as_str());
            assert_eq!(shown, "Ok(redis)");
        }
        Err(_) => assert!(shown.len() < 200 && !shown.contains("hush-7f3a"), "{shown}"),
    }
}

/// Ids on stdin between two that are named.
pub(super) fn stdin(bytes: &[u8]) {
    let named = ["first", "-", "last"].map(str::to_owned);
    match input::tenants(&named, bytes) {
        Ok(tenants) => {
            let text = std::str::from_utf8(bytes).expect("only text is taken");
            assert_eq!(tenants.len(), 2 + text.split_whitespace().count());
        }
        Err(crate::exit::Halt::Usage(message)) => {
            assert!(message.len() < 200 && !message.contains("hush-7f3a"), "{message}");
        }
    }
    let _ = input::text(bytes, "it", 16);
}
