//! A proxy sees which host is asked for, and nothing else. It is the one that the environment or the set-up names, or none.

use std::{
    env,
    io::Read as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tm_async::{ErrorKind, Proxy, Setup};

use crate::harness::{Authority, Client, ProxyServer, RawServer, Stack, answer_over_tls, in_time};

both!(
    a_proxy_sees_a_connect_and_what_is_in_the_tunnel_is_tls,
    a_proxy_that_opens_no_tunnel_is_told_nothing_else,
    a_proxy_is_told_its_password_and_nobody_else_is,
    a_proxy_over_tls_is_not_asked_in_clear,
    a_proxy_of_another_kind_is_refused_at_set_up,
    a_proxy_by_name_is_not_asked_for_loopback,
);

/// No name to resolve, and nobody answers: RFC 5737.
const ELSEWHERE: &str = "https://192.0.2.1";

const SECRET: &str = "canary-secret-31f7";
/// `client:canary-secret-31f7`
const KEY: &str = "Y2xpZW50OmNhbmFyeS1zZWNyZXQtMzFmNw==";

fn setup(gateway: &str) -> Setup {
    let lookup = |name: &str| match name {
        "TM_GATEWAY" => Some(gateway.to_owned()),
        "MDSP_KEY_STORE_CLIENT_ID" => Some("client".to_owned()),
        "MDSP_KEY_STORE_CLIENT_SECRET" => Some(SECRET.to_owned()),
        _ => name.starts_with("MDSP_").then(|| "x".to_owned()),
    };
    Setup::from_lookup(lookup, true).unwrap().settings(|settings| {
        settings.attempts = 1;
        settings.connect_time = Duration::from_secs(5);
    })
}

fn client(stack: Stack, gateway: &str, proxy: &str) -> Client {
    stack.host().client(setup(gateway).proxy(Proxy::Url(proxy.to_owned()))).unwrap()
}

/// Fails if there is more in it than where to.
#[track_caller]
fn is_a_bare_connect(head: &str) {
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("CONNECT 192.0.2.1:443 HTTP/1.1"), "{head}");
    for line in lines.filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap().to_ascii_lowercase();
        let harmless = ["host", "user-agent", "accept", "proxy-connection"];
        assert!(harmless.contains(&name.as_str()), "a proxy is told {line}");
    }
    assert!(!head.contains(SECRET) && !head.contains(KEY), "{head}");
}

fn a_proxy_sees_a_connect_and_what_is_in_the_tunnel_is_tls(stack: Stack) {
    let authority = Authority::new("a company");
    let (service, inside) = (authority.server("192.0.2.1"), Arc::new(Mutex::new(Vec::new())));
    let notes = Arc::clone(&inside);
    let proxy = ProxyServer::start("HTTP/1.1 200 Here you are\r\n\r\n", move |stream| {
        // It must be TLS, or there is no handshake.
        notes.lock().unwrap().push(answer_over_tls(&service, stream));
    });
    let url = format!("http://{}", proxy.authority());
    let setup = setup(ELSEWHERE).proxy(Proxy::Url(url)).root_certificates(authority.pem()).unwrap();
    let client = stack.host().client(setup).unwrap();

    assert_eq!(client.token("acme").unwrap().secret(), "over-tls");

    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    is_a_bare_connect(&heads[0]);
    let request = inside.lock().unwrap().remove(0).unwrap();
    assert!(request.head.contains(KEY), "the service is told who asks: {}", request.head);
}

fn a_proxy_that_opens_no_tunnel_is_told_nothing_else(stack: Stack) {
    let answers = [
        "HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 407 Who are you\r\nproxy-authenticate: Basic realm=\"x\"\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 302 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 5\r\n\r\nsorry",
        "<html>Sign in</html>\r\n\r\n",
        "",
    ];
    for answer in answers {
        let proxy = ProxyServer::start(answer, drop);
        let error =
            client(stack, ELSEWHERE, &format!("http://{}", proxy.authority())).token("acme").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{answer}: {error:?}");
        let heads = proxy.heads();
        assert_eq!(heads.len(), 1, "{answer}");
        is_a_bare_connect(&heads[0]);
    }
}

