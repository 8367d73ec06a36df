//! What all clones of a client share, and the tasks that work for them.
//!
//! Tasks drive, callers wait. A runtime may end with its tasks, while the client lives on in another: what its tasks leave
//! undone is left to the next caller that steps, and one that waits is woken for it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tm_cache::AsyncStore;
use tm_core::{
    Error, ErrorKind, InvalidInput, Token, TransportError, TransportFault,
    broker::{Effect, EffectId, Outcome},
    wire::MAX_TOKEN_ANSWER,
};
use tm_driver::{Engine, Event, Inbox, Job, Keeper, Limits, TELLING_AT_ONCE, Todo, Wake};
use tokio::{
    runtime::{self, Handle},
    sync::{Notify, Semaphore, watch},
    task::AbortHandle,
    time::Instant,
};

use crate::{Transport, follow::Following};

/// Where a caller waits for what it asked for.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) position: usize,
    pub(crate) inbox: Arc<Inbox>,
}

impl Wake for Caller {
    fn answer(&self, result: Result<Token, Error>) {
        self.inbox.put(Event::Settled(self.position, result));
    }

    fn wake(self) {
        self.inbox.wake();
    }
}

pub(crate) struct Shared {
    pub(crate) engine: Engine<Caller>,
    pub(crate) transport: Box<dyn Transport>,
    pub(crate) keeper: Option<Keeper<dyn AsyncStore>>,
    /// One in each runtime that somebody waits in: a runtime may stand still, or end, while others go on.
    timers: Mutex<HashMap<runtime::Id, Timer>>,
    orphans: Mutex<Orphans>,
    orphaned: Notify,
    /// For those that tell the store the rest. Before the end there are few, and one in a runtime that stands still would keep its
    /// turn.
    telling: Semaphore,
    list_error: Mutex<Option<Error>>,
    closed: watch::Sender<bool>,
}

/// Left by tasks that ended with their runtime.
#[derive(Default)]
struct Orphans {
    jobs: Vec<Job>,
    following: Vec<Following>,
}

struct Timer {
    at: Instant,
    task: AbortHandle,
    /// It has come to its time, or an earlier one has taken its place.
    is_over: Arc<AtomicBool>,
}

