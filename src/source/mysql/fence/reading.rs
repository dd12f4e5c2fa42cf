//! Whether a statement surely only reads. It is judged by its words; whatever is not understood counts as writing.
//!
//! A SELECT may call a stored function that writes, a WITH may be an UPDATE's, and a comment may be code.

/// The first words of statements that only read.
const BEGINS: [&str; 8] = ["select", "with", "show", "explain", "describe", "desc", "values", "table"];

/// Words that occur in no statement that only reads. (A query with `FOR UPDATE` counts as writing because of them.)
const WRITES: &[&str] = &[
    "insert", "update", "delete", "replace", "load", "call", "into", "execute", "analyze", "create", "alter", "drop",
    "truncate", "handler", "nextval",
];

/// Words that may precede a parenthesis without calling a stored function.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "between",
    "binary",
    "by",
    "case",
    "char",
    "cross",
    "decimal",
    "distinct",
    "div",
    "else",
    "except",
    "exists",
    "from",
    "having",
    "in",
    "intersect",
    "interval",
    "is",
    "join",
    "like",
    "limit",
    "mod",
    "not",
    "on",
    "or",
    "order",
    "over",
    "partition",
    "recursive",
    "regexp",
    "rows",
    "row",
    "select",
    "some",
    "straight_join",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
    "xor",
    "return",
];

/// The servers' own functions, which a stored function of the same name cannot replace.
const FUNCTIONS: &[&str] = &[
    "abs",
    "adddate",
    "addtime",
    "ascii",
    "avg",
    "benchmark",
    "bit_and",
    "bit_length",
    "bit_or",
    "bit_xor",
    "cast",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "coalesce",
    "coercibility",
    "concat",
    "concat_ws",
    "connection_id",
    "conv",
    "convert",
    "convert_tz",
    "count",
    "crc32",
    "curdate",
    "current_date",
    "current_time",
    "current_timestamp",
    "current_user",
    "curtime",
    "database",
    "date",
    "date_add",
    "date_format",
    "date_sub",
    "datediff",
    "day",
    "dayname",
    "dayofmonth",
    "dayofweek",
    "dayofyear",
    "elt",
    "exp",
    "extract",
    "field",
    "find_in_set",
    "floor",
    "format",
    "from_days",
    "from_unixtime",
    "greatest",
    "group_concat",
    "hex",
    "hour",
    "if",
    "ifnull",
    "instr",
    "isnull",
    "json_extract",
    "json_object",
    "json_unquote",
    "last_day",
    "lcase",
    "least",
    "left",
    "length",
    "ln",
    "locate",
    "log",
    "lower",
    "lpad",
    "ltrim",
    "max",
    "md5",
    "mid",
    "min",
    "minute",
    "month",
    "now",
    "nullif",
    "pow",
    "power",
    "quarter",
    "rand",
    "repeat",
    "reverse",
    "right",
    "round",
    "row_number",
    "second",
    "sha1",
    "sha2",
    "sign",
    "sleep",
    "std",
    "stddev",
    "substring",
    "sum",
    "time",
    "timestampdiff",
    "trim",
    "unix_timestamp",
    "upper",
    "user",
    "variance",
    "version",
    "year",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// A quoted name or a string.
    Quoted,
    Symbol(char),
}

/// `false` if the statement may write, or is not understood.
pub fn surely_reads(statement: &str) -> bool {
    let Some(tokens) = tokens(statement) else { return false };
    let mut words = tokens.iter().filter_map(|token| if let Token::Word(word) = token { Some(*word) } else { None });
    let is = |word: &str, list: &[&str]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
    let begins = tokens.iter().find(|token| !matches!(token, Token::Symbol('(')));
    let reads = matches!(begins, Some(Token::Word(word)) if is(word, &BEGINS));
    reads && !words.any(|word| is(word, WRITES)) && calls_are_known(&tokens)
}

