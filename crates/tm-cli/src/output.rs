//! stdout, one whole line at a time; and lines for people on stderr.

use std::{
    fmt::Display,
    io::{self, Write as _},
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tm_core::ServiceText;

use crate::progress;

/// Held while a line is being written, to whichever output.
static LINE: Mutex<()> = Mutex::new(());

/// The last line has been written, or is being written.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Writes lines to stdout, the last line break included, and sees them out.
pub(crate) fn write(lines: &[u8]) -> io::Result<()> {
    let _line = next_line();
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines)?;
    stdout.flush()
}

/// Tells something to whoever sits there. A stderr that is closed or full hinders nothing.
pub(crate) fn tell(message: impl Display) {
    let line = format!("tm: {}\n", visible(&message.to_string()));
    let _line = next_line();
    progress::apart(|| drop(io::stderr().write_all(line.as_bytes())));
}

/// Lets nobody write any more, nor come back from [`unless_ended`]. Waits for the line that is being written, no longer than
/// `within`.
pub(crate) fn end(within: Duration) {
    ENDED.store(true, Ordering::Relaxed);
    let end = Instant::now() + within;
    while matches!(LINE.try_lock(), Err(TryLockError::WouldBlock)) && Instant::now() < end {
        thread::sleep(Duration::from_millis(2));
    }
}

/// Never comes back once [`end`] was called: whoever did that ends the program.
pub(crate) fn unless_ended() {
    drop(next_line());
}

fn next_line() -> MutexGuard<'static, ()> {
    let line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    if ENDED.load(Ordering::Relaxed) {
        drop(line);
        loop {
            thread::park();
        }
    }
    line
}

/// What others wrote must not steer the terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if ServiceText::steers(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_does_not_steer_the_terminal() {
        assert_eq!(visible("a\u{1b}[2J\nb\u{9b}c"), "a\\u{1b}[2J\\nb\\u{9b}c");
        assert_eq!(visible("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(visible("ä b"), "ä b");
    }
}
