//! Proves that a store keeps the contract of [`Store`], whoever wrote it.
//!
//! A test of your own store is one line. The report names every promise that the store breaks, with what was expected and
//! what was seen, so that one run tells all.
//!
//! ```
//! use tm_cache::{MemoryStore, conformance::Suite};
//!
//! // #[test] fn my_store_keeps_the_contract() {
//! Suite::of(MemoryStore::default).run().assert();
//! // }
//! ```
//!
//! An [`AsyncStore`] brings the executor that drives it; the test itself is a plain `#[test]`, as most runtimes do not
//! block inside themselves.
//!
//! ```
//! use tm_cache::{MemoryStore, conformance::Suite};
//! # struct Runtime;
//! # impl Runtime {
//! #     fn block_on<F: Future>(&self, future: F) -> F::Output {
//! #         let mut future = std::pin::pin!(future);
//! #         let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #         loop {
//! #             if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
//! #                 return output;
//! #             }
//! #         }
//! #     }
//! # }
//!
//! // #[test] fn my_store_keeps_the_contract() {
//! # let runtime = Runtime;
//! // let runtime = tokio::runtime::Runtime::new().unwrap();
//! Suite::of_async(MemoryStore::default, |future| runtime.block_on(future)).run().assert();
//! // }
//! ```
//!
//! What a store writes to its log and how many round trips it takes, no suite can see: that remains for its author.
//!
//! The stores may be in use: each check draws keys that nobody has drawn before, and expects nothing of the others. What
//! it leaves behind ends within two hours. The suite is not for [`NoStore`](crate::NoStore) and its like, which break the
//! contract as everybody expects: they keep nothing.

mod answers;
mod driven;
mod leases;
mod newest;
mod place;
mod refused;
mod report;
mod time;
mod together;

pub use driven::Work;
pub use report::{Finding, Report, Verdict};

use std::{fmt, sync::Arc, time::Duration};

use crate::{AsyncStore, Store};
use driven::{BlockOn, Driven};
use place::Place;

/// All checks, the cheap and telling ones first.
const CHECKS: &[&[Check]] =
    &[answers::CHECKS, newest::CHECKS, refused::CHECKS, leases::CHECKS, together::CHECKS, time::CHECKS];

/// One promise of the contract, and how to find out about it.
struct Check {
    name: &'static str,
    promise: &'static str,
    run: fn(&Place<'_>) -> Result<(), Verdict>,
}

/// The checks, and the store that they are for.
///
/// ```
/// use tm_cache::{MemoryStore, conformance::Suite};
///
/// let report = Suite::of(MemoryStore::default).only("the_newest_record_stays").run();
/// assert!(report.is_clean(), "{report}");
/// ```
pub struct Suite<'a> {
    make: Box<dyn Fn() -> Driven<'a> + 'a>,
    shared: bool,
    tick: Duration,
    only: Option<&'a str>,
    except: Vec<(&'a str, &'a str)>,
}

impl<'a> Suite<'a> {
    /// For a [`Store`]. `make` is called once for each check; the stores that it makes may be one and the same place, or not.
    pub fn of<S: Store>(make: impl Fn() -> S + 'a) -> Self {
        Self::made_by(move || Driven::Blocking(Box::new(make())))
    }

    /// For an [`AsyncStore`], with what runs its futures to their end. Some checks call `block_on` from several threads at
    /// once.
    pub fn of_async<S: AsyncStore>(
        make: impl Fn() -> S + 'a,
        block_on: impl Fn(Work<'_>) + Send + Sync + 'a,
    ) -> Self {
        let block_on: Arc<BlockOn<'a>> = Arc::new(block_on);
        Self::made_by(move || Driven::Async(Box::new(make()), Arc::clone(&block_on)))
    }

    fn made_by(make: impl Fn() -> Driven<'a> + 'a) -> Self {
        Self {
            make: Box::new(make),
            shared: false,
            tick: Duration::from_millis(20),
            only: None,
            except: Vec::new(),
        }
    }

    /// All that `make` makes are handles on one place. Checks of several writers then use two of them, and one more check
    /// has each see what the other did.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// The store tells time in steps of so much, such as whole seconds: 20 ms if it is not called. The suite waits for about
    /// forty ticks, or a second.
    #[must_use]
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// Runs this check alone. The names are those of [`Suite::names`].
    #[must_use]
    pub fn only(mut self, name: &'a str) -> Self {
        self.only = Some(name);
        self
    }

    /// Leaves a check out. The reason stands in the report.
    #[must_use]
    pub fn except(mut self, name: &'a str, reason: &'a str) -> Self {
        self.except.push((name, reason));
        self
    }

    /// The names of all checks.
    pub fn names() -> impl Iterator<Item = &'static str> {
        checks().map(|check| check.name)
    }

    /// Runs the checks one after the other.
    pub fn run(&self) -> Report {
        let named = self.only.into_iter().chain(self.except.iter().map(|(name, _)| *name));
        let unknown = named.filter(|name| !Self::names().any(|known| known == *name)).map(Finding::unknown);
        let chosen = checks().filter(|check| self.only.is_none_or(|name| name == check.name));
        Report::new(unknown.chain(chosen.map(|check| self.find_out(check))).collect())
    }

    fn find_out(&self, check: &Check) -> Finding {
        let verdict = match self.except.iter().find(|(name, _)| *name == check.name) {
            Some((_, reason)) => Verdict::Skipped((*reason).to_owned()),
            None => (check.run)(&self.place()).err().unwrap_or(Verdict::Kept),
        };
        Finding::new(check, verdict)
    }

    fn place(&self) -> Place<'a> {
        Place::new((self.make)(), self.shared.then(|| (self.make)()), self.tick)
    }
}

fn checks() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter().copied().flatten()
}

impl fmt::Debug for Suite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("shared", &self.shared)
            .field("tick", &self.tick)
            .field("only", &self.only)
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}
