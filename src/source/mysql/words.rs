//! Messages of other programs and servers, made fit for one line of a log or a terminal.

/// Enough for any sentence; a page of HTML is cut off.
const LONGEST: usize = 300;

/// The text without control characters, which a terminal would obey, and cut to a limited length.
pub fn one_line(text: &str) -> String {
    let plain: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST + 1).collect();
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &plain[..end]),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_and_has_no_control_characters() {
        assert_eq!(one_line(" a\u{1b}[31m\tb\r\n"), "a [31m b");
        let long = one_line(&"ä".repeat(2 * LONGEST));
        assert_eq!((long.chars().count(), long.ends_with("ä...")), (LONGEST + 3, true));
    }
}
