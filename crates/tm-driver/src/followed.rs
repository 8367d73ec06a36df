//! The tenants that are kept fresh because they are in the list.

use std::{collections::BTreeSet, time::Duration};

use tm_core::{Error, ErrorKind, TenantId};

/// Follows the list of tenants as they come and go.
#[derive(Debug)]
pub struct Followed {
    known: BTreeSet<TenantId>,
    /// Of those, for whom there was no room.
    missed: BTreeSet<TenantId>,
    rng: fastrand::Rng,
}

impl Followed {
    /// Knows nobody yet.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new() -> Result<Self, Error> {
        let rng = fastrand::Rng::with_seed(crate::setup::seed()?);
        Ok(Self { known: BTreeSet::new(), missed: BTreeSet::new(), rng })
    }

    /// The list has been read again. Answers who has come and who has gone since; who was missed comes again.
    pub fn update(&mut self, list: Vec<TenantId>) -> (Vec<TenantId>, Vec<TenantId>) {
        let list: BTreeSet<_> = list.into_iter().collect();
        let missed = std::mem::take(&mut self.missed);
        let is_new = |tenant: &&TenantId| !self.known.contains(*tenant) || missed.contains(*tenant);
        let come = list.iter().filter(is_new).cloned().collect();
        let gone = self.known.difference(&list).cloned().collect();
        self.known = list;
        (come, gone)
    }

    /// There was no room for all of these.
    pub fn missed(&mut self, come: Vec<TenantId>) {
        self.missed.extend(come);
    }

    /// How long until the list is to be read again: 5 to 15 minutes, so that a fleet does not ask all at once. After a
    /// failure 30 to 90 seconds; that there is no room for all is no reason to read it again soon.
    pub fn pause(&mut self, error: Option<&Error>) -> Duration {
        let failed = error.is_some_and(|error| error.kind() != ErrorKind::Config);
        let millis = if failed { 30_000..90_000 } else { 300_000..900_000 };
        Duration::from_millis(self.rng.u64(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(names: &[&str]) -> Vec<TenantId> {
        names.iter().map(|name| TenantId::new(name).unwrap()).collect()
    }

    #[test]
    fn who_comes_and_who_goes_is_told_once() {
        let mut followed = Followed::new().unwrap();
        assert_eq!(followed.update(tenants(&["b", "a", "b"])), (tenants(&["a", "b"]), vec![]));
        assert_eq!(followed.update(tenants(&["b", "c"])), (tenants(&["c"]), tenants(&["a"])));
        assert_eq!(followed.update(tenants(&["b", "c"])), (vec![], vec![]));
    }

    #[test]
    fn who_was_missed_comes_again_and_goes_like_others() {
        let mut followed = Followed::new().unwrap();
        let (come, _) = followed.update(tenants(&["a", "b"]));
        followed.missed(come);
        assert_eq!(followed.update(tenants(&["b", "c"])), (tenants(&["b", "c"]), tenants(&["a"])));
        assert_eq!(followed.update(tenants(&["b", "c"])), (vec![], vec![]));
    }

    #[test]
    fn pauses_are_minutes_and_differ() {
        let mut followed = Followed::new().unwrap();
        let pauses: BTreeSet<_> = (0..100).map(|_| followed.pause(None)).collect();
        assert!(pauses.len() > 90);
        assert!(pauses.iter().all(|pause| (300..900).contains(&pause.as_secs())));
        let error = |kind| Error::new(kind, "no");
        assert!((30..90).contains(&followed.pause(Some(&error(ErrorKind::Service))).as_secs()));
        assert!((300..900).contains(&followed.pause(Some(&error(ErrorKind::Config))).as_secs()));
    }
}
