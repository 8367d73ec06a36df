//! The books of one caller: what it was answered at once, and what it waits for.

use std::collections::VecDeque;

use tm_core::{
    Error,
    broker::{NumberedMap, Ticket},
};

use crate::{Asked, Event, Todo};

/// The demands of one caller, each under the position that the caller gave it.
#[derive(Debug, Default)]
pub struct Demands {
    answered: VecDeque<Event>,
    waiting: NumberedMap<usize, Ticket>,
}

impl Demands {
    /// Takes note of what was asked. Answers what is to be done now.
    pub fn asked(&mut self, asked: Asked) -> Todo {
        let answered = asked.answered.into_iter().map(|(position, result)| Event::Settled(position, result));
        self.answered.extend(answered);
        self.waiting.extend(asked.waiting);
        asked.todo
    }

    /// What was answered at once, and is not told yet.
    pub fn next_answered(&mut self) -> Option<Event> {
        self.answered.pop_front()
    }

    /// An event has come for this caller.
    pub fn came(&mut self, event: &Event) {
        if let Event::Settled(position, _) = event {
            self.waiting.remove(position);
        }
    }

    /// Nobody will do the work: all that waits is answered with the reason. Answers what is to be forgotten.
    pub fn give_up(&mut self, error: &Error) -> Vec<Ticket> {
        let waiting = std::mem::take(&mut self.waiting);
        self.answered.extend(waiting.keys().map(|position| Event::Settled(*position, Err(error.clone()))));
        waiting.into_values().collect()
    }

    /// The caller goes. Answers what is to be forgotten.
    pub fn leave(&mut self) -> Vec<Ticket> {
        self.waiting.drain().map(|(_, ticket)| ticket).collect()
    }
}
