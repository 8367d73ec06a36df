//! The fault matrix: what can go wrong between a client and the service, and what comes of it.
//!
//! A row is a fault with what is expected of it: the kind of error, how many attempts are made, what the transport tells of
//! it, and how long the error says to wait. The rows are in five tables, and the tables are the documentation:
//!
//! | table | faults of |
//! |---|---|
//! | [`connections`] | the connection: refused, reset, silent, cut |
//! | [`answers`] | what comes in place of an answer: rubbish, too much, interim answers, redirects |
//! | [`tokens`] | the fields of a token, and who is in a batch |
//! | [`statuses`] | the statuses, and `Retry-After` |
//! | [`handshakes`] | TLS |
//!
//! Each row is played over both transports in three columns: the first fetch of a token; a refresh while the last token
//! lives, of which no caller may see anything; and the list of tenants. After each, the service recovers, and the next call
//! must succeed as soon as the error has said. No error may show the key or a token.

mod answers;
mod bench;
mod column;
mod connections;
mod dead_ends;
mod fault;
mod handshakes;
mod peers;
mod row;
mod service;
mod statuses;
mod tokens;
mod traps;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::harness::{Host, Stack};

use column::Column;
use row::Row;
pub(crate) use row::{KEY, MARK};
use traps::Traps;

both!(a_first_fetch_ends_as_its_row_says, a_refresh_harms_no_living_token, a_list_ends_as_its_row_says);

/// A new row counts here, and in `docs/reliability.md`.
const ROWS: usize = 167;

/// Of those, rows that are no concern of the list.
const OF_BATCHES: usize = 9;

/// They wait most of the time, for ends of tokens and for rests.
const AT_ONCE: usize = 48;

fn a_first_fetch_ends_as_its_row_says(stack: Stack) {
    play(Column::First, stack);
}

fn a_refresh_harms_no_living_token(stack: Stack) {
    play(Column::Refresh, stack);
}

fn a_list_ends_as_its_row_says(stack: Stack) {
    play(Column::List, stack);
}

/// Plays all rows of a column, and tells of all that are not as expected.
#[track_caller]
fn play(column: Column, stack: Stack) {
    let traps = Traps::set();
    let problems = Mutex::new(Vec::new());
    let played = each_row(column, stack, &traps, |row, host| {
        if let Err(problem) = bench::play(row, column, stack, host) {
            problems.lock().unwrap().push(format!("{}: {problem}", row.name));
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} rows of {played}:\n{}", problems.len(), problems.join("\n"));
    let expected = if column == Column::List { ROWS - OF_BATCHES } else { ROWS };
    assert_eq!(played, expected, "rows were played");
    traps.are_untouched();
}

/// Lets everything go wrong that is in the matrix, for those who look at something else than the outcome.
pub(crate) fn go_wrong(stack: Stack) {
    let traps = Traps::set();
    for column in [Column::First, Column::List] {
        each_row(column, stack, &traps, |row, host| bench::go_wrong(row, column, stack, host));
    }
}

/// Answers how many there are.
fn each_row(column: Column, stack: Stack, traps: &Traps, play: impl Fn(&Row, &Host) + Sync) -> usize {
    let rows = rows(column, traps);
    let host = stack.host();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    play(row, &host);
                }
            });
        }
    });
    rows.len()
}

fn rows(column: Column, traps: &Traps) -> Vec<Row> {
    let tables = [
        connections::rows(column),
        answers::rows(column, traps),
        tokens::rows(column),
        statuses::rows(),
        handshakes::rows(),
    ];
    tables.into_iter().flatten().collect()
}
