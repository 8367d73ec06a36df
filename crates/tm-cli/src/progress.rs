//! Progress on a terminal, and nowhere else.

use std::{
    io::{self, IsTerminal as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The one on the terminal, for whoever ends the program.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Goes from the terminal when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Shows a count on stderr if that is a terminal, `wanted`, and no log lines would tear it; with `total` as a bar.
    pub(crate) fn new(wanted: bool, total: Option<u64>) -> Self {
        let logs = std::env::var_os("RUST_LOG").is_some_and(|wanted| !wanted.is_empty());
        if !wanted || logs || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let template = match total {
            Some(_) => "{bar:40} {pos}/{len} tenants {elapsed}",
            None => "{spinner} {pos} tenants {elapsed}",
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        *shown() = Some(bar.clone());
        Self(bar)
    }

    /// For a command whose rows come as they are ready: on a terminal they are progress enough, and a bar would tear them.
    pub(crate) fn beside_rows(json: bool, total: Option<u64>) -> Self {
        Self::new(!json && !io::stdout().is_terminal(), total)
    }

    /// One more.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
        shown().take();
    }
}

/// Takes it from the terminal.
pub(crate) fn clear() {
    if let Some(bar) = shown().take() {
        bar.finish_and_clear();
    }
}

/// Writes something to stderr that must not stand within it.
pub(crate) fn apart(write: impl FnOnce()) {
    let bar = shown().clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
