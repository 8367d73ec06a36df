//! From the command line to the exit status.

use clap::{
    Parser as _,
    error::{ContextKind, ContextValue},
};

use crate::{
    args::{Arguments, Command},
    commands,
    exit::{Halt, Status},
    interrupt, logging, output,
};

/// Does what the command line says.
pub(crate) fn run() -> Status {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return help_or_usage(&without_a_password(answer)),
    };
    logging::start();
    if !matches!(arguments.command, Command::Sim(_)) {
        interrupt::end_between_lines();
    }
    let status = carry_out(&arguments.command).unwrap_or_else(|halt| told(&halt));
    output::unless_ended();
    status
}

fn told(halt: &Halt) -> Status {
    if let Some(message) = halt.message() {
        output::tell(message);
    }
    halt.status()
}

fn carry_out(command: &Command) -> Result<Status, Halt> {
    match command {
        Command::Demo(arguments) => commands::demo::run(arguments),
        Command::All(arguments) => commands::all::run(arguments),
        Command::Token(arguments) => commands::token::run(arguments),
        Command::Tokens(arguments) => commands::tokens::run(arguments),
        Command::Tenants(arguments) => commands::tenants::run(arguments),
        Command::Cache(arguments) => commands::cache::run(arguments),
        Command::Inspect(arguments) => commands::inspect::run(arguments),
        Command::Sim(options) => commands::sim::run(options),
    }
}

/// clap repeats the value that it refuses. That of `--store` may hold a password.
fn without_a_password(mut answer: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(argument)) = answer.get(ContextKind::InvalidArg)
        && argument.starts_with("--store ")
    {
        answer.insert(ContextKind::InvalidValue, ContextValue::String("...".to_owned()));
    }
    answer
}

/// Help and version are data, everything else that clap has to say is about wrong usage.
fn help_or_usage(answer: &clap::Error) -> Status {
    let printed = answer.print();
    match printed.map_err(Halt::from) {
        _ if answer.use_stderr() => Status::Usage,
        Ok(()) => Status::Done,
        Err(halt) => told(&halt),
    }
}
