//! Many at once in bad weather: everybody gets an answer, and nothing is left behind.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use tm_async::{Error, TenantId, Token, Wish};
use tm_sim::{Fault, FaultRule, Simulator};
use tokio::task::{JoinSet, yield_now};

use crate::harness::{Client, SOON, Stack, World, owner, until};

both!(everybody_gets_an_answer_in_bad_weather);

const REQUESTS: usize = 10_000;
const THREADS: usize = 64;
const TENANTS: usize = 200;
/// Those after the first so many have each a trouble of their own.
const UNTROUBLED: usize = 150;
/// Of every so many callers one is dropped, unless it has its answer by then. That leaves hundreds; on a busy machine fewer.
const DROPPED_OF: usize = 7;
const LEAST_DROPPED: usize = 50;

fn everybody_gets_an_answer_in_bad_weather(stack: Stack) {
    let world = World::with_settings(stack, Simulator::builder().tenants(TENANTS), |settings| {
        settings.attempt_time = Duration::from_millis(500); // for the calls that hang
    });
    let ids = world.tenants();
    let warm = world.client.tokens(&ids[..50]);
    assert!(warm.iter().all(|(_, row)| row.is_ok()), "fair weather");
    for (number, id) in ids.iter().enumerate().skip(UNTROUBLED) {
        world.sim.fault(trouble(number, id.as_str()));
    }
    let tally = Arc::new(Tally::default());
    match &world.client {
        Client::Async(client, runtime) => runtime.block_on(tasks(client, &ids, &tally)),
        Client::Blocking(client) => threads(client, &ids, &tally),
    }
    let [good, bad, gone] = tally.numbers();
    assert_eq!(good + bad + gone, REQUESTS);
    assert!(good > 0 && bad > 0, "mixed weather: {good} good, {bad} bad, {gone} gone");
    assert!(tally.refused() > 0, "nothing was rejected");
    let dropped = if stack == Stack::Reqwest { LEAST_DROPPED } else { 0 };
    assert!(gone >= dropped, "only {gone} callers were dropped on the way");
    assert_eq!(world.client.stats().waiting, 0, "who was dropped waits no more");
    world.sim.clear_faults();
    until("nothing is under way", || world.client.stats().calls_under_way == 0);
    let World { client, host, .. } = world;
    client.close(SOON);
    drop(client); // and with it the connections that it keeps open
    until("no task is left", || host.tasks() == 0);
}

/// All the kinds of trouble, one for each tenant.
fn trouble(number: usize, id: &str) -> FaultRule {
    let rubbish = Bytes::from_static(b"<html>not what you think</html>");
    let (fault, times) = match number % 12 {
        0 => (Fault::status(500), 3),
        1 => (Fault::status(503), 3),
        2 => (Fault::status(429), 1),
        3 => (Fault::status(403), u64::MAX),
        4 => (Fault::CloseBeforeHeaders, 3),
        5 => (Fault::CutBody { after: 10 }, 3),
        6 => (Fault::Garbage200 { content_type: "text/html".to_owned(), body: rubbish }, u64::MAX),
        7 => (Fault::Hang, 2),
        8 => (Fault::Delay(Duration::from_millis(50)), u64::MAX),
        9 => (Fault::DropTenant(id.to_owned()), u64::MAX),
        10 => (Fault::WrongLife { expires_in: 6.into() }, u64::MAX),
        _ => (Fault::SlowDrip { bytes: 100, tick: Duration::from_millis(1) }, u64::MAX),
    };
    fault.for_tenants([id]).times(times)
}

/// A task for each request. Some are dropped on the way, as soon as they have begun.
async fn tasks(client: &tm_async::Client, ids: &[TenantId], tally: &Arc<Tally>) {
    let mut tasks = JoinSet::new();
    for number in 0..REQUESTS {
        let (client, mut request) = (client.clone(), Request::new(number, ids, 20));
        let is_dropped = number.is_multiple_of(DROPPED_OF);
        if is_dropped {
            request.wish.patience = None; // or it might go unnoticed that it is waited for still
        }
        let (tally, begun) = (Arc::clone(tally), Arc::new(AtomicBool::new(false)));
        let begins = Arc::clone(&begun);
        let task = tasks.spawn(async move {
            begins.store(true, Ordering::Relaxed);
            let refused = tally.refused();
            let answer = client.token_with(&request.tenant, request.wish).await;
            tally.count(&request, refused, &answer);
            if let Some(token) = request.to_reject(&answer) {
                client.reject(token);
                tally.refuse(token);
            }
        });
        if is_dropped {
            while !begun.load(Ordering::Relaxed) {
                yield_now().await;
            }
            task.abort();
        }
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(()) => {}
            Err(gone) if gone.is_cancelled() => tally.count_gone(),
            Err(panicked) => panic!("{panicked}"),
        }
    }
}

fn threads(client: &tm_blocking::Client, ids: &[TenantId], tally: &Tally) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(request) = take(&next, ids) {
                    let refused = tally.refused();
                    let answer = client.token_with(&request.tenant, request.wish);
                    tally.count(&request, refused, &answer);
                    if let Some(token) = request.to_reject(&answer) {
                        client.reject(token);
                        tally.refuse(token);
                    }
                }
            });
        }
    });
}

fn take(next: &AtomicUsize, ids: &[TenantId]) -> Option<Request> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    (number < REQUESTS).then(|| Request::new(number, ids, 1))
}

struct Request {
    tenant: TenantId,
    wish: Wish,
    rejects: bool,
}

impl Request {
    /// Every tenant is asked for in turn, by callers with more and with less `patience`: up to 100 times so many milliseconds.
    fn new(number: usize, ids: &[TenantId], patience: u64) -> Self {
        let patience = Duration::from_millis(patience * (number as u64 % 101));
        let wish = Wish { patience: Some(patience), ..Wish::default() };
        Self { tenant: ids[number * 7 % ids.len()].clone(), wish, rejects: number.is_multiple_of(97) }
    }

    fn to_reject<'a>(&self, answer: &'a Result<Token, Error>) -> Option<&'a Token> {
        answer.as_ref().ok().filter(|_| self.rejects)
    }
}

#[derive(Default)]
struct Tally {
    good: AtomicUsize,
    bad: AtomicUsize,
    gone: AtomicUsize,
    refused: Mutex<Vec<Token>>,
}

impl Tally {
    /// How many tokens were rejected up to now.
    fn refused(&self) -> usize {
        self.refused.lock().unwrap().len()
    }

    fn refuse(&self, token: &Token) {
        self.refused.lock().unwrap().push(token.clone());
    }

    /// `refused` is how many were when the request was made.
    fn count(&self, request: &Request, refused: usize, answer: &Result<Token, Error>) {
        let counter = if answer.is_ok() { &self.good } else { &self.bad };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Ok(token) = answer {
            assert_eq!(owner(token), request.tenant.as_str());
            let is_refused = self.refused.lock().unwrap()[..refused].contains(token);
            assert!(!is_refused, "{}: a token that was rejected comes back", request.tenant);
        }
    }

    fn count_gone(&self) {
        self.gone.fetch_add(1, Ordering::Relaxed);
    }

    fn numbers(&self) -> [usize; 3] {
        [&self.good, &self.bad, &self.gone].map(|counter| counter.load(Ordering::Relaxed))
    }
}
