//! Rust source as text: which of it is code, which is a comment or a literal, which is only for tests.
//!
//! A lexer for the few questions that `tidy` and `purity` ask; the compiler answers the others.

use std::ops::Range;

/// The source with the inside of every comment, string and character blanked: same length, same lines, code alone.
pub(crate) fn code_of(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let (end, hidden) = token(source, at);
        for byte in &mut code[hidden] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(code).expect("whole characters were blanked, byte by byte")
}

/// The end of the token that begins here, and the part of it that is no code.
fn token(source: &str, start: usize) -> (usize, Range<usize>) {
    let bytes = source.as_bytes();
    let rest = &source[start..];
    let previous_is_word = start > 0 && is_word(bytes[start - 1]);
    if rest.starts_with("//") {
        let end = start + rest.find('\n').unwrap_or(rest.len());
        (end, start..end)
    } else if rest.starts_with("/*") {
        let end = end_of_block_comment(bytes, start);
        (end, start..end)
    } else if let Some((prefix, hashes)) = raw_string(rest).filter(|_| !previous_is_word) {
        let inside = start + prefix + hashes + 1;
        let closing = format!("\"{}", "#".repeat(hashes));
        let length = source[inside..].find(&closing).unwrap_or(source.len() - inside);
        ((inside + length + closing.len()).min(source.len()), inside..inside + length)
    } else if rest.starts_with('"') {
        let end = end_of_quoted(bytes, start + 1, b'"');
        ((end + 1).min(bytes.len()), start + 1..end)
    } else if is_character(rest) {
        let end = end_of_quoted(bytes, start + 1, b'\'');
        ((end + 1).min(bytes.len()), start + 1..end)
    } else {
        let length = rest.chars().next().map_or(1, char::len_utf8);
        (start + length, start..start)
    }
}

fn end_of_block_comment(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    at.min(bytes.len())
}

/// The length of the prefix and the number of hashes, if a raw string begins here.
fn raw_string(rest: &str) -> Option<(usize, usize)> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| rest.starts_with(prefix))?.len();
    let after = &rest[prefix..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some((prefix, hashes))
}

/// Where the closing quote is.
fn end_of_quoted(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// A character begins here, not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars();
    characters.next() == Some('\'')
        && match characters.next() {
            Some('\\') => true,
            Some(_) => characters.next() == Some('\''),
            None => false,
        }
}

/// Each word of the code with the place where it begins: identifiers, keywords and numbers.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word_character = |character: char| character.is_alphanumeric() || character == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_word_character)?;
        let length =
            code[start..].find(|character| !is_word_character(character)).unwrap_or(code.len() - start);
        at = start + length;
        Some((start, &code[start..at]))
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The places of all attributes, from `#` to `]`.
pub(crate) fn attributes(code: &str) -> impl Iterator<Item = Range<usize>> {
    code.match_indices('#').filter_map(|(start, _)| {
        let after = code[start + 1..].trim_start_matches('!');
        after.starts_with('[').then(|| start..end_of_group(code, code.len() - after.len()))
    })
}

