//! A caller that waits elsewhere: a task or a thread.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
};

use tm_async::{Error, TenantId, Token, Wish};
use tokio::{runtime::Runtime, task::AbortHandle};

use super::SOON;

/// Callers do nothing but wait, so a thousand of them are cheap.
const STACK: usize = 128 * 1024;

/// What it will have got.
pub(crate) struct Pending {
    answer: mpsc::Receiver<Result<Token, Error>>,
    task: Option<AbortHandle>,
}

impl Pending {
    pub(super) fn task(runtime: &Runtime, client: tm_async::Client, tenant: TenantId, wish: Wish) -> Self {
        let (sender, answer) = mpsc::channel();
        let task = runtime.spawn(async move {
            // Nobody listens if the story has ended.
            let _ = sender.send(client.token_with(&tenant, wish).await);
        });
        Self { answer, task: Some(task.abort_handle()) }
    }

    pub(super) fn thread(client: tm_blocking::Client, tenant: TenantId, wish: Wish) -> Self {
        let (sender, answer) = mpsc::channel();
        let caller = thread::Builder::new().stack_size(STACK).name("caller".to_owned());
        let caller = caller.spawn(move || {
            let _ = sender.send(client.token_with(&tenant, wish));
        });
        drop(caller.expect("a thread for the caller"));
        Self { answer, task: None }
    }

    /// The answer, which must come soon.
    #[track_caller]
    pub(crate) fn answer(self) -> Result<Token, Error> {
        match self.answer.recv_timeout(SOON) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => panic!("a caller waits in vain for {SOON:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("a caller ended without an answer"),
        }
    }

    /// Whether there is no answer yet.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.answer.try_recv(), Err(mpsc::TryRecvError::Empty))
    }

    /// Drops the caller's future. A thread cannot be made to walk away.
    pub(crate) fn walk_away(self) {
        self.task.expect("only a future can be dropped").abort();
    }
}
