//! `tm tenants`: the list of tenants.

use serde::Serialize;
use tm_core::TenantId;

use crate::{
    args::TenantsArguments,
    client::Answers,
    connect::connect,
    deadline::Deadline,
    exit::{Halt, Status},
    output,
    rows::Rows,
};

#[derive(Serialize)]
struct Listed<'a> {
    tenant: &'a TenantId,
}

pub(crate) fn run(arguments: &TenantsArguments) -> Result<Status, Halt> {
    let run = &arguments.run;
    let deadline = Deadline::after(run.timeout);
    let client = connect(&arguments.service, &arguments.store, run, deadline, Answers::Many)?;
    let asking = client.clone();
    let listed = deadline.run(move || asking.tenants()).flatten();
    match listed {
        Ok(tenants) => {
            output::write(&lines(&tenants, run.json))?;
            Ok(Status::Done)
        }
        Err(error) => {
            let mut rows = Rows::new(run.json, false, 0);
            rows.error(&error)?;
            Ok(rows.finish())
        }
    }
}

fn lines(tenants: &[TenantId], json: bool) -> Vec<u8> {
    let mut lines = Vec::new();
    for tenant in tenants {
        if json {
            // An id always makes JSON, and a vector takes all of it.
            let _ = serde_json::to_writer(&mut lines, &Listed { tenant });
        } else {
            lines.extend_from_slice(tenant.as_str().as_bytes());
        }
        lines.push(b'\n');
    }
    lines
}
