//! Faults of the connection.

use tm_async::TransportFault::{Interrupted, NotSent, TimedOut};

use super::{
    column::Column,
    fault::{
        Fault::{self, Refused, Unanswered},
        Then::{Close, Drip, Keep, Reset, Silence},
        answer, answers, sends,
    },
    row::{Row, broken, nonsense, row, served},
};

pub(super) fn rows(column: Column) -> Vec<Row> {
    let body = column.good_body();
    let good = answer(200, &[], &body);
    let head = || good[..good.len() - body.len()].to_vec();
    let within_head = || good[..30].to_vec();
    let within_body = || good[..good.len() - 20].to_vec();
    let length = |length: &str| answered(&format!("content-length: {length}\r\n"), &body);
    let chunks = |chunks: &str| answered("transfer-encoding: chunked\r\n", chunks);
    let short = (body.len() - 10).to_string();
    let long = (body.len() + 10).to_string();
    let two = format!("{}\r\ncontent-length: {short}", body.len());
    let one_chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());

    #[rustfmt::skip]
    let rows = vec![
        row("nobody listens",                     Refused,                       broken(NotSent)),
        row("nobody takes the connection up",     Unanswered,                    broken(NotSent)),

        row("reset before the head",              sends("", Reset),              broken(Interrupted)),
        row("reset within the head",              sends(within_head(), Reset),   broken(Interrupted)),
        row("reset after the head",               sends(head(), Reset),          broken(Interrupted)),
        row("reset within the body",              sends(within_body(), Reset),   broken(Interrupted)),

        row("closed before the head",             sends("", Close),              broken(Interrupted)),
        row("closed within the head",             sends(within_head(), Close),   broken(Interrupted)),
        row("closed after the head",              sends(head(), Close),          broken(Interrupted)),
        row("closed within the body",             sends(within_body(), Close),   broken(Interrupted)),

        row("silence before the head",            sends("", Silence),            broken(TimedOut)),
        row("silence within the head",            sends(within_head(), Silence), broken(TimedOut)),
        row("silence after the head",             sends(head(), Silence),        broken(TimedOut)),
        row("silence within the body",            sends(within_body(), Silence), broken(TimedOut)),
        row("one byte every 20 ms",               sends(good.clone(), Drip),     broken(TimedOut)),

        row("a length that is too long",          sends(length(&long), Close),   broken(Interrupted)),
        row("a length that is too short",         sends(length(&short), Keep),   nonsense()),
        row("a length of 8 EiB",                  sends(length("9223372036854775807"), Silence), broken(TimedOut)),
        row("a length below zero",                sends(length("-1"), Close),    broken(Interrupted)),
        row("a length that is no number",         sends(length("many"), Close),  broken(Interrupted)),
        row("two lengths that differ",            sends(length(&two), Close),    broken(Interrupted)),
        row("no length, up to the end",           sends(answered("", &body), Close), served()),
        row("chunks that are good",               sends(chunks(&one_chunk), Keep), served()),
        row("a chunk of no length",               sends(chunks("x\r\n"), Close), broken(Interrupted)),
        row("a chunk of too much length",         sends(chunks("fffffffffffffffff\r\n"), Close), broken(Interrupted)),
        row("chunks without an end",              sends(chunks("5\r\n{\"a\":\r\n"), Close), broken(Interrupted)),

        row("not HTTP",                           sends("SSH-2.0-OpenSSH_9.2\r\n", Close), broken(Interrupted)),
        row("zeros",                              sends(vec![0; 4_096], Close),  broken(Interrupted)),
        row("a body alone",                       sends(body.clone(), Close),    broken(Interrupted)),
        row("another answer behind a good one",   twice(&good),                  served()),
        row("a status of 99",                     answers_with("099"),           broken(Interrupted)),
        row("a status of 1000",                   answers_with("1000"),          broken(Interrupted)),
        row("a good answer",                      answers(200, &[], &body),      served()),
    ];
    rows
}

fn answered(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 Whatever\r\n{head}\r\n{body}").into_bytes()
}

fn answers_with(status: &str) -> Fault {
    sends(format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n"), Close)
}

/// The second is a 403 to a request that nobody has made, and must be taken for the answer to none.
fn twice(good: &[u8]) -> Fault {
    sends([good, &answer(403, &[], "")].concat(), Keep)
}
