//! Text by display width: cut, padded, wrapped. A Japanese character takes two cells.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::printable;
use crate::tui::theme::Theme;

/// Cells that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line of at most `cells` cells.
#[must_use]
pub fn fit(text: &str, cells: usize, theme: Theme) -> String {
    let text = one_line(text);
    if text.width() <= cells {
        return text;
    }
    let ellipsis = theme.ellipsis();
    let room = cells.saturating_sub(ellipsis.width());
    let mut out = head(&text, room).to_owned();
    if cells > 0 {
        out.push_str(ellipsis);
    }
    out
}

/// The text in exactly `cells` cells, aligned left.
#[must_use]
pub fn left(text: &str, cells: usize, theme: Theme) -> String {
    let mut out = fit(text, cells, theme);
    out.extend(std::iter::repeat_n(' ', cells.saturating_sub(out.width())));
    out
}

/// The text in exactly `cells` cells, aligned right.
#[must_use]
pub fn right(text: &str, cells: usize, theme: Theme) -> String {
    let out = fit(text, cells, theme);
    " ".repeat(cells.saturating_sub(out.width())) + &out
}

/// A printable text in pieces of at most `cells` cells, with all its blanks.
#[must_use]
pub fn pieces(text: &str, cells: usize) -> Vec<String> {
    let (mut rest, cells) = (text, cells.max(2));
    let mut pieces = Vec::new();
    loop {
        let piece = head(rest, cells);
        rest = &rest[piece.len()..];
        pieces.push(piece.to_owned());
        if rest.is_empty() || piece.is_empty() {
            return pieces;
        }
    }
}

/// Lines of at most `cells` cells, broken between words; further lines have the indent of the first.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(8);
    text.lines().flat_map(|line| wrap_line(line, cells)).collect()
}

fn wrap_line(line: &str, cells: usize) -> Vec<String> {
    let line = one_line(line);
    let indent = line.len() - line.trim_start().len();
    let indent = " ".repeat(indent.min(cells / 2));
    let (mut lines, mut current) = (Vec::new(), indent.clone());
    for word in line.split_whitespace() {
        let mut word = word;
        let empty = current.trim().is_empty();
        let gap = usize::from(!empty);
        if current.width() + gap + word.width() <= cells {
            if !empty {
                current.push(' ');
            }
            current.push_str(word);
            continue;
        }
        if !empty {
            lines.push(std::mem::replace(&mut current, indent.clone()));
        }
        // A word that is longer than a line (a job id, a path) is cut.
        while current.width() + word.width() > cells {
            let piece = head(word, cells - current.width());
            if piece.is_empty() {
                break;
            }
            lines.push(std::mem::replace(&mut current, indent.clone()) + piece);
            word = &word[piece.len()..];
        }
        current.push_str(word);
    }
    lines.push(current);
    lines
}

/// The beginning of the text that fits into `cells` cells.
fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > cells {
            return &text[..at];
        }
    }
    text
}

/// One line without control characters: text from a server must not move the cursor.
fn one_line(text: &str) -> String {
    printable::blanked(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_line_up_by_display_width() {
        let theme = Theme::default();
        for name in ["orders", "注文テーブルの名前", "naïve", "👍 likes"] {
            assert_eq!(width(&left(name, 10, theme)), 10, "{name}");
            assert_eq!(width(&right(name, 10, theme)), 10, "{name}");
        }
        assert_eq!(fit("注文テーブル", 5, theme), "注文…");
        assert_eq!(fit("a\x1b[2Jb", 10, theme), "a [2Jb");
    }

    #[test]
    fn sentences_break_between_words_and_long_words_where_they_must() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("bqsync_publish_orders_1", 10), ["bqsync_pub", "lish_order", "s_1"]);
        assert_eq!(wrap("  ADD COLUMN a", 10), ["  ADD", "  COLUMN a"]);
        assert_eq!(wrap("", 10), [""; 0]);
    }
}
