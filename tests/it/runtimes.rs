//! The async client and its runtimes: several, one after the other, none.

use std::{
    pin::pin,
    sync::OnceLock,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tm_async::{Client, Error, ErrorKind, Token, Wish};
use tm_sim::{Fault, Simulator};
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinError, JoinHandle},
    time::timeout,
};

use crate::harness::{SOON, in_time, kind_of, runtime, setup_for, tenant, until};

/// What a future answers that needs nothing to wait for, asked outside of any runtime.
#[track_caller]
fn outside<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits, and nobody will wake it"),
    }
}

/// What a caller in another task has got, soon.
#[track_caller]
fn answer_of(
    runtime: &Runtime,
    caller: JoinHandle<Result<Token, Error>>,
) -> Result<Result<Token, Error>, JoinError> {
    runtime.block_on(async { timeout(SOON, caller).await }).expect("a caller waits in vain")
}

fn patience(patience: Duration) -> Wish {
    Wish { patience: Some(patience), ..Wish::default() }
}

#[test]
fn a_client_in_a_static_outlives_the_runtime_that_was_shut_down_in_mid_call() {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    in_time(|| {
        let sim = Simulator::builder().start().unwrap();
        let client = CLIENT.get_or_init(|| Client::new(setup_for(&sim)).unwrap());
        let (first, second) = (runtime(), runtime());
        first.block_on(client.token("tenant-0001")).unwrap(); // leaves a connection behind
        sim.fault(Fault::Hold.once());
        let abandoned = first.spawn(client.token("tenant-0002"));
        assert!(sim.wait_for(SOON, |seen| seen.in_flight == 1));
        let other = second.spawn(client.token("tenant-0002"));
        until("both wait", || client.stats().waiting == 2);

        first.shutdown_background();
        answer_of(&second, other).unwrap().expect("the call that was lost is made again");
        assert!(answer_of(&second, abandoned).unwrap_err().is_cancelled());
        answer_of(&second, second.spawn(client.token("tenant-0003"))).unwrap().unwrap();
        assert!(client.stats().retries <= 1, "{:?}", client.stats());
    });
}

#[test]
fn a_deadline_is_kept_although_the_runtime_that_watched_the_time_is_gone() {
    in_time(|| {
        let sim = Simulator::builder().start().unwrap();
        let client = Client::new(setup_for(&sim)).unwrap();
        sim.fault(Fault::Hang);
        let (first, second) = (runtime(), runtime());
        let (early, late) = (client.clone(), client.clone());
        first.spawn(async move { early.token("tenant-0001").await });
        assert!(sim.wait_for(SOON, |seen| seen.in_flight == 1));
        let caller = second.spawn(async move {
            late.token_with(&tenant("tenant-0001"), patience(Duration::from_millis(500))).await
        });
        until("both wait", || client.stats().waiting == 2);
        first.shutdown_background();
        assert_eq!(kind_of(&answer_of(&second, caller).unwrap()), ErrorKind::Deadline);
    });
}

/// A runtime of one thread stands still between two calls of `block_on`, with whatever was left in it.
#[test]
fn a_runtime_that_stands_still_makes_nobody_elsewhere_wait() {
    in_time(|| {
        let sim = Simulator::builder().start().unwrap();
        let client = Client::new(setup_for(&sim)).unwrap();
        sim.fault(Fault::Hang);
        let still = Builder::new_current_thread().enable_all().build().unwrap();
        still.block_on(async {
            let first = tenant("tenant-0001");
            let mut asking = pin!(client.token_with(&first, patience(Duration::from_secs(1))));
            // Asks, and goes before its time: a timer for it stays behind.
            assert!(timeout(Duration::from_millis(100), &mut asking).await.is_err());
        });
        let elsewhere = runtime();
        let start = Instant::now();
        let second = tenant("tenant-0002");
        let answer = elsewhere.block_on(async {
            timeout(Duration::from_secs(8), client.token_with(&second, patience(Duration::from_secs(2))))
                .await
        });
        let answer =
            answer.unwrap_or_else(|_| panic!("after {:?} a patience of 2 s has not ended", start.elapsed()));
        assert_eq!(kind_of(&answer), ErrorKind::Deadline);
        drop(still);
    });
}

