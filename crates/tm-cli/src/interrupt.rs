//! Ctrl-C and SIGTERM: the end between two lines, with the terminal left clean.

use std::{
    io, process,
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};

use crate::{output, progress};

/// What has to be done before such an end.
static LAST: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());

/// How long a line that is being written may take to end.
const LAST_LINE: Duration = Duration::from_millis(200);

/// From now on, Ctrl-C ends the program with 130 and SIGTERM with 143, each after the line that is being written.
///
/// If the system gives no thread for it, both end the program as they do with any program.
pub(crate) fn end_between_lines() {
    let (starting, started) = mpsc::channel::<()>();
    // Once a handler is in its place the system ends nothing by itself any more, so the thread is there first.
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let signals = Signals::new();
        drop(starting);
        let Ok(signals) = signals else { return };
        let status = signals.wait();
        progress::clear();
        output::end(LAST_LINE);
        let last = std::mem::take(&mut *LAST.lock().unwrap_or_else(PoisonError::into_inner));
        last.into_iter().rev().for_each(|last| last());
        process::exit(status);
    });
    // Nothing is sent: it ends with the other side.
    let _ = started.recv();
}

/// Has this done before such an end, and what was named later before it, as with drops. No row tells of it: nothing is written
/// meanwhile.
pub(crate) fn before_the_end(last: impl FnOnce() + Send + 'static) {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(last));
}

/// Listens to both signals from when it is made.
pub(crate) struct Signals {
    runtime: Runtime,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// # Errors
    /// The system gives no event loop or handler.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let inside = runtime.enter();
            let terminate = signal(SignalKind::terminate())?;
            let interrupt = signal(SignalKind::interrupt())?;
            drop(inside);
            Ok(Self { runtime, terminate, interrupt })
        }
        #[cfg(not(unix))]
        Ok(Self { runtime })
    }

    /// Waits for one of them; tells the status that a shell would see.
    #[cfg(unix)]
    pub(crate) fn wait(mut self) -> i32 {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => 130,
                _ = self.terminate.recv() => 143,
            }
        })
    }

    /// Waits for Ctrl-C.
    #[cfg(not(unix))]
    pub(crate) fn wait(self) -> i32 {
        let _ = self.runtime.block_on(tokio::signal::ctrl_c());
        130
    }
}
