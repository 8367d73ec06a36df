//! What Redis answered: never trusted to have the right shape.

use std::time::Duration;

use ::redis::Value;
use bytes::Bytes;

use super::{
    calls::{Call, LONGEST},
    failure,
};
use crate::{Lease, Record, StoreError};

/// What came back for each call, in the order of the calls. Records are among it, so it is not to be shown.
pub(super) struct Replies<'a> {
    pub(super) calls: &'a [Call],
    pub(super) replies: Vec<Reply>,
}

/// What came back for one call.
#[derive(Clone, Default)]
pub(super) struct Reply {
    pub(super) value: Value,
    /// The server's time, if it was asked for.
    pub(super) time: Value,
}

impl Replies<'_> {
    /// One record, or none, for each of so many keys. What cannot be read counts as not there.
    pub(super) fn records(self, keys: usize) -> Result<Vec<Option<Record>>, StoreError> {
        let mut records = vec![None; keys];
        for (call, Reply { value, time }) in self.calls.iter().zip(self.replies) {
            let now = millis(&time)?;
            for (item, value) in call.items.iter().zip(array(value, call.items.len())?) {
                *records.get_mut(*item).ok_or_else(misshapen)? = record(value, |ends| ends.checked_sub(now))?;
            }
        }
        Ok(records)
    }

    /// One answer for each of so many claims.
    pub(super) fn leases(self, claims: usize) -> Result<Vec<Lease>, StoreError> {
        let mut leases = vec![Lease::Held; claims];
        for (call, reply) in self.calls.iter().zip(self.replies) {
            let mut values = array(reply.value, 2 * call.items.len())?;
            for item in &call.items {
                let lease = leases.get_mut(*item).ok_or_else(misshapen)?;
                *lease = match (values.next(), values.next()) {
                    (Some(Value::Nil), Some(Value::Int(0))) => Lease::Held,
                    (Some(Value::Nil), Some(Value::Int(1))) => Lease::Granted,
                    (Some(value), Some(Value::Int(remaining))) => {
                        let remaining = u64::try_from(remaining).ok();
                        record(value, |_| remaining)?.map(Lease::Found).ok_or_else(misshapen)?
                    }
                    _ => return Err(misshapen()),
                };
            }
        }
        Ok(leases)
    }

    /// That each call was answered with how many it changed, which is of no further interest.
    pub(super) fn counts(self) -> Result<(), StoreError> {
        let counts = self.replies.iter().all(|reply| matches!(reply.value, Value::Int(_)));
        if counts { Ok(()) } else { Err(misshapen()) }
    }
}

fn array(value: Value, length: usize) -> Result<impl Iterator<Item = Value>, StoreError> {
    match value {
        Value::Array(values) if values.len() == length => Ok(values.into_iter()),
        _ => Err(misshapen()),
    }
}

/// A record stands before eight bytes that tell when its time is over, by the clock of its Redis in milliseconds. What is at its
/// end is not there, nor what no store of ours would keep for so long.
fn record(value: Value, remaining: impl FnOnce(u64) -> Option<u64>) -> Result<Option<Record>, StoreError> {
    let mut value = match value {
        Value::Nil => return Ok(None),
        Value::BulkString(value) => value,
        _ => return Err(misshapen()),
    };
    let Some((bytes, ends)) = value.split_last_chunk() else { return Ok(None) };
    let (length, ends) = (bytes.len(), u64::from_be_bytes(*ends));
    value.truncate(length);
    let remaining = remaining(ends).filter(|millis| *millis > 0).map(Duration::from_millis);
    let remaining = remaining.filter(|remaining| *remaining <= LONGEST);
    Ok(remaining.and_then(|remaining| Record::parse(Bytes::from(value), remaining)))
}

