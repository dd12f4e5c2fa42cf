//! Removes row values from BigQuery's messages: errors go to logs, reports, state and webhooks, values must not.
//!
//! An error about a value quotes it in quotation marks, after a colon, or bare. The rest of the message says what was
//! wrong; the job's own page in BigQuery shows the value to those who may see it.

/// The text that replaces a value and everything after it.
const HIDDEN: &str = "(a value, which is not shown here)";

/// After these words a value follows, in quotation marks or after a colon. In lower case.
const BEFORE_A_VALUE: [&str; 22] = [
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

/// The message without the row's values.
pub fn left_out(message: &str) -> String {
    // Only ASCII letters change, so that positions stay the same.
    let lower = message.to_ascii_lowercase();
    let after = BEFORE_A_VALUE.iter().filter_map(|head| Some(lower.find(head)? + head.len())).min();
    let beside = BESIDE_A_VALUE.iter().any(|head| lower.contains(head)).then_some(0);
    let Some(from) = beside.or(after) else { return message.to_owned() };
    match message[from..].find(['\'', '"', '`', ':']).into_iter().chain(beside.and_then(|_| number_in(message))).min() {
        Some(at) => {
            let (kept, cut) = message.split_at(from + at);
            let colon = if cut.starts_with(':') { ": " } else { " " };
            format!("{}{colon}{HIDDEN}", kept.trim_end())
        }
        None => message.to_owned(),
    }
}

/// The position of a number that is not part of a word.
fn number_in(message: &str) -> Option<usize> {
    let mut before = ' ';
    message.char_indices().find_map(|(at, c)| {
        let begins = c.is_ascii_digit() && !before.is_alphanumeric();
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
            ("int64 overflow: 4711 * 2", "int64 overflow: (a"),
            ("query: Invalid NUMERIC value: 12x", "query: Invalid NUMERIC value: (a"),
        ] {
            let told = left_out(message);
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
        ] {
            assert_eq!(left_out(message), message);
        }
    }
}
