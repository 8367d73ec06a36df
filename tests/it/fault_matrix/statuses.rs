//! The statuses of a service that says no, or not now.

use std::time::{Duration, SystemTime};

use tm_async::ErrorKind::{Service, Throttled};

use super::{
    KEY,
    fault::answers,
    row::{Outcome, Row, Wait, held, outage, refused, row, throttled, unauthorized, unexpected},
};

pub(super) fn rows() -> Vec<Row> {
    let says = |status| answers(status, &[], r#"{"errors":[{"code":"mdsp.x","message":"no"}]}"#);
    let wait = |status, value: &str| answers(status, &[("retry-after", value)], "");
    let dated = |value: &str| answers(429, &[("date", &in_seconds(0)), ("retry-after", value)], "");
    // The operator's token is replaced once, and then it is the list that refuses.
    let twice = || unexpected().attempts(2);

    #[rustfmt::skip]
    let rows = vec![
        row("400",                                says(400),                       refused()).list(unexpected()),
        row("401",                                says(401),                       unauthorized()).list(twice()),
        row("403",                                says(403),                       refused()).list(unexpected()),
        row("404",                                says(404),                       refused()).list(unexpected()),
        row("405",                                says(405),                       refused()).list(unexpected()),
        row("408",                                says(408),                       outage()),
        row("409",                                says(409),                       refused()).list(unexpected()),
        row("413",                                says(413),                       refused()).list(unexpected()),
        row("415",                                says(415),                       refused()).list(unexpected()),
        row("422",                                says(422),                       refused()).list(unexpected()),
        row("500",                                says(500),                       outage()),
        row("501",                                says(501),                       unexpected()),
        row("502",                                says(502),                       outage()),
        row("503",                                says(503),                       outage()),
        row("504",                                says(504),                       outage()),
        row("500 that repeats the key",           answers(500, &[], format!("<p>X-SPACE-AUTH-KEY: Basic {KEY}</p>")), outage()),
        row("403 that repeats the key",           answers(403, &[], format!(r#"{{"message":"Basic {KEY}"}}"#)), refused()).list(unexpected()),
        row("599",                                says(599),                       unexpected()),
        row("999",                                says(999),                       unexpected()),

        row("429",                                says(429),                       throttled()),
        row("429, in 120 s",                      wait(429, "120"),                held(Throttled, 120)),
        row("429, in 1 s",                        wait(429, "1"),                  throttled().a_second_apart()).list(after(1).a_second_apart()),
        row("429, in 0 s",                        wait(429, "0"),                  throttled()),
        row("429, in a day",                      wait(429, "86400"),              held(Throttled, 300)),
        row("429, beyond all numbers",            wait(429, &"9".repeat(100)),     held(Throttled, 300)),
        row("429, at a time two minutes off",     dated(&in_seconds(120)),         held(Throttled, 120)),
        row("429, at a time gone by",             dated(&in_seconds(-120)),        throttled()),
        row("429, at a time years off",           dated(&in_seconds(99_999_999)),  held(Throttled, 300)),
        row("429, years off by our clock",        wait(429, &in_seconds(99_999_999)), held(Throttled, 300)),
        row("429, soon",                          wait(429, "soon"),               throttled()),
        row("429, below zero",                    wait(429, "-5"),                 throttled()),
        row("429, never",                         wait(429, ""),                   throttled()),
        row("503, in 120 s",                      wait(503, "120"),                held(Service, 120)),
        row("503, in 1 s",                        wait(503, "1"),                  outage().a_second_apart())
            .list(Outcome { wait: Wait::Told(1), ..outage() }.a_second_apart()),
        // Of these the wait is not the service's to name.
        row("403, in 120 s",                      wait(403, "120"),                refused()).list(unexpected()),
        row("301, in 120 s",                      wait(301, "120"),                unexpected()),
    ];
    rows
}

/// The list was waited for once, and says for how long the next one has to wait.
fn after(seconds: u64) -> Outcome {
    Outcome { wait: Wait::Told(seconds), ..throttled() }
}

/// An HTTP-date.
fn in_seconds(seconds: i64) -> String {
    let span = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    httpdate::fmt_http_date(if seconds < 0 { now - span } else { now + span })
}
