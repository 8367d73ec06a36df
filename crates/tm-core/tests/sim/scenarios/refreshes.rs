//! Tokens are replaced before their end, behind their callers' backs.

use std::time::Duration;

use tm_core::{ErrorKind, TenantId, broker::Settings};

use crate::{
    clock::{START, millis, secs},
    faults::{Fault, What},
    queue::{Act, Wish},
    random::tenants,
    store::Store,
    world::World,
};

/// By then every token that was fetched at the start is due: 85 % of a life.
const ALL_DUE: Duration = secs(1_530);
/// Every token that was fetched at the start is over.
const ALL_OVER: Duration = secs(1_800);

/// A world in which these tenants have tokens that are used.
fn in_use(tenants: &[TenantId]) -> World {
    let mut world = World::story();
    world.ask(tenants.iter().map(Wish::bulk));
    world.pass(secs(5));
    use_all(&mut world, tenants);
    world
}

fn use_all(world: &mut World, tenants: &[TenantId]) {
    let callers = world.ask(tenants.iter().map(Wish::interactive));
    assert_eq!(world.served(callers), tenants.len(), "all are in hand");
}

#[test]
fn a_token_in_use_is_replaced_and_nobody_waits() {
    let tenants = tenants(1);
    let mut world = in_use(&tenants);

    world.pass(ALL_DUE);
    assert_eq!(world.calls.len(), 2);
    let caller = world.ask_for(&tenants[0]);

    assert_eq!(world.waited(caller), Duration::ZERO);
    assert_ne!(world.token(caller), world.token(0));
}

#[test]
fn a_token_that_nobody_uses_is_left_to_its_end() {
    let mut world = World::story();
    world.ask_for(&tenants(1)[0]);

    world.pass(ALL_OVER);

    assert_eq!(world.calls.len(), 1);
    assert_eq!(world.broker.stats().tokens_held, 0);
}

