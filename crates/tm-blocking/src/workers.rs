//! The client's threads: they carry out effects and watch the time, start when there is work, and end when there is none.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tm_driver::{Job, TELLING_AT_ONCE};

use crate::shared::Shared;

/// How long a thread waits for work before it ends.
const IDLE: Duration = Duration::from_secs(10);

/// What the threads have to do.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    state: Mutex<State>,
    /// For the threads: there is work, or an earlier time, or an end.
    changed: Condvar,
    /// For those who wait for an end.
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    /// When the next step is due.
    wake_at: Option<Instant>,
    threads: usize,
    idle: usize,
    /// Threads that tell the store something.
    telling: usize,
    closed: bool,
}

/// What one thread does next.
enum Next {
    CarryOut(Job),
    Wake,
    End,
}

impl Workers {
    /// Takes on work, and starts as many threads as it needs: one for each effect, and one that watches the time.
    ///
    /// # Errors
    /// A thread cannot be started, and there is none at all. With all jobs that are left undone.
    pub(crate) fn take_on(
        &self,
        shared: &Arc<Shared>,
        jobs: Vec<Job>,
        wake_in: Option<Duration>,
    ) -> Result<(), (io::Error, VecDeque<Job>)> {
        let mut state = self.state();
        let (before, mut is_earlier) = (state.jobs.len(), false);
        if state.closed {
            // Nobody waits for the service any more; the store is still told what it has to know.
            state.jobs.extend(jobs.into_iter().filter(Job::outlives_the_client));
        } else {
            state.jobs.extend(jobs);
            let at = wake_in.map(|wake_in| Instant::now() + wake_in);
            is_earlier = at.is_some_and(|at| state.wake_at.is_none_or(|before| at < before));
            state.wake_at = [state.wake_at, at].into_iter().flatten().min();
        }
        let added = state.jobs.len() - before;
        while state.idle < state.needed() {
            match Worker::start(shared) {
                Ok(()) => {
                    state.threads += 1;
                    state.idle += 1;
                }
                Err(error) if state.threads == 0 => {
                    return Err((error, std::mem::take(&mut state.jobs)));
                }
                // Those that there are will do it, one after the other.
                Err(_) => break,
            }
        }
        drop(state);
        // All who wait watch the time, so all must know of an earlier one. Of a later one nobody: to be woken once too often
        // does no harm. A job needs one thread, and on a busy processor each that is woken in vain costs as much as the call.
        if is_earlier {
            self.changed.notify_all();
        } else {
            (0..added).for_each(|_| self.changed.notify_one());
        }
        Ok(())
    }

