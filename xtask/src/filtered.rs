//! `cargo test` of those tests whose names fit. Cargo is content when none fits any more; here that is a failure.

use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use crate::command::shown;
use crate::report::Outcome;

/// Shows the command, runs it with our own output, and tells how it ended. Each program of tests has to run so many of its own
/// at least.
pub(crate) fn run(command: &mut Command, least: usize) -> Outcome {
    println!("$ {}", shown(command));
    match passing_on(command) {
        Ok((status, passed)) if status.success() => match enough(&passed, least) {
            Ok(()) => Outcome::passed(),
            Err(problem) => Outcome::Failed(format!("`{}`: {problem}", shown(command))),
        },
        Ok((status, _)) => Outcome::Failed(format!("`{}`: {status}", shown(command))),
        Err(error) => Outcome::Failed(format!("`{}`: {error}", shown(command))),
    }
}

/// Answers how it ended, and how many tests have passed in each program.
fn passing_on(command: &mut Command) -> io::Result<(ExitStatus, Vec<usize>)> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let mut passed = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        passed.extend(count(&line));
    }
    Ok((child.wait()?, passed))
}

fn enough(passed: &[usize], least: usize) -> Result<(), String> {
    match passed.iter().min() {
        None => Err("no test has run".to_owned()),
        Some(fewest) if *fewest < least => Err(format!(
            "a program ran {fewest} of its tests, and {least} were to run: do they have other names now?"
        )),
        Some(_) => Ok(()),
    }
}

/// From the last line of a program of tests.
fn count(line: &str) -> Option<usize> {
    line.strip_prefix("test result: ok. ")?.split_once(" passed;")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_do_not_run_are_missed() {
        assert!(enough(&[20, 1], 1).is_ok());
        assert!(enough(&[20, 0], 1).is_err(), "one program of two has none");
        assert!(enough(&[1], 2).is_err());
        assert!(enough(&[], 1).is_err(), "there is no program");
    }

    #[test]
    fn what_has_passed_stands_in_the_last_line() {
        let last =
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s";
        assert_eq!(count(last), Some(12));
        assert_eq!(count("test models::a_story ... ok"), None);
    }

    #[test]
    fn a_name_that_no_test_has_is_a_failure() {
        let of_ourselves = |name: &str| {
            let mut command = Command::new(std::env::current_exe().expect("we are a program"));
            run(command.arg(name), 1)
        };
        assert!(matches!(of_ourselves("what_has_passed_stands_in_the_last_line"), Outcome::Passed(_)));
        assert!(
            matches!(of_ourselves("no_test_has_this_name"), Outcome::Failed(problem) if problem.contains("0 of its"))
        );
    }
}
