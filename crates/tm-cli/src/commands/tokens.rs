//! `tm tokens`: tokens for named tenants, in their order.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tm_core::{Error, TenantId, wire::MAX_BATCH};

use crate::{
    args::TokensArguments,
    client::{Answers, Client, Served},
    connect::connect,
    deadline::{Deadline, Feed, Outlet},
    exit::{Halt, Status},
    input,
    progress::Progress,
    rows::Rows,
};

/// As many as the client has calls at once, so that it is never short of work.
const WORKERS: usize = 8;

type Answer = (usize, Result<Served, Error>);

pub(crate) fn run(arguments: &TokensArguments) -> Result<Status, Halt> {
    let run = &arguments.run;
    let deadline = Deadline::after(run.timeout);
    if arguments.service.secret_stdin && arguments.tenants.iter().any(|name| name == "-") {
        return Err(Halt::Usage(
            "stdin cannot be both the ids (-) and the secret (--secret-stdin)".to_owned(),
        ));
    }
    let named = arguments.tenants.clone();
    let tenants: Arc<[TenantId]> = deadline.run(move || input::tenants(&named, input::stdin()))??.into();
    let client = connect(&arguments.service, &arguments.store, run, deadline, Answers::Many)?;
    let width = tenants.iter().map(|tenant| tenant.as_str().len()).max().unwrap_or_default();
    let mut rows = Rows::new(run.json, arguments.reveal.reveal, width);
    let progress = Progress::beside_rows(run.json, u64::try_from(tenants.len()).ok());
    let mut answers: Vec<Option<Result<Served, Error>>> = tenants.iter().map(|_| None).collect();
    let (mut written, mut broken) = (0, None);
    for answer in feed(&client, &tenants, deadline) {
        match answer {
            Ok((position, result)) => answers[position] = Some(result),
            Err(error) => broken = Some(error),
        }
        progress.step();
        while let Some(result) = answers.get_mut(written).and_then(Option::take) {
            rows.tenant(&tenants[written], &result)?;
            written += 1;
        }
    }
    drop(progress);
    // What came out of turn, and what did not come.
    let broken = broken.unwrap_or_else(crate::deadline::time_is_over);
    for (tenant, answer) in tenants.iter().zip(answers).skip(written) {
        rows.tenant(tenant, &answer.unwrap_or_else(|| Err(broken.clone())))?;
    }
    Ok(rows.finish())
}

/// Each worker asks for five tenants at a time, a full call, so that rows come while others are still asked for: the client
/// itself answers when all are there.
fn feed(client: &Client, tenants: &Arc<[TenantId]>, deadline: Deadline) -> Feed<Answer> {
    let next = Arc::new(AtomicUsize::new(0));
    let workers = tenants.len().div_ceil(MAX_BATCH).min(WORKERS);
    deadline.feed((0..workers).map(|_| {
        let (client, tenants, next) = (client.clone(), Arc::clone(tenants), Arc::clone(&next));
        move |outlet: &Outlet<Answer>| {
            loop {
                let start = next.fetch_add(MAX_BATCH, Ordering::Relaxed);
                let Some(rest) = tenants.get(start..).filter(|rest| !rest.is_empty()) else { return };
                let five = rest[..rest.len().min(MAX_BATCH)].to_vec();
                for (position, (_, result)) in (start..).zip(client.tokens(five)) {
                    if !outlet.send((position, result)) {
                        return;
                    }
                }
            }
        }
    }))
}