fn a_proxy_is_told_its_password_and_nobody_else_is(stack: Stack) {
    let proxy = ProxyServer::refusing();
    let url = format!("http://someone:pass%40word%2bx@{}", proxy.authority());
    let error = client(stack, ELSEWHERE, &url).token("acme").unwrap_err();
    let heads = proxy.heads();
    // `someone:pass@word+x`
    let basic = "proxy-authorization: basic c29tZW9uZTpwYXNzQHdvcmQreA==";
    let found = heads[0].lines().any(|line| line.eq_ignore_ascii_case(basic));
    assert!(found, "{}", heads[0]);
    assert!(!heads[0].contains(KEY));
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    assert!(!shown.contains("pass") && !shown.contains("c29tZW9uZT"), "{shown}");
}

fn a_proxy_over_tls_is_not_asked_in_clear(stack: Stack) {
    let first = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&first);
    let proxy = RawServer::serving(move |mut stream| {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        notes.lock().unwrap().push(byte[0]);
    });
    let error = client(stack, ELSEWHERE, &format!("https://{}", proxy.address())).token("acme").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let handshake = 22; // RFC 8446 §5.1
    assert_eq!(*first.lock().unwrap(), [handshake]);
}

fn a_proxy_of_another_kind_is_refused_at_set_up(stack: Stack) {
    for bad in [
        "socks5://127.0.0.1:1",
        "socks4://127.0.0.1:1",
        "ftp://127.0.0.1:1",
        "http://",
        "http://[",
        "://",
        "two words",
    ] {
        let set_up = stack.host().client(setup(ELSEWHERE).proxy(Proxy::Url(bad.to_owned())));
        let error = set_up.expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
        assert!(error.to_string().starts_with("proxy: "), "{bad}: {error}");
    }
}

fn a_proxy_by_name_is_not_asked_for_loopback(stack: Stack) {
    let proxy = ProxyServer::refusing();
    let url = format!("http://{}", proxy.authority());
    for gateway in LOOPBACK {
        client(stack, gateway, &url).token("acme").unwrap_err();
        assert_eq!(proxy.heads().len(), 0, "{gateway}");
    }
}

const LOOPBACK: [&str; 6] = [
    "http://127.0.0.1:1",
    "http://[::1]:1",
    "https://127.0.0.1:1",
    "https://[::1]:1",
    "https://localhost:1",
    "https://[::ffff:127.0.0.1]:1",
];

/// Set in the process that was started for one look at the environment: which gateway is asked for.
const ASK: &str = "TM_TESTS_ASK";

