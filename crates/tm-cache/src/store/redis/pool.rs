//! Connections of blocking callers: each call has its own while it is under way, and leaves it for the next.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ::redis::{Connection, RedisResult, Value};

use super::{exchange::Batch, failure, options::Plan, routes::Server};
use crate::StoreError;

/// The connections that are not in use. Only those are here whose last answer came whole.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Server, Vec<Connection>>>,
}

/// Most idle connections to one server; what is over is closed.
const MOST_IDLE: usize = 8;

/// A batch under way.
struct Sent {
    connection: Connection,
    was_idle: bool,
    until: Instant,
}

impl Pool {
    /// Sends all batches, then waits for the answers: so it takes as long as the slowest server. If one fails, the others'
    /// connections go with their unread answers.
    pub(super) fn ask(&self, plan: &Plan, batches: &[Batch]) -> Result<Vec<Vec<Value>>, StoreError> {
        let sent: Vec<_> = batches.iter().map(|batch| self.send(plan, batch)).collect::<Result<_, _>>()?;
        batches.iter().zip(sent).map(|(batch, sent)| self.receive(plan, batch, sent)).collect()
    }

    fn send(&self, plan: &Plan, batch: &Batch) -> Result<Sent, StoreError> {
        if let Some(connection) = self.take(&batch.server) {
            match write(connection, true, plan, batch) {
                Ok(sent) => return Ok(sent),
                Err(_) => self.forget(&batch.server),
            }
        }
        send_afresh(plan, batch)
    }

    /// A connection that has been idle may be closed at the other end: Redis has been restarted, or tidies up. Then all are,
    /// and a fresh one gets one try. All calls can be repeated.
    fn receive(&self, plan: &Plan, batch: &Batch, mut sent: Sent) -> Result<Vec<Value>, StoreError> {
        let mut values = read(&mut sent, batch);
        if let Err(error) = &values {
            self.forget(&batch.server);
            if sent.was_idle && !error.is_timeout() {
                sent = send_afresh(plan, batch)?;
                values = read(&mut sent, batch);
            }
        }
        let values = values.map_err(|error| failure::of(&error))?;
        self.put_back(&batch.server, sent.connection);
        Ok(values)
    }

    /// Closes the connections to servers that are of no use any more.
    pub(super) fn keep(&self, is_of_use: impl Fn(&Server) -> bool) {
        let closed: Vec<_> = self.idle().extract_if(|server, _| !is_of_use(server)).collect();
        drop(closed); // after the lock
    }

    fn take(&self, server: &Server) -> Option<Connection> {
        self.idle().get_mut(server)?.pop()
    }

    fn put_back(&self, server: &Server, connection: Connection) {
        let mut idle = self.idle();
        let idle = idle.entry(server.clone()).or_default();
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
    }

    fn forget(&self, server: &Server) {
        let closed = self.idle().remove(server);
        drop(closed); // after the lock
    }

    /// A panic while the lock was held leaves at worst a connection too few.
    fn idle(&self) -> MutexGuard<'_, HashMap<Server, Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send_afresh(plan: &Plan, batch: &Batch) -> Result<Sent, StoreError> {
    let client = plan.way.client(&batch.server)?;
    let connection = client.get_connection_with_timeout(plan.connect_timeout);
    connection
        .and_then(|connection| write(connection, false, plan, batch))
        .map_err(|error| failure::of(&error))
}

fn write(mut connection: Connection, was_idle: bool, plan: &Plan, batch: &Batch) -> RedisResult<Sent> {
    let until = Instant::now() + plan.response_timeout;
    connection.set_write_timeout(Some(plan.response_timeout))?;
    connection.set_read_timeout(Some(plan.response_timeout))?; // a TLS handshake may still be to come
    connection.send_packed_command(&batch.pipeline.get_packed_pipeline())?;
    Ok(Sent { connection, was_idle, until })
}

/// Stops at the first answer that does not come. The library would wait for each of the others as long.
fn read(sent: &mut Sent, batch: &Batch) -> RedisResult<Vec<Value>> {
    let mut values = Vec::with_capacity(batch.pipeline.len());
    for _ in 0..batch.pipeline.len() {
        // A time-out of zero would be none.
        let left = sent.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        sent.connection.set_read_timeout(Some(left))?;
        values.push(sent.connection.recv_response()?);
    }
    Ok(values)
}
