//! Faults of a token's fields, and of who is in a batch.

use super::{
    MARK,
    column::{Column, token_with},
    fault::{Fault, answers},
    row::{Row, dead, nonsense, row, served},
};

pub(super) fn rows(column: Column) -> Vec<Row> {
    let mut rows = of_fields();
    if column == Column::List {
        // The list asks for one token, so these are of no concern to it.
        return rows;
    }
    rows.extend(of_batches());
    rows
}

fn of_fields() -> Vec<Row> {
    let token = |fields: &str| answers(200, &[], token_with(fields));
    let bare = |body: &str| answers(200, &[], body);
    let quoted = |text: &str| token(&format!(r#""expires_in":1799,"timestamp":{text}"#));
    let of = |tenant: &str| answers(200, &[], claims_of(tenant));

    #[rustfmt::skip]
    let rows = vec![
        row("no token",                           bare(r#"{"expires_in":1799}"#),                         nonsense()),
        row("a token of null",                    bare(r#"{"access_token":null,"expires_in":1799}"#),     nonsense()),
        row("a token of nothing",                 bare(r#"{"access_token":"","expires_in":1799}"#),       nonsense()),
        row("a token of two words",               bare(r#"{"access_token":"two words","expires_in":9}"#), nonsense()),
        row("a token that ends a header",         bare(r#"{"access_token":"a\r\nb: c","expires_in":9}"#), nonsense()),
        row("a token of another type",            token(r#""expires_in":1799,"token_type":"mac""#),       nonsense()),
        row("a token with another beside it",     token(r#""expires_in":1799,"refresh_token":"other""#),  served()),
        // The pairing is who was asked for: in the documented samples the claims name other tenants.
        row("a token whose claims name another",  of("somebody-else"),                                    served()),
        row("expires_in of 0",                    token(r#""expires_in":0"#),                             dead()),
        row("expires_in below 0",                 token(r#""expires_in":-1799"#),                         dead()),
        row("expires_in below all numbers",       token(r#""expires_in":-1e300"#),                        dead()),
        row("expires_in of 5 s, all safety",      token(r#""expires_in":5"#),                             dead()),
        row("expires_in beyond all numbers",      token(r#""expires_in":99999999999999999999999999"#),    served()),
        row("expires_in of a string",             token(r#""expires_in":"1799""#),                        served()),
        row("expires_in of words",                token(r#""expires_in":"soon""#),                        nonsense()),
        row("expires_in of null",                 token(r#""expires_in":null"#),                          nonsense()),
        row("no expires_in",                      token(r#""scope":"""#),                                 nonsense()),
        row("a timestamp of words",               quoted(r#""yesterday""#),                               served()),
        row("a timestamp of null",                quoted("null"),                                         served()),
        row("a timestamp below all numbers",      quoted("-1e300"),                                       served()),
        row("a timestamp of a thousand digits",   quoted(&"9".repeat(1_000)),                             nonsense()),
        row("a timestamp of an object",           quoted("{}"),                                           served()),
    ];
    rows.into_iter().map(Row::of_the_token).collect()
}

/// Two tenants are asked for. Whoever gets no token is asked for alone, and then the answer is good.
fn of_batches() -> Vec<Row> {
    let batch = |entries: &[String]| -> Fault {
        answers(200, &[], format!(r#"{{"oauthTokens":[{}]}}"#, entries.join(",")))
    };
    let of = |tenant: &str| format!(r#"{{"userTenantId":"{tenant}","token":{}}}"#, fresh(tenant));
    let without = |tenant: &str| format!(r#"{{"userTenantId":"{tenant}","token":null}}"#);
    let dead_one = |tenant: &str| {
        format!(r#"{{"userTenantId":"{tenant}","token":{{"access_token":"{MARK}-x","expires_in":0}}}}"#)
    };

    #[rustfmt::skip]
    let rows = vec![
        row("of two, both",                       batch(&[of("bcorp"), of("acme")]),             served()),
        row("of two, one is missing",             batch(&[of("acme")]),                          served().attempts(2)),
        row("of two, none is there",              batch(&[]),                                    served().attempts(3)),
        row("of two, one has no token",           batch(&[of("acme"), without("bcorp")]),        served().attempts(2)),
        row("of two, three are there",            batch(&[of("acme"), of("bcorp"), of("zeta")]), served()),
        row("of two, one is another tenant",      batch(&[of("acme"), of("zeta")]),              served().attempts(2)),
        row("of two, one is there twice",         batch(&[of("acme"), of("acme")]),              served().attempts(2)),
        row("of two, a single token",             answers(200, &[], fresh("acme")),              nonsense()),
        row("of two, both dead",                  batch(&[dead_one("acme"), dead_one("bcorp")]), dead()),
    ];
    rows.into_iter().map(Row::of_two).collect()
}

fn fresh(tenant: &str) -> String {
    format!(r#"{{"access_token":"{MARK}-of-{tenant}","token_type":"bearer","expires_in":1799}}"#)
}

/// A JWT that says whose it is.
fn claims_of(tenant: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"ten":"{tenant}"}}"#));
    format!(r#"{{"access_token":"{MARK}.{claims}.x","token_type":"bearer","expires_in":1799}}"#)
}
