//! Which server has what: one has all, or Sentinel tells which, or each of a Cluster has some slots.

use std::{
    path::PathBuf,
    slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::redis::{Cmd, Value, cmd};

use super::failure;
use crate::StoreError;

/// One server, and what it is to us.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) role: Role,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Has all tokens.
    Alone,
    /// Of a Cluster: has the tokens of some slots.
    Member,
    /// Has none, and knows who has.
    Sentinel,
}

impl Server {
    /// Where a Cluster sends its callers: `3999 127.0.0.1:6381`. Without a host it is the host that was asked. Only a Cluster
    /// may do so.
    pub(super) fn redirect(&self, details: &str) -> Option<Self> {
        let (_, place) = details.split_once(' ')?;
        let (host, port) = place.trim().rsplit_once(':')?;
        (self.role == Role::Member).then_some(())?;
        self.beside(host, port.parse().ok()?)
    }

    /// Another server by what this one says of it.
    fn beside(&self, host: &str, port: u16) -> Option<Self> {
        let own = match &self.address {
            Address::Tcp { host, .. } => host,
            Address::Unix(_) => return None,
        };
        let host = if host.is_empty() || host == "?" { own } else { host };
        Some(Self { address: Address::Tcp { host: host.to_owned(), port }, role: self.role })
    }
}

/// Who is asked first.
#[derive(Debug)]
pub(super) enum Topology {
    Alone(Server),
    Sentinel { master: String, sentinels: Vec<Server> },
    Cluster(Vec<Server>),
}

/// What is known of who has what.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Routes {
    One(Server),
    /// The first and the last slot of a range, and who has it.
    Slots(Vec<(u16, u16, Server)>),
}

impl Topology {
    /// The routes if nobody has to be asked.
    pub(super) fn fixed(&self) -> Option<Routes> {
        match self {
            Self::Alone(server) => Some(Routes::One(server.clone())),
            Self::Sentinel { .. } | Self::Cluster(_) => None,
        }
    }

    /// Whom to ask for the routes, one after the other until one answers.
    pub(super) fn servers(&self) -> &[Server] {
        match self {
            Self::Alone(server) => slice::from_ref(server),
            Self::Sentinel { sentinels: servers, .. } | Self::Cluster(servers) => servers,
        }
    }

    /// What to ask them.
    pub(super) fn question(&self) -> Cmd {
        let (name, words): (_, &[&str]) = match self {
            Self::Alone(_) => ("PING", &[]),
            Self::Sentinel { master, .. } => ("SENTINEL", &["GET-MASTER-ADDR-BY-NAME", master]),
            Self::Cluster(_) => ("CLUSTER", &["SLOTS"]),
        };
        let mut question = cmd(name);
        question.arg(words);
        question
    }

    /// What the answer tells.
    pub(super) fn routes(&self, asked: &Server, answer: Option<&Value>) -> Result<Routes, StoreError> {
        if let Some(Value::ServerError(error)) = answer {
            return Err(failure::by_server(error));
        }
        let (routes, unclear) = match self {
            Self::Alone(_) => (self.fixed(), "nobody was to be asked"),
            Self::Sentinel { .. } => {
                (answer.and_then(master).map(Routes::One), "the Redis Sentinel knows no master of this name")
            }
            Self::Cluster(_) => (
                answer.and_then(|answer| slots(asked, answer)).map(Routes::Slots),
                "the Redis Cluster does not say who has its slots",
            ),
        };
        routes.ok_or_else(|| StoreError::new(unclear))
    }

    /// Whether there is anything to ask this server, if these are the routes.
    pub(super) fn needs(&self, server: &Server, routes: &Routes) -> bool {
        self.servers().contains(server) || routes.lead_to(server)
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

impl Routes {
    fn lead_to(&self, server: &Server) -> bool {
        match self {
            Self::One(one) => one == server,
            Self::Slots(ranges) => ranges.iter().any(|(_, _, one)| one == server),
        }
    }

    pub(super) fn server_of(&self, slot: u16) -> Result<&Server, StoreError> {
        match self {
            Self::One(server) => Ok(server),
            Self::Slots(ranges) => ranges
                .iter()
                .find(|(first, last, _)| (*first..=*last).contains(&slot))
                .map(|(_, _, server)| server)
                .ok_or_else(|| StoreError::new("a slot of the Redis Cluster has no server")),
        }
    }
}

/// The routes until they turn out wrong.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<Arc<Routes>>>);

/// The routes are forgotten with this, unless they proved right: they may be wrong if a request fails, and also if its caller
/// goes away first.
pub(super) struct Doubt<'a>(Option<&'a Known>);

impl Doubt<'_> {
    pub(super) fn dispel(mut self) {
        self.0 = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(known) = self.0 {
            *known.lock() = None;
        }
    }
}

