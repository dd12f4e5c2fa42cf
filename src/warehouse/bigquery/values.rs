//! Removes row values from BigQuery's messages: errors go to logs, reports, state and webhooks, values must not.
//!
//! An error about a value quotes it in quotation marks, after a colon, or bare. The rest of the message says what was
//! wrong; the job's own page in BigQuery shows the value to those who may see it. Only messages that are known to speak
//! of names, types and limits are shown whole.

/// The text that replaces a value and everything after it.
const HIDDEN: &str = "(a value, which is not shown here)";

/// The text that replaces what an unknown message quotes, and everything after it.
const REST: &str = "(the rest is not shown here, because it may quote a row: the job's page in BigQuery has it)";

/// The reasons of errors that may be about the content of rows, in BigQuery's words. The others are about access,
/// limits and BigQuery itself.
const ABOUT_CONTENT: [&str; 3] = ["", "invalid", "invalidQuery"];

/// Messages whose first words, those before a quotation mark or a colon, hold one of these are about names, types and
/// limits; they quote no row. In lower case.
const HARMLESS: [&str; 33] = [
    "access denied",
    "already exists",
    "billing",
    "cannot be assigned to",
    "cannot be null",
    "concurrent",
    "cannot query over table",
    "currently a",
    "different locations",
    "encryption",
    "exceeded",
    "invalid dataset id",
    "invalid job id",
    "invalid project id",
    "invalid table id",
    "is not supported",
    "job was cancelled",
    "limit",
    "must match at most one source row",
    "no matching signature",
    "no such column",
    "no such field",
    "not found",
    "outstanding against",
    "parquet column",
    "partitions modified",
    "partitions produced",
    "permission",
    "raw access",
    "sandbox mode",
    "schema",
    "table partitioning",
    "unrecognized name",
];

/// BigQuery puts these before a message of which they say nothing. In lower case.
const BEFORE_THE_MESSAGE: [&str; 2] = ["error while reading data, error message:", "query error:"];

/// After these words a value follows: in quotation marks, after a colon, or as a bare number. In lower case.
const BEFORE_A_VALUE: [&str; 23] = [
    "bad int64 value",
    "bad double value",
    "bad float64 value",
    "bad bool value",
    "bad numeric value",
    "bad bignumeric value",
    "invalid date",
    "invalid time",
    "invalid numeric value",
    "invalid bignumeric value",
    "invalid value",
    "invalid input",
    "invalid json",
    "malformed json",
    "invalid geography",
    "could not cast",
    "could not parse",
    "could not convert",
    "failed to parse",
    "unable to parse",
    "conversion error",
    "error while parsing",
    "st_geogfrom",
];

/// A value may stand anywhere before or after these words.
const BESIDE_A_VALUE: [&str; 3] = ["out of range", "overflow", "does not fit"];

/// The message without the row's values. `reason`: BigQuery's word for the kind of error; may be empty.
pub fn left_out(message: &str, reason: &str) -> String {
    // Only ASCII letters change, so that positions stay the same.
    let lower = message.to_ascii_lowercase();
    let after = BEFORE_A_VALUE.iter().filter_map(|head| Some(lower.find(head)? + head.len())).min();
    let beside = BESIDE_A_VALUE.iter().any(|head| lower.contains(head)).then_some(0);
    let Some(from) = beside.or(after) else { return of_unknown_words(message, &lower, reason) };
    let at = message[from..].find(['\'', '"', '`', ':']).into_iter().chain(number_in(&message[from..])).min();
    at.map_or_else(|| message.to_owned(), |at| cut(message, from + at, HIDDEN))
}

/// A message that no list knows may quote a value wherever a quotation mark or a colon stands. Names are in backticks.
fn of_unknown_words(message: &str, lower: &str, reason: &str) -> String {
    let start = BEFORE_THE_MESSAGE.iter().find(|words| lower.starts_with(**words)).map_or(0, |words| words.len());
    match may_quote_at(message, start) {
        Some(at)
            if ABOUT_CONTENT.contains(&reason) && !HARMLESS.iter().any(|words| lower[start..at].contains(words)) =>
        {
            cut(message, at, REST)
        }
        _ => message.to_owned(),
    }
}

