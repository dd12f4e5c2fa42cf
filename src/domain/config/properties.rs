//! Damaged versions of config.yaml: whatever is done to a good file, it is read, or refused with file and line.

use std::path::Path;

use proptest::prelude::*;

use super::tests::{ORIGINAL, read};
use super::*;

const GOOD: &str = include_str!("../../../config.yaml");

#[derive(Debug, Clone)]
enum Accident {
    Delete { at: usize, length: usize },
    Double { at: usize, length: usize },
    Insert { at: usize, text: String },
    SwapLines { one: usize, other: usize },
    Indent { line: usize, by: usize },
}

fn accidents() -> impl Strategy<Value = Vec<Accident>> {
    let at = 0..GOOD.len();
    let line = 0..GOOD.lines().count();
    let odd = prop_oneof![
        "[-:{}\\[\\],&*!|>'\"%@`#?~\t\n \u{0}\u{85}\u{feff}é]{1,4}",
        Just("${".to_owned()),
        Just("<<: *a".to_owned()),
        Just("&a ".to_owned()),
        Just("? ".to_owned()),
        Just("!!binary ".to_owned()),
        Just("\n---\n".to_owned()),
        Just("99999999999999999999999".to_owned()),
    ];
    let accident = prop_oneof![
        (at.clone(), 1..80_usize).prop_map(|(at, length)| Accident::Delete { at, length }),
        (at.clone(), 1..200_usize).prop_map(|(at, length)| Accident::Double { at, length }),
        (at, odd).prop_map(|(at, text)| Accident::Insert { at, text }),
        (line.clone(), line.clone()).prop_map(|(one, other)| Accident::SwapLines { one, other }),
        (line, 1..5_usize).prop_map(|(line, by)| Accident::Indent { line, by }),
    ];
    proptest::collection::vec(accident, 1..6)
}

fn happened(text: &str, accident: &Accident) -> String {
    let chars: Vec<char> = text.chars().collect();
    let within = |at: usize, length: usize| (at.min(chars.len()), (at + length).min(chars.len()));
    let joined = |parts: &[&[char]]| parts.concat().iter().collect::<String>();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    match accident {
        Accident::Delete { at, length } => {
            let (from, to) = within(*at, *length);
            joined(&[&chars[..from], &chars[to..]])
        }
        Accident::Double { at, length } => {
            let (from, to) = within(*at, *length);
            joined(&[&chars[..to], &chars[from..]])
        }
        Accident::Insert { at, text } => {
            let (at, _) = within(*at, 0);
            joined(&[&chars[..at], &text.chars().collect::<Vec<_>>(), &chars[at..]])
        }
        Accident::SwapLines { one, other } if (*one).max(*other) < lines.len() => {
            lines.swap(*one, *other);
            lines.join("\n")
        }
        Accident::Indent { line, by } if *line < lines.len() => {
            lines[*line].insert_str(0, &" ".repeat(*by));
            lines.join("\n")
        }
        Accident::SwapLines { .. } | Accident::Indent { .. } => text.to_owned(),
    }
}

/// Checks that the text is read or refused, and that invalid YAML is refused with its line.
fn check(text: &str) -> Result<(), TestCaseError> {
    let env = |name: &str| Some(format!("value-of-{name}"));
    let Err(problems) = parse(text, Path::new("conf/config.yaml"), &env) else { return Ok(()) };
    prop_assert!(!problems.is_empty());
    // In YAML, a carriage return alone ends a line too, and so do Unicode's own line ends.
    let lines = text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
    for problem in problems {
        prop_assert_eq!(&problem.file, "conf/config.yaml");
        prop_assert!(!problem.message.is_empty());
        prop_assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{} in\n{}", problem, text);
        if problem.message.starts_with("not YAML") {
            prop_assert!(problem.line.is_some(), "{}", problem);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_good_file_after_accidents_is_read_or_refused_with_its_lines(accidents in accidents()) {
        check(&accidents.iter().fold(GOOD.to_owned(), |text, accident| happened(&text, accident)))?;
    }

    #[test]
    fn any_text_is_read_or_refused_with_its_lines(text in "([-:{}\\[\\]&*!|>'\"#? a-z0-9]{0,20}\n){0,8}|\\PC{0,80}") {
        check(&text)?;
    }

    #[test]
    fn bytes_that_happen_to_be_text_are_refused_with_their_lines(bytes in any::<Vec<u8>>()) {
        check(&String::from_utf8_lossy(&bytes))?;
    }
}

/// Cuts, drops, doubles and swaps characters: reading must not panic, hang, or fail without a message.
#[test]
fn a_mangled_file_never_panics_the_reader() {
    let check = |text: &str| {
        if let Err(problems) = read(text) {
            assert!(!problems.is_empty());
            let lines = text.lines().count() + 1;
            assert!(problems.iter().all(|p| p.line.is_none_or(|l| (1..=lines).contains(&l))), "{problems:#?}\n{text}");
        }
    };
    let chars: Vec<char> = ORIGINAL.chars().collect();
    for at in 0..=chars.len() {
        check(&chars[..at].iter().collect::<String>());
        check(&chars[at..].iter().collect::<String>());
        for odd in [
            "", "\t", "\n", "{", "}", "[", "]", "&a ", "*a", "!", "|", "?", "- ", "'", "\"", "${", "<<: ", "\u{0}",
            "é", "\u{feff}",
        ] {
            let after = (at + 1).min(chars.len());
            check(&format!(
                "{}{odd}{}",
                chars[..at].iter().collect::<String>(),
                chars[after..].iter().collect::<String>()
            ));
        }
    }
    check(&"[".repeat(5_000));
    check(&"- ".repeat(5_000));
    check(&"{a: ".repeat(300));
    check(&"a:\r\n".repeat(50));
    let bomb: Vec<_> = (1..40).map(|i| format!("x-{i}: &a{i} {{<<: [*a{}, *a{}], k{i}: 1}}\n", i - 1, i - 1)).collect();
    check(&format!("x-0: &a0 {{k: 1}}\n{}", bomb.concat()));
}
