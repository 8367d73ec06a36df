//! What Redis answered: never trusted to have the right shape.

use std::time::Duration;

use ::redis::Value;
use bytes::Bytes;

use super::calls::Call;
use crate::{Lease, Record, StoreError};

/// What came back for each call, in the order of the calls.
#[derive(Debug)]
pub(super) struct Replies<'a> {
    pub(super) calls: &'a [Call],
    pub(super) values: Vec<Value>,
}

impl Replies<'_> {
    /// One record, or none, for each of so many keys. What cannot be read counts as not there.
    pub(super) fn records(self, keys: usize) -> Result<Vec<Option<Record>>, StoreError> {
        let mut records = vec![None; keys];
        for (item, value, remaining) in self.pairs()? {
            *records.get_mut(item).ok_or_else(misshapen)? = record(value, remaining)?;
        }
        Ok(records)
    }

    /// One answer for each of so many claims.
    pub(super) fn leases(self, claims: usize) -> Result<Vec<Lease>, StoreError> {
        let mut leases = vec![Lease::Held; claims];
        for (item, value, number) in self.pairs()? {
            let lease = leases.get_mut(item).ok_or_else(misshapen)?;
            *lease = match (value, number) {
                (Value::Nil, 0) => Lease::Held,
                (Value::Nil, 1) => Lease::Granted,
                (value, remaining) => record(value, remaining)?.map(Lease::Found).ok_or_else(misshapen)?,
            };
        }
        Ok(leases)
    }

    /// That each call was answered with how many it changed, which is of no further interest.
    pub(super) fn counts(self) -> Result<(), StoreError> {
        let counts = self.values.iter().all(|value| matches!(value, Value::Int(_)));
        if counts { Ok(()) } else { Err(misshapen()) }
    }

    /// For each item its value and a number, out of flat arrays.
    fn pairs(self) -> Result<Vec<(usize, Value, i64)>, StoreError> {
        let mut pairs = Vec::new();
        for (call, value) in self.calls.iter().zip(self.values) {
            let Value::Array(values) = value else { return Err(misshapen()) };
            if values.len() != 2 * call.items.len() {
                return Err(misshapen());
            }
            let mut values = values.into_iter();
            for item in &call.items {
                let (Some(value), Some(Value::Int(number))) = (values.next(), values.next()) else {
                    return Err(misshapen());
                };
                pairs.push((*item, value, number));
            }
        }
        Ok(pairs)
    }
}

/// Without a time left, and so without a time at all (PTTL answers -1), it was not kept by a store of ours.
fn record(value: Value, remaining: i64) -> Result<Option<Record>, StoreError> {
    let bytes = match value {
        Value::Nil => return Ok(None),
        Value::BulkString(bytes) => Bytes::from(bytes),
        _ => return Err(misshapen()),
    };
    let remaining = u64::try_from(remaining).ok().filter(|millis| *millis > 0).map(Duration::from_millis);
    Ok(remaining.and_then(|remaining| Record::parse(bytes, remaining)))
}

fn misshapen() -> StoreError {
    StoreError::new("Redis answered something else than was asked for: is it a Redis of version 5 or later?")
}

#[cfg(test)]
mod tests {
    use super::{super::calls::Caller, super::names::Prefix, *};
    use crate::Key;

    fn records_of(values: Vec<Value>) -> Result<Vec<Option<Record>>, StoreError> {
        let caller = Caller { prefix: Prefix::new("").unwrap(), by_slot: false };
        let calls = caller.get(&[Key::from_bytes(b"a"), Key::from_bytes(b"b")]);
        Replies { calls: &calls, values }.records(2)
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        let values = vec![Value::BulkString(b"junk".to_vec()), Value::Int(5), Value::Nil, Value::Int(0)];
        assert_eq!(records_of(vec![Value::Array(values)]).unwrap(), [None, None]);
    }

    #[test]
    fn what_has_no_end_was_not_kept_by_a_store() {
        let mut bytes = vec![0; Record::HEAD];
        bytes[0] = Record::VERSION;
        assert!(record(Value::BulkString(bytes.clone()), 1).unwrap().is_some());
        for remaining in [-1, 0, i64::MIN] {
            assert_eq!(record(Value::BulkString(bytes.clone()), remaining).unwrap(), None);
        }
    }

    #[test]
    fn a_reply_of_another_shape_is_an_error() {
        let int = || Value::Int(1);
        for value in [
            Value::Okay,
            int(),
            Value::Array(vec![]),
            Value::Array(vec![int(), int(), int(), int()]),
            Value::Array(vec![Value::Nil, Value::Nil, Value::Nil, int()]),
            Value::Array(vec![Value::Nil, int(), Value::Nil]),
        ] {
            assert!(records_of(vec![value.clone()]).is_err(), "{value:?}");
        }
    }
}
