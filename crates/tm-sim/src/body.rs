//! Answer bodies, and the ways in which they arrive: whole, cut off, drop by drop, or without end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::service::Flight;

/// The connection is closed without a (further) byte of answer.
#[derive(Debug)]
pub(crate) struct Hangup;

impl fmt::Display for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed on purpose")
    }
}

impl std::error::Error for Hangup {}

/// How a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    /// The whole length is announced, the connection closed after this many bytes.
    Cut {
        after: usize,
    },
    Drip {
        bytes: usize,
        tick: Duration,
    },
    /// The body again and again, in chunks.
    Endless,
}

pub(crate) enum SimBody {
    Whole(Option<Bytes>),
    Cut(Cut),
    Drip(Drip),
    Endless(Endless),
}

/// What is left to send, and the length that was announced.
pub(crate) struct Cut {
    announced: u64,
    part: Option<Bytes>,
    flushed: bool,
}

pub(crate) struct Drip {
    rest: Bytes,
    bytes: usize,
    tick: Duration,
    next: Pin<Box<Sleep>>,
    flight: Option<Flight>,
}

pub(crate) struct Endless {
    chunk: Bytes,
    _flight: Flight,
}

impl SimBody {
    /// A call whose answer takes its time is in flight until its last byte.
    pub(crate) fn new(body: Bytes, delivery: Delivery, flight: Flight) -> Self {
        match delivery {
            Delivery::Whole => Self::Whole(Some(body)),
            Delivery::Cut { after } => Self::Cut(Cut {
                announced: u64::try_from(body.len()).unwrap_or(u64::MAX),
                // Never the whole: a cut must be one.
                part: Some(body.slice(..after.min(body.len().saturating_sub(1)))),
                flushed: false,
            }),
            Delivery::Drip { bytes, tick } => Self::Drip(Drip {
                rest: body,
                bytes: bytes.max(1),
                tick,
                next: Box::pin(sleep(tick)),
                flight: Some(flight),
            }),
            Delivery::Endless => Self::Endless(Endless { chunk: body, _flight: flight }),
        }
    }
}

impl Body for SimBody {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        match self.get_mut() {
            Self::Whole(body) => {
                let body = body.take().filter(|body| !body.is_empty());
                Poll::Ready(body.map(|body| Ok(Frame::data(body))))
            }
            Self::Cut(cut) => cut.poll(context).map(Some),
            Self::Drip(drip) => drip.poll(context).map(|data| data.map(|data| Ok(Frame::data(data)))),
            Self::Endless(endless) => Poll::Ready(Some(Ok(Frame::data(endless.chunk.clone())))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.as_ref().is_none_or(Bytes::is_empty),
            Self::Drip(drip) => drip.rest.is_empty(),
            Self::Cut(_) | Self::Endless(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let bytes = |bytes: &Bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, bytes)),
            // An announced length of 0 would end the answer before it can be cut.
            Self::Cut(cut) => SizeHint::with_exact(cut.announced.max(1)),
            Self::Drip(drip) => SizeHint::with_exact(bytes(&drip.rest)),
            Self::Endless(_) => SizeHint::default(),
        }
    }
}

impl Cut {
    fn poll(&mut self, context: &Context<'_>) -> Poll<Result<Frame<Bytes>, Hangup>> {
        if let Some(part) = self.part.take_if(|part| !part.is_empty()) {
            return Poll::Ready(Ok(Frame::data(part)));
        }
        if !self.flushed {
            // hyper flushes what it has when a body is not ready, and drops it when a body fails.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Err(Hangup))
    }
}

impl Drip {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if self.next.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.next.set(sleep(self.tick));
        let drop = self.rest.split_to(self.bytes.min(self.rest.len()));
        if self.rest.is_empty() {
            // Before the client can see the end and call again.
            self.flight = None;
        }
        Poll::Ready(Some(drop))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt as _;

    use super::*;
    use crate::choices::Signing;
    use crate::config::SimConfig;
    use crate::service::Service;

    /// A service with one call in flight, and that flight.
    fn in_flight() -> (Arc<Service>, Flight) {
        let service = Service::new(SimConfig::default().signing(Signing::Reused)).expect("a service");
        let service = Arc::new(service);
        service.with(|live| live.counters.enter_flight());
        let flight = Flight::counted(&service);
        (service, flight)
    }

    fn count(service: &Service) -> u64 {
        service.with(|live| live.counters.in_flight)
    }

    async fn piece(body: &mut SimBody) -> Bytes {
        let frame = body.frame().await.expect("a piece").expect("no hang-up");
        frame.into_data().expect("data")
    }

    #[tokio::test]
    async fn a_dripping_call_leaves_with_its_last_byte_and_not_before() {
        let (service, flight) = in_flight();
        let drip = Delivery::Drip { bytes: 2, tick: Duration::ZERO };
        let mut body = SimBody::new(Bytes::from_static(b"abc"), drip, flight);
        assert_eq!(piece(&mut body).await, "ab");
        assert_eq!(count(&service), 1);
        assert_eq!(piece(&mut body).await, "c");
        assert_eq!(count(&service), 0);
        assert!(body.frame().await.is_none());
    }

    #[test]
    fn a_whole_answer_is_out_of_flight_before_it_is_sent() {
        let (service, flight) = in_flight();
        let body = SimBody::new(Bytes::from_static(b"abc"), Delivery::Whole, flight);
        assert_eq!(count(&service), 0);
        assert!(!body.is_end_stream());
    }

    #[test]
    fn an_endless_call_is_in_flight_until_its_client_leaves() {
        let (service, flight) = in_flight();
        let body = SimBody::new(Bytes::from_static(b" "), Delivery::Endless, flight);
        assert_eq!(count(&service), 1);
        drop(body);
        assert_eq!(count(&service), 0);
    }
}
