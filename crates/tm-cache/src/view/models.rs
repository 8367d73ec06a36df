//! What loom tries in every order: readers that take no lock, beside the steps that show and hide under one.

use std::time::Duration;

use loom::{
    sync::{Arc, Mutex},
    thread,
};
use tm_core::{TenantId, Token};

use super::{Handle, View};

const NOW: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(20);
const SOONER: Duration = Duration::from_secs(5);

/// A view with the broker's lock, under which all but hits happens.
#[derive(Debug, Default)]
struct Client {
    lock: Mutex<()>,
    view: View,
}

impl Client {
    fn show(&self, text: &str, until: Duration) {
        let _lock = self.lock.lock().unwrap();
        self.view.show(&acme(), token(text), until);
    }

    fn hide(&self) {
        let _lock = self.lock.lock().unwrap();
        self.view.hide(&acme());
    }

    fn handle(&self) -> Handle {
        let _lock = self.lock.lock().unwrap();
        self.view.handle(&acme())
    }

    /// The first hit of a token asks the broker, so this one asks twice.
    fn serves(&self) -> Option<String> {
        self.hit().or_else(|| self.hit())
    }

    fn hit(&self) -> Option<String> {
        text(self.view.hit(&acme(), NOW))
    }
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

fn text(hit: Option<Token>) -> Option<String> {
    hit.map(|token| token.secret().to_owned())
}

/// Tries every order in which at most three threads are stopped in the middle of something.
fn in_every_order(story: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(3));
    model.check(story);
}

#[test]
fn of_all_first_hits_of_a_token_one_asks_the_broker() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let client = Arc::clone(&client);
                thread::spawn(move || client.hit())
            })
            .collect();
        let mut hits = vec![client.hit()];
        hits.extend(others.into_iter().map(|other| other.join().unwrap()));
        assert_eq!(hits.iter().filter(|hit| hit.is_none()).count(), 1, "{hits:?}");
    });
}

#[test]
fn no_token_is_served_before_the_broker_heard_that_it_is_used() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let writer = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.show("two", LATER))
        };
        let reader = {
            let client = Arc::clone(&client);
            thread::spawn(move || [client.hit(), client.hit()])
        };
        let hits = [client.hit(), client.hit()];
        let hits = [hits, reader.join().unwrap()].concat();
        writer.join().unwrap();
        let asked = hits.iter().filter(|hit| hit.is_none()).count();
        let served = ["one", "two"].iter().filter(|text| hits.contains(&Some((**text).to_owned()))).count();
        assert!(asked >= served && asked <= 2, "{hits:?}");
    });
}

#[test]
fn a_replaced_token_does_not_come_back() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let writer = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.show("two", LATER))
        };
        let hits: Vec<_> = (0..4).filter_map(|_| client.hit()).collect();
        assert!(hits.is_sorted_by(|a, b| (a.as_str(), b.as_str()) != ("two", "one")), "{hits:?}");
        writer.join().unwrap();
        assert_eq!(client.serves().as_deref(), Some("two"));
    });
}

#[test]
fn no_token_is_served_until_the_deadline_of_another() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("ended", SOONER);
        let writer = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.show("living", LATER))
        };
        for _ in 0..3 {
            assert_ne!(client.hit().as_deref(), Some("ended"));
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_rejected_token_is_not_served_to_one_who_knows_that_it_was_rejected() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let handle = client.handle();
        client.hit();
        let reader = {
            let client = Arc::clone(&client);
            thread::spawn(move || {
                let hit = client.hit();
                // Whoever rejected it has let go of the lock since, or comes later.
                drop(client.lock.lock().unwrap());
                hit
            })
        };
        client.hide();
        assert_eq!((client.hit(), handle.hit(NOW)), (None, None));
        client.show("two", LATER);
        assert_ne!(client.serves().as_deref(), Some("one"));
        assert!(reader.join().unwrap().is_none_or(|hit| hit == "one" || hit == "two"));
        assert_eq!(text(handle.hit(NOW)).as_deref(), Some("two"));
    });
}

#[test]
fn a_handle_made_while_hiding_sees_the_next_token() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let writer = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.hide())
        };
        let handle = client.handle();
        writer.join().unwrap();
        client.show("two", LATER);
        handle.hit(NOW);
        assert_eq!(text(handle.hit(NOW)).as_deref(), Some("two"));
        assert_eq!(client.view.len(), 1);
    });
}

#[test]
fn a_handle_that_is_cloned_and_dropped_while_hiding_loses_nothing() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let handle = client.handle();
        let holder = thread::spawn(move || {
            let clone = handle.clone();
            drop(handle);
            clone
        });
        client.hide();
        client.show("two", LATER);
        let clone = holder.join().unwrap();
        clone.hit(NOW);
        assert_eq!(text(clone.hit(NOW)).as_deref(), Some("two"), "its slot is still the one in the map");
        drop(clone);
        client.hide();
        assert!(client.view.is_empty(), "and goes once nobody holds it");
    });
}

#[test]
fn a_reader_beside_the_removal_of_a_slot_gets_the_token_or_nothing() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let reader = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.serves())
        };
        client.hide();
        assert!(client.view.is_empty());
        assert!(reader.join().unwrap().is_none_or(|hit| hit == "one"));
    });
}

/// Shows that these models see what they are for.
#[test]
#[should_panic(expected = "the handle is blind")]
fn without_the_lock_a_handle_would_be_left_with_a_slot_that_nobody_shows_in() {
    in_every_order(|| {
        let client = Arc::new(Client::default());
        client.show("one", LATER);
        let writer = {
            let client = Arc::clone(&client);
            thread::spawn(move || client.hide())
        };
        let handle = client.view.handle(&acme());
        writer.join().unwrap();
        client.show("two", LATER);
        handle.hit(NOW);
        assert!(handle.hit(NOW).is_some(), "the handle is blind");
    });
}
