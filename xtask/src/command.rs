//! Running other programs: shown before they run, their output never swallowed.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use crate::report::Outcome;
use crate::workspace;

/// The cargo that runs us, in the root of the workspace.
pub(crate) fn cargo<I>(arguments: I) -> Command
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Any program, in the root of the workspace.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(workspace::root());
    command
}

/// Shows the command, runs it with our own output, and tells how it ended.
pub(crate) fn run(command: &mut Command) -> Outcome {
    match status(command) {
        Ok(status) if status.success() => Outcome::passed(),
        Ok(status) => Outcome::Failed(format!("`{}`: {status}", shown(command))),
        Err(problem) => Outcome::Failed(problem),
    }
}

/// The same, for those who know what its exit codes mean.
///
/// # Errors
/// Why it did not start.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, String> {
    println!("$ {}", shown(command));
    command.status().map_err(|error| format!("`{}`: {error}", shown(command)))
}

/// Runs the command unseen and hands back what it wrote.
///
/// # Errors
/// What it wrote to stderr, or why it did not start.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("`{}`: {error}", shown(command)))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{}`: {}\n{}", shown(command), output.status, stderr.trim_end()))
    }
}

/// Where a program lies on `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name).with_extension(std::env::consts::EXE_EXTENSION))
        .find(|file| file.is_file())
}

/// As one would type it: the settings made for this command, its name without the folder, its arguments.
pub(crate) fn shown(command: &Command) -> String {
    let settings = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value?.to_string_lossy())))
    });
    let name = PathBuf::from(command.get_program());
    let name = name.file_name().unwrap_or(name.as_os_str()).to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    settings.chain([name]).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(char::is_whitespace) { format!("'{word}'") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = program("some/folder/cargo");
        command.args(["test", "two words"]).env("RUSTDOCFLAGS", "-Dwarnings").env_remove("OTHER");
        assert_eq!(shown(&command), "RUSTDOCFLAGS=-Dwarnings cargo test 'two words'");
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        assert!(matches!(run(&mut program("no-such-program")), Outcome::Failed(_)));
        assert!(output(&mut program("no-such-program")).is_err());
        assert_eq!(find("no-such-program"), None);
    }
}
