//! What a client keeps beyond itself: its store, asked on behalf of the broker.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tm_cache::{AsyncStore, Codec, Owner, Question, Reply, Storage, Store, StoreError};
use tm_core::{
    Application, Credentials, Error, InvalidInput,
    broker::{Outcome, StoreRequest},
};

/// A client's store. `S` is `dyn Store` or `dyn AsyncStore`.
#[derive(Debug)]
pub struct Keeper<S: ?Sized> {
    storage: Storage<Arc<S>>,
    application: Application,
    codecs: Mutex<Codecs>,
    /// Held by who sets others, until the engine knows them too.
    setting: Mutex<()>,
    owner: Owner,
    /// The requests that the store has, by their numbers, and until when it should have answered.
    under_way: Mutex<BTreeMap<u64, Instant>>,
    troubles: Mutex<Troubles>,
}

/// How tenants and tokens are written, which differs from client id to client id.
#[derive(Debug)]
struct Codecs {
    client_id: Box<str>,
    current: Arc<Codec>,
    /// Of the client id before, whose tokens may still be served.
    last: Option<Arc<Codec>>,
}

/// Why the store does not work, as things stand.
#[derive(Debug, Default)]
struct Troubles {
    /// The last that it was told something and did not take it.
    told: Option<StoreError>,
    /// The last request failed.
    asked: Option<StoreError>,
}

/// Requests that a hanging store may have swallowed. The broker has given them up; their threads or tasks are still there.
const MOST_UNDER_WAY: usize = 32;

/// How many requests at most tell the store something at the same time. A client that closes may have a lot to tell at once, and
/// more than the store takes on would be lost.
pub const TELLING_AT_ONCE: usize = 16;

impl<S: ?Sized> Keeper<S> {
    /// For one client, under a name of its own.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(
        storage: Storage<Arc<S>>,
        application: &Application,
        credentials: &Credentials,
    ) -> Result<Self, Error> {
        let mut owner = [0; 16];
        getrandom::fill(&mut owner)
            .map_err(|_| InvalidInput::new("owner", "cannot be drawn: the system gives no randomness"))?;
        Ok(Self {
            codecs: Mutex::new(Codecs {
                client_id: credentials.client_id().into(),
                current: Arc::new(storage.codec(application, credentials)),
                last: None,
            }),
            storage,
            setting: Mutex::default(),
            application: application.clone(),
            owner: Owner::new(owner),
            under_way: Mutex::default(),
            troubles: Mutex::default(),
        })
    }

    /// Another client id is another set of tokens. Those of the one before are still forgotten when they are refused.
    ///
    /// `tell` tells the engine, before anybody else can set others: of two at once, the same one is last for both.
    pub fn set_credentials<T>(&self, credentials: Credentials, tell: impl FnOnce(Credentials) -> T) -> T {
        let _setting = lock(&self.setting);
        let mut codecs = lock(&self.codecs);
        if *codecs.client_id != *credentials.client_id() {
            let current = Arc::new(self.storage.codec(&self.application, &credentials));
            codecs.last = Some(std::mem::replace(&mut codecs.current, current));
            codecs.client_id = credentials.client_id().into();
        }
        drop(codecs);
        tell(credentials)
    }

    /// Why the store does not work, if it did not take the last thing that it was told, if the last request failed, or if one
    /// is overdue.
    pub fn error(&self) -> Option<StoreError> {
        let troubles = lock(&self.troubles);
        let told = troubles.told.as_ref().or(troubles.asked.as_ref()).cloned();
        drop(troubles);
        told.or_else(|| self.is_overdue().then(|| StoreError::new("the store does not answer in time")))
    }

    fn is_overdue(&self) -> bool {
        let now = Instant::now();
        lock(&self.under_way).values().any(|until| *until <= now)
    }

    fn outcome(
        &self,
        request: &StoreRequest,
        codec: &Codec,
        question: &Question,
        reply: Result<Reply, StoreError>,
    ) -> Outcome {
        let answer = reply.and_then(|reply| {
            codec.answer(question, reply).ok_or_else(|| StoreError::new("the store answers something else"))
        });
        match answer {
            Ok(answer) => {
                let mut troubles = lock(&self.troubles);
                troubles.asked = None;
                if is_told(request) {
                    troubles.told = None;
                }
                Outcome::Stored(answer)
            }
            Err(error) => self.failed(request, error),
        }
    }

    fn failed(&self, request: &StoreRequest, error: StoreError) -> Outcome {
        let mut troubles = lock(&self.troubles);
        *(if is_told(request) { &mut troubles.told } else { &mut troubles.asked }) = Some(error);
        Outcome::StoreFailed
    }

    /// `None` if too many requests hang already.
    fn begin<'a>(&'a self, request: &'a StoreRequest, within: Duration) -> Option<UnderWay<'a, S>> {
        let mut under_way = lock(&self.under_way);
        if under_way.len() >= MOST_UNDER_WAY {
            return None;
        }
        let number = under_way.last_key_value().map_or(0, |(last, _)| last + 1);
        under_way.insert(number, Instant::now() + within);
        Some(UnderWay { keeper: self, request, number })
    }

    /// Nobody knows of a refused token which client id it belongs to.
    fn question(&self, request: &StoreRequest) -> (Arc<Codec>, Question) {
        let codecs = lock(&self.codecs);
        let (current, last) = (Arc::clone(&codecs.current), codecs.last.clone());
        drop(codecs); // sealing takes its time
        let mut question = current.question(request, self.owner);
        if let (Question::Remove(tombstones), Some(last)) = (&mut question, last)
            && let Question::Remove(of_last) = last.question(request, self.owner)
        {
            tombstones.extend(of_last);
        }
        (current, question)
    }
}

