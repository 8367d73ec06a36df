//! The tenants that the service knows: their order, and which of them it refuses.

use std::collections::HashSet;

#[derive(Debug)]
pub(crate) struct Roster {
    host: String,
    /// As `/userTenants` lists them. The host tenant is not among them unless it was put there.
    listed: Vec<String>,
    known: HashSet<String>,
    refused: HashSet<String>,
}

/// What the service thinks of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Allowed,
    Refused,
    Unknown,
}

impl Roster {
    pub(crate) fn new(host: String, tenants: Vec<String>, refused: &[String]) -> Self {
        let mut roster = Self { host, listed: Vec::new(), known: HashSet::new(), refused: HashSet::new() };
        for id in tenants {
            roster.add(id);
        }
        for id in refused {
            roster.refuse(id);
        }
        roster
    }

    pub(crate) fn standing(&self, id: &str) -> Standing {
        if self.refused.contains(id) {
            Standing::Refused
        } else if id == self.host || self.known.contains(id) {
            Standing::Allowed
        } else {
            Standing::Unknown
        }
    }

    pub(crate) fn listed(&self) -> &[String] {
        &self.listed
    }

    /// The ids of a page, and none beyond the end.
    pub(crate) fn page(&self, number: usize, size: usize) -> &[String] {
        let start = number.saturating_mul(size).min(self.listed.len());
        let end = start.saturating_add(size).min(self.listed.len());
        self.listed.get(start..end).unwrap_or_default()
    }

    pub(crate) fn add(&mut self, id: String) {
        if self.known.insert(id.clone()) {
            self.listed.push(id);
        }
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.refused.remove(id);
        if self.known.remove(id) {
            self.listed.retain(|listed| listed != id);
        }
    }

    pub(crate) fn refuse(&mut self, id: &str) {
        if id != self.host {
            self.add(id.to_owned());
        }
        self.refused.insert(id.to_owned());
    }

    pub(crate) fn allow(&mut self, id: &str) {
        if id != self.host {
            self.add(id.to_owned());
        }
        self.refused.remove(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(count: usize) -> Roster {
        Roster::new("host".to_owned(), (0..count).map(|n| format!("t{n}")).collect(), &[])
    }

    #[test]
    fn pages_end_with_the_list() {
        let roster = roster(5);
        assert_eq!(roster.page(0, 2), ["t0", "t1"]);
        assert_eq!(roster.page(2, 2), ["t4"]);
        assert!(roster.page(3, 2).is_empty());
        assert!(roster.page(usize::MAX, usize::MAX).is_empty());
    }

    #[test]
    fn a_refused_tenant_stays_listed_and_can_come_back() {
        let mut roster = roster(2);
        roster.refuse("t1");
        assert_eq!((roster.standing("t1"), roster.listed().len()), (Standing::Refused, 2));
        roster.allow("t1");
        assert_eq!(roster.standing("t1"), Standing::Allowed);
        roster.refuse("t1");
        roster.remove("t1");
        assert_eq!((roster.standing("t1"), roster.listed().len()), (Standing::Unknown, 1));
    }

    #[test]
    fn the_host_is_allowed_without_being_listed() {
        let mut roster = roster(1);
        assert_eq!(roster.standing("host"), Standing::Allowed);
        roster.refuse("host");
        assert_eq!((roster.standing("host"), roster.listed().len()), (Standing::Refused, 1));
    }
}
