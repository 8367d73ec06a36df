//! Connections of async callers: one to each server, shared by all that run on the same runtime.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ::redis::{AsyncConnectionConfig, RedisResult, Value, aio::MultiplexedConnection};
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

/// The connection to one server, with its number. The lock is held only while one is made: so one caller makes it and the others
/// wait for it.
type Line = Arc<AsyncMutex<Option<(u64, MultiplexedConnection)>>>;

/// Lines of more runtimes are dropped, the oldest first; of a runtime that has ended nobody tells us.
const MOST_RUNTIMES: usize = 4;

impl Lines {
    /// Sends a batch and waits for the answers. Dropping the future harms nobody: the answers are read all the same, and
    /// belong to the batch.
    ///
    /// A line that was there already may be broken: Redis has been restarted, or tidies up. Then a fresh one gets one try. All
    /// calls can be repeated.
    pub(super) async fn ask(&self, plan: &Plan, batch: &Batch) -> Result<Vec<Value>, StoreError> {
        let line = self.line(&batch.server);
        let (mut number, connection, is_fresh) = self.connection(plan, batch, &line).await?;
        let mut values = send(connection, batch).await;
        if values.as_ref().is_err_and(|error| !is_fresh && !error.is_timeout()) {
            drop_if(&line, number).await;
            let (next, connection, _) = self.connection(plan, batch, &line).await?;
            number = next;
            values = send(connection, batch).await;
        }
        if values.is_err() {
            drop_if(&line, number).await;
        }
        values.map_err(|error| failure::of(&error))
    }

    fn line(&self, server: &Server) -> Line {
        let id = Handle::current().id();
        let mut runtimes = self.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        let place = runtimes.iter().position(|(of, _)| *of == id).unwrap_or_else(|| {
            if runtimes.len() == MOST_RUNTIMES {
                runtimes.remove(0);
            }
            runtimes.push((id, HashMap::new()));
            runtimes.len() - 1
        });
        Arc::clone(runtimes[place].1.entry(server.clone()).or_default())
    }

    /// The connection of a line, made if need be; its number, and whether it was made now.
    async fn connection(
        &self,
        plan: &Plan,
        batch: &Batch,
        line: &Line,
    ) -> Result<(u64, MultiplexedConnection, bool), StoreError> {
        let mut line = line.lock().await;
        if let Some((number, connection)) = &*line {
            return Ok((*number, connection.clone(), false));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(plan.connect_timeout))
            .set_response_timeout(Some(plan.response_timeout));
        let client = plan.way.client(&batch.server)?;
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        let connection = connection.map_err(|error| failure::of(&error))?;
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        *line = Some((number, connection.clone()));
        Ok((number, connection, true))
    }
}

async fn send(mut connection: MultiplexedConnection, batch: &Batch) -> RedisResult<Vec<Value>> {
    connection.send_packed_commands(&batch.pipeline, 0, batch.pipeline.len()).await
}

/// Unless somebody has replaced it already.
async fn drop_if(line: &Line, number: u64) {
    line.lock().await.take_if(|(current, _)| *current == number);
}