impl Keeper<dyn Store> {
    /// Whether a fleet takes turns by the store.
    pub fn leases(&self) -> bool {
        self.storage.store().leases()
    }

    /// Asks the store, and waits for as long as it takes; more than `within` is too long.
    pub fn carry_out(&self, request: &StoreRequest, within: Duration) -> Outcome {
        let Some(_under_way) = self.begin(request, within) else { return self.failed(request, hanging()) };
        let (codec, question) = self.question(request);
        let reply = question.put_to(&**self.storage.store());
        self.outcome(request, &codec, &question, reply)
    }
}

impl Keeper<dyn AsyncStore> {
    /// Whether a fleet takes turns by the store.
    pub fn leases(&self) -> bool {
        self.storage.store().leases()
    }

    /// Asks the store. An answer after `within` is of no use.
    pub async fn carry_out(&self, request: &StoreRequest, within: Duration) -> Outcome {
        let Some(_under_way) = self.begin(request, within) else { return self.failed(request, hanging()) };
        let (codec, question) = self.question(request);
        let reply = question.put_to_async(&**self.storage.store()).await;
        self.outcome(request, &codec, &question, reply)
    }

    /// The store has not answered in time.
    pub fn timed_out(&self, request: &StoreRequest, time: Duration) -> Outcome {
        let message = format!("the store has not answered within {} ms", time.as_millis());
        self.failed(request, StoreError::new(message))
    }
}

/// Whether this is something that the store has to know, and not a question.
fn is_told(request: &StoreRequest) -> bool {
    matches!(request, StoreRequest::Save(_) | StoreRequest::Remove(_))
}

fn hanging() -> StoreError {
    StoreError::new(format!("the store has not answered {MOST_UNDER_WAY} requests, and gets no more"))
}

/// One request under way, however it ends.
struct UnderWay<'a, S: ?Sized> {
    keeper: &'a Keeper<S>,
    request: &'a StoreRequest,
    number: u64,
}

impl<S: ?Sized> Drop for UnderWay<'_, S> {
    fn drop(&mut self) {
        lock(&self.keeper.under_way).remove(&self.number);
        if thread::panicking() {
            self.keeper.failed(self.request, StoreError::new("the store panicked"));
        }
    }
}

