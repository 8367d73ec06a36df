//! Text that came from the service: capped and harmless to print.

use std::fmt;

/// At most [`ServiceText::MAX_CHARS`] characters, with control characters escaped.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ServiceText(Box<str>);

impl ServiceText {
    /// How many characters are kept. What is cut is marked with `…`.
    pub const MAX_CHARS: usize = 512;

    /// Takes text of any kind; `None` if nothing but white space is in it.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let mut kept = String::new();
        let mut room = Self::MAX_CHARS - 1; // one for the mark
        for character in text.chars() {
            let harmless = !Self::steers(character);
            let needed = if harmless { 1 } else { character.escape_unicode().len() };
            if needed > room {
                kept.push('…');
                break;
            }
            room -= needed;
            if harmless {
                kept.push(character);
            } else {
                kept.extend(character.escape_unicode());
            }
        }
        Some(Self(kept.into()))
    }

    /// Whether this character steers a terminal, or reorders or hides the text around it: controls, those of Unicode for
    /// direction and zero width, separators of lines.
    pub fn steers(character: char) -> bool {
        let is_invisible = matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        );
        character.is_control() || is_invisible
    }

    /// The text, safe for logs and terminals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServiceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let text = ServiceText::new("a\u{1b}[31mb\nc\u{202e}d\u{61c}").unwrap();
        assert_eq!(text.as_str(), "a\\u{1b}[31mb\\u{a}c\\u{202e}d\\u{61c}");
    }

    #[test]
    fn long_text_is_cut_at_its_cap() {
        let text = ServiceText::new(&"é".repeat(2_000)).unwrap();
        assert_eq!(text.as_str().chars().count(), ServiceText::MAX_CHARS);
        assert!(text.as_str().ends_with('…'));
        let escapes = ServiceText::new(&"\u{1}x".repeat(2_000)).unwrap();
        assert!(escapes.as_str().chars().count() <= ServiceText::MAX_CHARS);
    }

    #[test]
    fn blank_text_is_no_text() {
        assert!(ServiceText::new(" \n\t ").is_none());
    }
}
