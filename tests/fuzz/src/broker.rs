//! The broker, driven by bytes: each is a step of somebody, or the choice in one.
//!
//! The service, the store and the callers do what no sane ones do: answer what nobody asked for, twice, or never. What must hold
//! all the same: nothing panics, a drain ends, a ticket settles once, nothing leaves for a tenant that is under way, no token is
//! served past its end or after it was rejected, and closing settles all.

mod invented;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use invented::Choices;
use tm_core::{
    Credentials, Error, ErrorKind, Now, Token, UnixTime,
    broker::{
        Broker, Demand, Effect, EffectId, Lane, Outcome, Output, Patience, Settings, StoreAnswer, Ticket,
        Wanted,
    },
};

/// So that one input does not take all the time.
const MOST_STEPS: usize = 500;
/// A drain that is not over by then never ends.
const FUEL: usize = 20_000;

pub(super) fn broker(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let mut world = World::new(&mut choices);
    for _ in 0..MOST_STEPS {
        if choices.is_over() {
            break;
        }
        world.step(&mut choices);
        world.drain();
    }
    world.broker.close(world.now);
    world.drain();
    assert!(world.tickets.is_empty(), "closing settles all: {:?}", world.tickets);
}

struct World {
    broker: Broker,
    now: Now,
    tickets: BTreeSet<Ticket>,
    under_way: BTreeMap<EffectId, UnderWay>,
    /// Until when each token may be served, by the most generous reading.
    ends: BTreeMap<String, Duration>,
    seen: Vec<Token>,
    rejected: BTreeSet<String>,
}

struct UnderWay {
    effect: Effect,
    sent: Duration,
    give_up_at: Duration,
}

