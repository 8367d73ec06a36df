//! A token: one shared, validated text, wiped when the last handle drops.

use std::{fmt, sync::Arc};

use http::HeaderValue;

use crate::{Claims, ClaimsError, secret::SecretText};

const SCHEME: &str = "Bearer ";

/// A bearer token. Cloning shares the text; the text is wiped when the last handle and the last header value
/// made from it are gone. Nothing prints it: `Debug` shows no part of it, and there is no `Display`.
///
/// What lies in an HTTP library's own buffers is not ours to wipe.
///
/// ```
/// # use tm_core::Token;
/// let token = Token::new("aaa.bbb.ccc").unwrap();
/// assert_eq!(token.secret(), "aaa.bbb.ccc");
/// assert_eq!(token.authorization().as_bytes(), b"Bearer aaa.bbb.ccc");
/// assert!(!format!("{token:?}").contains("aaa"));
/// ```
#[derive(Clone)]
pub struct Token(Arc<TokenText>);

/// What all handles on one token share. It shows nothing and does nothing: it is for those who keep a token behind an
/// atomic pointer, which wants to know the `Arc`.
///
/// ```
/// # use std::sync::Arc;
/// # use tm_core::{Token, TokenText};
/// let shared: Arc<TokenText> = Token::new("aaa").unwrap().into();
/// assert_eq!(Token::from(shared).secret(), "aaa");
/// ```
pub struct TokenText(SecretText);

impl Token {
    /// Longest token that is accepted, in bytes. The gateways refuse headers near 10 KB.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Accepts the characters of a bearer token (RFC 6750 §2.1: letters, digits, `-._~+/=`), 1 to 16 KiB.
    pub fn new(secret: &str) -> Option<Self> {
        let fits = !secret.is_empty() && secret.len() <= Self::MAX_BYTES;
        if !fits || !is_b64token(secret.as_bytes()) {
            return None;
        }
        Some(Self(Arc::new(TokenText(SecretText::new(SCHEME, secret)?))))
    }

    /// The bare token, as it stands in `access_token`. Mind where it goes.
    pub fn secret(&self) -> &str {
        &self.0.0.as_str()[SCHEME.len()..]
    }

    pub(crate) fn secret_bytes(&self) -> &[u8] {
        &self.0.0.as_bytes()[SCHEME.len()..]
    }

    /// The value of an `Authorization` header, marked sensitive. It shares the token's memory: no copy is made.
    pub fn authorization(&self) -> HeaderValue {
        self.0.0.header()
    }

    /// What the token says of itself. Nothing is verified.
    ///
    /// # Errors
    /// The token is no JWT with readable claims.
    pub fn claims(&self) -> Result<Claims, ClaimsError> {
        Claims::read(self.secret())
    }

    /// How many bytes of memory this token holds, about.
    pub fn bytes(&self) -> usize {
        self.0.0.as_bytes().len()
    }

    /// Whether both handles share one text, without comparing it.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Without a branch, so that the compiler takes 16 bytes at a time: byte by byte this was a sixth of what a batch costs.
fn is_b64token(text: &[u8]) -> bool {
    const fn is_allowed(byte: u8) -> bool {
        (byte | 0x20).wrapping_sub(b'a') < 26 // a letter, either case
            || byte.wrapping_sub(b'-') < 13 // - . / and the digits
            || byte == b'_'
            || byte == b'~'
            || byte == b'+'
            || byte == b'='
    }
    text.iter().fold(true, |all, byte| all & is_allowed(*byte))
}

/// Equal texts. Not in constant time: both sides are the program's own.
impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.same(other) || self.0.0.as_bytes() == other.0.0.as_bytes()
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([secret])")
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText([secret])")
    }
}

impl From<Token> for Arc<TokenText> {
    fn from(token: Token) -> Self {
        token.0
    }
}

impl From<Arc<TokenText>> for Token {
    fn from(text: Arc<TokenText>) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_characters_of_a_bearer_token_are_accepted() {
        assert!(Token::new("a.b-c_d~e+f/g=").is_some());
        for byte in 0..=u8::MAX {
            let text = String::from(char::from(byte));
            let allowed = byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
            assert_eq!(Token::new(&text).is_some(), allowed, "{byte}");
        }
        for bad in ["", "a b", "a\r\nX-Evil: 1", "a\u{e9}", "a\"b"] {
            assert!(Token::new(bad).is_none(), "{bad:?}");
        }
        assert!(Token::new(&"x".repeat(Token::MAX_BYTES)).is_some());
        assert!(Token::new(&"x".repeat(Token::MAX_BYTES + 1)).is_none());
    }

    #[test]
    fn a_token_counts_for_as_much_as_stands_in_its_header() {
        assert_eq!(Token::new("abc").unwrap().bytes(), "Bearer abc".len());
    }

    #[test]
    fn equal_texts_are_equal_tokens() {
        let (one, two) = (Token::new("abc").unwrap(), Token::new("abc").unwrap());
        assert!(one == two && !one.same(&two) && one.same(&one.clone()));
        assert!(one != Token::new("abd").unwrap());
    }
}
