//! Names and texts as SQL and shells write them, so that a statement or command that is shown can be pasted.

use std::fmt::Write;

use super::ids::{SourceTable, TableId};

/// A name in MySQL and MariaDB.
#[must_use]
pub fn mysql_name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A table in MySQL and MariaDB, with its database if it names one.
#[must_use]
pub fn mysql_table(table: &SourceTable) -> String {
    let name = mysql_name(&table.table);
    table.database.as_ref().map_or_else(|| name.clone(), |database| format!("{}.{name}", mysql_name(database)))
}

/// A text in MySQL and MariaDB, where backslashes escape unless `sql_mode` says otherwise.
#[must_use]
pub fn mysql_text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A name in BigQuery. Source: BigQuery reference, "Lexical structure": quoted identifiers use the escapes of strings.
#[must_use]
pub fn bigquery_name(name: &str) -> String {
    format!("`{}`", in_backticks(name))
}

/// A table's whole path in BigQuery, in one pair of backticks (a project may hold dashes).
#[must_use]
pub fn bigquery_table(id: &TableId) -> String {
    format!("`{}.{}.{}`", in_backticks(&id.project), in_backticks(&id.dataset), in_backticks(&id.table))
}

fn in_backticks(name: &str) -> String {
    name.replace('\\', "\\\\").replace('`', "\\`")
}

/// A text in BigQuery. Source: BigQuery reference, "Lexical structure", escape sequences.
#[must_use]
pub fn bigquery_text(text: &str) -> String {
    let escaped = text.chars().fold(String::with_capacity(text.len() + 2), |mut all, c| {
        match c {
            '\'' | '\\' => all.extend(['\\', c]),
            _ if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(all, "\\u{:04x}", u32::from(c));
            }
            _ => all.push(c),
        }
        all
    });
    format!("'{escaped}'")
}

/// One word of a shell's command line. A name with control characters needs a shell with `$'...'` (bash, zsh).
#[must_use]
pub fn shell_word(word: &str) -> String {
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '%' | '+' | ',' | '=');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.chars().any(char::is_control) {
        return format!("$'{}'", word.chars().fold(String::new(), bash_escaped));
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn bash_escaped(mut text: String, c: char) -> String {
    match c {
        '\'' | '\\' => text.extend(['\\', c]),
        _ if c.is_control() => {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
        _ => text.push(c),
    }
    text
}

/// An option of a command with its value: `--mapping users`. A value that begins with a dash is not read as an option.
#[must_use]
pub fn shell_option(option: &str, value: &str) -> String {
    let gap = if value.starts_with('-') { '=' } else { ' ' };
    format!("{option}{gap}{}", shell_word(value))
}

/// One value in YAML, for a list or a group on one line.
#[must_use]
pub fn yaml_word(word: &str) -> String {
    let begins = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let is_plain = |c: char| (c.is_alphanumeric() || c == '_') && !is_hidden(c);
    if begins && word.chars().all(is_plain) && !YAML_WORDS.contains(&&*word.to_lowercase()) {
        return word.to_owned();
    }
    // YAML reads what JSON writes, except characters that YAML excludes.
    shown(&serde_json::Value::from(word).to_string())
}

/// Writes hidden characters as escapes of YAML's double quotes, and the others unchanged.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut all, c| {
        // Writing to a string cannot fail.
        let _ = match u32::from(c) {
            code if !is_hidden(c) || code < 0x20 => write!(all, "{c}"),
            code @ ..=0xffff => write!(all, "\\u{code:04x}"),
            code => write!(all, "\\U{code:08x}"),
        };
        all
    })
}

/// Tells if a character is invisible, reorders the text around it, or is excluded from YAML. Source: Unicode's
/// categories Cc, Zl, Zp and (where nothing is drawn) Cf, its fillers and variation selectors; YAML 1.2.2, "Character
/// Set".
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Words that YAML does not read as text.
const YAML_WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_stay_within_their_quotes() {
        let table = |database: Option<&str>, table: &str| {
            mysql_table(&SourceTable::whole(database.map(Into::into), table.into()))
        };
        assert_eq!(table(None, "xé; DROP"), "`xé; DROP`");
        assert_eq!(table(Some("a.b"), "t`x"), "`a.b`.`t``x`");
        assert_eq!(mysql_text(r"o'br\ien"), r"'o''br\\ien'");
        assert_eq!(bigquery_name("a`b\\c"), "`a\\`b\\\\c`");
        let id = TableId { project: "my-project".into(), dataset: "d".into(), table: "t x".into() };
        assert_eq!(bigquery_table(&id), "`my-project.d.t x`");
    }

    const WORDS: [&str; 9] =
        ["users", "größe", "my orders", "it's", "$(rm -rf x)", "a`b", "", "line\nbreak \x1b[31m'\\", "--apply"];

    #[test]
    fn words_that_need_no_quotes_have_none() {
        assert_eq!(WORDS.map(shell_word)[..4], ["users", "größe", "'my orders'", r"'it'\''s'"]);
        assert_eq!(shell_option("--mapping", "users"), "--mapping users");
        assert_eq!(shell_option("--mapping", "-x y"), "--mapping='-x y'");
    }

    #[test]
    fn a_word_of_yaml_is_read_back_as_text() {
        for word in ["total", "größe", "a, b", "a: b", "{x}", "it's \"so\"", "no", "12", "", "tab\there"] {
            let list = format!("[{}]", yaml_word(word));
            assert_eq!(serde_yaml::from_str::<Vec<String>>(&list).unwrap(), [word], "{list}");
        }
        assert_eq!(yaml_word("total"), "total");
    }

    #[test]
    fn invisible_characters_are_escaped_in_yaml() {
        for word in [
            "a\u{202e}b",
            "\u{feff}a",
            "a\u{2028}",
            "a\u{7f}",
            "a\u{85}\u{9b}",
            "a\u{200b}\n",
            "a\u{3164}",
            "\u{e0041}",
        ] {
            let written = yaml_word(word);
            assert!(!written.contains(is_hidden), "{written:?}");
            assert_eq!(serde_yaml::from_str::<String>(&written).unwrap(), word, "{written}");
        }
        assert_eq!(yaml_word("a\u{202e}b"), "\"a\\u202eb\"");
    }

    #[test]
    fn bash_reads_each_word_as_it_was() {
        for word in WORDS {
            let script = format!("printf %s {}", shell_word(word));
            let said = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word, "{script}");
        }
    }
}