/// Tells if every call is of one of the servers' own functions.
fn calls_are_known(tokens: &[Token<'_>]) -> bool {
    let known =
        |word: &str| [KEYWORDS, FUNCTIONS].iter().any(|list| list.iter().any(|known| word.eq_ignore_ascii_case(known)));
    tokens.windows(2).enumerate().all(|(at, pair)| match pair {
        [Token::Word(word), Token::Symbol('(')] => {
            let is_qualified = at > 0 && tokens[at - 1] == Token::Symbol('.');
            known(word) && !is_qualified
        }
        [Token::Quoted, Token::Symbol('(')] => false,
        _ => true,
    })
}

/// The statement's tokens; `None` if a comment contains code, or a quote or comment does not end.
fn tokens(statement: &str) -> Option<Vec<Token<'_>>> {
    let mut found = Vec::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        let is_dashes =
            rest.strip_prefix("--").is_some_and(|after| after.is_empty() || after.starts_with(char::is_whitespace));
        rest = if let Some(comment) = rest.strip_prefix("/*") {
            if comment.starts_with(['!', 'M', 'm']) {
                return None;
            }
            comment.split_once("*/")?.1
        } else if first == '#' || is_dashes {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if matches!(first, '\'' | '"' | '`') {
            found.push(Token::Quoted);
            unquoted(&rest[1..], first)?
        } else if is_name(first) {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            found.push(Token::Word(&rest[..end]));
            &rest[end..]
        } else {
            if !first.is_whitespace() {
                found.push(Token::Symbol(first));
            }
            &rest[first.len_utf8()..]
        };
    }
    Some(found)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}

/// The text after the closing quote. A quote is doubled within its own kind. A backslash escapes in strings, unless the
/// session says otherwise, so a statement where this matters is not understood.
fn unquoted(text: &str, quote: char) -> Option<&str> {
    for (at, c) in text.char_indices() {
        if c == '\\' && quote != '`' {
            return None;
        }
        if c == quote {
            let after = &text[at + 1..];
            let Some(doubled) = after.strip_prefix(quote) else { return Some(after) };
            return unquoted(doubled, quote);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_only_read_are_not_waited_for() {
        for statement in [
            "SELECT sleep(40)",
            "with c as (select 1 as x) select sleep(40) from c",
            "WITH RECURSIVE `n (` AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n IN (1, 2)) SELECT * FROM n",
            "/* app:shop */ (select count(*), max(`insert`) from o where v = 'delete it''s')",
            "-- who asks\nselect v -- why\nfrom shop.o # where\n where t > now() - interval (3) day",
            "select * from o join (select id from p) as q using (id) where exists (select 1)",
            "SHOW TABLES",
            "EXPLAIN SELECT 1",
        ] {
            assert!(surely_reads(statement), "{statement}");
        }
    }

    #[test]
    fn statements_that_may_write_or_are_not_understood_count_as_writing() {
        for statement in [
            "insert into o(v) values ('x')",
            "/* app:shop */ insert into o(v) values (concat('late', sleep(5)))",
            "with c as (select 1) update o join c set v = 1",
            "with c as (select 1) delete from o",
            "(select 1) into @x",
            "select * from o for update",
            "select f(1)",
            "select shop.count(1)",
            "select `count`(1)",
            "select shop . now ()",
            "select/*!50000 f(*/ 1",
            "/*M!100100 insert */ select 1",
            "select 'it\\'s', f()",
            "select 'no end",
            "select /* no end",
            "call pr()",
            "do f()",
            "set @x = f()",
            "begin not atomic insert into o(v) values (1); end",
            "set statement max_statement_time = 10 for insert into o(v) values (1)",
            "execute s",
            "commit",
            "load data local infile 'x' into table o",
            "explain analyze update o set v = 1",
            "analyze select f()",
            "select nextval(s)",
            "replace o values (1)",
            "insert o select * from p",
            "truncate o",
            "",
            "; select 1",
            "xa commit 'x'",
            "optimize table o",
            "handler o read first",
        ] {
            assert!(!surely_reads(statement), "{statement}");
        }
    }

    #[test]
    fn no_statement_panics_the_reader() {
        for text in ["'", "\"\"\"", "`é`", "ö(é", "/", "-", "--", "/*/", "𝒳'𝒳", "\\", "'\\", "#"] {
            let _ = surely_reads(text);
            let _ = surely_reads(&format!("select {text}"));
        }
    }
}
