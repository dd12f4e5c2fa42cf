//! Checks of the options' values; each error says what to write instead.

use std::time::Duration;

use chrono::TimeDelta;

/// Reads `90d` or `never`.
pub fn life(text: &str) -> Result<Option<TimeDelta>, String> {
    if text.eq_ignore_ascii_case("never") {
        return Ok(None);
    }
    let life = humantime::parse_duration(text).ok().filter(|life| *life >= Duration::from_hours(1));
    let life = life.and_then(|life| TimeDelta::from_std(life).ok());
    life.map(Some).ok_or_else(|| "write a stretch of an hour or more, such as `90d`, or `never`".to_owned())
}

/// Reads the full name of a Cloud KMS key, or `none`.
pub fn kms_key(text: &str) -> Result<Option<String>, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let parts: Vec<_> = text.split('/').collect();
    let sound = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
    };
    match parts.as_slice() {
        ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key]
            if [project, location, ring, key].into_iter().all(|part| sound(part)) =>
        {
            Ok(Some(text.to_owned()))
        }
        _ => Err("write the key's full name, without a version: \
                  `projects/P/locations/L/keyRings/R/cryptoKeys/K`, or `none`"
            .to_owned()),
    }
}

/// Source: BigQuery guide, "Labels", requirements.
pub fn label_key(key: &str) -> Result<(), String> {
    let begins = key.chars().next().is_some_and(char::is_alphabetic);
    if begins && is_label(key) {
        return Ok(());
    }
    Err("a key has small letters, digits, `_` and `-`, begins with a letter, and has at most 63 characters".to_owned())
}

pub fn label_value(value: &str) -> Result<(), String> {
    if is_label(value) {
        return Ok(());
    }
    Err("a label's value has small letters, digits, `_` and `-`, at most 63 characters".to_owned())
}

fn is_label(text: &str) -> bool {
    let allowed = |c: char| c == '_' || c == '-' || (c.is_alphanumeric() && !c.is_uppercase());
    text.chars().count() <= 63 && text.chars().all(allowed)
}
