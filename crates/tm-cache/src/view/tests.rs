//! What the view serves, and until when.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tm_core::TokenText;

use super::*;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

#[test]
fn the_first_hit_of_each_token_asks_the_broker() {
    let view = View::default();
    for text in ["one", "two"] {
        view.show(&tenant("a"), token(text), secs(10));
        assert_eq!(view.hit(&tenant("a"), secs(1)), None);
        assert_eq!(view.hit(&tenant("a"), secs(1)).unwrap().secret(), text);
    }
}

#[test]
fn handles_that_are_gone_leave_no_slots_behind() {
    let view = View::default();
    let kept: Vec<_> = (0..100).map(|number| view.handle(&tenant(&format!("kept-{number}")))).collect();
    for number in 0..10_000 {
        view.handle(&tenant(&format!("asked-once-{number}")));
    }
    assert!(view.with_handle().len() < 1_000, "{}", view.with_handle().len());
    view.show(&tenant("kept-7"), token("t"), secs(10));
    kept[7].hit(secs(1));
    assert!(kept[7].hit(secs(1)).is_some());
}

#[test]
fn nothing_is_served_from_the_deadline_on_or_after_hiding() {
    let view = View::default();
    view.show(&tenant("a"), token("t"), secs(10));
    view.hit(&tenant("a"), secs(1));
    assert!(view.hit(&tenant("a"), secs(9)).is_some());
    assert!(view.hit(&tenant("a"), secs(10)).is_none());
    assert!(!view.is_empty(), "what is over goes when it is hidden");
    view.hide(&tenant("a"));
    assert!(view.hit(&tenant("a"), secs(9)).is_none());
    assert!(view.is_empty());
    view.hide(&tenant("never-shown"));
}

#[test]
fn whatever_its_deadline_a_token_is_new_at_first_and_served_until_a_millisecond_before() {
    let view = View::default();
    for nanos in [0, 1, 2, 3, 1 << 19, (1 << 20) - 1, 1 << 20, (1 << 20) + 1] {
        let nanos_more = Duration::from_nanos(nanos);
        let (almost, until) = (Duration::from_micros(9_998_951) + nanos_more, secs(10) + nanos_more);
        view.show(&tenant("a"), token("t"), until);
        assert!(view.hit(&tenant("a"), secs(1)).is_none(), "the first one asks the broker");
        assert!(view.hit(&tenant("a"), almost).is_some(), "{nanos}");
        assert!(view.hit(&tenant("a"), until).is_none(), "{nanos}");
    }
}

#[test]
fn a_handle_outlives_hiding_and_sees_the_next_token() {
    let view = View::default();
    let handle = view.handle(&tenant("a"));
    view.show(&tenant("a"), token("one"), secs(10));
    view.hide(&tenant("a"));
    assert!(view.is_empty() && handle.hit(secs(1)).is_none());
    view.show(&tenant("a"), token("two"), secs(10));
    handle.hit(secs(1));
    assert_eq!(handle.hit(secs(1)).unwrap().secret(), "two");
    assert_eq!(view.handle(&tenant("a")).hit(secs(1)).unwrap().secret(), "two", "it is the same slot");
    drop(handle);
    view.hide(&tenant("a"));
    assert!(view.with_handle().is_empty());
}

#[test]
fn a_handle_serves_what_was_there_before_it() {
    let view = View::default();
    view.show(&tenant("a"), token("one"), secs(10));
    let handle = view.handle(&tenant("a"));
    assert!(handle.hit(secs(1)).is_none(), "the first one asks the broker");
    assert_eq!(handle.hit(secs(1)).unwrap().secret(), "one");
    assert!(handle.hit(secs(10)).is_none());
}

#[test]
fn ids_of_any_length_are_told_apart() {
    let view = View::default();
    let ids: Vec<_> = (1..=128).map(|length| tenant(&"x".repeat(length))).collect();
    for id in &ids {
        view.show(id, token(id.as_str()), secs(10));
        view.hit(id, secs(1));
    }
    assert_eq!(view.len(), 128);
    for id in &ids {
        assert_eq!(view.hit(id, secs(1)).unwrap().secret(), id.as_str());
        view.hide(id);
    }
    assert!(view.is_empty());
}

#[test]
fn a_slot_that_no_handle_holds_goes_with_the_next_token() {
    let view = View::default();
    drop(view.handle(&tenant("a")));
    view.show(&tenant("a"), token("one"), secs(10));
    assert!(view.with_handle().is_empty());
}

#[test]
fn a_short_id_lies_in_the_entry() {
    let is_short = |length| matches!(name::Name::of(&tenant(&"x".repeat(length))), name::Name::Short { .. });
    assert_eq!([1, 22, 23].map(is_short), [true, true, false]);
}

#[test]
fn an_entry_is_no_longer_than_a_line_of_memory() {
    assert!(size_of::<(name::Name, Slot)>() <= 40, "{}", size_of::<(name::Name, Slot)>());
}

#[test]
fn what_is_hidden_is_let_go_at_once() {
    let (view, one) = (View::default(), token("one"));
    let shared: Arc<TokenText> = one.into();
    view.show(&tenant("a"), Token::from(Arc::clone(&shared)), secs(10));
    let handle = view.handle(&tenant("a"));
    handle.hit(secs(1));
    view.slots.look("a", |_| {
        view.hide(&tenant("a"));
        assert_eq!(Arc::strong_count(&shared), 1, "and wiped, since nobody else has it");
    });
}

#[test]
fn readers_see_whole_tokens_while_they_are_replaced() {
    let view = View::default();
    let (rounds, is_over) = (2_000, AtomicBool::new(false));
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                let mut last = 0;
                while last < rounds {
                    let is_over = is_over.load(Ordering::Acquire);
                    if let Some(token) = view.hit(&tenant("a"), secs(1)) {
                        let seen: u32 = token.secret().parse().unwrap();
                        assert!(seen >= last, "an older token came back");
                        last = seen;
                    }
                    assert!(last == rounds || !is_over, "the last token is served");
                }
            });
        }
        for round in 1..=rounds {
            view.show(&tenant("a"), token(&round.to_string()), secs(10));
        }
        view.hit(&tenant("a"), secs(1));
        is_over.store(true, Ordering::Release);
    });
}
