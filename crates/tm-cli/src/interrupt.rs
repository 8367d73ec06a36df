//! Ctrl-C and SIGTERM: the end between two lines, with the terminal left clean.

use std::{io, process, sync::OnceLock, thread, time::Duration};

use tokio::runtime::{Builder, Runtime};

use crate::{client::Client, output, progress};

/// Who has something to give back in the end.
static CLIENT: OnceLock<Client> = OnceLock::new();

/// How long that may take: others wait for the leases that this process has.
const LAST_WORD: Duration = Duration::from_millis(500);

/// How long a line that is being written may take to end.
const LAST_LINE: Duration = Duration::from_millis(200);

/// From now on, Ctrl-C ends the program with 130 and SIGTERM with 143, each after the line that is being written.
///
/// If the system gives no thread for it, both end the program as they do with any program.
pub(crate) fn end_between_lines() {
    let Ok(signals) = Signals::new() else { return };
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let status = signals.wait();
        progress::clear();
        output::between_lines(LAST_LINE, || {
            // No row tells of it: nothing can be written meanwhile.
            if let Some(client) = CLIENT.get() {
                client.close(LAST_WORD);
            }
            process::exit(status);
        });
    });
}

/// This client is closed before such an end. There is one in a run.
pub(crate) fn closes(client: &Client) {
    let _ = CLIENT.set(client.clone());
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
