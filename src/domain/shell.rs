//! A shell line with placeholders for values. No value ever becomes part of the line: it is passed as a variable, and
//! the line holds the variable's name in quotes. A table named `a; rm -rf b` is one word like any other.

/// The names of the placeholders, and the variables that hold their values.
pub const PLACEHOLDERS: [(&str, &str); 9] = [
    ("mapping", "BQSYNC_THIS_MAPPING"),
    ("source", "BQSYNC_THIS_SOURCE"),
    ("target", "BQSYNC_THIS_TARGET"),
    ("project", "BQSYNC_THIS_PROJECT"),
    ("dataset", "BQSYNC_THIS_DATASET"),
    ("table", "BQSYNC_THIS_TABLE"),
    ("location", "BQSYNC_THIS_LOCATION"),
    ("state", "BQSYNC_THIS_STATE"),
    ("config", "BQSYNC_THIS_CONFIG"),
];

/// The line with variables in place of the placeholders.
///
/// # Errors
/// A placeholder that is unknown, or one between quotes, where the variable's own quotes would end them.
pub fn script(line: &str) -> Result<String, String> {
    let mut out = String::with_capacity(line.len() + 32);
    let (mut quote, mut before, mut rest) = (None, ' ', line);
    while let Some(c) = rest.chars().next() {
        if c == '\\' && quote != Some('\'') {
            let escaped: String = rest.chars().take(2).collect();
            rest = &rest[escaped.len()..];
            out.push_str(&escaped);
            before = ' ';
            continue;
        }
        if let Some(word) = place(rest).filter(|_| before != '$') {
            let known = PLACEHOLDERS.iter().find(|(name, _)| *name == word);
            match (known, quote) {
                (Some(_), Some(_)) => return Err(format!("has `{{{word}}}` between quotes")),
                (Some((_, variable)), None) => {
                    out.extend(["\"$", variable, "\""]);
                    rest = &rest[word.len() + 2..];
                    before = '}';
                    continue;
                }
                (None, None) => return Err(format!("has `{{{word}}}`, which stands for nothing")),
                // Words of another program, as in awk '{print}'.
                (None, Some(_)) => {}
            }
        }
        quote = match quote {
            None if c == '\'' || c == '"' => Some(c),
            Some(open) if open == c => None,
            open => open,
        };
        out.push(c);
        before = c;
        rest = &rest[c.len_utf8()..];
    }
    Ok(out)
}

/// The word within `{word}`.
fn place(text: &str) -> Option<&str> {
    let (word, _) = text.strip_prefix('{')?.split_once('}')?;
    (!word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase())).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_becomes_a_quoted_variable() {
        assert_eq!(
            script("bq show {project}:{dataset}.{table}").unwrap(),
            "bq show \"$BQSYNC_THIS_PROJECT\":\"$BQSYNC_THIS_DATASET\".\"$BQSYNC_THIS_TABLE\""
        );
        for same in ["awk '{print $1}' f", "echo '{print}'", "echo ${target}", "cp a{1,2} b", "echo \\{target} {}"] {
            assert_eq!(script(same).unwrap(), same);
        }
    }

    #[test]
    fn a_placeholder_between_quotes_or_an_unknown_one_is_refused() {
        for wrong in [
            "echo '{target}'",
            "echo \"x {target}\"",
            "sh -c \"bq show {table}\"",
            "echo \"it's {table}\"",
            "x {tabel}",
        ] {
            assert!(script(wrong).is_err(), "{wrong}");
        }
        assert!(script("echo \"it's\" {table} 'a'{table}").is_ok());
    }

    #[test]
    fn any_name_is_one_word_for_the_shell() {
        let directory = tempfile::tempdir().unwrap();
        let hostile =
            ["a; touch pwned", "$(touch pwned)", "`touch pwned`", "a'b\"c", "a && touch pwned\nx", "* ?", "-n"];
        for line in ["printf %s {table}", "x=$(printf %s {table}); printf %s \"$x\"", "printf %s `printf %s {table}`"] {
            for name in hostile {
                let said = std::process::Command::new("sh")
                    .args(["-c", &script(line).unwrap()])
                    .env("BQSYNC_THIS_TABLE", name)
                    .current_dir(directory.path())
                    .output()
                    .unwrap();
                assert!(!directory.path().join("pwned").exists(), "{line}: {name}");
                if !line.contains('`') {
                    assert_eq!(String::from_utf8_lossy(&said.stdout), name, "{line}");
                }
            }
        }
    }
}