impl Shared {
    pub(crate) fn new(
        engine: Engine<Caller>,
        transport: Box<dyn Transport>,
        keeper: Option<Keeper<dyn AsyncStore>>,
    ) -> Self {
        Self {
            engine,
            transport,
            keeper,
            timers: Mutex::default(),
            orphans: Mutex::default(),
            orphaned: Notify::new(),
            telling: Semaphore::new(TELLING_AT_ONCE),
            list_error: Mutex::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// The runtime that this code runs on.
    ///
    /// # Panics
    /// It has no timers. tokio's message says how to enable them; from within the client's tasks it would be no caller's, and
    /// come again and again.
    pub(crate) fn runtime() -> Result<Handle, Error> {
        let runtime = Handle::try_current()
            .map_err(|_| InvalidInput::new("runtime", "is missing: call this within tokio's"))?;
        drop(tokio::time::sleep(Duration::ZERO));
        Ok(runtime)
    }

    /// Starts a task for each effect, and one for the time of the next step. Without a runtime here, that is left to the
    /// next caller that has one.
    pub(crate) fn carry_out(self: &Arc<Self>, todo: Todo) {
        let Ok(runtime) = Handle::try_current() else { return self.leave(todo) };
        let Orphans { jobs, following } = std::mem::take(&mut *lock(&self.orphans));
        for following in following {
            following.go_on(self, &runtime);
        }
        for job in jobs.into_iter().chain(todo.jobs) {
            let closed = self.closed.subscribe();
            let task = Carried { shared: Arc::clone(self), id: job.id, answered: false, closed };
            runtime.spawn(task.carry_out(job));
        }
        if let Some(wake_in) = todo.wake_in {
            self.set_timer(&runtime, wake_in);
        }
    }

    /// Leaves work to whoever steps next, and wakes somebody for it.
    fn leave(&self, todo: Todo) {
        lock(&self.orphans).jobs.extend(todo.jobs);
        self.wake_callers();
    }

    /// Leaves the list to whoever steps next.
    pub(crate) fn leave_following(&self, following: Following) {
        lock(&self.orphans).following.push(following);
    }

    /// All who wait, since one may stand still with its runtime; and the next to wait, who may have just looked.
    fn wake_callers(&self) {
        self.orphaned.notify_waiters();
        self.orphaned.notify_one();
    }

    pub(crate) fn list_error(&self) -> Option<Error> {
        lock(&self.list_error).clone()
    }

    pub(crate) fn set_list_error(&self, error: Option<Error>) {
        *lock(&self.list_error) = error;
    }

    /// For callers that wait: comes back when work was left undone, which they are to [`Shared::wake`] for.
    pub(crate) async fn orphaned(&self) {
        self.orphaned.notified().await;
    }

    /// A step for the sake of time.
    pub(crate) fn wake(self: &Arc<Self>) {
        self.carry_out(self.engine.wake());
    }

    async fn carry_out_job(&self, Job { effect, within, .. }: Job) -> Outcome {
        match (effect, &self.keeper) {
            (Effect::Call(call), _) => {
                let limits = Limits { time: call.time(), body: MAX_TOKEN_ANSWER };
                // The transport is told its time; one of the user's may not mind it.
                let sent = self.transport.send(call.request(), limits);
                let answer = tokio::time::timeout(limits.time, sent).await;
                call.outcome(answer.unwrap_or_else(|_| Err(TransportError::new(TransportFault::TimedOut))))
            }
            (Effect::Store(request), Some(keeper)) => {
                let answer = tokio::time::timeout(within, keeper.carry_out(&request, within)).await;
                answer.unwrap_or_else(|_| keeper.timed_out(&request, within))
            }
            (Effect::Store(_), None) => Outcome::StoreFailed,
        }
    }

    /// Answers all callers and ends all tasks, without waiting for them. They tell the store first what it has to know.
    pub(crate) fn close(self: &Arc<Self>) {
        self.closed.send_replace(true);
        self.carry_out(self.engine.close());
    }

    /// Comes back when no task is left.
    pub(crate) async fn no_task_left(&self) {
        self.closed.closed().await;
    }

    /// Comes back when the client is closed. While somebody waits for that, it counts as a task.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closed = self.closed.subscribe();
        // An error means that the sender is gone, and with it the client.
        async move { drop(closed.wait_for(|closed| *closed).await) }
    }

    fn set_timer(self: &Arc<Self>, runtime: &Handle, wake_in: Duration) {
        let at = Instant::now() + wake_in;
        let mut timers = lock(&self.timers);
        timers.retain(|_, timer| !timer.task.is_finished());
        if timers.get(&runtime.id()).is_some_and(|timer| timer.at <= at) {
            return;
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let watch = Watch { shared: Arc::clone(self), is_over: Arc::clone(&is_over) };
        let task = runtime.spawn(watch.until(runtime.id(), at)).abort_handle();
        if let Some(later) = timers.insert(runtime.id(), Timer { at, task, is_over }) {
            later.is_over.store(true, Ordering::Relaxed);
            later.task.abort();
        }
    }

    /// A timer that has come to its time is none any more: the step that follows may set the next one.
    fn remove_timer(&self, runtime: runtime::Id, at: Instant) {
        let mut timers = lock(&self.timers);
        if timers.get(&runtime).is_some_and(|timer| timer.at == at) {
            timers.remove(&runtime);
        }
    }
}

/// Watches the time. If it ends with its runtime, those who wait are told that nobody does.
struct Watch {
    shared: Arc<Shared>,
    is_over: Arc<AtomicBool>,
}

impl Watch {
    async fn until(self, runtime: runtime::Id, at: Instant) {
        let is_closed = tokio::select! {
            biased;
            () = self.shared.closing() => true,
            () = tokio::time::sleep_until(at) => false,
        };
        self.is_over.store(true, Ordering::Relaxed);
        if !is_closed {
            self.shared.remove_timer(runtime, at);
            self.shared.wake();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.is_over.load(Ordering::Relaxed) {
            self.shared.wake_callers();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An effect under way. If its task ends without an answer, because it panicked or with its runtime, it is answered as lost.
struct Carried {
    shared: Arc<Shared>,
    id: EffectId,
    answered: bool,
    /// Counts as a task from before it is started until it has ended.
    closed: watch::Receiver<bool>,
}

impl Carried {
    async fn carry_out(mut self, job: Job) {
        let shared = Arc::clone(&self.shared);
        let outcome = if job.outlives_the_client() {
            let _turn = if *self.closed.borrow() { shared.telling.acquire().await.ok() } else { None };
            shared.carry_out_job(job).await
        } else {
            tokio::select! {
                biased;
                _ = self.closed.wait_for(|closed| *closed) => {
                    self.answered = true;
                    return;
                }
                outcome = shared.carry_out_job(job) => outcome,
            }
        };
        self.answered = true;
        shared.carry_out(shared.engine.done(self.id, outcome));
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if !self.answered {
            // Nothing is started here: this may be the end of the runtime.
            self.shared.leave(self.shared.engine.done(self.id, Outcome::Lost));
        }
    }
}

/// What a caller gets whose client was closed under it.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the client is closed")
}