#[test]
fn a_token_is_replaced_once_if_nobody_uses_the_new_one() {
    let tenants = tenants(1);
    let mut world = in_use(&tenants);

    world.pass(secs(7_200));

    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_token_first_used_when_it_is_long_due_is_replaced_at_once() {
    let mut world = World::story();
    let tenant = &tenants(1)[0];
    world.ask_for(tenant);
    world.pass(ALL_DUE);

    let caller = world.ask_for(tenant);
    world.pass(millis(50));

    assert_eq!(world.waited(caller), Duration::ZERO);
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn refreshes_leave_in_fives() {
    let tenants = tenants(500);
    let mut world = in_use(&tenants);
    let before = world.calls.len();

    world.pass(ALL_DUE);

    let sizes = world.sizes().split_off(before);
    assert_eq!(sizes.iter().sum::<usize>(), 500);
    assert!(sizes.len() <= 102, "{} calls for 500 tenants", sizes.len());
    // Company is looked for only where a call has places left, so that no two leave at one moment.
    assert!(world.calls[before..].windows(2).all(|pair| pair[0].at < pair[1].at));
}

#[test]
fn refreshes_share_no_call_with_a_tenant_that_was_never_served() {
    let known = tenants(3);
    let mut world = in_use(&known);
    world.service.faults = vec![Fault::with_tenants(What::Status(403), &tenants(4)[3..])];
    let before = world.calls.len();

    // Someone unknown is asked for all the time.
    for _ in 0..40 {
        world.ask_for(&tenants(4)[3]);
        world.pass(secs(40));
    }

    let known_calls: usize = known.iter().map(|tenant| world.calls_with(tenant)).sum();
    assert_eq!(known_calls, 6, "each was fetched and refreshed once");
    assert!(world.calls.len() > before + 1);
}

#[test]
fn a_failing_refresh_displaces_nothing_and_goes_on_while_the_token_lives() {
    let tenants = tenants(5);
    let mut world = in_use(&tenants);
    world.service.faults = vec![Fault::always(What::Status(500))];

    for _ in 0..17 {
        world.pass(secs(100));
        let caller = world.ask_for(&tenants[0]);
        assert_eq!((world.token(caller), world.waited(caller)), (world.token(0), Duration::ZERO));
    }
    let tried = world.calls.len();
    assert!((5..=150).contains(&tried), "{tried} calls in an outage of {ALL_DUE:?}");

    world.service.faults.clear();
    world.pass(secs(60));
    let caller = world.ask_for(&tenants[0]);
    assert_eq!(world.waited(caller), Duration::ZERO);
    assert_ne!(world.token(caller), world.token(0));
}

#[test]
fn the_same_token_again_makes_no_storm() {
    let tenants = tenants(1);
    let mut world = in_use(&tenants);
    world.service.faults = vec![Fault::always(What::Again)];

    world.pass(ALL_OVER - secs(10));

    assert!(world.calls.len() <= 12, "{} calls for one token", world.calls.len());
}

#[test]
fn a_service_that_hands_out_its_last_token_again_is_asked_after_half_of_what_is_left_of_it() {
    let tenants = tenants(1);
    let mut world = in_use(&tenants);
    let end = START + secs(1_799 - 5);
    world.service.faults = vec![Fault::always(What::Again)];

    world.pass(ALL_OVER - secs(10));

    let answers: Vec<_> = world.calls[1..].iter().map(|call| call.at + millis(50)).collect();
    assert!(answers.len() >= 4, "{answers:?}");
    for pair in answers.windows(2) {
        let pause = ((end - pair[0]) / 2).max(secs(30));
        assert_eq!(pair[1], pair[0] + pause + millis(50), "{answers:?}");
    }
}

#[test]
fn tokens_that_are_over_when_they_arrive_make_no_storm() {
    let tenants = tenants(1);
    let mut world = in_use(&tenants);
    world.service.faults = vec![Fault::always(What::Dead)];

    world.pass(ALL_OVER);

    // From an early first refresh on, one after each twentieth of the rest of its life, and every 5 s in the end.
    assert!(world.calls.len() <= 80, "{} calls for one token", world.calls.len());
}

#[test]
fn an_outage_that_tokens_live_through_goes_unnoticed() {
    let tenants = tenants(60);
    for start in [0, 300, 600, 900, 1_200, 1_400].map(secs) {
        let mut world = in_use(&tenants);
        let begins = world.clock.mono + start;
        world.service.faults = vec![Fault::between(What::Status(503), begins, begins + secs(300))];

        // Tokens are due from a tenth of their lives on; the last of them is due 269 s before its end.
        for _ in 0..240 {
            world.pass(secs(15));
            let callers = world.ask(tenants.iter().map(Wish::interactive));
            for caller in callers {
                assert_eq!(
                    world.waited(caller),
                    Duration::ZERO,
                    "an outage {start:?} after the start was noticed"
                );
                world.token(caller);
            }
        }
    }
}

#[test]
fn many_lives_keep_their_fives_and_their_even_rate() {
    let tenants = tenants(5_000);
    let mut world = World::story();
    let start = world.clock.mono;
    world.ask(tenants.iter().map(Wish::bulk));
    world.pass(secs(60));
    for _ in 0..36 {
        use_all(&mut world, &tenants);
        world.pass(secs(250));
    }

    let later: Vec<_> = world.calls.iter().filter(|call| call.at >= start + secs(1_800)).collect();
    let served: usize = later.iter().map(|call| call.tenants.len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let fill = served as f64 / later.len() as f64;
    assert!(fill >= 4.95, "{fill:.2} tenants a call");

    let mut rates = std::collections::BTreeMap::new();
    for call in &later {
        *rates.entry((call.at - start).as_secs() / 100).or_insert(0_u32) += 1;
    }
    let bins: Vec<_> = rates.values().copied().collect();
    let mean = bins.iter().sum::<u32>() / u32::try_from(bins.len()).unwrap();
    let peak = bins.iter().max().unwrap();
    assert!(*peak <= mean + mean / 2, "the peak is {peak} calls in 100 s, the mean {mean}: {bins:?}");
}

#[test]
fn what_was_prefetched_is_there_when_it_is_wanted() {
    let tenants = tenants(12);
    let mut world = World::story();

    world.prefetch(&tenants);
    world.pass(millis(50));
    assert_eq!(world.sizes(), [5, 5, 2]);
    use_all(&mut world, &tenants);

    // What is in hand, and what was refused, is not fetched.
    world.prefetch(&tenants);
    world.pass(millis(50));
    assert_eq!(world.calls.len(), 3);
}

#[test]
fn what_is_kept_fresh_needs_no_callers() {
    let tenants = tenants(12);
    let mut world = World::story();
    world.step(vec![Act::KeepFresh(tenants.clone())]);
    world.pass(millis(50));
    assert_eq!(world.sizes(), [5, 5, 2]);

    for _ in 0..50 {
        world.pass(secs(173));
        let callers = world.ask(tenants.iter().map(Wish::interactive));
        for caller in callers {
            assert_eq!(world.waited(caller), Duration::ZERO);
            world.token(caller);
        }
    }

    let fetched: usize = world.sizes().iter().sum();
    assert!((12 * 5..12 * 9).contains(&fetched), "{fetched} fetches in five lives of 12 tenants");

    world.step(vec![Act::LetFade(tenants.clone())]);
    world.pass(secs(7_200));
    let before = world.calls.len();
    world.pass(secs(7_200));
    assert_eq!(world.calls.len(), before);
    assert_eq!(world.broker.stats().tenants, 0, "nothing is left of them");
}

#[test]
fn a_token_in_hand_that_is_kept_fresh_from_now_on_is_not_replaced_at_once() {
    let tenants = tenants(5);
    let mut world = in_use(&tenants);

    world.step(vec![Act::KeepFresh(tenants)]);
    world.pass(secs(100));

    assert_eq!(world.calls.len(), 1);
}

#[test]
fn what_is_kept_fresh_and_cannot_be_had_is_asked_for_after_its_rest_and_five_seconds() {
    let mut world = World::story();
    world.service.faults = vec![Fault::always(What::Status(500))];
    world.step(vec![Act::KeepFresh(tenants(1))]);

    world.pass(secs(30));

    let failed = world.calls[2].at + millis(50);
    let pause = world.calls[3].at - failed;
    assert!((secs(6)..=secs(10)).contains(&pause), "{pause:?}");
}

#[test]
fn tokens_of_one_call_are_due_together_unless_a_fleet_takes_turns() {
    let calls = |leases| {
        let five = tenants(5);
        let mut world = match leases {
            None => World::story(),
            Some(leases) => World::with_store(7, Settings::default(), Store::new(7, leases)),
        };
        world.ask(five.iter().map(Wish::bulk));
        world.pass(secs(5));
        use_all(&mut world, &five);
        world.pass(ALL_DUE);
        world.sizes()
    };

    assert_eq!(calls(None), [5, 5]);
    assert_eq!(calls(Some(false)), [5, 5]);
    // Each is due at a time of its own, the same in all processes.
    assert!(calls(Some(true)).len() > 3);
}

#[test]
fn what_is_kept_fresh_no_longer_is_replaced_as_long_as_it_is_used() {
    let tenants = tenants(1);
    let mut world = World::story();
    world.step(vec![Act::KeepFresh(tenants.clone())]);
    world.pass(secs(1));
    world.step(vec![Act::LetFade(tenants.clone())]);

    use_all(&mut world, &tenants);
    world.pass(ALL_DUE);

    assert_eq!(world.calls.len(), 2);
}

#[test]
fn what_is_kept_fresh_comes_back_after_an_outage_and_after_a_refusal() {
    let tenants = tenants(3);
    let mut world = World::story();
    let begin = world.clock.mono;
    world.service.faults = vec![
        Fault::between(What::Status(503), begin, begin + secs(2_400)),
        Fault {
            tenants: Some([tenants[0].clone()].into()),
            ..Fault::between(What::Status(403), begin, begin + secs(4_000))
        },
    ];
    world.step(vec![Act::KeepFresh(tenants.clone())]);

    world.pass(secs(2_400 + 60));
    let callers = world.ask(tenants[1..].iter().map(Wish::interactive));
    assert_eq!(world.served(callers), 2);
    assert!(world.calls.len() < 600, "{} calls in an outage of 40 minutes", world.calls.len());

    world.pass(secs(1_600 + 300));
    let caller = world.ask_for(&tenants[0]);
    assert_eq!(world.waited(caller), Duration::ZERO);
    world.token(caller);
}

#[test]
fn a_rejected_token_that_is_kept_fresh_is_replaced_at_once() {
    let tenants = tenants(1);
    let mut world = World::story();
    world.step(vec![Act::KeepFresh(tenants.clone())]);
    world.pass(secs(1));
    let caller = world.ask_for(&tenants[0]);

    let rejected = world.token(caller).clone();
    world.step(vec![Act::Reject(rejected.clone())]);
    world.pass(secs(1));

    let caller = world.ask_for(&tenants[0]);
    assert_eq!(world.waited(caller), Duration::ZERO);
    assert_ne!(*world.token(caller), rejected);
}

#[test]
fn more_than_there_is_room_for_is_not_kept_fresh() {
    let tenants = tenants(100);
    let mut settings = Settings::default();
    settings.memory = 64 * 1024;
    let mut world = World::new(7, settings);
    let now = world.clock.now();

    let kept = tenants.iter().filter(|tenant| world.broker.keep_fresh(now, tenant).is_ok()).count();

    assert_eq!(kept, 25, "each is taken for 2.5 KiB");
    let error = world.broker.keep_fresh(now, &tenants[99]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(world.broker.stats().tenants, kept);
}
