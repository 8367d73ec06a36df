//! The header's value from a token in hand, beside making it anew.

use measure::{Line, by_turns, nanos_each, wanted};
use tm_core::Token;

pub fn run() {
    if !wanted("header") {
        return;
    }
    let token = Token::new(&"x".repeat(2_048)).expect("the characters of a token");
    let plain = token.secret().to_owned();
    let pair = by_turns(
        21,
        || nanos_each(20_000, |_| token.authorization()),
        || {
            nanos_each(20_000, |_| {
                let mut value =
                    http::HeaderValue::try_from(format!("Bearer {plain}")).expect("a header's value");
                value.set_sensitive(true);
                value
            })
        },
    );
    Line::of("header", "ns", "format and check 2 KB", pair).at_most(0.06).print();
}
