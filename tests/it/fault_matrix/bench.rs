//! One row in one column, over one transport.

use std::{
    error::Error as _,
    thread,
    time::{Duration, Instant},
};

use tm_async::{Credentials, Error, ErrorKind, Setup, TenantId, Token};

use super::{
    Column, KEY, MARK,
    dead_ends::DeadEnd,
    fault::Fault,
    peers,
    row::{End, Outcome, Row, Wait},
    service::{SHORT_LIFE_S, Service},
};
use crate::harness::{Attempt, Client, Host, Seen, Stack, tenants};

/// Why a row is not as it should be.
pub(super) enum Trouble {
    /// What came instead.
    Wrong(String),
    /// The machine was so busy that the token has ended before it was looked at. That says nothing.
    Late,
}

use Trouble::{Late, Wrong};

/// Plays a row, again if the machine was too busy for it.
pub(super) fn play(row: &Row, column: Column, stack: Stack, host: &Host) -> Result<(), String> {
    for _ in 0..5 {
        let bench = Bench::new(row, column, stack, host).map_err(|error| format!("no client: {error}"))?;
        let played = match column {
            Column::First => bench.first(),
            Column::Refresh => bench.refresh(),
            Column::List => bench.list(),
        };
        bench.nobody_has_strayed()?;
        match played {
            Ok(()) => return Ok(()),
            Err(Late) => {}
            Err(Wrong(problem)) => return Err(problem),
        }
    }
    Err("too late five times: the machine is too busy for it, or a caller waits though its token lives"
        .to_owned())
}

/// Lets a row go wrong, whatever comes of it.
pub(super) fn go_wrong(row: &Row, column: Column, stack: Stack, host: &Host) {
    let Ok(bench) = Bench::new(row, column, stack, host) else { return };
    if column == Column::List && row.list.is_some() {
        drop(bench.client.token(OPERATOR));
    }
    bench.break_down();
    match column {
        Column::First | Column::Refresh => drop(bench.ask()),
        Column::List => drop(bench.client.user_tenants()),
    }
}

struct Bench<'r> {
    row: &'r Row,
    stack: Stack,
    outcome: &'r Outcome,
    service: Service,
    client: Client,
    seen: Seen,
    tenants: Vec<TenantId>,
    dead_end: Option<DeadEnd>,
}

const SHORT: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(12);
/// Before a third attempt, after a 429 or a 503. Most rows would wait as long for the end of a rest.
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
const OPERATOR: &str = "operator";

impl<'r> Bench<'r> {
    fn new(row: &'r Row, column: Column, stack: Stack, host: &Host) -> Result<Self, Error> {
        let service = Service::start(row, column);
        let (client, seen) = host.watched_client(setup(row, &service.url())?)?;
        let outcome = match (column, &row.list) {
            (Column::List, Some(list)) => list,
            _ => &row.outcome,
        };
        let tenants = tenants(&["acme", "bcorp"][..row.tenants]);
        let dead_end = DeadEnd::of(&row.fault);
        Ok(Self { row, stack, outcome, service, client, seen, tenants, dead_end })
    }

    fn first(&self) -> Result<(), Trouble> {
        self.break_down();
        let answers = self.ask();
        for answer in &answers {
            self.ends_as_expected(answer.as_ref().err())?;
        }
        self.attempts_are_as_expected()?;
        self.recover();
        self.recovers()
    }

    /// Callers are served all the time, though the token that they are served with cannot be replaced.
    fn refresh(&self) -> Result<(), Trouble> {
        let asked = Instant::now();
        // Once for the token, and once to tell that it is used.
        let tokens: Vec<_> = self.ask().into_iter().collect::<Result<_, _>>().map_err(|_| Late)?;
        self.ask();
        self.seen.forget();
        self.break_down();
        let end = asked + Duration::from_secs(SHORT_LIFE_S - 5);
        loop {
            let over =
                self.attempts().len() >= self.outcome.attempts && self.client.stats().calls_under_way == 0;
            let answers = self.ask();
            if Instant::now() >= end {
                return Err(Late);
            }
            let answers: Vec<_> = answers
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(|error| wrong(format!("a caller sees {error:?}")))?;
            let replaced = answers.iter().zip(&tokens).all(|(new, old)| new != old);
            match self.outcome.end {
                End::Served if replaced => break,
                End::Fails(..) if answers != tokens => return Err(wrong("the token was replaced")),
                End::Fails(..) if over => break,
                End::Served | End::Fails(..) => {}
            }
            // sleep: nobody is told of the end of a refresh, and how often it is looked at decides nothing.
            thread::sleep(Duration::from_millis(20));
        }
        self.wait_for_one_too_many();
        self.attempts_are_as_expected()?;
        self.recover();
        for token in &tokens {
            self.client.reject(token);
        }
        self.recovers()?;
        self.are_replaced(&tokens)
    }