const SPELLINGS: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Environments, `P` for the proxy, and whether it is asked. A second proxy, `Q`, never is.
const ENVIRONMENTS: [(&[(&str, &str)], bool); 22] = [
    (&[], false),
    (&[("HTTPS_PROXY", "http://P")], true),
    (&[("https_proxy", "http://P")], true),
    (&[("ALL_PROXY", "http://P")], true),
    (&[("all_proxy", "http://P")], true),
    (&[("HTTPS_PROXY", "P")], true),
    (&[("HTTPS_PROXY", " http://P/ ")], true),
    (&[("https_proxy", "http://P"), ("HTTPS_PROXY", "http://Q")], true),
    (&[("HTTPS_PROXY", "http://P"), ("ALL_PROXY", "http://Q")], true),
    (&[("https_proxy", ""), ("HTTPS_PROXY", "http://P")], true),
    // These are for plain http, which leaves no machine.
    (&[("HTTP_PROXY", "http://Q"), ("http_proxy", "http://Q")], false),
    (&[("HTTPS_PROXY", "http://P"), ("HTTP_PROXY", "http://Q")], true),
    (&[("HTTPS_PROXY", "http://Q"), ("NO_PROXY", "192.0.2.1")], false),
    (&[("HTTPS_PROXY", "http://Q"), ("no_proxy", "192.0.2.1")], false),
    (&[("HTTPS_PROXY", "http://Q"), ("NO_PROXY", "*")], false),
    (&[("ALL_PROXY", "http://Q"), ("NO_PROXY", "example.com, 192.0.2.1")], false),
    (&[("ALL_PROXY", "http://Q"), ("NO_PROXY", "example.com 192.0.2.1")], false),
    (&[("HTTPS_PROXY", "http://P"), ("NO_PROXY", "2.0.2.1")], true),
    (&[("HTTPS_PROXY", "http://P"), ("NO_PROXY", "example.com")], true),
    (&[("HTTPS_PROXY", "http://P"), ("NO_PROXY", "")], true),
    // The lower case goes first, as with curl.
    (&[("HTTPS_PROXY", "http://Q"), ("no_proxy", "192.0.2.1"), ("NO_PROXY", "example.com")], false),
    (&[("HTTPS_PROXY", "http://P"), ("no_proxy", "example.com"), ("NO_PROXY", "192.0.2.1")], true),
];

#[test]
fn the_proxy_is_the_one_that_the_environment_names_for_https() {
    if env::var_os(ASK).is_some() {
        return ask_as_told();
    }
    in_time(|| {
        let [named, other] = [(), ()].map(|()| ProxyServer::refusing());
        for (environment, is_asked) in ENVIRONMENTS {
            let value = |text: &str| text.replace('P', &named.authority()).replace('Q', &other.authority());
            look("the_proxy_is_the_one_that_the_environment_names_for_https", ELSEWHERE, environment, value);
            let heads = named.heads();
            assert_eq!(heads.len(), if is_asked { Stack::BOTH.len() } else { 0 }, "{environment:?}");
            for head in &heads {
                is_a_bare_connect(head);
            }
            assert_eq!(other.heads().len(), 0, "{environment:?}");
        }
    });
}

#[test]
fn whatever_the_environment_names_loopback_is_asked_without() {
    if env::var_os(ASK).is_some() {
        return ask_as_told();
    }
    in_time(|| {
        let proxy = ProxyServer::refusing();
        let environment = SPELLINGS[..6].iter().map(|name| (*name, "http://P")).collect::<Vec<_>>();
        for gateway in LOOPBACK {
            let value = |text: &str| text.replace('P', &proxy.authority());
            look("whatever_the_environment_names_loopback_is_asked_without", gateway, &environment, value);
            assert_eq!(proxy.heads().len(), 0, "{gateway}");
        }
    });
}

/// Runs a test of this file in a process of its own, with this environment.
#[track_caller]
fn look(test: &str, gateway: &str, environment: &[(&str, &str)], value: impl Fn(&str) -> String) {
    let mut process = Command::new(env::current_exe().unwrap());
    process.args([&format!("proxies::{test}"), "--exact", "--nocapture"]).stdin(Stdio::null());
    for name in SPELLINGS {
        process.env_remove(name);
    }
    process.envs(environment.iter().map(|(name, text)| (name, value(text))));
    let ended = process.env(ASK, gateway).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    let complained = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && told.contains("1 passed"), "{environment:?}:\n{told}\n{complained}");
}

/// The other process: asks for a token over both, which nobody has.
fn ask_as_told() {
    in_time(|| {
        let gateway = env::var(ASK).unwrap();
        let asked = Stack::BOTH.map(|stack| {
            let setup =
                setup(&gateway).settings(|settings| settings.connect_time = Duration::from_millis(300));
            let client = stack.host().client(setup).unwrap();
            thread::spawn(move || client.token("acme"))
        });
        for asked in asked {
            assert_eq!(asked.join().unwrap().unwrap_err().kind(), ErrorKind::Transport);
        }
    });
}