/// The first quotation mark, or colon before something that may be a value, from this position on.
fn may_quote_at(message: &str, start: usize) -> Option<usize> {
    let names_a_table = |at: usize| {
        let word_end = message[at..].find(char::is_whitespace).map_or(message.len(), |n| at + n);
        let after = &message[at + 1..word_end];
        message[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
            && after.contains('.')
            && after.chars().all(|c| c.is_alphanumeric() || "._-$*,".contains(c))
    };
    let mut marks = message[start..].match_indices(['\'', '"', ':']).map(|(n, mark)| (start + n, mark));
    let is_harmless = |at| names_a_table(at) || is_of_a_position(message, at) || names_a_field(message, at);
    marks.find(|&(at, mark)| mark != ":" || !is_harmless(at)).map(|(at, _)| at)
}

/// Tells if the colon stands between line and column of a statement: `at [3:4]`.
fn is_of_a_position(message: &str, colon: usize) -> bool {
    let (before, after) = (&message[..colon], &message[colon + 1..]);
    let line = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    line.len() < before.len() && line.ends_with("at [") && rest.len() < after.len() && rest.starts_with(']')
}

/// Tells if the colon stands before a column's name: `(field: amount)`.
fn names_a_field(message: &str, colon: usize) -> bool {
    let name = message[colon + 1..].strip_prefix(' ').and_then(|rest| rest.split_once(')'));
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    message[..colon].ends_with("(field") && name.is_some_and(|(name, _)| is_name(name))
}

fn cut(message: &str, at: usize, instead: &str) -> String {
    let (kept, left) = message.split_at(at);
    let colon = if left.starts_with(':') { ": " } else { " " };
    format!("{}{colon}{instead}", kept.trim_end())
}

/// The position of a number that is not part of a word, nor itself a position (`at byte 10`).
fn number_in(message: &str) -> Option<usize> {
    let mut before = ' ';
    message.char_indices().find_map(|(at, c)| {
        let begins = c.is_ascii_digit() && !before.is_alphanumeric() && !message[..at].ends_with("at byte ");
        before = c;
        begins.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_left_out_however_it_is_quoted() {
        for (message, left) in [
            ("Bad int64 value: Frau Müller", "Bad int64 value: (a"),
            ("Invalid timestamp: '2026-13-01 it''s'", "Invalid timestamp: (a"),
            ("Invalid datetime string \"secret\"", "Invalid datetime string (a"),
            ("Could not cast literal 'it's me' to type INT64 at [3:4]", "Could not cast literal (a"),
            (
                "Could not convert string \"4711\" to DECIMAL(38,18) when casting from source column bn",
                "Could not convert string (a",
            ),
            ("Numeric value 4711.5 out of range", "Numeric value (a"),
            (
                "Cannot return an invalid timestamp value of 4711 microseconds relative to the Unix epoch. The range of valid \
                 timestamp values is [0001-01-01 00:00:00, 9999-12-31 23:59:59.999999]",
                "Cannot return an invalid timestamp value of (a",
            ),
            ("int64 overflow: 4711 * 2", "int64 overflow: (a"),
            ("query: Invalid NUMERIC value: 12x", "query: Invalid NUMERIC value: (a"),
            (
                "Malformed JSON at byte 10 of input: unexpected character.  Input: \"{\"a\": Müller\"",
                "Malformed JSON at byte 10 of input: (a",
            ),
            (
                "syntax error while parsing value - invalid literal; last read: 'Müller'; error in PARSE_JSON expression",
                "syntax error while parsing value - invalid literal; last read: (a",
            ),
        ] {
            let told = left_out(message, "backendError");
            assert!(told.starts_with(left) && told.ends_with("not shown here)"), "{told}");
        }
    }

    #[test]
    fn messages_about_names_and_limits_are_left_unchanged() {
        for message in [
            "Unrecognized name: amount at [7:12]",
            "Not found: Table demo:shop.orders",
            "Required field id cannot be null",
            "Query exceeded limit for bytes billed: 1000. 2000 or higher required.",
            "Provided Schema does not match Table demo:shop.orders. Field id has changed type from INT64 to STRING",
            "Quota exceeded: Your table exceeded quota for imports or query appends per table",
            "demo:shop.orders is not allowed for this operation because it is currently a VIEW: use another",
            "Column name x is ambiguous at [3:14]",
            "Cannot add a column in the middle (field: new_col)",
            "Error while reading data, error message: Parquet column 'id' has type BYTE_ARRAY which does not match INT64",
        ] {
            assert_eq!(left_out(message, "invalidQuery"), message);
        }
    }

    #[test]
    fn what_an_unknown_message_quotes_is_left_out() {
        for (message, left) in [
            ("Odd text: Frau Müller", "Odd text: (the rest is not shown here"),
            ("Odd text: not found: Frau Müller", "Odd text: (the rest is not shown here"),
            ("Odd text at [3:4]: Frau Müller", "Odd text at [3:4]: (the rest is not shown here"),
            ("Odd text (field: Frau Müller)", "Odd text (field: (the rest is not shown here"),
            ("Cannot make a point of \"Frau \"M\" Müller\"", "Cannot make a point of (the rest is not shown here"),
        ] {
            for reason in ["invalidQuery", "invalid", ""] {
                let told = left_out(message, reason);
                assert!(told.starts_with(left) && !told.contains("Müller"), "{told}");
            }
        }
        let busy = "The service is busy: try again";
        assert_eq!(left_out(busy, "backendError"), busy);
    }
}
