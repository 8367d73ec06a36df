//! What is shown of a token, and of what is none.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{Ran, Tm, simulator};

fn jwt(claims: &str) -> String {
    format!("eyJhbGciOiJub25lIn0.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(claims))
}

fn inspect(line: &[&str], stdin: impl Into<Vec<u8>>) -> Ran {
    Tm::new([&["inspect"], line].concat()).stdin(stdin).ran()
}

#[test]
fn an_expired_token_is_shown_as_such() {
    let token = jwt(
        r#"{"ten":"acme","iss":"https://acme.piam.eu1.mindsphere.io/oauth/token","iat":1559120938,"exp":1559122738,"scope":["a","b"]}"#,
    );
    let ran = inspect(&["--json"], token.as_str());
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let expected = json!({
        "tenant": "acme", "platform": "insights-hub", "issuer": "https://acme.piam.eu1.mindsphere.io/oauth/token",
        "issued_at": "2019-05-29T09:08:58Z", "expires_at": "2019-05-29T09:38:58Z",
        "expired": true, "scopes": ["a", "b"], "verified": false,
    });
    assert_eq!(ran.rows(), [expected]);
    let ran = inspect(&[], format!("Bearer {token}\n"));
    assert_eq!(ran.status, Some(0));
    assert!(ran.stdout.contains("life        expired since "), "{}", ran.stdout);
    assert!(ran.stdout.contains("verified    no"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(&token[20..40]), "the token is not shown");
}

#[test]
fn a_living_token_of_the_service_is_read() {
    let service = simulator(1);
    let token = Tm::of(&service, &["token", "tenant-0001", "--reveal"]).ran().stdout;
    let ran = inspect(&[], token);
    assert_eq!(ran.status, Some(0));
    for wanted in ["tenant      tenant-0001\n", "platform    insights-hub\n", "life        29m5"] {
        assert!(ran.stdout.contains(wanted), "{}", ran.stdout);
    }
}

#[test]
fn the_other_platform_is_told_apart() {
    let ran = inspect(&["--json"], jwt(r#"{"sws.samauth.ten":"1000001700"}"#));
    assert_eq!(ran.rows()[0]["platform"], "xcelerator");
    assert_eq!(ran.rows()[0]["expired"], json!(null));
}

#[test]
fn what_is_no_jwt_is_refused_with_the_reason() {
    let endless = "x".repeat(1 << 20);
    let cases: [(&[u8], &str); 7] = [
        (b"", "three parts"),
        (b"hello", "three parts"),
        (b"Basic Y2xpZW50OnNlY3JldA==", "three parts"),
        (b"a.%%.c", "base64url"),
        (b"a.W10.c", "JSON object"),
        (b"\xff\xfe", "is not text"),
        (endless.as_bytes(), "is longer than"),
    ];
    for (stdin, why) in cases {
        for line in [&[][..], &["--json"]] {
            let ran = inspect(line, stdin);
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
            assert!(ran.stderr.contains(why), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_token_does_not_steer_the_terminal() {
    let ran = inspect(&[], jwt(r#"{"ten":"a\u001b[2J\nb","scope":["\u009b1m"]}"#));
    assert!(!ran.stdout.contains(['\u{1b}', '\u{9b}']), "{:?}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 8);
}
