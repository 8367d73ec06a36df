//! What is asked of Redis, each time for many tokens: all that writes, or that must be one step, is a call of a script.

use std::{collections::BTreeMap, time::Duration};

use ::redis::{Cmd, cmd};
use bytes::Bytes;

use super::{
    names::{Names, Prefix},
    script::{BURY, LEASE, PUT, RELEASE, Script},
};
use crate::{Claim, Key, Owner, Record, Tombstone};

/// Most tokens of one call: each holds up everybody else at the server for some microseconds.
const MOST_TOKENS: usize = 500;

/// Nothing is kept for longer. A token lives half an hour. The scripts know it too.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// One thing that is asked of one server. Records are among its arguments, so it is not to be shown.
pub(super) struct Call {
    how: How,
    /// Where its keys lie in a Cluster; elsewhere 0.
    pub(super) slot: u16,
    /// Which items of the request it is about, in the order of its keys.
    pub(super) items: Vec<usize>,
    keys: Vec<String>,
    arguments: Vec<Bytes>,
}

#[derive(Debug, Clone, Copy)]
enum How {
    /// What the keys hold, then the time there, so that nothing seems to have more of it left than it has. It is no script since
    /// Lua copies each value in and out, which takes the server eight times as long.
    Read,
    Call(&'static Script),
}

impl Call {
    /// With the text of the script for a server that does not know it, else with its name.
    pub(super) fn command(&self, with_text: bool) -> Cmd {
        let script = match self.how {
            How::Read => return cmd("MGET").arg(&self.keys).take(),
            How::Call(script) => script,
        };
        let mut command = Cmd::new();
        if with_text {
            command.arg("EVAL").arg(script.text());
        } else {
            command.arg("EVALSHA").arg(script.sha());
        }
        command.arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            command.arg(&argument[..]);
        }
        command
    }

    /// Whether the server is asked for its time right behind the command.
    pub(super) fn asks_for_the_time(&self) -> bool {
        matches!(self.how, How::Read)
    }
}

/// Turns requests into calls.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) prefix: Prefix,
    /// In a Cluster all keys of a call must lie in one slot.
    pub(super) by_slot: bool,
}

impl Caller {
    pub(super) fn get(&self, keys: &[Key]) -> Vec<Call> {
        let items = keys.iter().enumerate().map(|(item, key)| {
            let names = self.names(key);
            self.part(item, &names, [names.record()], [])
        });
        Self::calls(How::Read, &[], items)
    }

    /// Leaves out what is at its end, and what nobody could read.
    pub(super) fn put(&self, records: &[(Key, Record)]) -> Vec<Call> {
        let items = records.iter().enumerate().filter_map(|(item, (key, record))| {
            let readable = Record::parse(record.bytes().clone(), record.remaining()).is_some();
            let remaining = millis(record.remaining()).filter(|_| readable)?;
            let names = self.names(key);
            Some(self.part(
                item,
                &names,
                [names.record(), names.grave()],
                [record.bytes().clone(), decimal(remaining)],
            ))
        });
        Self::calls(How::Call(&PUT), &[], items)
    }

    pub(super) fn bury(&self, tombstones: &[(Key, Tombstone)]) -> Vec<Call> {
        let items = tombstones.iter().enumerate().map(|(item, (key, tombstone))| {
            let names = self.names(key);
            let mut bytes = tombstone.issued.as_millis().to_be_bytes().to_vec();
            bytes.extend_from_slice(tombstone.fingerprint.as_bytes());
            let remaining = millis(tombstone.remaining).unwrap_or(0);
            self.part(item, &names, [names.record(), names.grave()], [bytes.into(), decimal(remaining)])
        });
        Self::calls(How::Call(&BURY), &[], items)
    }

