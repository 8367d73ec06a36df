//! stdout, one whole line at a time; and lines for people on stderr.

use std::{
    fmt::Display,
    io::{self, Write as _},
    sync::{Mutex, PoisonError, TryLockError},
    thread,
    time::{Duration, Instant},
};

use crate::progress;

/// Held while a line is being written, so that whoever ends the program can do it between two lines.
static LINE: Mutex<()> = Mutex::new(());

/// Writes lines to stdout, the last line break included, and sees them out.
pub(crate) fn write(lines: &[u8]) -> io::Result<()> {
    let _line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stdout = io::stdout().lock();
    stdout.write_all(lines)?;
    stdout.flush()
}

/// Tells something to whoever sits there. A stderr that is closed or full hinders nothing.
pub(crate) fn tell(message: impl Display) {
    let line = format!("tm: {}\n", visible(&message.to_string()));
    progress::apart(|| drop(io::stderr().write_all(line.as_bytes())));
}

/// Runs `last` between two lines, or in the midst of one if that takes longer than `within` to be written.
pub(crate) fn between_lines(within: Duration, last: impl FnOnce()) {
    let end = Instant::now() + within;
    loop {
        match LINE.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
            held => {
                last();
                return drop(held);
            }
        }
    }
}

/// Without control characters: what others wrote must not steer the terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
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
        assert_eq!(visible("ä b"), "ä b");
    }

    #[test]
    fn whoever_ends_the_program_does_not_wait_for_ever() {
        let held = LINE.lock().unwrap();
        let mut ran = false;
        between_lines(Duration::ZERO, || ran = true);
        drop(held);
        assert!(ran);
    }
}
