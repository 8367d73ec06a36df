//! Connections of async callers: one to each server, shared by all that run on the same runtime.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ::redis::{AsyncConnectionConfig, RedisError, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    runtime::{Handle, Id},
    sync::Mutex as AsyncMutex,
};

use super::{exchange::Batch, failure, options::Plan, routes::Server};
use crate::StoreError;

/// The lines of each runtime. A line is served by a task of the runtime in which it was made: it dies with it, and stands still
/// while nobody drives it, so no other runtime may use it.
#[derive(Default)]
pub(super) struct Lines {
    runtimes: Mutex<Vec<(Id, HashMap<Server, Line>)>>,
    made: AtomicU64,
}

/// The connection to one server. The lock is held only while one is made: so one is made and all others wait for it.
type Line = Arc<AsyncMutex<Option<Wire>>>;

#[derive(Clone)]
struct Wire {
    number: u64,
    connection: MultiplexedConnection,
    /// Since when something was sent and nothing has come back. Callers go away before any time-out, so this alone tells a
    /// connection that hangs.
    silent_since: Arc<Mutex<Option<Instant>>>,
}

/// Lines of more runtimes are dropped, those first that were not used for longest; of a runtime that has ended nobody tells us.
const MOST_RUNTIMES: usize = 64;

impl Lines {
    /// Sends a batch and waits for the answers. Dropping the future harms nobody: the answers are read all the same, and
    /// belong to the batch.
    ///
    /// A line that was there already may be broken: Redis has been restarted, or tidies up. Then a fresh one gets one try. All
    /// calls can be repeated.
    pub(super) async fn ask(&self, plan: &Plan, batch: &Batch) -> Result<Vec<Value>, StoreError> {
        let line = self.line(&batch.server);
        let (mut wire, is_fresh) = self.wire(plan, batch, &line).await?;
        let mut values = wire.ask(batch).await;
        if values.as_ref().is_err_and(|error| !is_fresh && !error.is_timeout()) {
            drop_if(&line, wire.number).await;
            (wire, _) = self.wire(plan, batch, &line).await?;
            values = wire.ask(batch).await;
        }
        if values.is_err() {
            drop_if(&line, wire.number).await;
        }
        values.map_err(|error| failure::of(&error))
    }

    /// Drops the lines to servers that are of no use any more.
    pub(super) fn keep(&self, is_of_use: impl Fn(&Server) -> bool) {
        for (_, lines) in self.runtimes().iter_mut() {
            lines.retain(|server, _| is_of_use(server));
        }
    }

    fn line(&self, server: &Server) -> Line {
        let id = Handle::current().id();
        let mut runtimes = self.runtimes();
        let place = runtimes.iter().position(|(of, _)| *of == id);
        let (_, mut lines) = place.map_or_else(|| (id, HashMap::new()), |place| runtimes.remove(place));
        let line = Arc::clone(lines.entry(server.clone()).or_default());
        if runtimes.len() == MOST_RUNTIMES {
            runtimes.remove(0);
        }
        runtimes.push((id, lines));
        line
    }

    fn runtimes(&self) -> MutexGuard<'_, Vec<(Id, HashMap<Server, Line>)>> {
        self.runtimes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection of a line, made if need be, and whether it was made now. It is made in a task of its own: if it went with
    /// its caller, callers who wait for less than it takes would never have one.
    async fn wire(&self, plan: &Plan, batch: &Batch, line: &Line) -> Result<(Wire, bool), StoreError> {
        let mut line = Arc::clone(line).lock_owned().await;
        line.take_if(|wire| wire.is_silent_for(plan.response_timeout));
        if let Some(wire) = &*line {
            return Ok((wire.clone(), false));
        }
        let client = plan.way.client(&batch.server)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(plan.connect_timeout))
            .set_response_timeout(Some(plan.response_timeout));
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let made = tokio::spawn(async move {
            let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            let wire = Wire { number, connection, silent_since: Arc::default() };
            *line = Some(wire.clone());
            Ok(wire)
        });
        let wire = made.await.map_err(|_| StoreError::new("the tokio runtime ends"))?;
        wire.map(|wire| (wire, true)).map_err(|error: RedisError| failure::of(&error))
    }
}

impl Wire {
    async fn ask(&self, batch: &Batch) -> RedisResult<Vec<Value>> {
        self.silent_since().get_or_insert_with(Instant::now);
        let values =
            self.connection.clone().send_packed_commands(&batch.pipeline, 0, batch.pipeline.len()).await;
        if values.is_ok() {
            *self.silent_since() = None;
        }
        values
    }

    fn is_silent_for(&self, time: Duration) -> bool {
        self.silent_since().is_some_and(|since| since.elapsed() > time)
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Unless somebody has replaced it already.
async fn drop_if(line: &Line, number: u64) {
    line.lock().await.take_if(|wire| wire.number == number);
}