    /// Tells all threads to end, without waiting for them. What the store has to know is told first.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.jobs.retain(Job::outlives_the_client);
        state.wake_at = None;
        drop(state);
        self.changed.notify_all();
        self.ended.notify_all();
    }

    /// Waits until all threads have ended, no longer than `within`.
    pub(crate) fn wait_for_the_end(&self, within: Duration) {
        let state = self.state();
        drop(self.ended.wait_timeout_while(state, within, |state| state.threads > 0));
    }

    /// Waits until the client is closed, no longer than `within`.
    pub(crate) fn is_closed_within(&self, within: Duration) -> bool {
        self.is_over_within(within, &AtomicBool::new(false))
    }

    /// The same for one who waits for no longer than somebody wants it: until then `unwanted` is false.
    pub(crate) fn is_over_within(&self, within: Duration, unwanted: &AtomicBool) -> bool {
        let is_over = |state: &State| state.closed || unwanted.load(Ordering::Relaxed);
        let waited = self.ended.wait_timeout_while(self.state(), within, |state| !is_over(state));
        is_over(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Nobody wants it any more: whoever waits with this flag goes on.
    pub(crate) fn end_wait(&self, unwanted: &AtomicBool) {
        // Under the lock, so that nobody falls asleep between his look at the flag and this.
        let state = self.state();
        unwanted.store(true, Ordering::Relaxed);
        drop(state);
        self.ended.notify_all();
    }

    fn next(&self) -> Next {
        let idle_since = Instant::now();
        let mut state = self.state();
        loop {
            let now = Instant::now();
            if let Some(job) = state.take_job() {
                state.idle -= 1;
                return Next::CarryOut(job);
            }
            if state.closed {
                return state.end();
            }
            if state.wake_at.take_if(|at| *at <= now).is_some() {
                state.idle -= 1;
                return Next::Wake;
            }
            if now - idle_since >= IDLE && state.idle > state.needed() {
                return state.end();
            }
            let wait = state.wake_at.map_or(IDLE, |at| at.saturating_duration_since(now).min(IDLE));
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many threads must be free to take on what there is. What the store is told beyond a number waits for its turn.
    fn needed(&self) -> usize {
        let telling = self.jobs.iter().filter(|job| job.outlives_the_client()).count();
        let waiting = telling.saturating_sub(TELLING_AT_ONCE.saturating_sub(self.telling));
        self.jobs.len() - waiting + usize::from(self.wake_at.is_some())
    }

    fn take_job(&mut self) -> Option<Job> {
        let may_tell = self.telling < TELLING_AT_ONCE;
        let first = self.jobs.iter().position(|job| may_tell || !job.outlives_the_client())?;
        let job = self.jobs.remove(first)?;
        self.telling += usize::from(job.outlives_the_client());
        Some(job)
    }

    /// In the same step in which a thread decides to end: what is taken on after that must not count on it.
    fn end(&mut self) -> Next {
        self.idle -= 1;
        self.threads -= 1;
        Next::End
    }
}

/// One thread. Counts as idle from when it is started until it has something to do.
struct Worker {
    shared: Arc<Shared>,
    busy: bool,
    /// Of what it is busy with.
    telling: bool,
}

impl Worker {
    fn start(shared: &Arc<Shared>) -> io::Result<()> {
        let shared = Arc::clone(shared);
        thread::Builder::new()
            .name("tm".to_owned())
            .spawn(move || Self { shared, busy: false, telling: false }.work())
            .map(drop)
    }

    fn work(mut self) {
        loop {
            let next = self.shared.workers.next();
            self.busy = !matches!(next, Next::End);
            self.telling = matches!(&next, Next::CarryOut(job) if job.outlives_the_client());
            match next {
                Next::CarryOut(job) => self.shared.carry_out_job(job),
                Next::Wake => self.shared.wake(),
                Next::End => return,
            }
            let mut state = self.shared.workers.state();
            state.idle += 1;
            state.telling -= usize::from(self.telling);
            drop(state);
            self.busy = false;
        }
    }
}

/// If it ends by a panic, the books are right too.
impl Drop for Worker {
    fn drop(&mut self) {
        if self.busy {
            let mut state = self.shared.workers.state();
            state.threads -= 1;
            state.telling -= usize::from(self.telling);
        }
        self.shared.workers.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use tm_core::{
        AppName, AppVersion, Application, Credentials, Gateway, TenantId,
        broker::{Effect, Leased, Outcome, Settings, StoreAnswer, StoreRequest},
    };
    use tm_driver::Engine;

    use super::*;
    use crate::shared::Caller;

    /// A call of an engine that has a store, and what the store is to be told once it is answered.
    fn a_call_and_a_save() -> (Job, Job) {
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: TenantId::new("host").unwrap(),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1").unwrap(),
        };
        let credentials = Credentials::new("client", "hush").unwrap();
        let engine: Engine<Caller> =
            Engine::new(application, credentials, Settings::default(), Some(false), 1);
        let load = engine.prefetch([&TenantId::new("acme").unwrap()]).jobs.pop().unwrap();
        let nothing = Outcome::Stored(StoreAnswer::Loaded(vec![None]));
        let lease = engine.done(load.id, nothing).jobs.pop().unwrap();
        let granted = Outcome::Stored(StoreAnswer::Leased(vec![Leased::Granted]));
        let call = engine.done(lease.id, granted).jobs.pop().unwrap();
        let Effect::Call(asked) = &call.effect else { panic!("{call:?}") };
        let token = r#"{"access_token":"abc","token_type":"bearer","expires_in":1799}"#;
        let outcome = asked.outcome(Ok(http::Response::new(token.into())));
        let save = engine.done(call.id, outcome).jobs.pop().unwrap();
        (call, save)
    }

    #[test]
    fn what_the_store_has_to_know_waits_for_a_thread_even_while_the_client_closes() {
        let (workers, (call, save)) = (Workers::default(), a_call_and_a_save());
        workers.state().jobs.extend([call, save]);
        workers.close();
        let left = std::mem::take(&mut workers.state().jobs);
        let is_save = |job: &Job| matches!(job.effect, Effect::Store(StoreRequest::Save(_)));
        assert!(left.len() == 1 && is_save(&left[0]), "{left:?}");
    }

    #[test]
    fn what_the_store_has_to_know_takes_turns_and_holds_up_no_call() {
        let mut state = State::default();
        for _ in 0..TELLING_AT_ONCE + 4 {
            state.jobs.push_back(a_call_and_a_save().1);
        }
        assert_eq!(state.needed(), TELLING_AT_ONCE);
        assert!((0..TELLING_AT_ONCE).all(|_| state.take_job().is_some()));
        assert!(state.needed() == 0 && state.take_job().is_none());
        state.jobs.push_back(a_call_and_a_save().0);
        assert_eq!(state.needed(), 1);
        assert!(matches!(state.take_job().unwrap().effect, Effect::Call(_)));
        state.telling -= 1;
        assert!(state.needed() == 1 && state.take_job().is_some());
    }

    #[test]
    fn nobody_counts_on_a_thread_that_is_about_to_end() {
        let workers = Workers::default();
        *workers.state() = State { threads: 1, idle: 1, closed: true, ..State::default() };
        assert!(matches!(workers.next(), Next::End));
        let state = workers.state();
        assert_eq!((state.threads, state.idle), (0, 0), "before it has ended");
    }
}