/// Nothing in here can be left half done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use tm_cache::{Key, MemoryStore, Record, Tombstone};
    use tm_core::{
        AppName, AppVersion, Gateway, TenantId, Token, UnixTime,
        broker::{Buried, Kept, Stamp, StoreAnswer},
    };

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// Answers a request only once somebody comes for it.
    struct Hanging(Barrier);

    impl Store for Hanging {
        fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Record>>, StoreError> {
            self.0.wait();
            Ok(vec![None; keys.len()])
        }

        fn put_many(&self, _records: &[(Key, Record)]) -> Result<(), StoreError> {
            Err(StoreError::new("the disk is full"))
        }

        fn remove_many(&self, _tombstones: &[(Key, Tombstone)]) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn keeper(store: impl Store) -> Keeper<dyn Store> {
        keeper_of("client", store)
    }

    fn keeper_of(client_id: &str, store: impl Store) -> Keeper<dyn Store> {
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1").unwrap(),
        };
        let credentials = Credentials::new(client_id, "hush").unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        Keeper::new(Storage::plaintext(store), &application, &credentials).unwrap()
    }

    #[test]
    fn a_store_that_hangs_gets_no_more_than_its_share() {
        let keeper = keeper(Hanging(Barrier::new(MOST_UNDER_WAY + 1)));
        let load = StoreRequest::Load(vec![TenantId::new("acme").unwrap()]);
        thread::scope(|scope| {
            let hung: Vec<_> =
                (0..MOST_UNDER_WAY).map(|_| scope.spawn(|| keeper.carry_out(&load, SOON))).collect();
            while lock(&keeper.under_way).len() < MOST_UNDER_WAY {
                thread::yield_now();
            }
            assert!(matches!(keeper.carry_out(&load, SOON), Outcome::StoreFailed));
            let error = keeper.error().unwrap().to_string();
            assert_eq!(error, "the store has not answered 32 requests, and gets no more");
            keeper.storage.store().get_many(&[]).unwrap();
            for thread in hung {
                let outcome = thread.join().unwrap();
                assert!(matches!(outcome, Outcome::Stored(StoreAnswer::Loaded(kept)) if kept == [None]));
            }
        });
        assert!(lock(&keeper.under_way).is_empty());
    }

    #[test]
    fn a_token_that_is_refused_is_forgotten_though_it_belongs_to_the_client_id_before() {
        let (shared, acme) = (Arc::<MemoryStore>::default(), TenantId::new("acme").unwrap());
        let [here, there] = [(); 2].map(|()| keeper_of("old", Arc::clone(&shared)));
        let now = UnixTime::from_millis(1_800_000_000_000);
        let stamp = Stamp { issued: now, expires: now.saturating_add(SOON) };
        let token = Token::new("abc").unwrap();
        let kept = Kept { token: token.clone(), stamp, remaining: SOON, cold: true };
        here.carry_out(&StoreRequest::Save(vec![(acme.clone(), kept)]), SOON);
        let is_found = || match there.carry_out(&StoreRequest::Load(vec![acme.clone()]), SOON) {
            Outcome::Stored(StoreAnswer::Loaded(found)) => found[0].is_some(),
            other => panic!("{other:?}"),
        };
        assert!(is_found());

        for secret in ["hush", "another secret"] {
            here.set_credentials(Credentials::new("new", secret).unwrap(), |told| {
                assert_eq!(told.client_id(), "new");
                assert!(here.setting.try_lock().is_err(), "nobody comes between the store and the engine");
            });
        }
        let buried = Buried { token, issued: now, remaining: SOON };
        here.carry_out(&StoreRequest::Remove(vec![(acme.clone(), buried)]), SOON);

        assert!(!is_found());
    }

    #[test]
    fn a_store_that_is_overdue_is_told_of_while_it_hangs() {
        let keeper = keeper(Hanging(Barrier::new(2)));
        let load = StoreRequest::Load(vec![TenantId::new("acme").unwrap()]);
        thread::scope(|scope| {
            let hung = scope.spawn(|| keeper.carry_out(&load, Duration::ZERO));
            while lock(&keeper.under_way).is_empty() {
                thread::yield_now();
            }
            assert_eq!(keeper.error().unwrap().to_string(), "the store does not answer in time");
            keeper.storage.store().get_many(&[]).unwrap();
            hung.join().unwrap();
        });
        assert!(keeper.error().is_none(), "it has answered");
    }

    #[test]
    fn what_went_wrong_is_told_until_it_goes_well_again() {
        let keeper = keeper(Hanging(Barrier::new(1)));
        assert!(keeper.error().is_none());
        assert!(matches!(keeper.carry_out(&StoreRequest::Save(vec![]), SOON), Outcome::StoreFailed));
        let error = || keeper.error().unwrap().to_string();
        assert_eq!(error(), "the disk is full");
        keeper.carry_out(&StoreRequest::Load(vec![]), SOON);
        assert_eq!(error(), "the disk is full", "that it can be read does not mend that");
        keeper.carry_out(&StoreRequest::Remove(vec![]), SOON);
        assert!(keeper.error().is_none(), "it takes what it is told again");
    }
}
