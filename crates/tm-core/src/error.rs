//! The one error callers see: opaque, cheap to clone, with a coarse kind.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use crate::{
    Gateway, InvalidInput, TenantId, TransportError, TransportFault,
    wire::{DecodeError, Refusal},
};

/// Why there is no token, or no list. The text of the service stands in it capped and escaped; no secret does.
///
/// Clones share one allocation, since one failed call may answer thousands of callers.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    transient: bool,
    tenant: Option<TenantId>,
    retry_after: Option<Duration>,
    refusal: Option<Refusal>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What kind of trouble, for programs to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The service refuses the application's credentials (401).
    ///
    /// # Troubleshooting
    /// Check client id and secret, and that the key belongs to this region. The client pauses for 30 s after such
    /// a refusal; `set_credentials` lifts the pause.
    Unauthorized,
    /// The service refuses a token for this tenant (4xx), or for every tenant asked lately.
    ///
    /// # Troubleshooting
    /// Has the tenant subscribed to the application? If all tenants are refused: check the host tenant, the
    /// application's name and its version.
    TenantRefused,
    /// The service asks for patience (429).
    ///
    /// # Troubleshooting
    /// Read [`Error::retry_after`]. Share tokens between processes so that fewer are asked for.
    Throttled,
    /// The service fails (5xx), or answers something it must not, such as a redirect.
    ///
    /// # Troubleshooting
    /// A redirect tells that the platform has moved: set the gateway to its new host. It is never followed,
    /// because the key would go along.
    Service,
    /// The service could not be reached, or the connection broke.
    ///
    /// # Troubleshooting
    /// Read the source chain. Behind a company proxy set `HTTPS_PROXY`; behind a company CA add it to the client.
    Transport,
    /// The service answered with something that is no token, or no list.
    ///
    /// # Troubleshooting
    /// Often a portal or a proxy between: is the gateway's URL right?
    Decode,
    /// The service only has tokens that end sooner than the caller asked for.
    ///
    /// # Troubleshooting
    /// Ask for less; [`Error`]'s text tells how long the token at hand lives.
    TooShort,
    /// The caller's patience ended first.
    ///
    /// # Troubleshooting
    /// The source tells what the wait was for. Give the caller more patience, or ask in bulk.
    Deadline,
    /// The client has been closed.
    ///
    /// # Troubleshooting
    /// Keep the client as long as its tokens are wanted.
    Closed,
    /// The client is set up wrongly.
    ///
    /// # Troubleshooting
    /// The text names the field and the reason.
    Config,
    /// A store could not do what was asked of it directly. Never an error of `token`.
    ///
    /// # Troubleshooting
    /// Read the source chain.
    Store,
}

