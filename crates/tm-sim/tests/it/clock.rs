//! The service's clock, which need not be ours.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tm_sim::{Fault, Simulator};

use crate::client::{Connection, Reply, single};
use crate::signatures::claims;

fn seconds_ahead(reply: &Reply) -> i64 {
    let date = httpdate::parse_http_date(reply.header("date").expect("a Date")).expect("a date");
    unix_s(date) - unix_s(SystemTime::now())
}

fn unix_s(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs()).expect("before 9999")
}

/// A test may be slow, but not by this.
const TOLERANCE_S: i64 = 60;

fn is_about(actual: i64, expected: i64) -> bool {
    (actual - expected).abs() <= TOLERANCE_S
}

#[test]
fn the_skew_shifts_everything_that_tells_a_time() {
    let sim = Simulator::builder().clock_skew(-7_200).start().expect("it starts");
    for skew in [-7_200, 86_400] {
        sim.set_clock_skew(skew);
        let reply = single(&sim, "tenant-0001");
        assert!(is_about(seconds_ahead(&reply), skew), "{reply:?}");
        let body = reply.json();
        let now = unix_s(SystemTime::now());
        let timestamp_ms: i64 =
            body["timestamp"].as_str().and_then(|text| text.parse().ok()).expect("a number");
        assert!(is_about(timestamp_ms / 1000 - now, skew), "{body}");
        let claims = claims(body["access_token"].as_str().expect("text"));
        assert!(is_about(claims["iat"].as_i64().expect("a number") - now, skew), "{claims}");
        assert!(is_about(claims["exp"].as_i64().expect("a number") - now, skew + 1_800), "{claims}");
    }
}

#[test]
fn refusals_and_faults_tell_the_time_too() {
    let sim = Simulator::builder().clock_skew(5_000).start().expect("it starts");
    assert!(is_about(seconds_ahead(&Connection::open(&sim).call("GET", "/nowhere", &[], b"")), 5_000));
    sim.fault(Fault::status(500).once());
    assert!(is_about(seconds_ahead(&single(&sim, "tenant-0001")), 5_000));
}

#[test]
fn a_service_may_tell_no_time_or_a_scripted_one() {
    let sim = Simulator::builder().sends_date(false).start().expect("it starts");
    assert_eq!(single(&sim, "tenant-0001").header("date"), None);

    let sim = Simulator::builder().start().expect("it starts");
    let date = "Thu, 01 Jan 1970 00:00:00 GMT";
    let headers = vec![("Date".to_owned(), date.to_owned())];
    sim.fault(Fault::Status { code: 500, headers, body: bytes::Bytes::new() });
    assert_eq!(single(&sim, "tenant-0001").header("date"), Some(date));
}

#[test]
fn absurd_settings_of_time_are_borne() {
    let sim = Simulator::builder().token_life(Duration::MAX).clock_skew(i64::MAX).start().expect("it starts");
    assert_eq!(single(&sim, "tenant-0001").status, 200);
    sim.set_clock_skew(i64::MIN);
    assert_eq!(single(&sim, "tenant-0001").status, 200);
}
