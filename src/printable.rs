//! Makes text safe for a terminal, whatever its origin: a row's key, a server's error, a column's name.
//!
//! This is the only place that decides which characters a terminal would obey instead of showing: control characters
//! (C0, DEL, C1), and invisible ones that reorder text or break lines.

use std::borrow::Cow;
use std::fmt::Write;

/// One line: characters that a terminal would obey become escapes, including line breaks and tabs.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |out, c| match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c => unicode(out, c),
    })
}

/// JSON with the same meaning: outside of strings only blanks and line breaks are obeyed; within strings an escape is
/// read as the character.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(text, |out, c| if matches!(c, '\n' | '\r' | '\t') { out.push(c) } else { unicode(out, c) })
}

/// One line of a screen, with blanks instead of escapes, which would take room that a name needs.
#[must_use]
pub fn blanked(text: &str) -> Cow<'_, str> {
    escaped(text, |out, _| out.push(' '))
}

fn escaped(text: &str, mut replace: impl FnMut(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) { replace(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// An escape as in JSON. Every obeyed character has at most four hexadecimal digits.
fn unicode(out: &mut String, c: char) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}

/// Tells if a terminal obeys the character. Source: Unicode's `Cc`, line and paragraph separators, its `Bidi_Control`
/// (UAX #9), and the byte order mark.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A colour, a bell, a title, lines that look like ours, C1's CSI, a reordering, DEL.
    const HOSTILE: &str =
        "a\x1b[31mb\x07\x1b]0;t\x07\r\nusers: ok\tc\u{9b}2Jd\u{202e}gnp.exe\u{2066}\u{7f}\u{2028}\u{feff}";

    #[test]
    fn no_character_is_left_that_a_terminal_obeys() {
        let shown = line(HOSTILE);
        assert_eq!(
            shown,
            "a\\u001b[31mb\\u0007\\u001b]0;t\\u0007\\r\\nusers: ok\\tc\\u009b2Jd\\u202egnp.exe\\u2066\\u007f\\u2028\\ufeff"
        );
        assert_eq!(blanked("a\x1b[2Jb\u{202e}"), "a [2Jb ");
        assert!(matches!(line("naïve 注文 👍 \\n"), Cow::Borrowed("naïve 注文 👍 \\n")));
    }

    proptest! {
        #[test]
        fn escaped_json_keeps_its_meaning(text in "\\PC{0,20}[\\x00-\\x1f\\x7f-\\x9f\\u{202a}-\\u{202e}\\u{2066}-\\u{2069}]{0,9}\\PC{0,9}") {
            let plain = serde_json::to_string_pretty(&[&text]).unwrap();
            let shown = json(&plain);
            prop_assert!(!shown.chars().any(|c| is_obeyed(c) && c != '\n'), "{shown}");
            prop_assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [text]);
        }
    }
}
