//! From options and environment to a client.

use std::sync::Arc;

use tm_async::Setup;
use tm_core::{Application, Credentials};

use crate::{
    args::{RunOptions, ServiceOptions, StoreOptions},
    client::{Answers, Client, Session},
    deadline::Deadline,
    exit::Halt,
    secrets::{self, Source},
    storage::Storage,
};

/// A client of the service that the options and the environment name.
pub(crate) fn connect(
    service: &ServiceOptions,
    store: &StoreOptions,
    run: &RunOptions,
    deadline: Deadline,
    answers: Answers,
) -> Result<Session, Halt> {
    let application = application(service, variable)?;
    let source = Source::of(service, variable);
    // A file may be a pipe, and stdin a person: neither may outlast the run.
    let secret = deadline.run(move || source.read(variable).map(Arc::new))??;
    let setup = Setup::new(application, credentials(&secret, variable)?);
    let store = store.clone();
    let storage = deadline.run(move || Storage::open(&store, variable))??;
    Ok(Session::new(Client::new(setup, storage, run.blocking, answers)?, deadline))
}

/// A variable as it is, or damaged where it is no text, which whoever parses it will find.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn application(
    service: &ServiceOptions,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Application, Halt> {
    let lookup = |name: &str| match name {
        "TM_GATEWAY" => service.gateway.clone().or_else(|| variable(name)),
        "TM_API_PATH" => service.api_path.clone().or_else(|| variable(name)),
        // A stand-in: what goes through a lookup is not wiped.
        secrets::VARIABLE => Some("unused".to_owned()),
        _ => variable(name),
    };
    let setup = Setup::from_lookup(lookup, service.allow_loopback_http).map_err(|invalid| {
        let hint = match invalid.field() {
            "gateway"
                if !service.allow_loopback_http && lookup("TM_GATEWAY").is_some_and(|url| is_http(&url)) =>
            {
                " (--allow-loopback-http)"
            }
            _ => "",
        };
        Halt::Usage(format!("{invalid}{hint}"))
    })?;
    Ok(setup.application().clone())
}

fn credentials(secret: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, Halt> {
    Ok(Credentials::new(&variable("MDSP_KEY_STORE_CLIENT_ID").unwrap_or_default(), secret)?)
}

fn is_http(url: &str) -> bool {
    url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(gateway: Option<&str>, allow_loopback_http: bool) -> ServiceOptions {
        ServiceOptions {
            gateway: gateway.map(str::to_owned),
            api_path: None,
            allow_loopback_http,
            secret_file: None,
            secret_stdin: false,
        }
    }

    fn complete(name: &str) -> Option<String> {
        let value = match name {
            "MDSP_KEY_STORE_CLIENT_ID" => "client",
            "MDSP_OS_VM_APP_NAME" => "app",
            "MDSP_OS_VM_APP_VERSION" => "1.0.0",
            "MDSP_HOST_TENANT" => "host",
            "TM_GATEWAY" => "https://gateway.example",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn gateway(
        options: &ServiceOptions,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<String, String> {
        application(options, variable)
            .map(|application| format!("{:?}", application.gateway))
            .map_err(|halt| halt.message().unwrap_or_default())
    }

    #[test]
    fn the_option_goes_before_the_variable() {
        let named = gateway(&options(None, false), complete).unwrap();
        assert!(named.contains("gateway.example"), "{named}");
        let named = gateway(&options(Some("https://other.example"), false), complete).unwrap();
        assert!(named.contains("other.example"), "{named}");
    }

    #[test]
    fn plain_http_is_refused_with_the_option_that_allows_it() {
        let refused = gateway(&options(Some("http://127.0.0.1:1"), false), complete).unwrap_err();
        assert!(refused.ends_with("(--allow-loopback-http)"), "{refused}");
        assert!(gateway(&options(Some("http://127.0.0.1:1"), true), complete).is_ok());
        assert!(gateway(&options(Some("http://10.0.0.1:1"), true), complete).is_err());
    }

    #[test]
    fn the_path_of_the_api_can_be_another() {
        let path = |name: &str| match name {
            "TM_API_PATH" => Some("/api/other/v3".to_owned()),
            _ => complete(name),
        };
        assert_eq!(
            gateway(&options(None, false), path).unwrap(),
            "Gateway(https://gateway.example/api/other/v3)"
        );
        let bad =
            |name: &str| if name == "TM_API_PATH" { Some("no path".to_owned()) } else { complete(name) };
        let named = ServiceOptions { api_path: Some("/api/mine/v3".to_owned()), ..options(None, false) };
        assert_eq!(gateway(&named, bad).unwrap(), "Gateway(https://gateway.example/api/mine/v3)");
        assert!(gateway(&options(None, false), bad).unwrap_err().starts_with("api path: "));
    }

    #[test]
    fn the_secret_is_the_one_that_was_read() {
        let expected = Credentials::new("client", "hush").unwrap();
        assert_eq!(credentials("hush", complete).unwrap().auth_key(), expected.auth_key());
        let error = credentials("hu\u{e4}sh", complete).unwrap_err();
        assert_eq!(error.message().unwrap(), "client secret: is not ASCII at position 2");
    }
}
