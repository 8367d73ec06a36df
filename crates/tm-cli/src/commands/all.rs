//! `tm all`: a token for every tenant, as they come.

use tm_core::Error;

use crate::{
    args::AllArguments,
    client::{AllTokens, Answers, Client},
    connect::connect,
    deadline::{Deadline, Feed, Outlet},
    exit::{Halt, Status},
    progress::Progress,
    rows::Rows,
};

/// Wide enough for most ids: when the first comes, the widest is not known yet.
const WIDTH: usize = 20;

pub(crate) fn run(arguments: &AllArguments) -> Result<Status, Halt> {
    let run = &arguments.run;
    let deadline = Deadline::after(run.timeout);
    let client = connect(&arguments.service, &arguments.store, run, deadline, Answers::Many)?;
    let progress = Progress::beside_rows(run.json, None);
    let mut rows = Rows::new(run.json, arguments.reveal.reveal, WIDTH);
    for row in feed(&client, deadline) {
        match row {
            Ok(Ok((tenant, served))) => rows.tenant(&tenant, &Ok(served))?,
            Ok(Err(error)) | Err(error) => rows.error(&error)?,
        }
        progress.step();
    }
    drop(progress);
    Ok(rows.finish())
}

/// The client's rows, read ahead a little on a thread that is left behind at the deadline. The outer error ends the run.
pub(crate) fn feed(client: &Client, deadline: Deadline) -> Feed<<AllTokens as Iterator>::Item> {
    let client = client.clone();
    deadline.feed([move |outlet: &Outlet<Result<_, Error>>| {
        for row in client.all_tokens() {
            if !outlet.send(row) {
                return;
            }
        }
    }])
}
