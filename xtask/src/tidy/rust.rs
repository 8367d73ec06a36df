//! Rules of every Rust file.

use super::Violation;
use super::files::Files;
use crate::rust_text::{attributes, code_of, is_in_modules, line_of, test_items, test_modules, words};

/// A longer file has more than one subject.
const MOST_LINES: usize = 500;

/// rustls, ureq and reqwest each have a way, under these names.
const NO_DANGER: &str = "a way around the check of certificates: there is none; trust the authority instead";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    let sources: Vec<Source<'_>> = files.ending(".rs").map(|(path, text)| Source::new(path, text)).collect();
    let modules_for_tests: Vec<String> =
        sources.iter().flat_map(|source| test_modules(source.path, &source.code)).collect();
    let rules = [length, subject, reasons, forbidden_words];
    let mut violations: Vec<Violation> =
        sources.iter().flat_map(|source| rules.into_iter().flat_map(|rule| rule(source))).collect();
    for source in &sources {
        violations.extend(sleeps(source, is_test_file(source.path, &modules_for_tests)));
    }
    violations
}

struct Source<'f> {
    path: &'f str,
    text: &'f str,
    code: String,
}

impl<'f> Source<'f> {
    fn new(path: &'f str, text: &'f str) -> Self {
        Self { path, text, code: code_of(text) }
    }

    fn violation(&self, place: usize, what: impl Into<String>) -> Violation {
        Violation::new(self.path, line_of(&self.code, place), what)
    }
}

fn length(source: &Source<'_>) -> Vec<Violation> {
    let lines = source.text.lines().count();
    let what = format!("{lines} lines, more than {MOST_LINES}: split it by subject");
    (lines > MOST_LINES).then(|| Violation::new(source.path, MOST_LINES + 1, what)).into_iter().collect()
}

fn subject(source: &Source<'_>) -> Vec<Violation> {
    let folder = source.path.split('/').next();
    let is_ours = matches!(folder, Some("crates" | "xtask" | "tests"));
    let what = "does not begin with `//!`: say in the first line what the file is about";
    (is_ours && !source.text.starts_with("//!"))
        .then(|| Violation::new(source.path, 1, what))
        .into_iter()
        .collect()
}

/// An exception from a rule tells why it is one.
fn reasons(source: &Source<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for place in attributes(&source.code) {
        let attribute = &source.code[place.clone()];
        let names: Vec<&str> = words(attribute).map(|(_, word)| word).collect();
        let is_exception = matches!(names.first(), Some(&("allow" | "expect")))
            || (names.first() == Some(&"cfg_attr")
                && names.iter().any(|name| matches!(*name, "allow" | "expect")));
        if is_exception && !names.contains(&"reason") {
            violations.push(
                source.violation(place.start, "an exception without `reason = \"…\"`: say why it is needed"),
            );
        }
        let is_ignore = matches!(names[..], ["ignore"])
            || (names.first() == Some(&"cfg_attr") && names.last() == Some(&"ignore"));
        if is_ignore && !attribute.contains('"') {
            violations.push(
                source.violation(place.start, "an ignored test without a reason: write `ignore = \"…\"`"),
            );
        }
    }
    violations
}

fn forbidden_words(source: &Source<'_>) -> Vec<Violation> {
    let complaint = |(place, word): (usize, &str)| {
        let is_macro = source.code[place + word.len()..].starts_with('!');
        let what = match word {
            "unsafe" => "`unsafe`: there is none in this workspace; find a safe crate that does it",
            "dbg" if is_macro => "a debugging macro: remove it",
            "dangerous" | "disable_verification" => NO_DANGER,
            _ if word.contains("danger_accept_invalid") => NO_DANGER,
            "todo" if is_macro => "an unfinished place: finish it, or return an error",
            _ => return None,
        };
        Some(source.violation(place, what))
    };
    words(&source.code).filter_map(complaint).collect()
}

/// A test that sleeps is slow, and fails on a slow machine. One that must says why, beside it.
fn sleeps(source: &Source<'_>, is_test_file: bool) -> Vec<Violation> {
    let (test_places, _) = test_items(&source.code);
    let lines: Vec<&str> = source.text.lines().collect();
    let is_test = |place: usize| is_test_file || test_places.iter().any(|test| test.contains(&place));
    let is_explained = |line: usize| {
        let before = line.checked_sub(2).and_then(|index| lines.get(index));
        let same = lines.get(line - 1);
        same.is_some_and(|line| line.contains("// sleep:"))
            || before.is_some_and(|line| line.trim_start().starts_with("// sleep:"))
    };
    words(&source.code)
        .filter(|(place, word)| {
            matches!(*word, "sleep" | "sleep_until") && is_call(&source.code, *place, word)
        })
        .filter(|(place, _)| is_test(*place) && !is_explained(line_of(&source.code, *place)))
        .map(|(place, _)| {
            source.violation(place, "a test that sleeps: pass time in, or say why beside it, `// sleep: …`")
        })
        .collect()
}

