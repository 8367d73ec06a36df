//! What all clones of a client share. Threads drive, callers wait.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tm_cache::Store;
use tm_core::{
    Error, ErrorKind, Token, TransportError, TransportFault,
    broker::{Effect, EffectId, Outcome},
    wire::MAX_TOKEN_ANSWER,
};
use tm_driver::{Engine, Event, Inbox, Job, Keeper, Limits, Todo, Wake};

use crate::{Transport, workers::Workers};

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
    pub(crate) keeper: Option<Keeper<dyn Store>>,
    pub(crate) workers: Workers,
    pub(crate) list_error: Mutex<Option<Error>>,
}

impl Shared {
    /// Hands what there is to do to the threads.
    ///
    /// # Errors
    /// There is no thread, and none can be started. The effects are answered as failed, and so is what follows from that; what is
    /// to be done later waits for the next caller.
    pub(crate) fn carry_out(self: &Arc<Self>, todo: Todo) -> Result<(), Error> {
        let Err((error, mut undone)) = self.workers.take_on(self, todo.jobs, todo.wake_in) else {
            return Ok(());
        };
        while let Some(job) = undone.pop_front() {
            let failed = TransportError::new(TransportFault::NotSent).because(io::Error::from(error.kind()));
            undone.extend(self.engine.done(job.id, Outcome::Failed(failed)).jobs);
        }
        Err(Error::new(ErrorKind::Transport, "the client's thread cannot be started").because(error))
    }

    /// As [`Shared::carry_out`], where nobody can be told of a failure. The next caller will be.
    pub(crate) fn try_to_carry_out(self: &Arc<Self>, todo: Todo) {
        let _ = self.carry_out(todo);
    }

    pub(crate) fn list_error(&self) -> Option<Error> {
        self.list_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_list_error(&self, error: Option<Error>) {
        *self.list_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// A step for the sake of time.
    pub(crate) fn wake(self: &Arc<Self>) {
        self.try_to_carry_out(self.engine.wake());
    }

    /// Carries out an effect on this thread.
    pub(crate) fn carry_out_job(self: &Arc<Self>, job: Job) {
        let mut carried = Carried { shared: self, id: job.id, outcome: Some(Outcome::Lost) };
        carried.outcome = Some(match job.effect {
            Effect::Call(call) => {
                let limits = Limits { time: call.time(), body: MAX_TOKEN_ANSWER };
                call.outcome(self.transport.send(call.request(), limits))
            }
            Effect::Store(request) => self
                .keeper
                .as_ref()
                .map_or(Outcome::StoreFailed, |keeper| keeper.carry_out(&request, job.within)),
        });
    }

    /// Answers all callers and ends all threads, without waiting for them. They tell the store first what it has to know.
    pub(crate) fn close(self: &Arc<Self>) {
        let todo = self.engine.close();
        self.workers.close();
        self.try_to_carry_out(todo);
    }
}

/// An effect under way. If its thread panics, it is answered as lost.
struct Carried<'a> {
    shared: &'a Arc<Shared>,
    id: EffectId,
    outcome: Option<Outcome>,
}

impl Drop for Carried<'_> {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            self.shared.try_to_carry_out(self.shared.engine.done(self.id, outcome));
        }
    }
}

/// What a caller gets whose client was closed under it.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the client is closed")
}