    pub(super) fn lease(&self, claims: &[Claim], owner: &Owner, time: Duration) -> Vec<Call> {
        let items = claims.iter().enumerate().map(|(item, claim)| {
            let names = self.names(&claim.key);
            let has = claim.has.map_or(Bytes::new(), |has| {
                let times = [has.issued, has.expires].map(|time| time.as_millis().to_be_bytes());
                times.concat().into()
            });
            self.part(item, &names, [names.record(), names.lease()], [has])
        });
        // Redis refuses a time of nothing.
        let time = decimal(millis(time).unwrap_or(1));
        Self::calls(How::Call(&LEASE), &[Bytes::copy_from_slice(owner.as_bytes()), time], items)
    }

    pub(super) fn release(&self, keys: &[Key], owner: &Owner) -> Vec<Call> {
        let items = keys.iter().enumerate().map(|(item, key)| {
            let names = self.names(key);
            self.part(item, &names, [names.lease()], [])
        });
        Self::calls(How::Call(&RELEASE), &[Bytes::copy_from_slice(owner.as_bytes())], items)
    }

    fn names(&self, key: &Key) -> Names<'_> {
        Names::new(&self.prefix, key)
    }

    fn part<const K: usize, const A: usize>(
        &self,
        item: usize,
        names: &Names<'_>,
        keys: [String; K],
        arguments: [Bytes; A],
    ) -> Part {
        let slot = if self.by_slot { names.slot() } else { 0 };
        Part { slot, item, keys: keys.into(), arguments: arguments.into() }
    }

    /// The arguments that all tokens share come first.
    fn calls(how: How, shared: &[Bytes], parts: impl Iterator<Item = Part>) -> Vec<Call> {
        let mut by_slot: BTreeMap<u16, Vec<Call>> = BTreeMap::new();
        for part in parts {
            let calls = by_slot.entry(part.slot).or_default();
            if calls.last().is_none_or(|call| call.items.len() == MOST_TOKENS) {
                let (slot, arguments) = (part.slot, shared.to_vec());
                calls.push(Call { how, slot, items: Vec::new(), keys: Vec::new(), arguments });
            }
            if let Some(call) = calls.last_mut() {
                call.items.push(part.item);
                call.keys.extend(part.keys);
                call.arguments.extend(part.arguments);
            }
        }
        by_slot.into_values().flatten().collect()
    }
}

/// What one token adds to a call.
struct Part {
    slot: u16,
    item: usize,
    keys: Vec<String>,
    arguments: Vec<Bytes>,
}

/// Whole milliseconds, at most [`LONGEST`]; `None` for none.
fn millis(time: Duration) -> Option<u128> {
    Some(time.min(LONGEST).as_millis()).filter(|millis| *millis > 0)
}

fn decimal(number: u128) -> Bytes {
    number.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: u16) -> Vec<Key> {
        (0..count).map(|number| Key::from_bytes(&number.to_be_bytes())).collect()
    }

    fn caller(by_slot: bool) -> Caller {
        Caller { prefix: Prefix::new("tm:").unwrap(), by_slot }
    }

    #[test]
    fn five_hundred_keys_are_one_call() {
        assert_eq!(caller(false).get(&keys(500)).len(), 1);
        assert_eq!(caller(false).get(&keys(501)).len(), 2);
        assert!(caller(false).get(&[]).is_empty());
    }

    #[test]
    fn in_a_cluster_each_call_keeps_to_a_slot() {
        let keys = keys(2_000);
        let calls = caller(true).get(&keys);
        assert!(calls.len() <= 256, "{}", calls.len());
        let mut items: Vec<usize> = calls.iter().flat_map(|call| call.items.clone()).collect();
        items.sort_unstable();
        assert_eq!(items, (0..2_000).collect::<Vec<_>>());
        for call in calls {
            let prefix = Prefix::new("tm:").unwrap();
            assert!(call.items.iter().all(|item| Names::new(&prefix, &keys[*item]).slot() == call.slot));
        }
    }

    #[test]
    fn no_time_is_none_and_an_absurd_one_a_day() {
        assert_eq!(millis(Duration::from_micros(999)), None);
        assert_eq!(millis(Duration::from_micros(1_999)), Some(1));
        assert_eq!(millis(Duration::MAX), Some(86_400_000));
    }
}
