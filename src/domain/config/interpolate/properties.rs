//! Interpolation compared with a second implementation: texts are composed of pieces whose meaning is known.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Piece {
    /// A text without variables.
    Plain(String),
    Variable(String),
    WithDefault(String, Vec<Piece>),
    /// `$${X}`: the text `${X}`.
    Escaped(String),
}

/// Variables whose names begin with `SET` have this value; a value is never interpolated again.
fn value_of_variable(name: &str) -> Option<String> {
    name.starts_with("SET").then(|| format!("<{name}: ${{SET_OTHER}} $$ }}>"))
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["SET_[A-Z0-9_]{0,6}", "[A-RT-Z_][A-Z0-9_]{0,6}"]
}

/// Within a default, a brace would end it or need a partner.
fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let plain = "[a-zé #:\\-$]{0,8}[a-zé #:\\-]";
    let leaf = prop_oneof![
        plain.prop_map(Piece::Plain),
        "SET_[A-Z0-9_]{0,6}".prop_map(Piece::Variable),
        names().prop_map(Piece::Escaped),
    ];
    let piece = leaf.prop_recursive(3, 12, 3, |inner| {
        (names(), proptest::collection::vec(inner, 0..3)).prop_map(|(name, default)| Piece::WithDefault(name, default))
    });
    proptest::collection::vec(piece, 0..5)
}

fn written(pieces: &[Piece]) -> String {
    pieces.iter().fold(String::new(), |mut text, piece| {
        match piece {
            Piece::Plain(plain) => text.push_str(plain),
            Piece::Variable(name) => write!(text, "${{{name}}}").unwrap(),
            Piece::WithDefault(name, default) => write!(text, "${{{name}:-{}}}", written(default)).unwrap(),
            Piece::Escaped(name) => write!(text, "$${{{name}}}").unwrap(),
        }
        text
    })
}

fn meant(pieces: &[Piece]) -> String {
    let one = |piece: &Piece| match piece {
        Piece::Plain(plain) => plain.clone(),
        Piece::Variable(name) => value_of_variable(name).unwrap(),
        Piece::WithDefault(name, default) => value_of_variable(name).unwrap_or_else(|| meant(default)),
        Piece::Escaped(name) => format!("${{{name}}}"),
    };
    pieces.iter().map(one).collect()
}

proptest! {
    #[test]
    fn a_text_is_replaced_piece_by_piece(pieces in pieces()) {
        let text = written(&pieces);
        prop_assert_eq!(interpolate(&text, &value_of_variable), Ok(meant(&pieces)), "{}", text);
    }

    #[test]
    fn a_text_without_a_variable_stays_as_it_is(text in "\\PC{0,40}") {
        prop_assume!(!text.contains("${"));
        prop_assert_eq!(interpolate(&text, &value_of_variable), Ok(text));
    }

    #[test]
    fn any_text_is_read_or_refused_with_the_reason(text in "[${}:A-Z_a-z-]{0,40}|\\PC{0,40}") {
        match interpolate(&text, &value_of_variable) {
            Ok(_) => {}
            Err(Trouble::Unset(name)) => prop_assert!(!name.starts_with("SET") && text.contains(&name)),
            Err(Trouble::Malformed(piece)) => prop_assert!(text.contains(&piece), "{} of {}", piece, text),
        }
    }
}
