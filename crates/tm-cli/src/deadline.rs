//! The time of a run, if it has a limit: whatever may hang does so on a thread of its own, and is not waited for beyond the end.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};

use tm_core::{Error, ErrorKind};

/// What lies ready for a slow consumer. More than this is not worked ahead.
const READY: usize = 64;

/// When the run is over, if ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    pub(crate) fn after(timeout: Option<Duration>) -> Self {
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// The result of `work`, or an error if it comes too late or not at all. Where nothing can be too late it needs no thread.
    pub(crate) fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        if self.0.is_none() {
            return catch_unwind(AssertUnwindSafe(work)).map_err(|_| lost());
        }
        let work = |outlet: &Outlet<T>| {
            outlet.send(work());
        };
        self.feed([work]).next().unwrap_or_else(|| Err(lost()))
    }

    /// What several workers send, until all of them have ended.
    pub(crate) fn feed<T: Send + 'static, W: FnOnce(&Outlet<T>) + Send + 'static>(
        self,
        workers: impl IntoIterator<Item = W>,
    ) -> Feed<T> {
        let (sender, inbox) = mpsc::sync_channel(READY);
        let mut running = 0;
        for work in workers {
            let outlet = Outlet(sender.clone());
            running += 1;
            // If there is no thread, the outlet goes, and the feed tells that a worker was lost.
            let _ = thread::Builder::new().name("work".to_owned()).spawn(move || {
                work(&outlet);
                let _ = outlet.0.send(Sent::End);
            });
        }
        Feed { inbox, deadline: self, running, late: 0 }
    }

    /// How long the run may still take, if there is a limit.
    pub(crate) fn left(self) -> Option<Duration> {
        self.0.map(|end| end.saturating_duration_since(Instant::now()))
    }
}

enum Sent<T> {
    Item(T),
    End,
}

/// Where a worker puts what it has.
pub(crate) struct Outlet<T>(SyncSender<Sent<T>>);

impl<T> Outlet<T> {
    /// Whether anybody still wants it.
    pub(crate) fn send(&self, item: T) -> bool {
        self.0.send(Sent::Item(item)).is_ok()
    }
}

/// What the workers send, as it comes. An error is the last item.
pub(crate) struct Feed<T> {
    inbox: Receiver<Sent<T>>,
    deadline: Deadline,
    running: usize,
    /// Taken after the deadline. What lay ready then still counts, what comes later does not.
    late: usize,
}

impl<T> Iterator for Feed<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.running > 0 {
            let sent = match self.deadline.left() {
                None => self.inbox.recv().map_err(RecvTimeoutError::from),
                Some(left) => {
                    self.late += usize::from(left.is_zero());
                    if self.late > READY {
                        Err(RecvTimeoutError::Timeout)
                    } else {
                        self.inbox.recv_timeout(left)
                    }
                }
            };
            match sent {
                Ok(Sent::Item(item)) => return Some(Ok(item)),
                Ok(Sent::End) => self.running -= 1,
                Err(broken) => {
                    self.running = 0;
                    return Some(Err(match broken {
                        RecvTimeoutError::Timeout => time_is_over(),
                        RecvTimeoutError::Disconnected => lost(),
                    }));
                }
            }
        }
        None
    }
}

/// What is missing when the run is over.
pub(crate) fn time_is_over() -> Error {
    Error::new(ErrorKind::Deadline, "the time of the run (--timeout) is over")
}

fn lost() -> Error {
    Error::new(ErrorKind::Closed, "a thread of the program could not be started, or panicked")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> Deadline {
        Deadline::after(None)
    }

    #[test]
    fn work_that_hangs_is_left_behind() {
        let (let_go, hang) = mpsc::channel::<()>();
        let deadline = Deadline::after(Some(Duration::from_millis(1)));
        let error = deadline.run(move || hang.recv()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline);
        drop(let_go);
    }

    #[test]
    fn without_a_limit_nothing_is_left_behind_and_a_panic_is_told() {
        let here = thread::current().id();
        assert_eq!(never().run(move || thread::current().id() == here).ok(), Some(true));
        let panicked = never().run::<()>(|| std::panic::resume_unwind(Box::new("without a word on stderr")));
        assert_eq!(panicked.unwrap_err().kind(), ErrorKind::Closed);
    }

    #[test]
    fn all_workers_are_heard_before_the_end() {
        let works = (0..5).map(|number| {
            move |outlet: &Outlet<i32>| {
                outlet.send(number);
            }
        });
        let mut heard: Vec<_> = never().feed(works).map(Result::unwrap).collect();
        heard.sort_unstable();
        assert_eq!(heard, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_worker_that_panics_is_told() {
        let works = [|outlet: &Outlet<i32>| {
            outlet.send(1);
            std::panic::resume_unwind(Box::new("without a word on stderr"));
        }];
        let heard: Vec<_> = never().feed(works).map(|item| item.map_err(|error| error.kind())).collect();
        assert_eq!(heard, [Ok(1), Err(ErrorKind::Closed)]);
    }

    #[test]
    fn a_feed_that_never_dries_up_ends_with_the_time() {
        let works = [|outlet: &Outlet<i32>| while outlet.send(1) {}];
        let last = Deadline::after(Some(Duration::from_millis(5))).feed(works).last().unwrap();
        assert_eq!(last.unwrap_err().kind(), ErrorKind::Deadline);
    }
}
