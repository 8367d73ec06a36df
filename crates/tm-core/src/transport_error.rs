//! What can go wrong between the request and the answer.

use std::{error::Error as StdError, fmt, sync::Arc};

/// How far an attempt came before it broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportFault {
    /// No connection: the request was never sent and is safe to repeat, whatever it is.
    NotSent,
    /// The peer's certificate was not trusted, or it speaks no TLS that is safe. Repeating does not help.
    Tls,
    /// No whole answer within the time of one attempt.
    TimedOut,
    /// The connection broke, or what came was not HTTP.
    Interrupted,
    /// The answer is larger than its limit, in bytes after decoding.
    TooLarge,
}

/// Why there is no answer. Implementors of a `Transport` make these.
#[derive(Debug, Clone)]
pub struct TransportError {
    fault: TransportFault,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl TransportError {
    /// A fault with nothing more to tell.
    pub fn new(fault: TransportFault) -> Self {
        Self { fault, source: None }
    }

    /// The same with what the HTTP library said. It must hold no secret.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into().into());
        self
    }

    /// How far the attempt came.
    pub fn fault(&self) -> TransportFault {
        self.fault
    }

    /// What the HTTP library said, for the error that is made of this one.
    pub(crate) fn into_source(self) -> Option<Arc<dyn StdError + Send + Sync>> {
        self.source
    }

    /// Whether another attempt may fare better.
    pub fn is_transient(&self) -> bool {
        match self.fault {
            TransportFault::NotSent | TransportFault::TimedOut | TransportFault::Interrupted => true,
            TransportFault::Tls | TransportFault::TooLarge => false,
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            TransportFault::NotSent => "no connection to the gateway",
            TransportFault::Tls => "no trusted TLS connection to the gateway",
            TransportFault::TimedOut => "no whole answer from the gateway in time",
            TransportFault::Interrupted => "the connection to the gateway broke",
            TransportFault::TooLarge => "the gateway's answer is larger than its limit",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_tells_itself_and_whether_repeating_may_help() {
        let told = |fault| {
            let error = TransportError::new(fault);
            (error.fault() == fault, error.is_transient(), error.to_string())
        };
        let all = [
            (TransportFault::NotSent, true, "no connection to the gateway"),
            (TransportFault::Tls, false, "no trusted TLS connection to the gateway"),
            (TransportFault::TimedOut, true, "no whole answer from the gateway in time"),
            (TransportFault::Interrupted, true, "the connection to the gateway broke"),
            (TransportFault::TooLarge, false, "the gateway's answer is larger than its limit"),
        ];
        for (fault, is_transient, text) in all {
            assert_eq!(told(fault), (true, is_transient, text.to_owned()));
        }
    }

    #[test]
    fn what_the_http_library_said_is_the_source() {
        let error = TransportError::new(TransportFault::Interrupted);
        assert!(error.source().is_none());
        let error = error.because("connection reset by peer");
        assert_eq!(error.source().unwrap().to_string(), "connection reset by peer");
        assert_eq!(error.into_source().unwrap().to_string(), "connection reset by peer");
    }
}
