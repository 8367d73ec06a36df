//! Where one caller waits for events. It is woken once for all that one step of the client has for it, and not for each: to change
//! threads costs more than an event.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use tm_driver::Event;

/// For one who takes and many who put.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    /// Somebody waits, and was not woken yet.
    waits: bool,
}

impl Inbox {
    /// To be followed by [`Inbox::wake`], sooner or later.
    pub(crate) fn put(&self, event: Event) {
        self.state().events.push_back(event);
    }

    /// Wakes whoever waits for what was put.
    pub(crate) fn wake(&self) {
        if std::mem::take(&mut self.state().waits) {
            self.filled.notify_one();
        }
    }

    /// The next event, in the order in which they were put. Waits for one.
    pub(crate) fn take(&self) -> Event {
        let mut state = self.state();
        loop {
            if let Some(event) = state.events.pop_front() {
                return event;
            }
            state.waits = true;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use tm_core::{Error, ErrorKind};

    use super::*;

    fn event(position: usize) -> Event {
        Event::Settled(position, Err(Error::new(ErrorKind::Closed, "closed")))
    }

    fn position(event: &Event) -> usize {
        let Event::Settled(position, _) = event else { panic!("{event:?}") };
        *position
    }

    #[test]
    fn events_come_in_their_order_whether_somebody_waits_or_not() {
        let inbox = Inbox::default();
        let (taken, seen) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| (0..4).for_each(|_| taken.send(position(&inbox.take())).unwrap()));
            while !inbox.state().waits {
                thread::yield_now();
            }
            (0..3).for_each(|number| inbox.put(event(number)));
            inbox.wake();
            assert_eq!([(); 3].map(|()| seen.recv().unwrap()), [0, 1, 2]);
            inbox.put(event(3));
            inbox.wake();
            assert_eq!(seen.recv().unwrap(), 3);
        });
    }

    #[test]
    fn nobody_is_woken_twice_for_what_it_takes_at_once() {
        let inbox = Inbox::default();
        inbox.state().waits = true;
        (0..3).for_each(|number| inbox.put(event(number)));
        assert!(inbox.state().waits, "what is put wakes nobody");
        inbox.wake();
        assert!(!inbox.state().waits);
        assert_eq!([(); 3].map(|()| position(&inbox.take())), [0, 1, 2]);
    }
}
