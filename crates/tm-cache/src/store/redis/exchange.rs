//! What goes over the wire for one request, and in how many rounds; who waits for it is not decided here.
//!
//! 1. A round has one batch for each server that is asked; all of them may be under way at once.
//! 2. What a server does not know (the text of the script), or what is elsewhere by now (a slot of a Cluster), goes out again
//!    in a next round. Nearly always there is none.

use std::mem;

use ::redis::{Cmd, Pipeline, ServerError, Value, cmd};

use super::{
    calls::Call,
    failure,
    replies::{Replies, Reply},
    routes::{Routes, Server},
};
use crate::StoreError;

/// After so many a Cluster does not know itself where its slots are. It may take four: the slot has moved, is on its way from
/// there, the text of the script is not known, the answer. The last round finds nothing more to send.
const MOST_ROUNDS: u8 = 5;

/// One request under way.
pub(super) struct Exchange<'a> {
    calls: &'a [Call],
    replies: Vec<Reply>,
    open: Vec<Open>,
    rounds: u8,
    moved: bool,
}

/// A call that is not answered yet.
struct Open {
    call: usize,
    server: Server,
    with_text: bool,
    asking: bool,
}

/// What goes to one server in one round.
pub(super) struct Batch {
    pub(super) server: Server,
    pub(super) pipeline: Pipeline,
    open: Vec<Open>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(calls: &'a [Call], routes: &Routes) -> Result<Self, StoreError> {
        let open = |(call, one): (usize, &Call)| {
            let server = routes.server_of(one.slot)?.clone();
            Ok(Open { call, server, with_text: false, asking: false })
        };
        let open = calls.iter().enumerate().map(open).collect::<Result<_, StoreError>>()?;
        Ok(Self { calls, replies: vec![Reply::default(); calls.len()], open, rounds: 0, moved: false })
    }

    /// What to send now; nothing when all is answered.
    pub(super) fn round(&mut self) -> Result<Vec<Batch>, StoreError> {
        self.rounds += 1;
        if self.rounds > MOST_ROUNDS {
            return Err(StoreError::new("the Redis Cluster sends its callers around in circles"));
        }
        let mut batches: Vec<Batch> = Vec::new();
        for open in mem::take(&mut self.open) {
            if !batches.iter().any(|batch| batch.server == open.server) {
                batches.push(Batch::new(open.server.clone()));
            }
            if let Some(batch) = batches.iter_mut().find(|batch| batch.server == open.server) {
                batch.push(open, self.calls);
            }
        }
        Ok(batches)
    }

    /// Takes what a server answered to a batch.
    pub(super) fn answer(&mut self, batch: Batch, values: Vec<Value>) -> Result<(), StoreError> {
        if values.len() != batch.pipeline.len() {
            return Err(StoreError::new("Redis did not answer all that it was asked"));
        }
        let mut values = values.into_iter();
        for open in batch.open {
            if open.asking {
                values.next(); // the answer to ASKING
            }
            let value = values.next().unwrap_or_default();
            let time = self.calls[open.call].asks_for_the_time().then(|| values.next()).flatten();
            match value {
                Value::ServerError(error) => self.open.push(open.again(&error, &mut self.moved)?),
                value => self.replies[open.call] = Reply { value, time: time.unwrap_or_default() },
            }
        }
        Ok(())
    }

    /// Whether slots were elsewhere than the routes say.
    pub(super) fn has_moved(&self) -> bool {
        self.moved
    }

    /// What came of it, once there is nothing more to send.
    pub(super) fn finish(self) -> Replies<'a> {
        Replies { calls: self.calls, replies: self.replies }
    }
}

impl Batch {
    /// A single command that is no call of a script.
    pub(super) fn of(server: Server, command: Cmd) -> Self {
        let mut batch = Self::new(server);
        batch.pipeline.add_command(command);
        batch
    }

    fn new(server: Server) -> Self {
        Self { server, pipeline: Pipeline::new(), open: Vec::new() }
    }

    fn push(&mut self, open: Open, calls: &[Call]) {
        if open.asking {
            self.pipeline.add_command(cmd("ASKING"));
        }
        let call = &calls[open.call];
        self.pipeline.add_command(call.command(open.with_text));
        if call.asks_for_the_time() {
            self.pipeline.add_command(cmd("TIME"));
        }
        self.open.push(open);
    }
}

impl Open {
    /// How to ask again after an error, if that is of use.
    fn again(mut self, error: &ServerError, moved: &mut bool) -> Result<Self, StoreError> {
        let elsewhere = || error.details().and_then(|details| self.server.redirect(details));
        match error.code() {
            "NOSCRIPT" => self.with_text = true,
            code @ ("MOVED" | "ASK") => {
                // An answer to ASK is for this once; one to MOVED is for good.
                *moved |= code == "MOVED";
                self.asking = code == "ASK";
                self.server = elsewhere().ok_or_else(|| failure::by_server(error))?;
            }
            _ => return Err(failure::by_server(error)),
        }
        Ok(self)
    }
}