impl World {
    fn new(choices: &mut Choices<'_>) -> Self {
        let mut settings = Settings::default();
        settings.calls_at_once = 1 + choices.below(4);
        settings.attempts = 1 + u32::from(choices.next() % 4);
        settings.memory = if choices.one_in(4) { 4_000 } else { settings.memory };
        let credentials = Credentials::new("client", "hush").unwrap();
        let broker = Broker::new(crate::application(), Arc::new(credentials), settings, 1);
        let broker = match choices.below(3) {
            0 => broker,
            kind => broker.with_store(kind == 1),
        };
        let now = Now { mono: Duration::from_secs(1_000), unix: UnixTime::from_secs(1_800_000_000) };
        Self {
            broker,
            now,
            tickets: BTreeSet::new(),
            under_way: BTreeMap::new(),
            ends: BTreeMap::new(),
            seen: Vec::new(),
            rejected: BTreeSet::new(),
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.below(16) {
            0..=4 => self.want(choices),
            5..=8 => self.answer(choices),
            9..=11 => self.pass(choices),
            12 => {
                if let Some(ticket) = choices.pick(&self.tickets) {
                    self.broker.forget(self.now, ticket);
                    self.tickets.remove(&ticket);
                }
            }
            13 => {
                if let Some(token) = choices.pick(&self.seen) {
                    self.rejected.insert(token.secret().to_owned());
                    self.broker.reject(self.now, &token);
                }
            }
            14 => self.look_after(choices),
            _ => self.upset(choices),
        }
    }

    fn want(&mut self, choices: &mut Choices<'_>) {
        let span = choices.span();
        let demand = Demand {
            lane: [Lane::Interactive, Lane::Bulk, Lane::Refresh][choices.below(3)],
            min_remaining: if choices.one_in(4) { choices.span() } else { Duration::ZERO },
            patience: if choices.one_in(2) {
                Patience::Until(self.now.mono + span)
            } else {
                Patience::Idle(span)
            },
        };
        match self.broker.want(self.now, &choices.tenant(), demand) {
            Wanted::Ready(token) => self.check_served(&token, self.now.mono),
            Wanted::Failed(_) => {}
            Wanted::Wait(ticket) => assert!(self.tickets.insert(ticket), "a ticket twice"),
        }
    }

    /// Answers an effect: mostly one that is under way, mostly once.
    fn answer(&mut self, choices: &mut Choices<'_>) {
        let Some(id) = choices.pick(self.under_way.keys()) else { return };
        let UnderWay { effect, sent, .. } = &self.under_way[&id];
        let outcome = choices.outcome(effect, self.now);
        let lives: Vec<(Token, Duration)> = match &outcome {
            Outcome::Answered { entries, .. } => {
                let good = entries.iter().filter_map(|(_, entry)| entry.as_ref().ok());
                good.map(|issued| (issued.token.clone(), *sent + issued.expires_in.unwrap_or(invented::DAY)))
                    .collect()
            }
            Outcome::Stored(StoreAnswer::Loaded(kept)) => kept
                .iter()
                .flatten()
                .map(|kept| (kept.token.clone(), self.now.mono + kept.remaining))
                .collect(),
            Outcome::Stored(StoreAnswer::Leased(leased)) => invented::found(leased)
                .map(|kept| (kept.token.clone(), self.now.mono + kept.remaining))
                .collect(),
            _ => Vec::new(),
        };
        for (token, end) in lives {
            let known = self.ends.entry(token.secret().to_owned()).or_default();
            *known = end.max(*known);
            self.seen.push(token);
        }
        self.broker.done(self.now, id, outcome);
        match self.under_way.get_mut(&id) {
            Some(twice) if choices.one_in(8) => twice.give_up_at = Duration::ZERO,
            _ => drop(self.under_way.remove(&id)),
        }
    }

    /// Time passes, to the next wake-up or by as much as it likes; the wall clock may jump.
    fn pass(&mut self, choices: &mut Choices<'_>) {
        let by = choices.span();
        let to = match self.broker.wake_at().filter(|_| choices.one_in(2)) {
            Some(at) => at,
            None => self.now.mono + by,
        };
        let passed = to.saturating_sub(self.now.mono);
        self.now.mono = to.max(self.now.mono);
        self.now.unix = self.now.unix.saturating_add(passed);
        if choices.one_in(16) {
            self.now.unix = UnixTime::from_secs(1_800_000_000 + i64::from(choices.next()) * 60);
        }
    }

    fn look_after(&mut self, choices: &mut Choices<'_>) {
        let tenant = choices.tenant();
        match choices.below(3) {
            0 => self.broker.prefetch(self.now, &tenant),
            1 => drop(self.broker.keep_fresh(self.now, &tenant)),
            _ => self.broker.let_fade(self.now, &tenant),
        }
    }

    fn upset(&mut self, choices: &mut Choices<'_>) {
        match choices.below(8) {
            0 => self.broker.close(self.now),
            1..=3 => {
                let until = self.now.mono + choices.span();
                self.broker.hold(self.now, until, Error::new(ErrorKind::Throttled, "invented"));
            }
            4 => drop(self.broker.held(self.now, choices.span())),
            _ => self.broker.set_credentials(Arc::new(Credentials::new("other", "hush").unwrap())),
        }
    }

    fn drain(&mut self) {
        let mut fuel = FUEL;
        while let Some(output) = self.broker.next(self.now) {
            fuel = fuel.checked_sub(1).expect("a drain that never ends");
            match output {
                Output::Show { token, until, .. } => self.check_served(&token, until),
                Output::Hide(_) => {}
                Output::Settle(ticket, result) => {
                    assert!(self.tickets.remove(&ticket), "settled, and nobody waits");
                    if let Ok(token) = result {
                        self.check_served(&token, self.now.mono);
                    }
                }
                Output::Do { id, effect, give_up_at } => self.start(id, effect, give_up_at),
            }
        }
        let late = self.broker.wake_at().filter(|at| *at < self.now.mono);
        assert!(late.is_none(), "a wake-up in the past: {late:?} at {:?}", self.now.mono);
    }

    fn start(&mut self, id: EffectId, effect: Effect, give_up_at: Duration) {
        if let Effect::Call(call) = &effect {
            assert!((1..=5).contains(&call.tenants().len()), "{} tenants in one call", call.tenants().len());
            let waited_for = self.under_way.values().filter(|known| known.give_up_at > self.now.mono);
            for other in waited_for {
                let Effect::Call(other) = &other.effect else { continue };
                let twice = call.tenants().iter().find(|tenant| other.tenants().contains(tenant));
                assert!(twice.is_none(), "in two calls at once: {twice:?}");
            }
        }
        let under_way = UnderWay { effect, sent: self.now.mono, give_up_at };
        assert!(self.under_way.insert(id, under_way).is_none(), "an effect twice");
    }

    #[track_caller]
    fn check_served(&self, token: &Token, until: Duration) {
        assert!(!self.rejected.contains(token.secret()), "a rejected token is served");
        let end = self.ends.get(token.secret()).expect("it came from somewhere");
        assert!(until <= *end, "served past its end: until {until:?}, and it ends at {end:?}");
    }
}