impl Known {
    pub(super) fn doubted(&self) -> Doubt<'_> {
        Doubt(Some(self))
    }

    pub(super) fn routes(&self) -> Option<Arc<Routes>> {
        self.lock().clone()
    }

    pub(super) fn learn(&self, routes: Routes) -> Arc<Routes> {
        let routes = Arc::new(routes);
        *self.lock() = Some(Arc::clone(&routes));
        routes
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Routes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `[host, port]`.
fn master(answer: &Value) -> Option<Server> {
    let Value::Array(place) = answer else { return None };
    let [host, port] = place.as_slice() else { return None };
    let address = Address::Tcp { host: text(host)?.to_owned(), port: text(port)?.parse().ok()? };
    Some(Server { address, role: Role::Alone })
}

/// `[[first, last, [host, port, …], replicas …], …]`.
fn slots(asked: &Server, answer: &Value) -> Option<Vec<(u16, u16, Server)>> {
    let Value::Array(ranges) = answer else { return None };
    let range = |range: &Value| {
        let Value::Array(range) = range else { return None };
        let [first, last, Value::Array(member), ..] = range.as_slice() else { return None };
        let [host, port, ..] = member.as_slice() else { return None };
        let host = if *host == Value::Nil { "" } else { text(host)? };
        Some((number(first)?, number(last)?, asked.beside(host, number(port)?)?))
    };
    let slots: Vec<_> = ranges.iter().map(range).collect::<Option<_>>()?;
    (!slots.is_empty()).then_some(slots)
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u16> {
    match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, port: u16, role: Role) -> Server {
        Server { address: Address::Tcp { host: host.to_owned(), port }, role }
    }

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn a_cluster_tells_who_has_which_slots() {
        let asked = server("10.0.0.1", 1, Role::Member);
        let range = |first, last, host: Value, port| {
            let member = Value::Array(vec![host, Value::Int(port), bulk("id")]);
            Value::Array(vec![Value::Int(first), Value::Int(last), member])
        };
        let answer = Value::Array(vec![range(0, 9, Value::Nil, 7), range(10, 16_383, bulk("10.0.0.2"), 8)]);
        let topology = Topology::Cluster(vec![asked.clone()]);
        let routes = topology.routes(&asked, Some(&answer)).unwrap();
        assert_eq!(routes.server_of(9).unwrap(), &server("10.0.0.1", 7, Role::Member), "of unknown host");
        assert_eq!(routes.server_of(10).unwrap(), &server("10.0.0.2", 8, Role::Member));
        assert!(routes.server_of(16_384).is_err());
        for answer in [Value::Okay, Value::Array(vec![]), Value::Array(vec![Value::Okay])] {
            assert!(topology.routes(&asked, Some(&answer)).is_err());
        }
    }

    #[test]
    fn a_sentinel_tells_the_master() {
        let asked = server("10.0.0.1", 26_379, Role::Sentinel);
        let topology = Topology::Sentinel { master: "m".to_owned(), sentinels: vec![asked.clone()] };
        let answer = Value::Array(vec![bulk("10.0.0.9"), bulk("6379")]);
        let expected = Routes::One(server("10.0.0.9", 6_379, Role::Alone));
        assert_eq!(topology.routes(&asked, Some(&answer)).unwrap(), expected);
        assert!(topology.routes(&asked, Some(&Value::Nil)).is_err());
    }

    #[test]
    fn only_a_cluster_sends_its_callers_elsewhere() {
        let member = server("h", 1, Role::Member);
        assert_eq!(member.redirect("3999 other:2"), Some(server("other", 2, Role::Member)));
        assert_eq!(member.redirect("3999 :2"), Some(server("h", 2, Role::Member)));
        assert_eq!(member.redirect("3999 fe80::1:2"), Some(server("fe80::1", 2, Role::Member)));
        assert_eq!(member.redirect("3999"), None);
        assert_eq!(server("h", 1, Role::Alone).redirect("3999 other:2"), None);
    }
}
