//! Rules of every text file: white space, marks of unfinished work, paths of one machine.

use super::Violation;
use super::files::Files;

/// Marks of work that was put off; in pieces, so that this file does not contain them.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Folders of one machine: what names them works nowhere else.
const MACHINE_PATHS: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

pub(super) fn check(files: &Files) -> Vec<Violation> {
    files.texts().flat_map(|(path, text)| check_file(path, text)).collect()
}

fn check_file(path: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let complaints = [
            line.contains('\t').then(|| "a tab: use spaces".to_owned()),
            line.ends_with(' ').then(|| "white space at the end of the line: remove it".to_owned()),
            find_word(line, &MARKS).map(|mark| format!("`{mark}`: do it now, or file an issue")),
            find_path(line)
                .map(|folder| format!("`{folder}` is a folder of one machine: use a relative path")),
        ];
        violations.extend(complaints.into_iter().flatten().map(|what| Violation::new(path, index + 1, what)));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        violations.push(Violation::new(
            path,
            text.lines().count(),
            "no line end at the end of the file: add one",
        ));
    }
    violations
}

fn find_word<'w>(line: &str, words: &[&'w str]) -> Option<&'w str> {
    let stands_alone = |at: usize, word: &str| {
        !line[..at].ends_with(char::is_alphanumeric)
            && !line[at + word.len()..].starts_with(char::is_alphanumeric)
    };
    words.iter().copied().find(|word| line.match_indices(word).any(|(at, _)| stands_alone(at, word)))
}

/// A path that begins there: `docs/home/` and `example.com/home/` are others.
fn find_path(line: &str) -> Option<&'static str> {
    let begins =
        |at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-}".contains(before));
    MACHINE_PATHS.into_iter().find(|folder| line.match_indices(folder).any(|(at, _)| begins(at)))
}

#[cfg(test)]
mod tests {
    use super::super::lines_violating;
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        lines_violating(check, &[("a.md", text)]).into_iter().map(|(_, line)| line).collect()
    }

    #[test]
    fn clean_text_passes() {
        assert_eq!(lines("# Title\n\nText.\n"), [0; 0]);
        assert_eq!(lines(""), [0; 0]);
    }

    #[test]
    fn stray_white_space_is_found() {
        assert_eq!(lines("a\n\tb\n"), [2]);
        assert_eq!(lines("a \nb\n"), [1]);
        assert_eq!(lines("a\nb"), [2]);
    }

    #[test]
    fn marks_are_found_as_whole_words() {
        for mark in MARKS {
            assert_eq!(lines(&format!("a\n// {mark}: later\n")), [2]);
            assert_eq!(lines(&format!("A{mark}\n")), [0; 0]);
        }
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for folder in MACHINE_PATHS {
            assert_eq!(lines(&format!("see {folder}me\n")), [1]);
            assert_eq!(lines(&format!("see docs{folder}me\n")), [0; 0]);
        }
    }
}
