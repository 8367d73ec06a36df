//! A real transport with somebody beside it who counts, takes note, and can send it elsewhere.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, Uri, uri::Authority};
use tm_async::{Limits, TransportError, TransportFault};

/// What a transport was asked for, and what it told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    attempts: Vec<Attempt>,
    detour: Option<Authority>,
}

/// One request, and the fault of the transport, if it was one.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) began: Instant,
    pub(crate) path: String,
    pub(crate) told: Option<TransportFault>,
}

impl Seen {
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.lock().attempts.clone()
    }

    pub(crate) fn forget(&self) {
        self.lock().attempts.clear();
    }

    /// From now on requests go there, whatever they say.
    pub(crate) fn detour(&self, address: Option<std::net::SocketAddr>) {
        let authority = address.map(|address| address.to_string().parse().expect("an authority"));
        self.lock().detour = authority;
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the beginning. An attempt that nobody waits for to its end has taken too long.
    fn begins(&self, request: &mut Request<Bytes>) -> usize {
        let mut notes = self.lock();
        let told = Some(TransportFault::TimedOut);
        let path = request.uri().path().to_owned();
        notes.attempts.push(Attempt { began: Instant::now(), path, told });
        if let Some(detour) = &notes.detour {
            let mut parts = request.uri().clone().into_parts();
            parts.authority = Some(detour.clone());
            *request.uri_mut() = Uri::from_parts(parts).expect("a URI");
        }
        notes.attempts.len() - 1
    }

    fn ends(&self, attempt: usize, answer: &Result<Response<Bytes>, TransportError>) {
        if let Some(attempt) = self.lock().attempts.get_mut(attempt) {
            attempt.told = answer.as_ref().err().map(TransportError::fault);
        }
    }
}

pub(super) struct Watched<T> {
    transport: T,
    seen: Seen,
}

impl<T> Watched<T> {
    pub(super) fn new(transport: T, seen: &Seen) -> Self {
        Self { transport, seen: seen.clone() }
    }
}

#[async_trait]
impl<T: tm_async::Transport> tm_async::Transport for Watched<T> {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        limits: Limits,
    ) -> Result<Response<Bytes>, TransportError> {
        let attempt = self.seen.begins(&mut request);
        let answer = self.transport.send(request, limits).await;
        self.seen.ends(attempt, &answer);
        answer
    }
}

impl<T: tm_blocking::Transport> tm_blocking::Transport for Watched<T> {
    fn send(&self, mut request: Request<Bytes>, limits: Limits) -> Result<Response<Bytes>, TransportError> {
        let attempt = self.seen.begins(&mut request);
        let answer = self.transport.send(request, limits);
        self.seen.ends(attempt, &answer);
        answer
    }
}
