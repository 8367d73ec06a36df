//! A service refused a token: it is not served again.

use std::time::Duration;

use tm_async::{ErrorKind, Wish};
use tm_sim::{Fault, Simulator};

use crate::harness::{Stack, World, until};

both!(
    the_next_caller_after_a_rejection_gets_another_token_for_one_call,
    a_hundred_callers_after_a_rejection_make_one_call,
    a_token_rejected_by_many_is_fetched_anew_once,
    the_same_token_again_is_an_error_and_never_served,
    a_token_that_nobody_holds_any_more_is_rejected_in_vain,
);

fn the_next_caller_after_a_rejection_gets_another_token_for_one_call(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let handle = world.client.tenant("tenant-0001").unwrap();
    let rejected = handle.token().unwrap();
    world.client.reject(&rejected);
    let next = world.client.token("tenant-0001").unwrap();
    assert!(next != rejected);
    assert!(handle.token().unwrap().same(&next), "the handle has it too");
    assert_eq!(world.calls(), 2);
}

fn a_hundred_callers_after_a_rejection_make_one_call(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let acme = &world.tenants()[0];
    let rejected = world.client.token(acme.as_str()).unwrap();
    world.sim.fault(Fault::Hold);
    world.client.reject(&rejected);
    let callers: Vec<_> = (0..100).map(|_| world.client.asking(acme, Wish::default())).collect();
    until("all wait", || world.client.stats().waiting == 100);
    world.sim.clear_faults();
    let tokens: Vec<_> = callers.into_iter().map(|caller| caller.answer().unwrap()).collect();
    assert!(tokens.iter().all(|token| *token != rejected && token.same(&tokens[0])));
    assert_eq!(world.calls(), 2);
}

/// A hundred workers hit by one 401 each reject the token that they have.
fn a_token_rejected_by_many_is_fetched_anew_once(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let rejected = world.client.token("tenant-0001").unwrap();
    world.client.reject(&rejected);
    let next = world.client.token("tenant-0001").unwrap();
    for _ in 0..99 {
        world.client.reject(&rejected);
        assert!(world.client.token("tenant-0001").unwrap().same(&next));
    }
    assert_eq!(world.calls(), 2);
}

fn the_same_token_again_is_an_error_and_never_served(stack: Stack) {
    let world = World::new(stack, Simulator::builder().caches_tokens(true));
    let acme = &world.tenants()[0];
    let rejected = world.client.token(acme.as_str()).unwrap();
    world.client.reject(&rejected);
    let error = world.client.token(acme.as_str()).unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Service, true));
    assert!(error.to_string().contains("rejected") && error.retry_after().is_some(), "{error:?}");
    assert_eq!(world.calls(), 2);
    let impatient = Wish { patience: Some(Duration::from_millis(10)), ..Wish::default() };
    assert!(world.client.token_with(acme, impatient).is_err(), "nor is it served a moment later");
    assert_eq!(world.calls(), 2);

    assert!(world.sim.revoke(rejected.secret()), "the service's cache lets go of it");
    assert!(world.client.token(acme.as_str()).unwrap() != rejected);
}

fn a_token_that_nobody_holds_any_more_is_rejected_in_vain(stack: Stack) {
    let world = World::new(stack, Simulator::builder());
    let stranger = tm_async::Token::new("of.somebody.else").unwrap();
    world.client.reject(&stranger);
    world.client.token("tenant-0001").unwrap();
    world.client.reject(&stranger);
    world.client.token("tenant-0001").unwrap();
    assert_eq!(world.calls(), 1);
}
