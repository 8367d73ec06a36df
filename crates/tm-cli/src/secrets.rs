//! Where the client secret comes from: a file, stdin or the environment, never an argument.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::{args::ServiceOptions, exit::Halt, input};

pub(crate) const VARIABLE: &str = "MDSP_KEY_STORE_CLIENT_SECRET";
const FILE_VARIABLE: &str = "TM_SECRET_FILE";

/// Longer than any that is accepted, with its line break.
const LIMIT: usize = 4_096;

/// Where to look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
    Environment,
}

impl Source {
    /// What the command line names goes first, then `TM_SECRET_FILE`.
    pub(crate) fn of(options: &ServiceOptions, variable: impl Fn(&str) -> Option<String>) -> Self {
        if options.secret_stdin {
            return Self::Stdin;
        }
        let named = variable(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        options.secret_file.clone().or(named).map_or(Self::Environment, Self::File)
    }

    /// Reads it, without the line break at its end.
    ///
    /// # Errors
    /// It is not there, cannot be read, is too long or not text. It stands in no error.
    pub(crate) fn read(self, variable: impl Fn(&str) -> Option<String>) -> Result<Zeroizing<String>, Halt> {
        let mut secret = match self {
            Self::Stdin => input::text(input::stdin(), "the secret on stdin", LIMIT)?,
            Self::File(path) => input::file(&path, &format!("the secret file {}", path.display()), LIMIT)?,
            Self::Environment => {
                let found = variable(VARIABLE).filter(|secret| !secret.is_empty()).map(Zeroizing::new);
                return found.ok_or_else(|| {
                    Halt::Usage(format!(
                        "{VARIABLE}: is not set in the environment, and no secret file is named either"
                    ))
                });
            }
        };
        let kept = secret
            .strip_suffix('\n')
            .map_or(secret.len(), |line| line.strip_suffix('\r').unwrap_or(line).len());
        secret.truncate(kept);
        Ok(secret)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn options(file: Option<&str>, stdin: bool) -> ServiceOptions {
        ServiceOptions {
            gateway: None,
            api_path: None,
            allow_loopback_http: false,
            secret_file: file.map(PathBuf::from),
            secret_stdin: stdin,
        }
    }

    #[test]
    fn what_is_named_most_closely_goes_first() {
        let variable = |name: &str| (name == FILE_VARIABLE).then(|| "from-variable".to_owned());
        let none = |_: &str| None;
        assert_eq!(Source::of(&options(None, true), variable), Source::Stdin);
        assert_eq!(Source::of(&options(Some("named"), false), variable), Source::File("named".into()));
        assert_eq!(Source::of(&options(None, false), variable), Source::File("from-variable".into()));
        assert_eq!(Source::of(&options(None, false), none), Source::Environment);
    }

    #[test]
    fn one_line_break_at_the_end_of_a_file_is_not_of_the_secret() {
        for (written, secret) in
            [("hush\n", "hush"), ("hush\r\n", "hush"), (" hush ", " hush "), ("a\n\n", "a\n")]
        {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(written.as_bytes()).unwrap();
            let read = Source::File(file.path().to_owned()).read(|_| None).unwrap();
            assert_eq!(read.as_str(), secret);
        }
    }

    #[test]
    fn no_error_repeats_what_was_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&b"hush-hush".repeat(1_000)).unwrap();
        let error = Source::File(file.path().to_owned()).read(|_| None).unwrap_err();
        assert!(!format!("{error:?}").contains("hush-hush"), "{error:?}");
        assert!(Source::File("/nonexistent/secret".into()).read(|_| None).is_err());
        assert!(Source::Environment.read(|_| Some(String::new())).is_err());
    }
}
