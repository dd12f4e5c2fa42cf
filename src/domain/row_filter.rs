//! A mapping's `where`: which rows of its table the mapping moves.
//!
//! The text is put into statements between a pair of parentheses. So that it cannot leave them, quotes, parentheses and
//! comments are read here as the servers read them; the server judges the condition itself.

use std::fmt;
use std::sync::Arc;

/// A condition on a row in MySQL's SQL; safe between two parentheses.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RowFilter(Arc<str>);

impl RowFilter {
    /// # Errors
    /// A sentence that says what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("write a condition such as `tenant_id <> 7`, or take it out".to_owned());
        }
        let mut open = 0_usize;
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match (c, rest.peek()) {
                ('\'' | '"' | '`', _) => skip_quoted(c, &mut rest)?,
                ('(', _) => open += 1,
                (')', _) => {
                    open = open.checked_sub(1).ok_or("it closes a parenthesis that it has not opened")?;
                }
                ('-', Some('-')) => return Err(comment("--", "for minus a negative number, write `- -1`")),
                ('#', _) => return Err(comment("#", "as a text, put it between quotes")),
                ('/', Some('*')) | ('*', Some('/')) => return Err(comment("/*", "take the comment out")),
                (';', _) => return Err("`;` would end the statement; write one condition".to_owned()),
                ('?', _) => return Err("`?` is a placeholder without a value; write the value".to_owned()),
                ('\\', _) => return Err("a backslash may stand between quotes alone".to_owned()),
                ('\0', _) => return Err("it holds a NUL character".to_owned()),
                _ => {}
            }
        }
        if open > 0 {
            return Err(format!("it lacks {open} `)`"));
        }
        Ok(Self(text.into()))
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RowFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RowFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowFilter({})", self.0)
    }
}

fn comment(begins: &str, instead: &str) -> String {
    format!("`{begins}` begins a comment, which would hide the rest of the statement; {instead}")
}

/// Skips a quoted text, in which its quote is written twice. A backslash before a quote or a backslash is refused: a
/// server whose `sql_mode` knows no escapes would end the text elsewhere.
fn skip_quoted(quote: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<(), String> {
    while let Some(c) = rest.next() {
        match c {
            '\\' if quote != '`' && rest.peek().is_none_or(|next| matches!(next, '\'' | '"' | '\\')) => {
                return Err(
                    "a backslash before a quote or a backslash ends a text for one server and not for another; \
                            write a quote twice: `''`"
                        .to_owned(),
                );
            }
            '\0' => return Err("it holds a NUL character".to_owned()),
            c if c == quote => {
                if rest.peek() != Some(&quote) {
                    return Ok(());
                }
                rest.next();
            }
            _ => {}
        }
    }
    Err(format!("it leaves a {quote} open"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_conditions_are_kept_unchanged() {
        for text in [
            "tenant_id <> 7",
            "(a = 1 OR b = 2) AND c IN (SELECT id FROM t WHERE x = 'it''s; -- no # comment /* here */ ?')",
            "name LIKE 'a\\_%'",
            "`odd``(name` = \"a)\"",
            "a - 1 > -1",
            "note = ''",
            "a /\n2 * 3 > 1",
        ] {
            assert_eq!(RowFilter::parse(text).unwrap().text(), text);
        }
        assert_eq!(RowFilter::parse("  a = 1\n").unwrap().to_string(), "a = 1");
    }

    #[test]
    fn no_condition_can_leave_its_parentheses() {
        for (text, told) in [
            ("1=1) OR (1=1", "has not opened"),
            ("(a = 1", "lacks 1 `)`"),
            ("a = 1 -- x", "`--` begins a comment"),
            ("a = 1--1", "write `- -1`"),
            ("a = 1 # x", "`#` begins a comment"),
            ("a = 1 /* x", "`/*` begins a comment"),
            ("a = 1 */ 2", "begins a comment"),
            ("a /*!50000 = 1 */", "begins a comment"),
            ("a = 1; DROP TABLE t", "would end the statement"),
            ("a = ?", "a placeholder without a value"),
            ("a = 'x", "leaves a ' open"),
            ("a = \"x", "leaves a \" open"),
            ("`a = 1", "leaves a ` open"),
            ("a = 'x\\') OR (1=1 -- '", "a backslash before a quote"),
            ("a = 'x\\\\'", "a backslash before a quote or a backslash"),
            ("a = \\N", "between quotes alone"),
            ("a = '\0'", "NUL"),
            (" ", "write a condition"),
        ] {
            let refused = RowFilter::parse(text).unwrap_err();
            assert!(refused.contains(told), "{text}: {refused}");
        }
    }
}
