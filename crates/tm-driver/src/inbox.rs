//! Where one caller waits for events. It is woken once for all that one step of the client has for it, and not for each: to change
//! tasks or threads costs more than an event.

#[cfg(not(all(test, tm_loom)))]
use std::sync::{Mutex, MutexGuard};
use std::{
    collections::VecDeque,
    sync::PoisonError,
    task::{Context, Poll, Waker},
};

#[cfg(all(test, tm_loom))]
use loom::sync::{Mutex, MutexGuard};

use crate::Event;

/// For one who takes and many who put.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    /// Of somebody who waits, and was not woken yet.
    waiting: Option<Waker>,
}

impl Inbox {
    /// To be followed by [`Inbox::wake`], sooner or later, unless it is the one who takes that puts.
    pub fn put(&self, event: Event) {
        self.state().events.push_back(event);
    }

    /// Wakes whoever waits for what was put.
    pub fn wake(&self) {
        let waiting = self.state().waiting.take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// The next event, in the order in which they were put, if there is one.
    pub fn take(&self) -> Option<Event> {
        self.state().events.pop_front()
    }

    /// The same for one who waits for it. Of several the last one who asked is woken.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Event> {
        if let Some(event) = self.take() {
            return Poll::Ready(event);
        }
        // Wakers are code of users, and not touched under the lock. So something may come in between.
        let waker = context.waker().clone();
        let mut state = self.state();
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(event);
        }
        let before = state.waiting.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[cfg(not(tm_loom))]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use tm_core::{Error, ErrorKind};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn event(position: usize) -> Event {
        Event::Settled(position, Err(Error::new(ErrorKind::Closed, "closed")))
    }

    fn position(event: Poll<Event>) -> Option<usize> {
        match event {
            Poll::Ready(Event::Settled(position, _)) => Some(position),
            Poll::Ready(other) => panic!("{other:?}"),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_who_waits_is_woken_once_for_all_that_was_put_and_finds_it_in_order() {
        let (inbox, woken) = (Inbox::default(), Arc::<Woken>::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let times = || woken.0.load(Ordering::Relaxed);
        for round in 1..=2 {
            assert_eq!(position(inbox.poll(&mut context)), None);
            (0..3).for_each(|number| inbox.put(event(number)));
            assert_eq!(times(), round - 1, "what is put wakes nobody");
            inbox.wake();
            inbox.wake();
            assert_eq!(times(), round);
            assert_eq!([(); 3].map(|()| position(inbox.poll(&mut context))), [0, 1, 2].map(Some));
        }
        inbox.put(event(3));
        inbox.wake();
        assert_eq!(times(), 2, "nobody waited");
    }

    #[test]
    fn the_last_one_to_wait_is_woken() {
        let (inbox, woken) = (Inbox::default(), [(); 2].map(|()| Arc::<Woken>::default()));
        for woken in &woken {
            let waker = Waker::from(Arc::clone(woken));
            assert_eq!(position(inbox.poll(&mut Context::from_waker(&waker))), None);
        }
        inbox.wake();
        assert_eq!(woken.map(|woken| woken.0.load(Ordering::Relaxed)), [0, 1]);
    }
}