/// The end of the group whose bracket opens at `start`, behind its closing bracket.
pub(crate) fn end_of_group(code: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The items that are only for tests: their places, and the names of those that are modules in other files.
pub(crate) fn test_items(code: &str) -> (Vec<Range<usize>>, Vec<String>) {
    let mut places = Vec::new();
    let mut modules = Vec::new();
    for attribute in attributes(code) {
        if !is_for_tests(&code[attribute.clone()]) {
            continue;
        }
        let rest = &code[attribute.end..];
        let Some(length) = rest.find(['{', ';']) else { continue };
        let end = attribute.end + length;
        if rest[length..].starts_with('{') {
            places.push(attribute.start..end_of_group(code, end));
        } else {
            places.push(attribute.start..end);
            let item: Vec<&str> = words(&rest[..length]).map(|(_, word)| word).collect();
            if let [.., "mod", name] = item[..] {
                modules.push(name.to_owned());
            }
        }
    }
    (places, modules)
}

fn is_for_tests(attribute: &str) -> bool {
    let words: Vec<&str> = words(attribute).map(|(_, word)| word).collect();
    matches!(words[..], ["test"])
        || (words.first() == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not"))
}

/// Where the files lie of the modules that this file declares for tests only, without `.rs`.
pub(crate) fn test_modules(path: &str, code: &str) -> Vec<String> {
    let stem = stem(path);
    let (folder, name) = stem.rsplit_once('/').unwrap_or((".", stem));
    let folder = if matches!(name, "lib" | "main" | "mod") { folder } else { stem };
    test_items(code).1.into_iter().map(|module| format!("{folder}/{module}")).collect()
}

/// Whether a file is one of these modules, or lies in one.
pub(crate) fn is_in_modules(path: &str, modules: &[String]) -> bool {
    let stem = stem(path);
    modules.iter().any(|module| {
        stem.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn stem(path: &str) -> &str {
    path.strip_suffix(".rs").unwrap_or(path)
}

/// The line of a place, counted from 1.
pub(crate) fn line_of(text: &str, place: usize) -> usize {
    text[..place].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_code() {
        assert_eq!(code_of("a // b\nc /* d /* e */ f */ g"), "a     \nc                   g");
    }

    #[test]
    fn the_inside_of_strings_is_no_code() {
        assert_eq!(code_of(r#"f("a // \" b", c)"#), r#"f("         ", c)"#);
        assert_eq!(code_of("f(r#\"a \" b\"#, br\"\\\", c)"), "f(r#\"     \"#, br\" \", c)");
    }

    #[test]
    fn a_lifetime_is_code_and_a_character_is_not() {
        assert_eq!(
            code_of("fn f<'a>(x: &'a str) { ['\"', '\\'', 'é'] }"),
            "fn f<'a>(x: &'a str) { [' ', '  ', '  '] }"
        );
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        assert_eq!(code_of("a \"b"), "a \" ");
        assert_eq!(code_of("a /* b"), "a     ");
        assert_eq!(code_of("a r#\"b"), "a r#\" ");
        assert_eq!(code_of("a \"\\"), "a \" ");
    }

    #[test]
    fn words_are_whole_words() {
        let found: Vec<&str> = words("unsafe_code, r#type(a1)").map(|(_, word)| word).collect();
        assert_eq!(found, ["unsafe_code", "r", "type", "a1"]);
    }

    #[test]
    fn attributes_may_span_lines() {
        let code = "#[allow(\n    a,\n)]\n#![b]\nlet c = [1];";
        let found: Vec<&str> = attributes(code).map(|place| &code[place]).collect();
        assert_eq!(found, ["#[allow(\n    a,\n)]", "#![b]"]);
    }

    #[test]
    fn test_items_are_found_with_their_extent() {
        let code =
            "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\nfn c() {}\n#[cfg(not(test))]\nfn d() {}";
        let (places, modules) = test_items(code);
        assert_eq!(places.len(), 1);
        assert_eq!(&code[places[0].clone()], "#[cfg(test)]\nmod tests { fn b() { {} } }");
        assert!(modules.is_empty());
    }

    #[test]
    fn test_modules_in_other_files_are_named() {
        assert_eq!(test_items("#[cfg(all(test, unix))]\nmod oracle;").1, ["oracle"]);
    }

    #[test]
    fn a_module_for_tests_has_its_files_beside_its_parent() {
        let code = "#[cfg(test)] mod oracle;";
        assert_eq!(test_modules("a/src/lib.rs", code), ["a/src/oracle"]);
        let modules = test_modules("a/src/broker.rs", code);
        assert!(is_in_modules("a/src/broker/oracle.rs", &modules));
        assert!(is_in_modules("a/src/broker/oracle/world.rs", &modules));
        assert!(!is_in_modules("a/src/broker/oracles.rs", &modules));
    }

    #[test]
    fn lines_count_from_one() {
        assert_eq!([line_of("a\nb", 0), line_of("a\nb", 2)], [1, 2]);
    }
}
