//! `tm sim`: the simulator, until it is told to stop.

use std::{fmt::Write as _, io};

use tm_sim::SimError;

use crate::{
    connect::variable,
    exit::{Halt, Status},
    interrupt::Signals,
    output::{self, tell},
    sim_options::SimOptions,
};

pub(crate) fn run(options: &SimOptions) -> Result<Status, Halt> {
    let unable = |error: io::Error| Halt::Usage(format!("signals cannot be listened to: {error}"));
    // Before the first line is out, so that whoever reads it can stop us.
    let signals = Signals::new().map_err(unable)?;
    let simulator = options.config(variable, &secret()?)?.start().map_err(|error| refusal(&error))?;
    let mut lines = format!("listening on {}\n", simulator.url());
    let api_path = options.api_path().map(|path| ("TM_API_PATH", path.to_owned()));
    for (name, value) in simulator.environment().into_iter().chain(api_path) {
        // A string takes all that is written into it.
        let _ = writeln!(lines, "export {name}={}", quoted(&value));
    }
    match output::write(lines.as_bytes()) {
        // Whoever wanted the first line only still wants the simulator.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written?,
    }
    tell("Ctrl-C ends the simulator; `tm` talks to it with --allow-loopback-http");
    signals.wait();
    drop(simulator);
    Ok(Status::Done)
}

/// A secret of its own, new in every run.
fn secret() -> Result<String, Halt> {
    let random = || {
        getrandom::u64()
            .map_err(|error| Halt::Usage(format!("the simulator's secret cannot be drawn: {error}")))
    };
    Ok(format!("sim-{:016x}{:016x}", random()?, random()?))
}

fn refusal(error: &SimError) -> Halt {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    Halt::Usage(format!("{error}{cause}"))
}

/// For a POSIX shell: nothing within single quotes means anything but the quote itself.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_the_shell() {
        assert_eq!(quoted("a b$(c)\\"), r"'a b$(c)\'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn each_run_has_a_secret_of_its_own() {
        assert_ne!(secret().unwrap(), secret().unwrap());
    }
}