impl ErrorKind {
    /// The name in `snake_case`, as `tm --json` prints it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::TenantRefused => "tenant_refused",
            Self::Throttled => "throttled",
            Self::Service => "service",
            Self::Transport => "transport",
            Self::Decode => "decode",
            Self::TooShort => "too_short",
            Self::Deadline => "deadline",
            Self::Closed => "closed",
            Self::Config => "config",
            Self::Store => "store",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// An error of the given kind. Drivers and embedders make those that the core cannot know.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        let inner = Inner {
            kind,
            message,
            transient: false,
            tenant: None,
            retry_after: None,
            refusal: None,
            source: None,
        };
        Self(Arc::new(inner))
    }

    /// What kind of trouble.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same request may succeed later with nothing changed by its owner.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// How long to wait before asking again is of use, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The tenant that this error is about, where it is about one.
    pub fn tenant(&self) -> Option<&TenantId> {
        self.0.tenant.as_ref()
    }

    /// What the service said, if it said anything: status, code, message and log reference.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.0.refusal.as_ref()
    }

    /// The same error with a cause below it.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into().into();
        self.change(|inner| inner.source = Some(source))
    }

    /// What follows from it for something else: an error of its kind, about no tenant, with this one as its cause. Whether it is
    /// transient, and when to come back, are the same.
    #[must_use]
    pub fn which_means(self, message: impl Into<String>) -> Self {
        let Inner { transient, retry_after, .. } = *self.0;
        let other = Self::new(self.kind(), message).change(|inner| {
            inner.transient = transient;
            inner.retry_after = retry_after;
        });
        other.because(self)
    }

    #[must_use]
    pub(crate) fn transient(self) -> Self {
        self.change(|inner| inner.transient = true)
    }

    /// The same error about this tenant, unless it is about one.
    #[must_use]
    pub fn about(self, tenant: &TenantId) -> Self {
        if self.0.tenant.is_some() {
            return self;
        }
        self.change(|inner| inner.tenant = Some(tenant.clone()))
    }

    #[must_use]
    pub(crate) fn after(self, wait: Duration) -> Self {
        self.change(|inner| inner.retry_after = Some(wait))
    }

    #[must_use]
    pub(crate) fn with_refusal(self, refusal: Refusal) -> Self {
        self.change(|inner| inner.refusal = Some(refusal))
    }

    /// Which gateway it was: who has set none may not know.
    pub(crate) fn at(self, gateway: &Gateway) -> Self {
        self.change(|inner| inner.message = format!("{} ({gateway})", inner.message))
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tenant) = &self.0.tenant {
            write!(f, "tenant {tenant}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(refusal) = &self.0.refusal {
            write!(f, ": {refusal}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .field("retry_after", &self.0.retry_after)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<InvalidInput> for Error {
    fn from(invalid: InvalidInput) -> Self {
        Self::new(ErrorKind::Config, invalid.to_string())
    }
}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        let kind = match error.fault() {
            TransportFault::TooLarge => ErrorKind::Decode,
            _ => ErrorKind::Transport,
        };
        let transient = error.is_transient();
        let made = Self::new(kind, error.to_string());
        let made = if transient { made.transient() } else { made };
        match error.into_source() {
            Some(source) => made.change(|inner| inner.source = Some(source)),
            None => made,
        }
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorKind::Decode, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Rejection, one_token};

    #[test]
    fn a_chain_never_repeats_itself() {
        let transport = TransportError::new(TransportFault::Interrupted).because("peer went away");
        let error = Error::from(transport).about(&TenantId::new("acme").unwrap());
        assert_eq!(error.to_string(), "tenant acme: the connection to the gateway broke");
        assert_eq!(error.source().unwrap().to_string(), "peer went away");
        assert!(error.is_transient());
    }

    #[test]
    fn each_kind_has_a_name_of_its_own_for_programs_to_read() {
        let names = [
            (ErrorKind::Unauthorized, "unauthorized"),
            (ErrorKind::TenantRefused, "tenant_refused"),
            (ErrorKind::Throttled, "throttled"),
            (ErrorKind::Service, "service"),
            (ErrorKind::Transport, "transport"),
            (ErrorKind::Decode, "decode"),
            (ErrorKind::TooShort, "too_short"),
            (ErrorKind::Deadline, "deadline"),
            (ErrorKind::Closed, "closed"),
            (ErrorKind::Config, "config"),
            (ErrorKind::Store, "store"),
        ];
        for (kind, name) in names {
            assert_eq!((kind.as_str(), kind.to_string().as_str()), (name, name));
        }
    }

    #[test]
    fn an_error_tells_when_to_come_back_and_what_the_service_said() {
        let mut answer = http::Response::new("no".into());
        *answer.status_mut() = http::StatusCode::FORBIDDEN;
        let Err(Rejection::Refused { refusal, .. }) = one_token::answer(&answer) else {
            panic!("403 is a refusal")
        };
        let plain = Error::new(ErrorKind::TenantRefused, "refused");
        assert_eq!((plain.retry_after(), plain.refusal()), (None, None));
        let error = plain.after(Duration::from_secs(30)).with_refusal(refusal.clone());
        assert_eq!((error.retry_after(), error.refusal()), (Some(Duration::from_secs(30)), Some(&refusal)));
        assert_eq!(error.to_string(), "refused: status 403, no");
    }

    #[test]
    fn the_first_tenant_stays_named() {
        let error = Error::new(ErrorKind::Service, "x").about(&TenantId::new("a").unwrap());
        assert_eq!(error.about(&TenantId::new("b").unwrap()).tenant().unwrap().as_str(), "a");
    }

    #[test]
    fn an_answer_that_is_too_large_is_nonsense_rather_than_an_outage() {
        let error = Error::from(TransportError::new(TransportFault::TooLarge));
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(!error.is_transient());
    }
}