/// What TIME answers, seconds and microseconds in decimal digits, as milliseconds.
fn millis(time: &Value) -> Result<u64, StoreError> {
    if let Value::ServerError(error) = time {
        return Err(failure::by_server(error));
    }
    let Value::Array(parts) = time else { return Err(misshapen()) };
    let [Value::BulkString(seconds), Value::BulkString(micros)] = &parts[..] else { return Err(misshapen()) };
    let number = |digits| str::from_utf8(digits).ok()?.parse::<u64>().ok();
    let millis = |seconds: u64, micros: u64| seconds.checked_mul(1_000)?.checked_add(micros / 1_000);
    number(seconds)
        .zip(number(micros))
        .and_then(|(seconds, micros)| millis(seconds, micros))
        .ok_or_else(misshapen)
}

fn misshapen() -> StoreError {
    StoreError::new("Redis answered something else than was asked for: is it a Redis of version 5 or later?")
}

#[cfg(test)]
mod tests {
    use super::{super::calls::Caller, super::names::Prefix, *};
    use crate::Key;

    fn digits(number: u64) -> Value {
        Value::BulkString(number.to_string().into_bytes())
    }

    /// Of two keys, asked for at 1,000,005 ms.
    fn records_of(value: Value) -> Result<Vec<Option<Record>>, StoreError> {
        records_at(value, Value::Array(vec![digits(1_000), digits(5_999)]))
    }

    fn records_at(value: Value, time: Value) -> Result<Vec<Option<Record>>, StoreError> {
        let caller = Caller { prefix: Prefix::new("").unwrap(), by_slot: false };
        let calls = caller.get(&[Key::from_bytes(b"a"), Key::from_bytes(b"b")]);
        Replies { calls: &calls, replies: vec![Reply { value, time }] }.records(2)
    }

    /// A record that ends then.
    fn kept_until(ends: u64) -> Value {
        let mut bytes = vec![0; Record::HEAD];
        bytes[0] = Record::VERSION;
        bytes.extend(ends.to_be_bytes());
        Value::BulkString(bytes)
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        for junk in [&b""[..], b"junk", &[1; 49]] {
            let values = vec![Value::BulkString(junk.to_vec()), Value::Nil];
            assert_eq!(records_of(Value::Array(values)).unwrap(), [None, None]);
        }
    }

    #[test]
    fn what_is_left_is_told_by_the_servers_clock() {
        let left = |ends| {
            let records = records_of(Value::Array(vec![Value::Nil, kept_until(ends)])).unwrap();
            records[1].as_ref().map(|record| (record.bytes().len(), record.remaining()))
        };
        assert_eq!(left(1_000_006), Some((Record::HEAD, Duration::from_millis(1))));
        assert_eq!(left(1_000_005 + 86_400_000), Some((Record::HEAD, LONGEST)));
        for ends in [0, 1_000_004, 1_000_005, 1_000_005 + 86_400_001, u64::MAX] {
            assert_eq!(left(ends), None, "{ends}");
        }
    }

    #[test]
    fn a_reply_of_another_shape_is_an_error() {
        let int = || Value::Int(1);
        for value in [
            Value::Okay,
            int(),
            Value::Array(vec![]),
            Value::Array(vec![int(), int()]),
            Value::Array(vec![Value::Nil, int()]),
            Value::Array(vec![Value::Nil, Value::Nil, Value::Nil]),
        ] {
            assert!(records_of(value.clone()).is_err(), "{value:?}");
        }
    }

    #[test]
    fn a_time_of_another_shape_is_an_error() {
        let word = || Value::BulkString(b"now".to_vec());
        for time in [
            Value::Nil,
            Value::Array(vec![digits(1)]),
            Value::Array(vec![digits(1), word()]),
            Value::Array(vec![word(), digits(1)]),
            Value::Array(vec![digits(u64::MAX), digits(1)]),
        ] {
            let value = Value::Array(vec![Value::Nil, Value::Nil]);
            assert!(records_at(value, time.clone()).is_err(), "{time:?}");
        }
    }
}