/// A call of a function: not its definition, and not a method of something that has a clock of its own.
fn is_call(code: &str, place: usize, word: &str) -> bool {
    let before = code[..place].trim_end();
    code[place + word.len()..].trim_start().starts_with('(')
        && !before.ends_with('.')
        && !before.ends_with("fn")
}

fn is_test_file(path: &str, modules_for_tests: &[String]) -> bool {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    stem.split('/').any(|part| matches!(part, "tests" | "benches")) || is_in_modules(path, modules_for_tests)
}

#[cfg(test)]
mod tests {
    use super::super::lines_violating;
    use super::*;

    fn lines_in(path: &str, text: &str) -> Vec<usize> {
        lines_violating(check, &[(path, text)]).into_iter().map(|(_, line)| line).collect()
    }

    fn lines(code: &str) -> Vec<usize> {
        lines_in("crates/a/src/lib.rs", &format!("//! A.\n{code}\n"))
    }

    #[test]
    fn a_file_has_one_subject_and_says_it() {
        assert_eq!(lines_in("crates/a/src/lib.rs", "fn a() {}\n"), [1]);
        assert_eq!(lines_in("crates/a/src/lib.rs", &format!("//! A.\n{}", "\n".repeat(499))), [0; 0]);
        assert_eq!(lines_in("crates/a/src/lib.rs", &format!("//! A.\n{}", "\n".repeat(500))), [501]);
    }

    #[test]
    fn an_exception_has_a_reason() {
        assert_eq!(lines("#[allow(dead_code)]\nfn a() {}"), [2]);
        assert_eq!(lines("#![expect(\n    dead_code\n)]"), [2]);
        assert_eq!(lines("#[cfg_attr(test, allow(dead_code))]\nfn a() {}"), [2]);
        assert_eq!(lines("#[allow(dead_code, reason = \"why\")]\nfn a() { b.expect(\"x\") }"), [0; 0]);
    }

    #[test]
    fn an_ignored_test_has_a_reason() {
        assert_eq!(lines("#[test]\n#[ignore]\nfn a() {}"), [3]);
        assert_eq!(lines("#[ignore = \"needs a network\"]\nfn a() {}"), [0; 0]);
    }

    #[test]
    fn forbidden_words_count_in_code_only() {
        assert_eq!(lines("fn a() { unsafe { b() } }"), [2]);
        assert_eq!(lines("fn a() {\n    dbg!(1);\n    todo!()\n}"), [3, 4]);
        assert_eq!(
            lines(
                "// unsafe\nconst A: &str = \"unsafe dbg!() todo!()\";\nlet todo = 1;\n#![forbid(unsafe_code)]"
            ),
            [0; 0]
        );
    }

    #[test]
    fn certificates_are_checked_everywhere() {
        for way in [
            "config.dangerous().set_certificate_verifier(v)",
            "tls.disable_verification(true)",
            "client.tls_danger_accept_invalid_certs(true)",
            "client.danger_accept_invalid_hostnames(true)",
        ] {
            assert_eq!(lines(&format!("fn a() {{ {way} }}")), [2], "{way}");
        }
        assert_eq!(lines("fn a(danger: u8) { b(danger, \"dangerous\") } // dangerous"), [0; 0]);
    }

    #[test]
    fn a_test_that_sleeps_says_why() {
        let file = "crates/a/tests/it/main.rs";
        assert_eq!(lines_in(file, "//! A.\nfn a() { std::thread::sleep(b) }\n"), [2]);
        assert_eq!(lines_in(file, "//! A.\nfn a() { sleep(b).await }\n"), [2]);
        assert_eq!(
            lines_in(file, "//! A.\nfn a() { sleep(b) } // sleep: the server has no signal\n"),
            [0; 0]
        );
        assert_eq!(lines_in(file, "//! A.\n// sleep: the server has no signal\nsleep(b);\n"), [0; 0]);
        assert_eq!(lines_in(file, "//! A.\nfn sleep(b: u8) { clock.sleep(b) }\n"), [0; 0]);
    }

    #[test]
    fn product_code_may_sleep_and_its_tests_may_not() {
        assert_eq!(lines("fn a() { sleep(b) }"), [0; 0]);
        assert_eq!(lines("#[cfg(test)]\nmod tests {\n    fn a() { sleep(b) }\n}\nfn c() { sleep(d) }"), [4]);
    }

    #[test]
    fn a_module_for_tests_in_another_file_is_test_code() {
        let files = [
            ("crates/a/src/broker.rs", "//! A.\n#[cfg(test)]\nmod oracle;\n"),
            ("crates/a/src/broker/oracle.rs", "//! A.\nfn a() { sleep(b) }\n"),
            ("crates/a/src/broker/plan.rs", "//! A.\nfn a() { sleep(b) }\n"),
        ];
        assert_eq!(lines_violating(check, &files), [("crates/a/src/broker/oracle.rs".to_owned(), 2)]);
    }
}