    /// Waits as long as it may take until one attempt more than expected begins, if one does.
    fn wait_for_one_too_many(&self) {
        let start = Instant::now();
        while self.attempts().len() <= self.outcome.attempts && start.elapsed() < LONGEST_BACKOFF {
            // sleep: between two looks at what nobody announces.
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// After the fault all have newer tokens. Who is refused waits 30 s for that, and who is held as long as the service has
    /// said: longer than a row takes.
    fn are_replaced(&self, tokens: &[Token]) -> Result<(), Trouble> {
        if matches!(self.outcome.wait, Wait::Refusal | Wait::Told(_)) {
            return Ok(());
        }
        for (answer, last) in self.ask().into_iter().zip(tokens) {
            let token = answer.map_err(|error| self.still("the tenant itself", &error))?;
            if token == *last {
                return Err(wrong("the last token is served after it was rejected"));
            }
        }
        Ok(())
    }

    fn list(&self) -> Result<(), Trouble> {
        if self.row.list.is_some() {
            self.client.token(OPERATOR).map_err(|_| Late)?;
        }
        self.seen.forget();
        self.break_down();
        let list = self.client.user_tenants();
        self.ends_as_expected(list.as_ref().err())?;
        self.attempts_are_as_expected()?;
        self.recover();
        match (self.client.user_tenants(), self.outcome.wait) {
            (Ok(tenants), _) if tenants.len() == 2 => Ok(()),
            (Err(error), Wait::Told(seconds)) if seconds > PATIENCE.as_secs() => {
                self.ends_as_expected(Some(&error))
            }
            (Err(error), _) => Err(self.still("after the fault", &error)),
            (Ok(tenants), _) => Err(wrong(format!("a list of {tenants:?}"))),
        }
    }

    fn ask(&self) -> Vec<Result<Token, Error>> {
        match self.tenants.as_slice() {
            [one] => vec![self.client.token(one.as_str())],
            many => self.client.tokens(many).into_iter().map(|(_, answer)| answer).collect(),
        }
    }

    fn break_down(&self) {
        self.service.break_down();
        self.seen.detour(self.dead_end.as_ref().map(DeadEnd::address));
    }

    fn recover(&self) {
        self.service.recover();
        self.seen.detour(None);
    }

    /// As soon as the error has said, the next call succeeds.
    fn recovers(&self) -> Result<(), Trouble> {
        if self.outcome.end == End::Served || self.outcome.wait == Wait::Rest {
            let answers: Result<Vec<_>, _> = self.ask().into_iter().collect();
            answers.map_err(|error| self.still("after the rest", &error))?;
            return self.others_are_served();
        }
        self.others_are_served()?;
        if self.outcome.wait == Wait::Refusal {
            let before = self.attempts().len();
            let error = self.client.token(self.tenants[0].as_str()).err();
            if error.is_none_or(|error| error.kind() != ErrorKind::TenantRefused)
                || self.attempts().len() > before
            {
                return Err(wrong("the tenant is asked for again within 30 s"));
            }
        }
        Ok(())
    }

    /// Of what holds one tenant the others are free. Of what holds all, all are told, and nobody is asked for.
    fn others_are_served(&self) -> Result<(), Trouble> {
        let other = || self.client.token("another");
        match self.outcome.wait {
            Wait::Told(seconds) if seconds > PATIENCE.as_secs() => {
                let before = self.attempts().len();
                self.ends_as_expected(other().as_ref().err())?;
                if self.attempts().len() > before {
                    return Err(wrong("somebody is asked for while the service wants none of it"));
                }
                return Ok(());
            }
            Wait::Pause => {
                self.ends_as_expected(other().as_ref().err())?;
                self.client.set_credentials(Credentials::new("tm", "another-secret").expect("credentials"));
            }
            Wait::Rest | Wait::Refusal | Wait::Told(_) => {}
        }
        other().map(drop).map_err(|error| self.still("another tenant", &error))
    }

    /// There is an error though there is no fault any more. Where the time is short, a busy machine is one.
    fn still(&self, when: &str, error: &Error) -> Trouble {
        if self.row.fault.takes_time() && error.kind() == ErrorKind::Transport {
            return Late;
        }
        wrong(format!("{when}: {error:?}"))
    }

    fn ends_as_expected(&self, error: Option<&Error>) -> Result<(), Trouble> {
        let Some(error) = error else {
            return if self.outcome.end == End::Served { Ok(()) } else { Err(wrong("no error")) };
        };
        if End::Fails(error.kind(), error.is_transient()) != self.outcome.end {
            return Err(wrong(format!("{error:?}, transient: {}", error.is_transient())));
        }
        let is_of_a_list = error.tenant().is_none();
        let wait = error.retry_after().map(|wait| wait.as_millis());
        let good = match (self.outcome.wait, wait) {
            (Wait::Rest, Some(wait)) => (1_000..=5_000).contains(&wait),
            (Wait::Rest | Wait::Refusal, None) => is_of_a_list,
            (Wait::Refusal, Some(wait)) => wait == 30_000,
            (Wait::Pause, Some(wait)) => (20_000..=30_000).contains(&wait),
            (Wait::Told(seconds), Some(wait)) => {
                let most = u128::from(seconds) * 1_000;
                // The clock runs on, and an HTTP-date may be as old as the table.
                (most - most / 4..=most).contains(&wait)
            }
            (Wait::Pause | Wait::Told(_), None) => false,
        };
        if good { shows_no_secret(error) } else { Err(wrong(format!("the wait is {wait:?} ms: {error:?}"))) }
    }

    fn nobody_has_strayed(&self) -> Result<(), String> {
        match self.service.strayed() {
            0 => Ok(()),
            strayed => Err(format!("requests that followed a redirect: {strayed}")),
        }
    }

    fn attempts(&self) -> Vec<Attempt> {
        let all = self.seen.attempts().into_iter();
        let is_list = self.service.path() == "/userTenants";
        all.filter(|attempt| attempt.path.ends_with("/userTenants") == is_list).collect()
    }

    fn attempts_are_as_expected(&self) -> Result<(), Trouble> {
        let attempts = self.attempts();
        let told = self.outcome.told_over(self.stack);
        if attempts.len() == self.outcome.attempts && attempts.iter().all(|attempt| attempt.told == told) {
            let apart = |two: &[Attempt]| two[1].began - two[0].began >= self.outcome.apart;
            let message = || wrong(format!("not {:?} apart: {attempts:?}", self.outcome.apart));
            return attempts.windows(2).all(apart).then_some(()).ok_or_else(message);
        }
        Err(wrong(format!("expected {} attempts of {told:?}: {attempts:?}", self.outcome.attempts)))
    }
}

fn setup(row: &Row, url: &str) -> Result<Setup, Error> {
    let lookup = |name: &str| match name {
        "TM_GATEWAY" => Some(url.to_owned()),
        "MDSP_HOST_TENANT" => Some(OPERATOR.to_owned()),
        "MDSP_KEY_STORE_CLIENT_ID" => Some("tm".to_owned()),
        "MDSP_KEY_STORE_CLIENT_SECRET" => Some(format!("{MARK}-secret")),
        _ => name.starts_with("MDSP_").then(|| "x".to_owned()),
    };
    let setup = Setup::from_lookup(lookup, true)?.settings(|settings| {
        settings.attempts = 2;
        settings.patience = PATIENCE;
        settings.bulk_patience = PATIENCE;
        if row.fault.takes_time() {
            (settings.connect_time, settings.attempt_time) = match row.fault {
                Fault::Sends(..) => (PATIENCE, SHORT),
                Fault::Refused | Fault::Unanswered | Fault::Handshake(_) => (SHORT, PATIENCE),
            };
        }
    });
    let is_tls = matches!(row.fault, Fault::Handshake(_));
    Ok(if is_tls { setup.root_certificates(peers::trusted())? } else { setup })
}

fn wrong(problem: impl Into<String>) -> Trouble {
    Wrong(problem.into())
}

/// Nothing that can be read of an error holds the key or a token.
fn shows_no_secret(error: &Error) -> Result<(), Trouble> {
    let mut shown = vec![format!("{error} {error:?} {error:#?} {:?}", error.refusal())];
    let mut next = error.source();
    while let Some(error) = next {
        shown.push(format!("{error} {error:?}"));
        next = error.source();
    }
    let leak = shown.iter().find(|text| [MARK, KEY].iter().any(|secret| text.contains(secret)));
    leak.map_or(Ok(()), |text| Err(wrong(format!("a secret shows: {text}"))))
}
