//! Answers: how many, in which order, of which bytes, under which keys.

use super::{
    Check, Verdict,
    place::{HOUR, Place, expect, new_owner, record_of},
};
use crate::{Claim, Head, Key, Record};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "answers_are_in_the_order_of_the_keys",
        promise: "Answers are one per key, in the order of the keys.",
        run: answers_are_in_the_order_of_the_keys,
    },
    Check {
        name: "an_empty_call_is_no_error",
        promise: "A call may name a thousand keys, or none.",
        run: an_empty_call_is_no_error,
    },
    Check {
        name: "a_thousand_keys_go_in_one_call",
        promise: "A call may name a thousand keys, or none.",
        run: a_thousand_keys_go_in_one_call,
    },
    Check {
        name: "unknown_keys_are_no_error",
        promise: "Answers are one per key: nothing, where nothing is kept.",
        run: unknown_keys_are_no_error,
    },
    Check {
        name: "bytes_come_back_as_they_were",
        promise: "What is kept under a key is what was put there, up to 32 KiB of any bytes.",
        run: bytes_come_back_as_they_were,
    },
    Check {
        name: "keys_have_any_length",
        promise: "Keys are 1 to a few hundred bytes of any value.",
        run: keys_have_any_length,
    },
    Check {
        name: "keys_have_any_bytes",
        promise: "Keys are 1 to a few hundred bytes of any value.",
        run: keys_have_any_bytes,
    },
];

fn answers_are_in_the_order_of_the_keys(place: &Place<'_>) -> Result<(), Verdict> {
    let keys = place.some_keys(6);
    let records: Vec<_> =
        (1..).zip(&keys).map(|(name, key)| (key.clone(), place.record(-100, name))).collect();
    place.put(&records)?;
    let unknown = place.key();
    for order in [&[0, 1, 2, 3, 4, 5][..], &[5, 4, 3, 2, 1, 0], &[3, 9, 0, 5, 9], &[9, 4], &[2, 9]] {
        let asked: Vec<Key> = order.iter().map(|n| keys.get(*n).unwrap_or(&unknown).clone()).collect();
        let seen = place.get(&asked)?;
        for (at, n) in order.iter().enumerate() {
            let expected = records.get(*n).map(|(_, record)| record);
            place.expect_record(
                &format!("as answer {at} of {}", order.len()),
                expected,
                seen[at].as_ref(),
            )?;
        }
    }
    Ok(())
}

fn an_empty_call_is_no_error(place: &Place<'_>) -> Result<(), Verdict> {
    place.get(&[])?;
    place.put(&[])?;
    place.bury(&[])?;
    place.lease(&[], &new_owner(), HOUR)?;
    place.release(&[], &new_owner())
}

fn a_thousand_keys_go_in_one_call(place: &Place<'_>) -> Result<(), Verdict> {
    let keys = place.some_keys(1_000);
    let body = |key: &Key| record_of(place.stamp(-100, 3_500), 1, key.as_bytes());
    place.put(&keys.iter().map(|key| (key.clone(), body(key))).collect::<Vec<_>>())?;
    let refused = &keys[..500];
    place.bury(&refused.iter().map(|key| (key.clone(), place.tombstone(-100, 1))).collect::<Vec<_>>())?;
    let claims: Vec<Claim> = refused.iter().map(|key| Claim { key: key.clone(), has: None }).collect();
    let owner = new_owner();
    place.lease(&claims, &owner, HOUR)?;
    place.release(refused, &owner)?;
    for (at, (key, seen)) in keys.iter().zip(place.get(&keys)?).enumerate() {
        let expected = (at >= 500).then(|| body(key));
        place.expect_record(&format!("under key {at} of 1000"), expected.as_ref(), seen.as_ref())?;
    }
    Ok(())
}

fn unknown_keys_are_no_error(place: &Place<'_>) -> Result<(), Verdict> {
    let keys = place.some_keys(3);
    place.release(&keys, &new_owner())?;
    place.expect_kept("under a key that nobody has used", &keys[0], None)?;
    place.bury_one(&keys[1], place.tombstone(-100, 1))?;
    place.expect_kept("under a key with nothing but a tombstone", &keys[1], None)
}

fn bytes_come_back_as_they_were(place: &Place<'_>) -> Result<(), Verdict> {
    let every_value: Vec<u8> = (0..=255).collect();
    let longest = every_value.repeat(Record::MAX_BYTES / 256);
    let bodies: [(&str, &[u8]); 5] = [
        ("with all 256 values in its body", &every_value),
        ("with no body", &[]),
        ("with zeros at the end of its body", &[1, 0, 0, 0]),
        ("with line ends in its body", b"a\r\nb\n\xff\xfe"),
        ("of 32 KiB", &longest[Record::HEAD..]),
    ];
    for (given, body) in bodies {
        let head = Head {
            flags: Head::SEALED | Head::COLD,
            key_id: [0, 0xff, 0x80, 0x7f, b'\r', b'\n', b'"', 0],
            ..place.record(-100, 0xfe).head()
        };
        let (key, record) = (place.key(), Record::new(&head, body, HOUR));
        place.put_one(&key, &record)?;
        place.expect_kept(given, &key, Some(&record))?;
    }
    Ok(())
}

/// Keys of a byte or two may be in use by others in a place that is shared. So their bodies tell whose they are, and a newer
/// record of another run is as good.
fn keys_have_any_length(place: &Place<'_>) -> Result<(), Verdict> {
    let long =
        [place.key().as_bytes(), &[0, 0xff, b'/', b'%', b':', b'{', b'}', b'*', b' ', b'\n'].repeat(30)]
            .concat();
    let keys: Vec<Key> = (1..=300).map(|length| Key::from_bytes(&long[..length])).collect();
    each_has_its_own(place, &keys, |key| format!("under a key of {} bytes", key.as_bytes().len()))
}

fn keys_have_any_bytes(place: &Place<'_>) -> Result<(), Verdict> {
    let prefix = place.key();
    let ending = |end: &[u8]| Key::from_bytes(&[prefix.as_bytes(), end].concat());
    let mut keys: Vec<Key> = (0..=255).map(|last| ending(&[last])).collect();
    keys.extend((0..=255).map(|last| ending(&[last, b'x'])));
    keys.push(ending(&[0, 0]));
    keys.extend((0..=255).map(|only| Key::from_bytes(&[only])));
    each_has_its_own(place, &keys, |key| {
        let bytes = key.as_bytes();
        format!(
            "under a key of {} bytes that ends in {:?}",
            bytes.len(),
            &bytes[bytes.len().saturating_sub(2)..]
        )
    })
}

fn each_has_its_own(place: &Place<'_>, keys: &[Key], given: impl Fn(&Key) -> String) -> Result<(), Verdict> {
    let record = |key: &Key| record_of(place.stamp(0, 3_600), 1, key.as_bytes());
    place.put(&keys.iter().map(|key| (key.clone(), record(key))).collect::<Vec<_>>())?;
    for (key, seen) in keys.iter().zip(place.get(keys)?) {
        let own = seen.as_ref().is_some_and(|seen| seen.body() == key.as_bytes());
        expect(own, || {
            let other = seen.as_ref().map_or("nothing", |_| "the record of another key");
            (format!("the record that was put {}", given(key)), other.to_owned())
        })?;
    }
    Ok(())
}
