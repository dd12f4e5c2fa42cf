//! What a file's text says about other files: its imports, and the paths in it. Comments, string literals and parts for
//! tests only are ignored.

use std::collections::BTreeSet;

/// A path as written, in segments: `super::sql::table` has three.
pub type Segments = Vec<String>;

/// One name that a `use` imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub path: Segments,
    /// Its name in the file; `*` for everything.
    pub name: String,
    /// `pub use`: the file exports the name.
    pub is_handed_on: bool,
}

/// A file of the crate, parsed.
#[derive(Debug, Default)]
pub struct Text {
    pub imports: Vec<Import>,
    /// Paths of two or more segments outside imports.
    pub paths: BTreeSet<Segments>,
    /// All words outside imports.
    pub words: BTreeSet<String>,
    /// The names that the file defines.
    pub defines: BTreeSet<String>,
    /// The modules below it that exist only in tests.
    pub test_modules: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `::`
    Colons,
    Sign(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }

    fn word(&self) -> Option<&String> {
        if let Self::Word(word) = self { Some(word) } else { None }
    }
}

impl Text {
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        let tokens = without_tests(&tokens(text), &mut read.test_modules);
        let mut at = 0;
        while at < tokens.len() {
            if tokens[at].is("use") {
                let is_handed_on = at > 0 && (tokens[at - 1].is("pub") || tokens[at - 1] == Token::Sign(')'));
                at = read.import(&tokens, at + 1, &Vec::new(), is_handed_on);
            } else {
                at = read.path(&tokens, at);
            }
        }
        read
    }

    /// Reads one tree of a `use`; gives the position after it.
    fn import(&mut self, tokens: &[Token], mut at: usize, before: &Segments, is_handed_on: bool) -> usize {
        let mut path = before.clone();
        let mut name = None;
        while let Some(token) = tokens.get(at) {
            match token {
                Token::Word(word) if word == "as" => {
                    name = tokens.get(at + 1).and_then(Token::word).cloned();
                    at += 1;
                }
                // `a::{self}` is `a`.
                Token::Word(word) if word == "self" && !path.is_empty() => {}
                Token::Word(word) => path.push(word.clone()),
                Token::Colons => {}
                Token::Sign('*') => name = Some("*".to_owned()),
                Token::Sign('{') => {
                    at += 1;
                    while tokens.get(at).is_some_and(|token| *token != Token::Sign('}')) {
                        at = self.import(tokens, at, &path, is_handed_on);
                        at += usize::from(tokens.get(at) == Some(&Token::Sign(',')));
                    }
                    return at + 1;
                }
                Token::Sign(_) => break,
            }
            at += 1;
        }
        if let Some(name) = name.or_else(|| path.last().cloned()) {
            self.imports.push(Import { path, name, is_handed_on });
        }
        at
    }

    /// Reads a path or any other token; gives the position after it.
    fn path(&mut self, tokens: &[Token], at: usize) -> usize {
        let Some(first) = tokens[at].word() else { return at + 1 };
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        if before.and_then(Token::word).is_some_and(|word| DEFINING.contains(&word.as_str())) {
            self.defines.insert(first.clone());
        }
        self.words.insert(first.clone());
        let mut path = vec![first.clone()];
        let mut end = at + 1;
        while let (Some(Token::Colons), Some(Token::Word(word))) = (tokens.get(end), tokens.get(end + 1)) {
            path.push(word.clone());
            end += 2;
        }
        // After a dot, or after the end of `<T as Trait>`, it is not the path of a module.
        let is_whole = !matches!(before, Some(Token::Colons | Token::Sign('.')));
        if is_whole && path.len() > 1 {
            self.paths.insert(path);
        }
        end
    }
}

const DEFINING: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "mod"];

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, rest)| rest);
        } else if let Some(after) = rest.strip_prefix("::") {
            tokens.push(Token::Colons);
            rest = after;
        } else if first == '"' {
            rest = after_string(&rest[1..]);
        } else if let Some(after) = after_raw_string(rest) {
            rest = after;
        } else if first == '\'' {
            rest = after_quote(&rest[1..]);
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// The text after a string literal. `inside`: the text after the first quotation mark.
fn after_string(inside: &str) -> &str {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return &inside[at + 1..],
            _ => {}
        }
    }
    ""
}

fn after_raw_string(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('r').or_else(|| text.strip_prefix("br"))?;
    let hashes = inside.len() - inside.trim_start_matches('#').len();
    let inside = inside[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(inside.split_once(&end).map_or("", |(_, rest)| rest))
}

/// The text after a character literal; a lifetime's name stays in it.
fn after_quote(inside: &str) -> &str {
    let mut chars = inside.char_indices();
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((escaped, c))) => {
            let rest = &inside[escaped + c.len_utf8()..];
            rest.split_once('\'').map_or("", |(_, rest)| rest)
        }
        (Some(_), Some((end, '\''))) => &inside[end + 1..],
        _ => inside,
    }
}

/// Removes every item under `#[cfg(test)]`, and records the modules among them.
fn without_tests(tokens: &[Token], test_modules: &mut BTreeSet<String>) -> Vec<Token> {
    let mark = [
        Token::Sign('#'),
        Token::Sign('['),
        Token::Word("cfg".into()),
        Token::Sign('('),
        Token::Word("test".into()),
        Token::Sign(')'),
        Token::Sign(']'),
    ];
    let mut left = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&mark) {
            left.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let item = &tokens[at + mark.len()..];
        let end = item_end(item);
        let module =
            item[..end].windows(2).take_while(|pair| pair[0] != Token::Sign('{')).find(|pair| pair[0].is("mod"));
        test_modules.extend(module.and_then(|pair| pair[1].word()).cloned());
        at += mark.len() + end;
    }
    left
}

/// The end of the item at the beginning of the tokens: after a `;`, or after the brace that closes its body.
fn item_end(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(c @ (')' | ']' | '}')) => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *c == '}' {
                    return at + 1;
                }
            }
            Token::Sign(';') if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}
