//! Random worlds: what is wrong with the service, the clocks and the driver, by seed.

use std::{collections::BTreeSet, time::Duration};

use tm_core::{TenantId, TransportFault};

use crate::{
    clock::{START, millis, secs},
    faults::{Fault, What},
    store::{Mishap, Trouble},
};

/// What kind of trouble a world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// None: everybody is owed a token.
    Calm,
    /// Some tenants are refused, all others are owed a token.
    Refusals,
    /// Single calls fail, in any way.
    Flaky,
    /// Now and then nothing works for a while.
    Outages,
    /// The service asks for patience.
    Throttling,
    /// The credentials are replaced at the service, and later in the client.
    Keys,
    /// Calls with certain tenants crash the service.
    Poison,
    /// Answers that are not quite as documented.
    OddAnswers,
    /// All of it.
    Everything,
}

use Weather::{Calm, Everything, Flaky, Keys, OddAnswers, Outages, Poison, Refusals, Throttling};

const TRANSIENT: [What; 11] = [
    What::Status(429),
    What::Status(500),
    What::Status(502),
    What::Status(503),
    What::Status(504),
    What::Status(408),
    What::Transport(TransportFault::NotSent),
    What::Transport(TransportFault::TimedOut),
    What::Transport(TransportFault::Interrupted),
    What::Lost,
    What::Silence,
];

const LASTING: [What; 5] = [
    What::Status(308),
    What::Status(400),
    What::Transport(TransportFault::Tls),
    What::Transport(TransportFault::TooLarge),
    What::Undecodable,
];

const ODD: [What; 9] = [
    What::Missing,
    What::Garbled,
    What::Foreign,
    What::Twice,
    What::Undecodable,
    What::Again,
    What::Dead,
    What::Slow(secs(12)),
    What::Life(secs(20)),
];

impl Weather {
    pub(crate) fn of(seed: u64) -> Self {
        const ALL: [Weather; 9] =
            [Calm, Refusals, Flaky, Outages, Throttling, Keys, Poison, OddAnswers, Everything];
        ALL[usize::try_from(seed % 9).expect("less than nine")]
    }

    /// Whether innocent callers are owed a token.
    pub(crate) fn is_fair(self) -> bool {
        matches!(self, Calm | Refusals)
    }

    fn has(self, other: Self) -> bool {
        self == other || self == Everything
    }

    /// The faults of a world that is active for so long, with the tenants that are guilty of something.
    pub(crate) fn faults(
        self,
        active: Duration,
        tenants: &[TenantId],
        rng: &mut fastrand::Rng,
    ) -> (Vec<Fault>, BTreeSet<TenantId>) {
        let mut faults = Vec::new();
        let guilty: BTreeSet<TenantId> = (0..rng.usize(1..=8)).map(|_| pick(tenants, rng).clone()).collect();
        if self.has(Flaky) {
            for _ in 0..rng.usize(1..8) {
                let kinds: &[What] = if rng.u8(0..4) == 0 { &LASTING } else { &TRANSIENT };
                let (from, until) = stretch(active, active, rng);
                faults
                    .push(Fault { percent: rng.u8(1..40), ..Fault::between(*pick(kinds, rng), from, until) });
            }
        }
        if self.has(Outages) {
            for _ in 0..rng.usize(1..4) {
                let (from, until) = stretch(active, secs(240), rng);
                faults.push(Fault::between(*pick(&TRANSIENT, rng), from, until));
            }
        }
        if self.has(Throttling) {
            for _ in 0..rng.usize(1..6) {
                let (from, until) = stretch(active, secs(20), rng);
                let wait = *pick(&[0, 1, 3, 10, 60, 400], rng);
                let status = *pick(&[429, 503], rng);
                let what = if rng.bool() { What::Later(status, wait) } else { What::LaterAt(status, wait) };
                faults.push(Fault { percent: rng.u8(20..=100), ..Fault::between(what, from, until) });
            }
        }
        if self.has(Refusals) {
            let status = *pick(&[403, 404], rng);
            faults.push(Fault::with_tenants(What::Status(status), &guilty));
        }
        if self.has(Poison) {
            let status = *pick(&[500, 502], rng);
            faults.push(Fault::with_tenants(What::Status(status), guilty.iter().take(2)));
        }
        if self.has(OddAnswers) {
            for _ in 0..rng.usize(1..6) {
                let (from, until) = stretch(active, active, rng);
                let what = match *pick(&ODD, rng) {
                    What::Life(_) => {
                        What::Life(*pick(&[secs(3), secs(8), secs(20), secs(90), secs(300)], rng))
                    }
                    What::Slow(_) => What::Slow(millis(rng.u64(500..15_000))),
                    what => what,
                };
                faults.push(Fault { percent: rng.u8(5..=100), ..Fault::between(what, from, until) });
            }
        }
        (faults, if self == Calm { BTreeSet::new() } else { guilty })
    }

    /// When the service changes its key, and how long after that the client is told.
    pub(crate) fn key_changes(self, active: Duration, rng: &mut fastrand::Rng) -> Vec<(Duration, Duration)> {
        if !self.has(Keys) {
            return Vec::new();
        }
        (0..rng.usize(1..4)).map(|_| (at(active, rng), secs(rng.u64(0..90)))).collect()
    }
}

/// What goes wrong with a store, and when it loses all that it has.
pub(crate) fn store_troubles(active: Duration, rng: &mut fastrand::Rng) -> (Vec<Mishap>, BTreeSet<Duration>) {
    const ALL: [Trouble; 10] = [
        Trouble::Fails,
        Trouble::Silence,
        Trouble::Deaf,
        Trouble::Lost,
        Trouble::Slow(secs(1)),
        Trouble::ReadOnly,
        Trouble::TooFew,
        Trouble::WrongKind,
        Trouble::Expired,
        Trouble::Ancient,
    ];
    let mut mishaps = Vec::new();
    for _ in 0..rng.usize(1..6) {
        let (from, until) = stretch(active, *pick(&[secs(20), secs(300), active], rng), rng);
        let what = match *pick(&ALL, rng) {
            Trouble::Slow(_) => Trouble::Slow(millis(rng.u64(90..3_000))),
            what => what,
        };
        let percent = *pick(&[100, 100, 50, 10], rng);
        mishaps.push(Mishap { percent, ..Mishap::between(what, from, until) });
    }
    let wipes = (0..rng.usize(0..3)).map(|_| at(active, rng)).collect();
    (mishaps, wipes)
}

/// Some point of the active time.
pub(crate) fn at(active: Duration, rng: &mut fastrand::Rng) -> Duration {
    START + active.mul_f64(rng.f64())
}

pub(crate) fn pick<'a, T>(from: &'a [T], rng: &mut fastrand::Rng) -> &'a T {
    &from[rng.usize(0..from.len())]
}

fn stretch(active: Duration, longest: Duration, rng: &mut fastrand::Rng) -> (Duration, Duration) {
    let from = at(active, rng);
    (from, from + longest.mul_f64(rng.f64()))
}
