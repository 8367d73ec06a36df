//! What loom tries in every order: readers that take no lock, beside a writer that shows and hides.

use std::time::Duration;

use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};
use tm_core::{TenantId, Token};

use super::{Handle, View, slot::Slot};

const NOW: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(20);
const SOONER: Duration = Duration::from_secs(5);

/// A view, and how its readers ask it: through a handle, or by the tenant's id.
#[derive(Debug)]
struct Client {
    view: View,
    handle: Option<Handle>,
}

impl Client {
    fn with_handle() -> Self {
        let view = View::default();
        let handle = Some(view.handle(&acme()));
        Self { view, handle }
    }

    fn without() -> Self {
        Self { view: View::default(), handle: None }
    }

    fn show(&self, text: &str, until: Duration) {
        self.view.show(&acme(), token(text), until);
    }

    fn hide(&self) {
        self.view.hide(&acme());
    }

    /// The first hit of a token asks the broker, so this one asks twice.
    fn serves(&self) -> Option<String> {
        self.hit().or_else(|| self.hit())
    }

    fn hit(&self) -> Option<String> {
        match &self.handle {
            Some(handle) => text(handle.hit(NOW)),
            None => self.hit_by_id(),
        }
    }

    fn hit_by_id(&self) -> Option<String> {
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

/// The same with a handle, and by the id.
fn either_way(story: fn(Arc<Client>)) {
    in_every_order(move || story(Arc::new(Client::with_handle())));
    in_every_order(move || story(Arc::new(Client::without())));
}

type Way = fn(&Client) -> Option<String>;

/// Does it beside all else.
fn beside<T: 'static>(
    client: &Arc<Client>,
    what: impl FnOnce(&Client) -> T + 'static,
) -> thread::JoinHandle<T> {
    let client = Arc::clone(client);
    thread::spawn(move || what(&client))
}

#[test]
fn of_all_first_hits_of_a_token_one_asks_the_broker() {
    either_way(|client| {
        client.show("one", LATER);
        let others = [beside(&client, Client::hit), beside(&client, Client::hit)];
        let mut hits = vec![client.hit()];
        hits.extend(others.map(|other| other.join().unwrap()));
        assert_eq!(hits.iter().filter(|hit| hit.is_none()).count(), 1, "{hits:?}");
    });
}

#[test]
fn no_token_is_served_before_the_broker_heard_that_it_is_used() {
    either_way(|client| {
        client.show("one", LATER);
        let writer = beside(&client, |client| {
            client.show("two", LATER);
            client.hit()
        });
        let mut hits = vec![client.hit(), client.hit(), client.hit()];
        hits.push(writer.join().unwrap());
        let asked = hits.iter().filter(|hit| hit.is_none()).count();
        let served = ["one", "two"].iter().filter(|text| hits.contains(&Some((**text).to_owned()))).count();
        assert!(asked >= served, "{hits:?}");
    });
}

#[test]
fn a_replaced_token_does_not_come_back() {
    either_way(|client| {
        client.show("one", LATER);
        let writer = beside(&client, |client| client.show("two", LATER));
        let hits: Vec<_> = (0..4).filter_map(|_| client.hit()).collect();
        assert!(hits.is_sorted_by(|a, b| (a.as_str(), b.as_str()) != ("two", "one")), "{hits:?}");
        writer.join().unwrap();
        assert_eq!(client.serves().as_deref(), Some("two"));
    });
}

#[test]
fn a_token_replaced_through_a_handle_does_not_come_back_by_the_id_nor_the_other_way_round() {
    let (through_handle, by_id): (Way, Way) = (Client::hit, Client::hit_by_id);
    for (one_way, other_way) in [(through_handle, by_id), (by_id, through_handle)] {
        in_every_order(move || {
            let client = Arc::new(Client::with_handle());
            client.show("one", LATER);
            (client.hit(), client.hit_by_id());
            let writer = beside(&client, |client| client.show("two", LATER));
            // The first of a token asks the broker.
            let hits = [one_way(&client), one_way(&client), other_way(&client)];
            assert_ne!(hits[1..], ["two", "one"].map(|text| Some(text.to_owned())));
            writer.join().unwrap();
        });
    }
}

#[test]
fn no_token_is_served_until_the_deadline_of_another() {
    either_way(|client| {
        client.show("ended", SOONER);
        let writer = beside(&client, |client| client.show("living", LATER));
        for _ in 0..3 {
            assert_ne!(client.hit().as_deref(), Some("ended"));
        }
        writer.join().unwrap();
    });
}

#[test]
fn nor_is_one_between_two_that_end_at_the_same_time() {
    either_way(|client| {
        client.show("living", LATER);
        client.hit();
        let writer = beside(&client, |client| {
            client.show("ended", SOONER);
            client.show("new", LATER);
            client.hit();
        });
        assert_ne!(client.hit().as_deref(), Some("ended"));
        writer.join().unwrap();
    });
}

#[test]
fn a_rejected_token_is_not_served_to_one_who_knows_that_it_was_rejected() {
    either_way(|client| {
        client.show("one", LATER);
        client.hit();
        let rejected = Arc::new(AtomicBool::new(false));
        let writer = {
            let rejected = Arc::clone(&rejected);
            beside(&client, move |client| {
                client.hide();
                rejected.store(true, Ordering::Release);
                client.show("two", LATER);
            })
        };
        let knows = rejected.load(Ordering::Acquire);
        let hit = client.hit();
        assert!(!knows || hit.as_deref() != Some("one"));
        writer.join().unwrap();
        assert_eq!(client.serves().as_deref(), Some("two"));
    });
}

#[test]
fn a_handle_made_beside_the_writer_has_the_token_that_is_in_the_map() {
    in_every_order(|| {
        let client = Arc::new(Client::without());
        client.show("one", LATER);
        client.hit();
        let writer = beside(&client, |client| client.show("two", SOONER));
        let handle = client.view.handle(&acme());
        assert_eq!(handle.hit(NOW), None, "it has ended, or it is the handle's first hit");
        writer.join().unwrap();
        assert_eq!(handle.hit(NOW), None, "two has ended");
    });
}

#[test]
fn a_handle_made_while_hiding_sees_the_next_token() {
    in_every_order(|| {
        let client = Arc::new(Client::without());
        client.show("one", LATER);
        let writer = beside(&client, Client::hide);
        let handle = client.view.handle(&acme());
        writer.join().unwrap();
        assert_eq!(handle.hit(NOW), None);
        assert_eq!(handle.hit(NOW), None, "it is hidden");
        client.show("two", LATER);
        handle.hit(NOW);
        assert_eq!(text(handle.hit(NOW)).as_deref(), Some("two"));
    });
}

#[test]
fn a_handle_that_is_cloned_and_dropped_while_hiding_loses_nothing() {
    in_every_order(|| {
        let view = View::default();
        view.show(&acme(), token("one"), LATER);
        let handle = view.handle(&acme());
        let holder = thread::spawn(move || {
            let clone = handle.clone();
            drop(handle);
            clone
        });
        view.hide(&acme());
        view.show(&acme(), token("two"), LATER);
        let clone = holder.join().unwrap();
        clone.hit(NOW);
        assert_eq!(text(clone.hit(NOW)).as_deref(), Some("two"), "its slot is still the one in the map");
        drop(clone);
        view.hide(&acme());
        assert!(view.with_handle().is_empty(), "and goes once nobody holds it");
    });
}

#[test]
fn a_reader_beside_the_removal_of_a_slot_gets_the_token_or_nothing() {
    either_way(|client| {
        client.show("one", LATER);
        let reader = beside(&client, Client::serves);
        client.hide();
        assert!(client.view.is_empty());
        assert!(reader.join().unwrap().is_none_or(|hit| hit == "one"));
    });
}

/// Shows that these models see what they are for.
#[test]
#[should_panic(expected = "until the deadline of another")]
fn without_the_lock_two_writers_would_mix_the_token_of_one_with_the_deadline_of_the_other() {
    in_every_order(|| {
        let slot = Arc::new(Slot::default());
        let writer = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || slot.show(token("ended"), SOONER))
        };
        slot.show(token("living"), LATER);
        writer.join().unwrap();
        slot.hit(NOW);
        assert_ne!(text(slot.hit(NOW)).as_deref(), Some("ended"), "until the deadline of another");
    });
}
