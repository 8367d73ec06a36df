//! How many calls at once, and when none at all.

use std::{collections::BTreeSet, time::Duration};

use fastrand::Rng;

use super::{EffectId, backoff, flight::Key};
use crate::{Error, ServiceText};

/// What a call told about the service as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It gave a token.
    Good,
    /// It answered, whatever it said.
    Answering,
    /// 429: too many calls.
    Throttling,
    /// 503: too much work.
    Overloaded,
    /// Another 5xx, or no answer.
    Failing,
}

/// No call leaves before `until`.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    pub(super) until: Duration,
    pub(super) error: Error,
    /// Callers may not wait for its end: only a change of set-up will help.
    pub(super) at_once: bool,
}

/// The gate that every call passes.
#[derive(Debug)]
pub(super) struct Gate {
    most: usize,
    limit: usize,
    under_way: usize,
    /// Towards the next slot to be restored.
    successes: u32,
    last_cut: Duration,
    last_success: Option<Duration>,
    /// The service asked for patience.
    asked: Option<Hold>,
    /// The service refuses the client as a whole.
    refused: Option<Hold>,
    breaker: Breaker,
    alike: Alike,
}

#[derive(Debug)]
enum Breaker {
    Closed {
        failures_in_a_row: u32,
    },
    Open(Hold),
    /// One call finds out, once it has left.
    Probing(Option<EffectId>),
}

/// In which way the service let a tenant down, whatever it called this occurrence of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// With this status and code.
    Refused(u16, Option<ServiceText>),
    /// With something that is no token.
    Nonsense,
}

/// Tenants let down alike, one after the other.
#[derive(Debug, Default)]
struct Alike {
    sign: Option<Sign>,
    tenants: BTreeSet<Key>,
}

const FAILURES_TO_OPEN: u32 = 5;
const SUCCESSES_PER_SLOT: u32 = 20;

/// So many tenants let down alike in a row are not about tenants.
pub(super) const ALIKE_TO_PAUSE: usize = 20;

/// How long refused credentials, or twenty tenants refused alike, pause the client.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

