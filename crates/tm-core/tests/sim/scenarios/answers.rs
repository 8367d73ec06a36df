//! Answers that are no use: what they say of the service, and what they do not.

use tm_core::{
    ErrorKind,
    broker::Outcome,
    wire::{Answer, batch},
};

use crate::{
    answers::{self, Instant},
    clock::{millis, secs},
    faults::{Fault, What},
    queue::{Act, Wait, Wish},
    random::tenants,
    world::World,
};

/// The batch with these entries, as if this call had brought it.
fn answer(world: &mut World, call: usize, entries: &[serde_json::Value]) {
    let now = world.clock.mono;
    let response = answers::batch(entries, Instant { sent: now, clock: now, skew_ms: 0, dated: true });
    let Ok(Answer { value, date }) = batch::answer(&response) else { panic!("a batch can be read") };
    let outcome = Outcome::Answered { entries: value, date };
    world.step(vec![Act::Answer { call, what: "by hand", outcome }]);
}

#[test]
fn a_gateway_that_redirects_is_not_down() {
    let mut world = World::story();
    let all = tenants(9);
    world.service.faults = vec![Fault::with_tenants(What::Status(308), &all[..8])];
    for tenant in &all[..8] {
        let caller = world.ask_for(tenant);
        world.pass(millis(50));
        assert!(world.error(caller).to_string().contains("redirects"), "{}", world.error(caller));
    }

    let caller = world.ask_for(&all[8]);
    world.pass(millis(50));

    world.token(caller);
}

#[test]
fn a_batch_without_a_token_that_can_be_read_is_no_progress() {
    let mut world = World::story();
    let ten = tenants(10);
    world.service.faults = vec![Fault::always(What::Silence)];
    let wishes = ten.iter().map(|tenant| Wish { patience: Wait::Idle(secs(5)), ..Wish::bulk(tenant) });
    let callers = world.ask(wishes);
    world.pass(secs(3));

    answer(&mut world, 1, &[answers::garbled_entry(&ten[5], 0)]);
    world.pass(secs(2));

    for caller in callers {
        assert_eq!((world.kind(caller), world.waited(caller)), (ErrorKind::Deadline, secs(5)));
    }
}

#[test]
fn an_answer_without_the_one_token_asked_for_is_not_asked_for_again() {
    let mut world = World::story();
    world.service.faults = vec![Fault::always(What::Silence)];
    let caller = world.ask_for(&tenants(1)[0]);

    answer(&mut world, 0, &[]);
    world.pass(millis(1));

    assert_eq!((world.kind(caller), world.calls.len()), (ErrorKind::Decode, 1));
}
