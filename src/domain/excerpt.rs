//! The beginning of a text that somebody else wrote: a server's message may be as long as a packet.

/// Enough for what servers say; a longer text quotes a statement, or is not meant for people.
const LONGEST: usize = 600;

/// The text, cut off after some hundred characters.
#[must_use]
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// The text of an error that the system or a library made: cut off, and without the system's numbers, which say nothing
/// that its words do not.
#[must_use]
pub fn of_error(text: &str) -> String {
    const BEGIN: &str = " (os error ";
    let mut text = excerpt(text);
    while let Some(begin) = text.find(BEGIN) {
        let Some(length) = text[begin..].find(')') else { break };
        text.replace_range(begin..=begin + length, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_systems_errors_the_words_are_kept() {
        let read = "a.yaml: No such file or directory (os error 2): b (os error 13)";
        assert_eq!(of_error(read), "a.yaml: No such file or directory: b");
        assert_eq!(of_error("Permission denied (os error"), "Permission denied (os error");
        assert_eq!(of_error("x (os error 1"), "x (os error 1");
    }

    #[test]
    fn only_a_long_text_is_cut_and_never_within_a_character() {
        assert_eq!(excerpt("No database selected"), "No database selected");
        let cut = excerpt(&"é".repeat(64 * 1024));
        assert!(cut.ends_with("é...") && cut.chars().count() == LONGEST + 3);
    }
}
