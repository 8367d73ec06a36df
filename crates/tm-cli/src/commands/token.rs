//! `tm token`: a token for one tenant, bare if it is to be revealed.

use tm_core::TenantId;
use zeroize::Zeroizing;

use crate::{
    args::TokenArguments,
    client::{Answers, Served},
    connect::connect,
    deadline::Deadline,
    exit::{Halt, Status},
    output,
    rows::Rows,
};

pub(crate) fn run(arguments: &TokenArguments) -> Result<Status, Halt> {
    let run = &arguments.run;
    let deadline = Deadline::after(run.timeout);
    let tenant = TenantId::new(&arguments.tenant)?;
    let client = connect(&arguments.service, &arguments.store, run, deadline, Answers::One)?;
    let (asking, asked_for) = (client.clone(), tenant.clone());
    let result = deadline.run(move || asking.token(&asked_for)).flatten();
    if arguments.reveal.reveal && !run.json {
        let Served { token, .. } = result?;
        let mut line = Zeroizing::new(Vec::with_capacity(token.secret().len() + 1));
        line.extend_from_slice(token.secret().as_bytes());
        line.push(b'\n');
        output::write(&line)?;
        return Ok(Status::Done);
    }
    let mut rows = Rows::new(run.json, arguments.reveal.reveal, 0);
    rows.tenant(&tenant, &result)?;
    Ok(rows.finish())
}
