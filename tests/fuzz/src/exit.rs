//! As much of the program's `exit` as its `input` needs.

#[derive(Debug)]
pub(crate) enum Halt {
    Usage(String),
}

/// For the tests that `input` brings along.
#[cfg(test)]
impl Halt {
    #[expect(clippy::unnecessary_wraps, reason = "as the program has it, where others have none")]
    pub(crate) fn message(&self) -> Option<String> {
        let Self::Usage(message) = self;
        Some(message.clone())
    }
}
