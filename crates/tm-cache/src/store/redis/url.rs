//! URLs of Redis, read and checked. No error repeats any of it: it may hold a password.

use ::redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};

use super::routes::{Address, Role, Server};
use crate::StoreError;

/// What one URL says.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) address: Address,
    pub(super) has_tls: bool,
    pub(super) login: RedisConnectionInfo,
}

impl Place {
    /// # Errors
    /// It is no URL of a Redis, or asks for less than TLS gives.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        if url.contains('#') {
            return Err(StoreError::new(
                "the URL of Redis has a fragment: certificates are always verified (a # in a password is written %23)",
            ));
        }
        let info = url.into_connection_info().map_err(|_| not_a_url())?;
        let (address, has_tls) = match info.addr().clone() {
            ConnectionAddr::Tcp(host, port) => (Address::Tcp { host, port }, false),
            ConnectionAddr::TcpTls { host, port, insecure: false, .. } => (Address::Tcp { host, port }, true),
            ConnectionAddr::Unix(path) => (Address::Unix(path), false),
            _ => return Err(not_a_url()),
        };
        // Telling the server our library's name takes a right that an ACL need not give.
        Ok(Self { address, has_tls, login: info.redis_settings().clone().set_skip_set_lib_name() })
    }

    /// Reads several that have to agree on all but the address.
    pub(super) fn parse_all<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, StoreError> {
        let places: Vec<Self> = urls.into_iter().map(Self::parse).collect::<Result<_, _>>()?;
        let Some(first) = places.first() else {
            return Err(StoreError::new("there is no URL of a Redis"));
        };
        if places.iter().any(|place| !place.agrees(first)) {
            return Err(StoreError::new(
                "the URLs of Redis differ in TLS, user, password or database: only host and port may differ",
            ));
        }
        Ok(places)
    }

    pub(super) fn server(&self, role: Role) -> Server {
        Server { address: self.address.clone(), role }
    }

    fn agrees(&self, other: &Self) -> bool {
        let of = |place: &Self| {
            let login = &place.login;
            let (user, password) = (login.username().map(str::to_owned), login.password().map(str::to_owned));
            (place.has_tls, login.db(), user, password)
        };
        of(self) == of(other)
    }
}

fn not_a_url() -> StoreError {
    StoreError::new(
        "not a URL of a Redis: rediss://user:password@host:port/database, redis:// for loopback, or unix:///path",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_says_is_read() {
        let place = Place::parse("rediss://user:p%23ss@redis.example:7000/3").unwrap();
        assert_eq!(place.address, Address::Tcp { host: "redis.example".to_owned(), port: 7000 });
        assert!(place.has_tls);
        assert_eq!(place.login.username(), Some("user"));
        assert_eq!(place.login.password(), Some("p#ss"));
        assert_eq!(place.login.db(), 3);
        assert!(matches!(Place::parse("unix:///run/redis.sock").unwrap().address, Address::Unix(_)));
    }

    #[test]
    fn no_fragment_turns_verification_off() {
        for url in ["rediss://h/#insecure", "rediss://h#insecure", "rediss://h/#", "redis://127.0.0.1/#x"] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_error_repeats_nothing_of_the_url() {
        for url in [
            "http://user:hunter2@h",
            "redis://user:hunter2@h/hunter2",
            "hunter2",
            "redis://user:hunter2@0.0.0.0",
            "redis://user:hunter2@h?protocol=hunter2",
        ] {
            let error = Place::parse(url).err().expect("it is refused");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn several_urls_agree_on_all_but_the_address() {
        assert!(Place::parse_all(["rediss://u:p@a", "rediss://u:p@b:1"]).is_ok());
        for second in ["rediss://u:q@b", "redis://u:p@b", "rediss://u:p@b/1", "rediss://u2:p@b"] {
            assert!(Place::parse_all(["rediss://u:p@a", second]).is_err(), "{second}");
        }
        assert!(Place::parse_all([]).is_err());
    }
}
