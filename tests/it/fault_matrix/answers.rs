//! Faults of what comes in place of an answer.

use tm_async::TransportFault::{Interrupted, TimedOut};

use super::{
    column::{Column, page, token_with},
    fault::{
        Then::{Close, Forever, Keep, Silence},
        answer, answers, sends,
    },
    row::{Row, broken, nonsense, row, served, too_large, unexpected},
    traps::{ELSEWHERE, Traps},
};

pub(super) fn rows(column: Column, traps: &Traps) -> Vec<Row> {
    let body = column.good_body();
    let good = || answer(200, &[], &body);
    let html = "<html><h1>Sign in</h1></html>";
    let gzip = [("content-encoding", "gzip")];
    let interim = |status: &str| sends([status.as_bytes(), &good()].concat(), Keep);
    let ok = |body: &[u8]| answers(200, &[], body);
    let padded = |size: usize| [body.as_bytes(), &b" ".repeat(size - body.len())].concat();
    let at_limit = padded(column.limit());
    let beyond = padded(column.limit() + 1);

    #[rustfmt::skip]
    let mut rows = vec![
        row("HTML with a 200",                    ok(html.as_bytes()),                       nonsense()),
        row("nothing with a 200",                 ok(b""),                                   nonsense()),
        row("a 204",                              answers(204, &[], ""),                     nonsense()),
        row("a 206",                              answers(206, &[], &body[..20]),            nonsense()),
        row("JSON that is cut",                   ok(&body.as_bytes()[..20]),                nonsense()),
        row("JSON of wrong types",                ok(wrong_types(column).as_bytes()),        nonsense()),
        row("a field twice",                      ok(twice(column).as_bytes()),              nonsense()),
        row("no UTF-8",                           ok(&no_utf8(&body)),                       nonsense()),
        row("JSON 20,000 deep",                   ok(deep(column, 20_000).as_bytes()),       nonsense()),
        row("JSON 100,000 deep",                  ok(deep(column, 100_000).as_bytes()),      too_large()).list(nonsense()),
        row("a body at the limit",                ok(&at_limit),                             served()),
        row("a body over the limit",              ok(&beyond),                               too_large()),
        row("chunks without end",                 sends(CHUNKED, Forever("5\r\n     \r\n")),    too_large()),
        row("a body without end",                 sends(UP_TO_THE_END, Forever("     ")),    too_large()),
        row("a head without end",                 sends(OK, Forever("a: b\r\n")),            broken(Interrupted)),
        row("a header without end",               sends(header_without_end(), Close),        broken(Interrupted)),
        row("10,000 headers",                     sends(many_headers(&body), Close),         broken(Interrupted)),
        row("compressed, though never asked for", answers(200, &gzip, gzipped(body.as_bytes())), nonsense()),
        row("a compressed bomb",                  answers(200, &gzip, bomb(40_000)),         nonsense()),

        row("100 before the answer",              interim("HTTP/1.1 100 Continue\r\n\r\n"),  served()),
        row("103 before the answer",              interim("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"), served()),
        row("100 a thousand times",               sends("HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000), Silence), broken(TimedOut)),
        row("101",                                answers(101, &[("upgrade", "x"), ("connection", "upgrade")], ""), unexpected()),
    ];
    for status in [300, 301, 302, 303, 304, 307, 308] {
        for location in traps.locations().chain([ELSEWHERE.to_owned()]) {
            let fault = answers(status, &[("location", location.as_str())], "moved");
            rows.push(row(format!("{status} to {location}"), fault, unexpected()));
        }
        rows.push(row(format!("{status} to nowhere"), answers(status, &[], ""), unexpected()));
    }
    rows
}

const OK: &str = "HTTP/1.1 200 Whatever\r\n";
const CHUNKED: &str = "HTTP/1.1 200 Whatever\r\ntransfer-encoding: chunked\r\n\r\n";
const UP_TO_THE_END: &str = "HTTP/1.1 200 Whatever\r\n\r\n";

fn header_without_end() -> Vec<u8> {
    [&b"HTTP/1.1 200 Whatever\r\na: "[..], &b"b".repeat(4 << 20)].concat()
}

fn many_headers(body: &str) -> Vec<u8> {
    let headers: Vec<_> = (0..10_000).map(|number| (format!("x-{number}"), "x")).collect();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    answer(200, &headers, body)
}

fn wrong_types(column: Column) -> String {
    match column {
        Column::First | Column::Refresh => r#"{"access_token":7,"expires_in":[1799]}"#,
        Column::List => r#"{"page":{"totalElements":2},"userTenants":{"id":"acme"}}"#,
    }
    .to_owned()
}

/// Two tokens in one answer, or two lists: nobody knows which is meant.
fn twice(column: Column) -> String {
    let (body, field) = match column {
        Column::First | Column::Refresh => {
            (token_with(r#""expires_in":1799"#), format!(r#""access_token":"{}-the-second""#, super::MARK))
        }
        Column::List => (page(), r#""userTenants":[]"#.to_owned()),
    };
    format!("{},{field}}}", &body[..body.len() - 1])
}

fn deep(column: Column, depth: usize) -> String {
    let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    match column {
        Column::First | Column::Refresh => token_with(&format!(r#""expires_in":{nested}"#)),
        Column::List => format!(r#"{{"page":{nested},"userTenants":[]}}"#),
    }
}

/// A lone byte 0xFF within the first string.
fn no_utf8(body: &str) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    bytes.insert(2, 0xff);
    bytes
}

const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// One stored block (RFC 1951 §3.2.4) in a gzip file (RFC 1952). Whoever unpacks it finds a good answer.
fn gzipped(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a short content");
    let mut file = GZIP_HEAD.to_vec();
    file.push(1);
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&(!length).to_le_bytes());
    file.extend_from_slice(content);
    file.extend_from_slice(&crc32(content).to_le_bytes());
    file.extend_from_slice(&u32::from(length).to_le_bytes());
    file
}

fn crc32(content: &[u8]) -> u32 {
    let shift = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !content.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc)))
}

/// A byte of zero, and then "258 more of the same" in thirteen bits, again and again (RFC 1951 §3.2.6): so many bytes
/// unpack to 160 times as many.
fn bomb(size: usize) -> Vec<u8> {
    let first = "1 10 00110000".bytes(); // the last block; the fixed code; a zero
    let again = "11000101 00000".bytes();
    let bits = first.chain(again.cycle()).filter(u8::is_ascii_digit).map(|digit| digit & 1);
    let bits: Vec<u8> = bits.take(size * 8).collect();
    let bytes = bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit));
    GZIP_HEAD.into_iter().chain(bytes).collect()
}