impl Gate {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            limit: most,
            under_way: 0,
            successes: 0,
            last_cut: Duration::ZERO,
            last_success: None,
            asked: None,
            refused: None,
            breaker: Breaker::Closed { failures_in_a_row: 0 },
            alike: Alike::default(),
        }
    }

    /// Lets holds end. To be called before anything else in a step.
    pub(super) fn tick(&mut self, now: Duration) {
        self.asked.take_if(|hold| hold.until <= now);
        self.refused.take_if(|hold| hold.until <= now);
        if matches!(&self.breaker, Breaker::Open(hold) if hold.until <= now) {
            self.breaker = Breaker::Probing(None);
        }
    }

    /// Whether a call can leave now.
    pub(super) fn has_room(&self) -> bool {
        self.room() > 0
    }

    /// How many calls can leave now.
    pub(super) fn room(&self) -> usize {
        if self.hold().is_some() {
            return 0;
        }
        let slots = self.limit.saturating_sub(self.under_way);
        match self.breaker {
            Breaker::Closed { .. } | Breaker::Open(_) => slots,
            Breaker::Probing(None) => slots.min(1),
            Breaker::Probing(Some(_)) => 0,
        }
    }

    /// How many calls are under way.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Why no call leaves, and until when, if so. Of several holds the hardest on callers gives the reason, the last the end.
    pub(super) fn hold(&self) -> Option<Hold> {
        let open = match &self.breaker {
            Breaker::Open(hold) => Some(hold),
            Breaker::Closed { .. } | Breaker::Probing(_) => None,
        };
        let holds = [self.asked.as_ref(), self.refused.as_ref(), open];
        let holds = holds.into_iter().flatten();
        let until = holds.clone().map(|hold| hold.until).max()?;
        holds.max_by_key(|hold| (hold.at_once, hold.until)).map(|hold| Hold { until, ..hold.clone() })
    }

    pub(super) fn started(&mut self, id: EffectId) {
        self.under_way += 1;
        if let Breaker::Probing(probe @ None) = &mut self.breaker {
            *probe = Some(id);
        }
    }

    /// A call has ended. `sent` is when it left. Answers whether a hold began.
    pub(super) fn finished(
        &mut self,
        id: EffectId,
        sent: Duration,
        now: Duration,
        health: Health,
        error: Option<&Error>,
        rng: &mut Rng,
    ) -> bool {
        self.under_way -= 1;
        match health {
            Health::Good => {
                self.last_success = Some(now);
                self.alike = Alike::default();
                self.restore();
            }
            Health::Throttling | Health::Overloaded => self.cut(sent, now),
            Health::Answering | Health::Failing => {}
        }
        self.judge(id, now, health, error, rng)
    }

    /// Whether some call has succeeded since then.
    pub(super) fn succeeded_since(&self, time: Duration) -> bool {
        self.last_success.is_some_and(|last| last >= time)
    }

    /// Holds all calls; a shorter hold never shortens a longer one.
    pub(super) fn pause(&mut self, hold: Hold) {
        let place = if hold.at_once { &mut self.refused } else { &mut self.asked };
        *place = [place.take(), Some(hold)].into_iter().flatten().max_by_key(|hold| hold.until);
    }

    /// Ends a pause that a change of set-up may have mended.
    pub(super) fn lift(&mut self) {
        self.refused = None;
        self.alike = Alike::default();
    }

    /// Counts tenants that were let down. Twenty alike in a row are not about tenants: answers whether to pause. One tenant
    /// that is refused again and again counts once.
    pub(super) fn let_down(&mut self, sign: Sign, tenants: &[Key]) -> bool {
        if self.alike.sign.as_ref() != Some(&sign) {
            self.alike = Alike { sign: Some(sign), tenants: BTreeSet::new() };
        }
        // Beyond the mark none is counted, and each one alike pauses again.
        for tenant in tenants {
            if self.alike.tenants.len() < ALIKE_TO_PAUSE {
                self.alike.tenants.insert(*tenant);
            }
        }
        self.alike.tenants.len() == ALIKE_TO_PAUSE
    }

    /// The breaker: any answer but 5xx closes it; 429 says nothing about the service's health.
    fn judge(
        &mut self,
        id: EffectId,
        now: Duration,
        health: Health,
        error: Option<&Error>,
        rng: &mut Rng,
    ) -> bool {
        let failures = match (&self.breaker, health) {
            (_, Health::Good | Health::Answering) => {
                self.breaker = Breaker::Closed { failures_in_a_row: 0 };
                return false;
            }
            (Breaker::Closed { failures_in_a_row }, Health::Failing | Health::Overloaded) => {
                failures_in_a_row + 1
            }
            (Breaker::Probing(Some(probe)), _) if *probe == id => FAILURES_TO_OPEN,
            // 429 tells nothing of the service's health, and an old call nothing new.
            (_, Health::Throttling | Health::Failing | Health::Overloaded) => return false,
        };
        let Some(error) = error.filter(|_| failures >= FAILURES_TO_OPEN) else {
            self.breaker = Breaker::Closed { failures_in_a_row: failures };
            return false;
        };
        let until = now + backoff::of_breaker(rng);
        self.breaker = Breaker::Open(Hold { until, error: error.clone(), at_once: false });
        true
    }

    /// Halves the slots, once for all the calls that left before the last cut.
    fn cut(&mut self, sent: Duration, now: Duration) {
        if self.limit == self.most || sent >= self.last_cut {
            self.limit = (self.limit / 2).max(1);
            self.last_cut = now;
            self.successes = 0;
        }
    }

    fn restore(&mut self) {
        self.successes += 1;
        if self.successes >= SUCCESSES_PER_SLOT {
            self.successes = 0;
            self.limit = (self.limit + 1).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn hold(until: u64, at_once: bool) -> Hold {
        Hold { until: secs(until), error: Error::new(ErrorKind::Throttled, "x"), at_once }
    }

    struct Bench {
        gate: Gate,
        rng: Rng,
        next: u64,
    }

    impl Bench {
        fn new() -> Self {
            Self { gate: Gate::new(8), rng: Rng::with_seed(7), next: 0 }
        }

        fn start(&mut self) -> EffectId {
            self.next += 1;
            self.gate.started(EffectId(self.next));
            EffectId(self.next)
        }

        fn end(&mut self, id: EffectId, now: u64, health: Health) -> bool {
            let error = Error::new(ErrorKind::Service, "down");
            self.gate.finished(id, secs(now), secs(now), health, Some(&error), &mut self.rng)
        }

        fn one(&mut self, now: u64, health: Health) -> bool {
            let id = self.start();
            self.end(id, now, health)
        }
    }

    #[test]
    fn five_failures_in_a_row_open_the_breaker_and_one_probe_closes_it() {
        let mut bench = Bench::new();
        for _ in 0..4 {
            assert!(!bench.one(0, Health::Failing));
        }
        assert!(bench.one(0, Health::Failing));
        let until = bench.gate.hold().unwrap().until;
        assert!((secs(5)..=secs(30)).contains(&until) && !bench.gate.has_room());
        bench.gate.tick(until);
        let probe = bench.start();
        assert!(!bench.gate.has_room(), "one probe only");
        assert!(!bench.end(probe, 40, Health::Answering));
        assert!(bench.gate.has_room());
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_a_stale_failure_does_not() {
        let mut bench = Bench::new();
        let stale = bench.start();
        for _ in 0..5 {
            bench.one(0, Health::Failing);
        }
        bench.gate.tick(secs(60));
        let probe = bench.start();
        assert!(!bench.end(stale, 61, Health::Failing));
        assert!(bench.gate.hold().is_none());
        assert!(bench.end(probe, 62, Health::Failing));
        assert!(bench.gate.hold().is_some());
    }

    #[test]
    fn throttling_halves_once_a_round_and_successes_restore() {
        let mut bench = Bench::new();
        let round: Vec<_> = (0..8).map(|_| bench.start()).collect();
        let error = Error::new(ErrorKind::Throttled, "slow");
        for id in round {
            bench.gate.finished(id, secs(1), secs(2), Health::Throttling, Some(&error), &mut bench.rng);
        }
        assert_eq!(bench.gate.limit, 4);
        for _ in 0..20 {
            bench.one(3, Health::Good);
        }
        assert_eq!(bench.gate.limit, 5);
        for _ in 0..5 {
            bench.one(4, Health::Overloaded);
        }
        assert_eq!(bench.gate.limit, 1);
    }

    #[test]
    fn a_shorter_hold_never_shortens_a_longer_one() {
        let mut gate = Gate::new(8);
        gate.pause(hold(50, false));
        gate.pause(hold(20, false));
        assert_eq!(gate.hold().unwrap().until, secs(50));
        gate.pause(hold(60, false));
        assert_eq!(gate.hold().unwrap().until, secs(60));
        gate.lift();
        assert!(gate.hold().is_some(), "no change of set-up mends throttling");
        gate.tick(secs(60));
        gate.pause(hold(80, true));
        gate.lift();
        assert!(gate.hold().is_none());
    }

    #[test]
    fn a_hold_ends_at_its_time_and_of_several_the_hardest_gives_the_reason() {
        let mut gate = Gate::new(8);
        gate.pause(hold(50, false));
        gate.pause(hold(20, true));
        let until_and_at_once = |gate: &Gate| gate.hold().map(|hold| (hold.until, hold.at_once));
        assert_eq!(until_and_at_once(&gate), Some((secs(50), true)), "the last one gives the end");
        gate.tick(secs(19));
        assert_eq!(until_and_at_once(&gate), Some((secs(50), true)));
        gate.tick(secs(20));
        assert_eq!(until_and_at_once(&gate), Some((secs(50), false)));
        gate.tick(secs(49));
        assert!(!gate.has_room());
        gate.tick(secs(50));
        assert!(gate.has_room());
    }

    #[test]
    fn calls_under_way_take_up_the_room() {
        let mut bench = Bench::new();
        let first = bench.start();
        for _ in 1..8 {
            assert!(bench.gate.has_room());
            bench.start();
        }
        assert_eq!((bench.gate.room(), bench.gate.under_way()), (0, 8));
        bench.end(first, 1, Health::Answering);
        assert_eq!((bench.gate.room(), bench.gate.under_way()), (1, 7));
    }

    #[test]
    fn only_a_token_counts_as_a_success() {
        let mut bench = Bench::new();
        assert!(!bench.gate.succeeded_since(secs(0)));
        bench.one(5, Health::Good);
        bench.one(9, Health::Answering);
        assert!(bench.gate.succeeded_since(secs(4)) && bench.gate.succeeded_since(secs(5)));
        assert!(!bench.gate.succeeded_since(secs(6)));
    }

    #[test]
    fn twenty_alike_in_a_row_are_not_about_tenants() {
        let refused = |status| Sign::Refused(status, None);
        let tenants: Vec<_> = (0..40).map(Key).collect();
        let mut gate = Gate::new(8);
        assert!(!gate.let_down(refused(403), &tenants[..19]));
        assert!(!gate.let_down(refused(403), &tenants[..19]), "the same ones again");
        assert!(!gate.let_down(refused(404), &tenants[19..20]), "another refusal starts again");
        assert!(!gate.let_down(refused(403), &tenants[..19]));
        assert!(gate.let_down(refused(403), &tenants[19..20]));
        assert!(gate.let_down(refused(403), &tenants[..1]), "and again after the pause");
        assert!(gate.let_down(refused(403), &tenants[20..21]), "whoever it is");
        gate.lift();
        assert!(!gate.let_down(refused(403), &tenants[..5]));
        assert!(!gate.let_down(Sign::Nonsense, &tenants[..15]));
        assert!(gate.let_down(Sign::Nonsense, &tenants[15..20]));
    }
}
