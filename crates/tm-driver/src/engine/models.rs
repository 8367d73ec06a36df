//! What loom tries in every order: callers that ask, wait and leave beside whoever answers for the service.
//!
//! The engine, its broker, the books of a caller and its inbox are the real ones; the locks and the threads are loom's.
//! The view is the real one and loom sees nothing of it: it has models of its own.

use std::task::{Context, Poll, Waker};

use loom::{sync::Arc, thread};
use tm_core::{
    AppName, AppVersion, Application, Credentials, Error, ErrorKind, Gateway, TenantId, Token,
    broker::{Effect, EffectId, Outcome, Settings},
};

use super::{Engine, Job, Todo, Wake, Wish};
use crate::{Demands, Event, Inbox};

struct Caller {
    position: usize,
    inbox: Arc<Inbox>,
}

impl Wake for Caller {
    fn answer(&self, result: Result<Token, Error>) {
        self.inbox.put(Event::Settled(self.position, result));
    }

    fn wake(self) {
        self.inbox.wake();
    }
}

/// As a thread waits.
fn wait(inbox: &Inbox) -> Event {
    let waker = Waker::from(std::sync::Arc::new(Parked(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(event) = inbox.poll(&mut context) {
            return event;
        }
        thread::park();
    }
}

struct Parked(thread::Thread);

impl std::task::Wake for Parked {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// A client of the least kind: as many tasks as effects, and a service that knows everybody.
#[derive(Clone)]
struct Client {
    engine: Arc<Engine<Caller>>,
    service: fn(&Effect) -> Outcome,
}

impl Client {
    fn new(service: fn(&Effect) -> Outcome) -> Self {
        let application = Application {
            gateway: Gateway::region("eu1").unwrap(),
            host_tenant: tenant("host"),
            name: AppName::new("app").unwrap(),
            version: AppVersion::new("1").unwrap(),
        };
        let mut settings = Settings::default();
        settings.attempts = 1;
        let credentials = Credentials::new("client", "hush").unwrap();
        Self { engine: Arc::new(Engine::new(application, credentials, settings, None, 1)), service }
    }

    /// Each effect is carried out by a thread of its own, as a task or a worker does.
    fn carry_out(&self, todo: Todo) {
        for Job { id, effect, .. } in todo.jobs {
            let client = self.clone();
            thread::spawn(move || client.answer(id, &effect));
        }
    }

    fn answer(&self, id: EffectId, effect: &Effect) {
        let todo = self.engine.done(id, (self.service)(effect));
        self.carry_out(todo);
    }

    fn asking(&self, ids: &[&str]) -> Waiting {
        let mut waiting = self.about_to_ask();
        let todo = waiting.ask(ids);
        self.carry_out(todo);
        waiting
    }

    fn about_to_ask(&self) -> Waiting {
        Waiting { client: self.clone(), demands: Demands::default(), inbox: Arc::new(Inbox::default()) }
    }

    /// Nobody waits, and nobody is kept who would be woken.
    #[track_caller]
    fn assert_at_rest(&self) {
        let state = self.engine.lock();
        let stats = state.broker.stats();
        assert_eq!((stats.waiting, stats.calls_under_way, state.callers.len()), (0, 0, 0));
    }
}

/// As the caller of either client waits.
struct Waiting {
    client: Client,
    demands: Demands,
    inbox: Arc<Inbox>,
}

impl Waiting {
    fn ask(&mut self, ids: &[&str]) -> Todo {
        let ids: Vec<_> = ids.iter().map(|id| tenant(id)).collect();
        let caller = |position| Caller { position, inbox: Arc::clone(&self.inbox) };
        let asked = match ids.as_slice() {
            [id] => self.client.engine.ask(id, Wish::default(), caller),
            ids => self.client.engine.ask_bulk(ids.iter().enumerate(), caller),
        };
        self.demands.asked(asked)
    }

    fn next(&mut self) -> (usize, Result<Token, Error>) {
        loop {
            if let Some(Event::Settled(position, result)) = self.demands.next_answered() {
                return (position, result);
            }
            let event = wait(&self.inbox);
            self.demands.came(&event);
            if let Event::Settled(position, result) = event {
                return (position, result);
            }
        }
    }

    fn leave(&mut self) {
        let tickets = self.demands.leave();
        if !tickets.is_empty() {
            let todo = self.client.engine.forget(tickets);
            self.client.carry_out(todo);
        }
    }
}

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

fn good(effect: &Effect) -> Outcome {
    let Effect::Call(call) = effect else { return Outcome::StoreFailed };
    let token = r#"{"access_token":"abc","token_type":"bearer","expires_in":1799}"#;
    let body = match call.tenants() {
        [_] => token.to_owned(),
        tenants => {
            let entry = |id: &TenantId| format!(r#"{{"userTenantId":"{}","token":{token}}}"#, id.as_str());
            let entries: Vec<_> = tenants.iter().map(entry).collect();
            format!(r#"{{"oauthTokens":[{}]}}"#, entries.join(","))
        }
    };
    call.outcome(Ok(http::Response::new(body.into())))
}

fn refused(effect: &Effect) -> Outcome {
    let Effect::Call(call) = effect else { return Outcome::StoreFailed };
    let mut answer = http::Response::default();
    *answer.status_mut() = http::StatusCode::FORBIDDEN;
    call.outcome(Ok(answer))
}

fn lost(_: &Effect) -> Outcome {
    Outcome::Lost
}

fn in_every_order(story: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(3));
    model.check(story);
}

#[test]
fn everybody_who_waits_for_a_call_is_woken_by_it() {
    in_every_order(|| {
        let client = Client::new(good);
        let other = {
            let client = client.clone();
            thread::spawn(move || client.asking(&["acme"]).next().1.is_ok())
        };
        assert!(client.asking(&["acme"]).next().1.is_ok());
        assert!(other.join().unwrap());
        client.assert_at_rest();
    });
}

#[test]
fn everybody_who_waits_for_a_call_that_is_refused_is_told_so() {
    in_every_order(|| {
        let client = Client::new(refused);
        let other = {
            let client = client.clone();
            thread::spawn(move || client.asking(&["acme"]).next().1.is_err())
        };
        assert!(client.asking(&["acme"]).next().1.is_err());
        assert!(other.join().unwrap());
        client.assert_at_rest();
    });
}

/// One caller alone: another, that comes later, would wait for a time that does not pass in here.
#[test]
fn a_call_that_is_lost_wakes_its_caller() {
    in_every_order(|| {
        let client = Client::new(lost);
        assert!(client.asking(&["acme"]).next().1.is_err());
        client.assert_at_rest();
    });
}

#[test]
fn a_caller_that_leaves_while_it_is_answered_leaves_nothing_behind() {
    in_every_order(|| {
        let client = Client::new(good);
        let leaving = {
            let client = client.clone();
            thread::spawn(move || {
                let mut waiting = client.asking(&["acme"]);
                waiting.leave();
                waiting
            })
        };
        assert!(client.asking(&["acme"]).next().1.is_ok(), "it harms no other");
        drop(leaving.join().unwrap());
        client.assert_at_rest();
    });
}

#[test]
fn a_caller_of_many_that_leaves_half_way_leaves_nothing_behind() {
    in_every_order(|| {
        let client = Client::new(good);
        let mut waiting = client.asking(&["a", "b"]);
        assert!(waiting.next().1.is_ok());
        waiting.leave();
        client.assert_at_rest();
    });
}

#[test]
fn closing_answers_everybody_once() {
    in_every_order(|| {
        let client = Client::new(good);
        let mut waiting = client.asking(&["acme"]);
        let closing = {
            let client = client.clone();
            thread::spawn(move || client.engine.close())
        };
        let (_, result) = waiting.next();
        assert!(result.map_or_else(|error| error.kind() == ErrorKind::Closed, |_| true));
        let _ = closing.join().unwrap();
        assert_eq!(client.asking(&["acme"]).next().1.unwrap_err().kind(), ErrorKind::Closed);
        assert!(client.engine.lock().callers.is_empty());
    });
}

/// Threads cannot be started: the caller is told so, unless somebody else's work answers it first.
#[test]
fn giving_up_answers_each_demand_once() {
    in_every_order(|| {
        let client = Client::new(good);
        let mut waiting = client.about_to_ask();
        let todo = waiting.ask(&["a", "b"]);
        let worker = {
            let client = client.clone();
            thread::spawn(move || {
                for Job { id, effect, .. } in todo.jobs {
                    client.answer(id, &effect);
                }
            })
        };
        let error = Error::new(ErrorKind::Config, "no thread can be started");
        let tickets = waiting.demands.give_up(&error);
        let _ = client.engine.forget(tickets);
        let mut told = [waiting.next().0, waiting.next().0];
        told.sort_unstable();
        assert_eq!(told, [0, 1]);
        worker.join().unwrap();
        client.assert_at_rest();
    });
}

#[test]
fn a_token_is_not_in_the_view_any_more_once_its_rejection_is_over() {
    in_every_order(|| {
        let client = Client::new(good);
        let token = client.asking(&["acme"]).next().1.unwrap();
        let other = {
            let client = client.clone();
            thread::spawn(move || client.asking(&["acme"]))
        };
        let todo = client.engine.reject(&token);
        assert_eq!(client.engine.hit("acme"), None);
        client.carry_out(todo);
        let mut other = other.join().unwrap();
        other.leave();
    });
}
