//! How a run ends: its status, and why it was broken off.

use std::{error::Error as StdError, io, process::ExitCode};

use tm_core::{Error, ErrorKind, InvalidInput};

/// The exit status, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// All done.
    Done,
    /// One or more tenants failed.
    Tenants,
    /// The service cannot be reached, fails, throttles, answers nonsense, or the time is over.
    Service,
    /// The service refuses the credentials.
    Unauthorized,
    /// Usage or configuration.
    Usage,
    /// The output cannot be written.
    Output,
}

impl Status {
    /// What an error makes of the run. What keeps all calls from leaving lies in the configuration.
    pub(crate) fn of_error(error: &Error) -> Self {
        let below = error.source().and_then(|source| source.downcast_ref::<Error>());
        let is_config = below.is_some_and(|below| below.kind() == ErrorKind::Config);
        Self::of(if is_config { ErrorKind::Config } else { error.kind() })
    }

    /// What an error of this kind makes of the run.
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::TenantRefused | ErrorKind::TooShort => Self::Tenants,
            ErrorKind::Unauthorized => Self::Unauthorized,
            ErrorKind::Config => Self::Usage,
            // Throttled, service, transport, decode, deadline, closed, store, and what is yet to come.
            _ => Self::Service,
        }
    }

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Output => 1,
            Self::Usage => 2,
            Self::Unauthorized => 3,
            Self::Service => 4,
            Self::Tenants => 5,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.code().into()
    }
}

/// Why a command could not go on.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The command line or the configuration is not good.
    Usage(String),
    /// The client says so.
    Failed(Error),
    /// stdout takes no more.
    Output(io::Error),
}

impl Halt {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Usage(_) => Status::Usage,
            Self::Failed(error) => Status::of_error(error),
            // As with `tm all | head -1`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Status::Done,
            Self::Output(_) => Status::Output,
        }
    }

    /// What to tell on stderr, if anything.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message) => Some(message.clone()),
            Self::Failed(error) => Some(told(error)),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some(format!("stdout: {error}")),
        }
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<InvalidInput> for Halt {
    fn from(invalid: InvalidInput) -> Self {
        Self::Usage(invalid.to_string())
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// An error with its causes, on one line.
pub(crate) fn told(error: &impl StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tm_core::{TransportError, TransportFault};

    use super::*;

    #[test]
    fn the_worst_is_told_in_the_order_3_4_5() {
        let kinds = [ErrorKind::TenantRefused, ErrorKind::Unauthorized, ErrorKind::Transport];
        let worst = kinds.map(Status::of).into_iter().max().unwrap();
        assert_eq!(worst.code(), 3);
        assert!(Status::of(ErrorKind::Deadline) > Status::of(ErrorKind::TooShort));
    }

    #[test]
    fn a_configuration_with_which_no_call_can_leave_is_one_however_it_is_told() {
        let config = Error::new(ErrorKind::Config, "no roots");
        let told = Error::from(TransportError::new(TransportFault::Tls).because(config));
        assert_eq!((told.kind(), Status::of_error(&told)), (ErrorKind::Transport, Status::Usage));
    }

    #[test]
    fn a_reader_that_has_enough_is_no_failure() {
        let halt = Halt::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((halt.status(), halt.message()), (Status::Done, None));
        let halt = Halt::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(halt.status().code(), 1);
        assert!(halt.message().unwrap().starts_with("stdout: "));
    }

    #[test]
    fn causes_are_told_once_each() {
        let error = Error::new(ErrorKind::Transport, "no way").because(io::Error::other("no route"));
        assert_eq!(told(&error), "no way: no route");
        let error =
            Error::new(ErrorKind::Transport, "no way: no route").because(io::Error::other("no route"));
        assert_eq!(told(&error), "no way: no route");
    }
}