#[test]
fn who_stands_still_takes_no_wake_up_from_others() {
    in_time(|| {
        let sim = Simulator::builder().start().unwrap();
        // The next time that is due is far off.
        let setup = setup_for(&sim).settings(|settings| settings.attempt_time = Duration::from_secs(60));
        let client = Client::new(setup).unwrap();
        let (still, lost, going) =
            (Builder::new_current_thread().enable_all().build().unwrap(), runtime(), runtime());
        let hang = sim.fault(Fault::Hang);
        // The first to wait, and the first to be woken: more than there are wake-ups.
        let mut stuck: Vec<_> =
            (1..=4).map(|number| Box::pin(client.token(format!("tenant-{number:04}")))).collect();
        for caller in &mut stuck {
            still.block_on(async { assert!(timeout(Duration::from_millis(10), caller).await.is_err()) });
        }
        let other = client.clone();
        lost.spawn(async move { other.token("tenant-0005").await });
        until("it is asked for too", || client.stats().waiting == 5);
        let other = client.clone();
        let waiting = going.spawn(async move {
            other.token_with(&tenant("tenant-0005"), patience(Duration::from_secs(60))).await
        });
        until("all wait", || client.stats().waiting == 6);
        sim.clear_fault(hang);

        lost.shutdown_background();

        let answer = going.block_on(async { timeout(Duration::from_secs(8), waiting).await });
        let answer = answer.expect("it is woken, and not by the next time that is due").unwrap();
        answer.expect("the call that was lost is made again");
        drop((stuck, still));
    });
}

#[test]
#[should_panic(expected = "timers are disabled")]
fn a_runtime_without_timers_is_told_where_it_calls() {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::new(setup_for(&sim)).unwrap();
    let without = Builder::new_current_thread().enable_io().build().unwrap();
    let _ = without.block_on(client.token("tenant-0001"));
}

#[test]
fn two_runtimes_at_once_share_one_flight() {
    in_time(|| {
        let sim = Simulator::builder().tenants(20).start().unwrap();
        let client = Client::new(setup_for(&sim)).unwrap();
        let held = sim.fault(Fault::Hold);
        let runtimes = [runtime(), runtime()];
        let callers: Vec<_> = (0..100)
            .map(|number| {
                let client = client.clone();
                runtimes[number % 2].spawn(async move { client.token("tenant-0001").await })
            })
            .collect();
        until("all wait", || client.stats().waiting == 100);
        sim.clear_fault(held);
        for caller in callers {
            answer_of(&runtimes[0], caller).unwrap().unwrap();
        }
        assert_eq!(sim.counters().single_calls, 1);
        for number in 1..=20 {
            let name = format!("tenant-{number:04}");
            let client = client.clone();
            let runtime = &runtimes[number % 2];
            answer_of(runtime, runtime.spawn(async move { client.token(name).await })).unwrap().unwrap();
        }
        assert_eq!(sim.counters().single_calls, 20);
    });
}

#[test]
fn a_runtime_of_one_thread_will_do() {
    in_time(|| {
        let sim = Simulator::builder().tenants(237).start().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = Client::new(setup_for(&sim)).unwrap();
            let mut all = client.all_tokens();
            let mut served = 0;
            while let Some(row) = all.next().await {
                row.unwrap();
                served += 1;
            }
            assert_eq!(served, 237);
            client.close(SOON).await;
        });
    });
}

#[test]
fn outside_of_a_runtime_everything_is_an_error_of_the_set_up() {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::new(setup_for(&sim)).unwrap();
    let acme = tenant("tenant-0001");
    let error = outside(client.token("tenant-0001")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("runtime") && error.to_string().contains("tokio"), "{error}");
    assert_eq!(kind_of(&outside(client.token_with(&acme, Wish::default()))), ErrorKind::Config);
    assert_eq!(kind_of(&outside(client.user_tenants())), ErrorKind::Config);
    assert_eq!(kind_of(&outside(client.keep_fresh_all())), ErrorKind::Config);
    assert_eq!(kind_of(&client.keep_fresh([&acme])), ErrorKind::Config);
    let rows = outside(client.tokens([acme.clone()]));
    assert_eq!(kind_of(&rows[0].1), ErrorKind::Config);
    let mut all = client.all_tokens();
    assert_eq!(kind_of(&outside(all.next()).unwrap()), ErrorKind::Config);
    assert!(outside(all.next()).is_none());
    assert_eq!(sim.counters().connections, 0);

    let runtime = runtime();
    let token = runtime.block_on(async {
        client.token("tenant-0001").await.unwrap();
        // The first hit of a new token is made known to the broker, which is the business of a runtime.
        client.token("tenant-0001").await.unwrap()
    });
    assert!(outside(client.token("tenant-0001")).unwrap().same(&token), "a token in hand needs no runtime");
    client.reject(&token);
    assert!(runtime.block_on(client.token("tenant-0001")).unwrap() != token);
}

#[test]
fn closing_outside_of_a_runtime_s_reach_does_not_panic() {
    let sim = Simulator::builder().start().unwrap();
    let client = Client::new(setup_for(&sim)).unwrap();
    client.set_credentials(tm_core::Credentials::new("a", "b").unwrap());
    client.prefetch([&tenant("tenant-0001")]);
    client.let_fade([&tenant("tenant-0001")]);
    outside(client.clone().close(SOON));
    drop(client.clone());
    drop(client.all_tokens());
    drop(client);
}
