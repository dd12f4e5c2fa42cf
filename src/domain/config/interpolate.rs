//! `${VAR}` and `${VAR:-default}` in values.
//!
//! Own code, because the available crates also replace a bare `$VAR`, or know no escape; a password or a cron line must
//! stay unchanged.

/// The environment (including `.env`) as a function, so that this layer does not read the real one.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a value could not be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The variable that is not set.
    Unset(String),
    /// The piece that looks like a variable but is not one.
    Malformed(String),
}

/// Replaces variables. Defaults may contain variables themselves: `${A:-${B}}`. `$${X}` is the text `${X}`.
pub(super) fn interpolate(text: &str, env: Env<'_>) -> Result<String, Trouble> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        let Some(end) = closing(from) else { return Err(Trouble::Malformed(from.to_owned())) };
        let (expression, after) = from.split_at(end);
        if let Some(kept) = before.strip_suffix('$') {
            out.push_str(kept);
            out.push_str(expression);
        } else {
            out.push_str(before);
            out.push_str(&value_of(expression, env)?);
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The end of the expression at the beginning of `text`, with nested ones counted.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The value of `expression`, which is `${...}`. As in a shell, `:-` also applies to an empty variable.
fn value_of(expression: &str, env: Env<'_>) -> Result<String, Trouble> {
    let malformed = || Trouble::Malformed(expression.to_owned());
    let inner = expression.strip_prefix("${").and_then(|e| e.strip_suffix('}')).ok_or_else(malformed)?;
    let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(malformed());
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => interpolate(default, env),
        (None, None) => Err(Trouble::Unset(name.to_owned())),
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Trouble> {
        interpolate(text, &|name| match name {
            "A" => Some("alpha".to_owned()),
            "DOLLAR" => Some("${A}".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_defaults_and_escapes_are_replaced() {
        for (text, expected) in [
            ("plain $A $ {A} 5$", "plain $A $ {A} 5$"),
            ("${A}", "alpha"),
            ("x-${A}-${A}-é", "x-alpha-alpha-é"),
            ("${NONE:-}", ""),
            ("${NONE:-b:-c}", "b:-c"),
            ("${EMPTY:-b}", "b"),
            ("${EMPTY}", ""),
            ("${NONE:-${A}!}", "alpha!"),
            ("$${A}", "${A}"),
            ("$$${A}", "$${A}"),
            ("$${A}${A}", "${A}alpha"),
            ("${DOLLAR}", "${A}"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_unset_or_malformed_variable_is_named() {
        assert_eq!(read("a ${NONE} b"), Err(Trouble::Unset("NONE".to_owned())));
        for text in ["${A", "${", "${}", "${A-B}", "${1A}", "${:-x}", "${é}", "${A:-${B}"] {
            assert!(matches!(read(text), Err(Trouble::Malformed(_))), "{text}");
        }
    }
}
