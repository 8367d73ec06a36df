//! `tm demo`: the whole job against a simulator inside, what it cost, and what it costs the next time.

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use serde::Serialize;
use tm_async::Setup;
use tm_core::{ErrorKind, TenantId};
use tm_sim::{Counters, Simulator};

use crate::{
    args::DemoArguments,
    client::{Answers, Client, Served, Session},
    commands::all,
    deadline::Deadline,
    exit::{Halt, Status, told},
    interrupt,
    life::spoken,
    output::{self, tell},
    progress::Progress,
    storage::Storage,
};

/// Rows of the table.
const SHOWN: usize = 5;

/// What the run was worth, and what it cost by the simulator's counters.
#[derive(Debug, Serialize)]
struct Cost {
    tenants: usize,
    served: usize,
    operator_tokens: usize,
    pages: u64,
    batches: u64,
    single_calls: u64,
    elapsed_ms: u128,
    transport: &'static str,
    again: Again,
}

/// The same for a second client, which finds what the first one has kept in files.
#[derive(Debug, Serialize)]
struct Again {
    served: usize,
    from_the_store: u64,
    token_calls: u64,
    elapsed_ms: u128,
}

pub(crate) fn run(arguments: &DemoArguments) -> Result<Status, Halt> {
    let deadline = Deadline::after(arguments.run.timeout);
    let tenants = usize::try_from(arguments.tenants).unwrap_or(usize::MAX);
    let builder = Simulator::builder().tenants(tenants).recorded_requests(0);
    let simulator = builder.start().map_err(|error| Halt::Usage(error.to_string()))?;
    let place = tempfile::tempdir()
        .map_err(|error| Halt::Usage(format!("there is no place for temporary files: {error}")))?;
    let left_behind = place.path().to_owned();
    interrupt::before_the_end(move || drop(fs::remove_dir_all(left_behind)));
    let new_client = || {
        let storage = Storage::in_directory(&place.path().join("tokens"))?;
        let client = Client::new(setup(&simulator)?, storage, arguments.run.blocking, Answers::Many)?;
        Ok::<_, Halt>(Session::new(client, deadline))
    };
    let client = new_client()?;
    let transport = client.transport();
    let started = Instant::now();
    let (first, served, worst) = serve(arguments, &client, deadline);
    let elapsed_ms = started.elapsed().as_millis();
    drop(client);
    let counters = simulator.counters();
    let again = serve_again(arguments, &*new_client()?, deadline, &simulator);
    let cost = Cost {
        tenants,
        served,
        operator_tokens: simulator.issued(simulator.host_tenant()),
        pages: counters.page_calls,
        batches: counters.batch_calls,
        single_calls: counters.single_calls - counters.operator_calls.min(counters.single_calls),
        elapsed_ms,
        transport,
        again,
    };
    output::write(if arguments.run.json { json(&cost) } else { text(&first, &cost) }.as_bytes())?;
    // Nobody is to wait for calls that a time-out has left behind.
    let unserved = if served < tenants || cost.again.served < tenants {
        Status::of(ErrorKind::Service)
    } else {
        Status::Done
    };
    Ok(if worst == Status::Done { unserved } else { worst })
}

fn setup(simulator: &Simulator) -> Result<Setup, Halt> {
    let environment = simulator.environment();
    let lookup =
        |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    Ok(Setup::from_lookup(lookup, true)?)
}

/// The first to come, how many came, and the worst that happened.
fn serve(
    arguments: &DemoArguments,
    client: &Client,
    deadline: Deadline,
) -> (Vec<(TenantId, Served)>, usize, Status) {
    let progress = Progress::new(!arguments.run.json, Some(arguments.tenants.into()));
    let (mut first, mut served, mut worst) = (Vec::new(), 0, Status::Done);
    for row in all::feed(client, deadline) {
        match row.flatten() {
            Ok(row) => {
                served += 1;
                if first.len() < SHOWN {
                    first.push(row);
                }
            }
            Err(error) => {
                worst = worst.max(Status::of_error(&error));
                tell(told(&error));
            }
        }
        progress.step();
    }
    (first, served, worst)
}

fn serve_again(
    arguments: &DemoArguments,
    client: &Client,
    deadline: Deadline,
    simulator: &Simulator,
) -> Again {
    let calls = |counters: Counters| counters.single_calls + counters.batch_calls;
    let (before, started) = (calls(simulator.counters()), Instant::now());
    let (_, served, _) = serve(arguments, client, deadline);
    let elapsed_ms = started.elapsed().as_millis();
    let token_calls = calls(simulator.counters()) - before;
    // The operator's token, with which the list is read, is none of the tenants'.
    let from_the_store = client.tokens_loaded().min(served as u64);
    Again { served, from_the_store, token_calls, elapsed_ms }
}

fn json(cost: &Cost) -> String {
    // Text and numbers always make JSON.
    let mut line = serde_json::to_string(cost).unwrap_or_default();
    line.push('\n');
    line
}

fn text(first: &[(TenantId, Served)], cost: &Cost) -> String {
    let width = first.iter().map(|(tenant, _)| tenant.as_str().len()).max().unwrap_or_default().max(8);
    let mut shown = format!("{:<width$}  expires in  scopes\n", "tenant");
    for (tenant, Served { token, left }) in first {
        let left = left.map_or_else(|| "?".to_owned(), spoken);
        let scopes = token.claims().map(|claims| claims.scopes.len()).unwrap_or_default();
        // A string takes all that is written into it.
        let _ = writeln!(shown, "{:<width$}  {left:>10}  {scopes:>6}", tenant.as_str());
    }
    if cost.served > first.len() {
        let _ = writeln!(shown, "... and {} more", cost.served - first.len());
    }
    let _ = write!(
        shown,
        "\n{:>6}  of {} tenants served, in {}, by the {} client\n\n\
         What it cost, by the simulator's own counters:\n\
         {:>6}  operator tokens, to read the list\n\
         {:>6}  pages of the list\n\
         {:>6}  batches, five tenants each at most\n\
         {:>6}  single calls beside the operator's\n\n\
         Once more, by a second client, in {}:\n\
         {:>6}  tokens out of the files that the first one has kept\n\
         {:>6}  token calls\n",
        cost.served,
        cost.tenants,
        brief(cost.elapsed_ms),
        cost.transport,
        cost.operator_tokens,
        cost.pages,
        cost.batches,
        cost.single_calls,
        brief(cost.again.elapsed_ms),
        cost.again.from_the_store,
        cost.again.token_calls,
    );
    shown
}

fn brief(millis: u128) -> String {
    let time = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
    format!("{:.2} s", time.as_secs_f64())
}
