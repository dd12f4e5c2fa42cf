//! YAML as a tree that knows its lines.
//!
//! One parser gives both the data and the place of every key, so the two can never disagree; a deserializer stops at the
//! first problem, and the user should see them all. Scalars stay text: what a plain `on` or `007` means is decided by
//! the key that reads it, so a column named `on` is not a boolean.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, Tag};

/// Deeper than any configuration; guards the stack against a hostile file.
const MOST_LEVELS: usize = 32;
/// `<<` copies entries, and copies of copies grow fast; far beyond any configuration.
const MOST_ENTRIES: usize = 10_000;

#[derive(Debug)]
pub(super) struct Node {
    /// From 1.
    pub line: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Scalar { text: String, plain: bool },
    Sequence(Vec<Rc<Node>>),
    Mapping(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    pub line: usize,
    pub node: Rc<Node>,
}

/// What is wrong with the text, where, and what to write instead.
#[derive(Debug)]
pub(super) struct Flaw {
    pub line: usize,
    pub message: String,
    pub hint: &'static str,
}

impl Kind {
    /// For messages.
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::Scalar { .. } => "a single value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a group of keys",
        }
    }
}

impl Node {
    /// Nothing written, `~` or `null`.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar { text, plain } => *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"),
            Kind::Sequence(_) | Kind::Mapping(_) => false,
        }
    }
}

/// Reads the one document of a file; `None` when it holds nothing. Flaws that leave the rest readable are collected.
pub(super) fn parse(text: &str, flaws: &mut Vec<Flaw>) -> Option<Rc<Node>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree =
        Tree { text, parser: Parser::new_from_str(text), open: Vec::new(), anchors: HashMap::new(), entries: 0 };
    match tree.document(flaws) {
        Ok(root) => root,
        Err(fatal) => {
            flaws.push(fatal);
            None
        }
    }
}

/// A collection whose end has not come yet.
struct Open {
    anchor: usize,
    line: usize,
    items: Items,
}

enum Items {
    Sequence(Vec<Rc<Node>>),
    Mapping { entries: Vec<Entry>, key: Option<(String, usize)> },
}

struct Tree<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    entries: usize,
}

impl Tree<'_> {
    fn document(&mut self, flaws: &mut Vec<Flaw>) -> Result<Option<Rc<Node>>, Flaw> {
        let mut root = None;
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event.map_err(|error| self.not_yaml(&error))?;
            let line = span.start.line();
            let complete = match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    let message = "a second document begins here (`---`)".to_owned();
                    return Err(Flaw { line, message, hint: "keep one document per file" });
                }
                Event::Scalar(text, style, anchor, tag) => {
                    check_tag(tag.as_deref(), line, flaws);
                    let plain = style == ScalarStyle::Plain;
                    Some(self.complete(Kind::Scalar { text: text.into_owned(), plain }, line, anchor))
                }
                Event::Alias(anchor) => Some(self.alias(anchor, line)?),
                Event::SequenceStart(anchor, tag) => {
                    check_tag(tag.as_deref(), line, flaws);
                    self.begin(Items::Sequence(Vec::new()), line, anchor)?
                }
                Event::MappingStart(anchor, tag) => {
                    check_tag(tag.as_deref(), line, flaws);
                    self.begin(Items::Mapping { entries: Vec::new(), key: None }, line, anchor)?
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(flaws)?,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => None,
            };
            if let Some(node) = complete {
                root = self.place(node, flaws)?.or(root);
            }
        }
        Ok(root)
    }

    fn not_yaml(&self, error: &ScanError) -> Flaw {
        let mut line = error.marker().line();
        // The parser names the line where the value before the tab began.
        if error.info().contains("tab") {
            let indented_by_tab = |l: &str| l.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
            let after = self.text.lines().skip(line.saturating_sub(1)).position(indented_by_tab);
            line += after.unwrap_or(0);
        }
        Flaw {
            line,
            message: format!("not YAML: {}", error.info()),
            hint: "look at the indentation (spaces, never tabs) and put quotes around values with `: ` or ` #`",
        }
    }

    fn complete(&mut self, kind: Kind, line: usize, anchor: usize) -> Rc<Node> {
        let node = Rc::new(Node { line, kind });
        self.remember(anchor, &node);
        node
    }

    fn remember(&mut self, anchor: usize, node: &Rc<Node>) {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(node));
        }
    }

    fn alias(&self, anchor: usize, line: usize) -> Result<Rc<Node>, Flaw> {
        self.anchors.get(&anchor).cloned().ok_or_else(|| Flaw {
            line,
            message: "an alias stands inside of what it names".to_owned(),
            hint: "set the anchor (`&name`) on something that ends before the alias (`*name`)",
        })
    }

    fn begin(&mut self, items: Items, line: usize, anchor: usize) -> Result<Option<Rc<Node>>, Flaw> {
        if self.open.len() >= MOST_LEVELS {
            let message = format!("nested more than {MOST_LEVELS} levels deep");
            return Err(Flaw { line, message, hint: "a configuration needs four levels at most" });
        }
        self.open.push(Open { anchor, line, items });
        Ok(None)
    }

    fn end(&mut self, flaws: &mut Vec<Flaw>) -> Result<Option<Rc<Node>>, Flaw> {
        let Some(Open { anchor, line, items }) = self.open.pop() else { return Ok(None) };
        let kind = match items {
            Items::Sequence(nodes) => Kind::Sequence(nodes),
            Items::Mapping { entries, .. } => {
                let entries = merged(entries, flaws);
                self.entries += entries.len();
                if self.entries > MOST_ENTRIES {
                    let message = format!("more than {MOST_ENTRIES} keys after merging");
                    return Err(Flaw { line, message, hint: "merge less with `<<`" });
                }
                Kind::Mapping(entries)
            }
        };
        Ok(Some(self.complete(kind, line, anchor)))
    }

    /// Puts a complete node where it belongs; gives it back when it is the document itself.
    fn place(&mut self, node: Rc<Node>, flaws: &mut Vec<Flaw>) -> Result<Option<Rc<Node>>, Flaw> {
        let Some(parent) = self.open.last_mut() else { return Ok(Some(node)) };
        match &mut parent.items {
            Items::Sequence(nodes) => nodes.push(node),
            Items::Mapping { entries, key } => match key.take() {
                Some((key, line)) => add(entries, Entry { key, line, node }, flaws),
                None => *key = Some(as_key(&node)?),
            },
        }
        Ok(None)
    }
}

fn as_key(node: &Node) -> Result<(String, usize), Flaw> {
    match &node.kind {
        Kind::Scalar { text, .. } => Ok((text.clone(), node.line)),
        kind @ (Kind::Sequence(_) | Kind::Mapping(_)) => Err(Flaw {
            line: node.line,
            message: format!("{} stands where a key should", kind.noun()),
            hint: "put quotes around a value that begins with `{` or `[`",
        }),
    }
}

fn add(entries: &mut Vec<Entry>, entry: Entry, flaws: &mut Vec<Flaw>) {
    if entry.key != "<<"
        && let Some(first) = entries.iter().find(|e| e.key == entry.key)
    {
        flaws.push(Flaw {
            line: entry.line,
            message: format!("`{}` is already given on line {}", entry.key, first.line),
            hint: "keep one of the two",
        });
        return;
    }
    entries.push(entry);
}

/// Carries out `<<`: the keys written here win, then those merged first.
fn merged(entries: Vec<Entry>, flaws: &mut Vec<Flaw>) -> Vec<Entry> {
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| e.key == "<<");
    for merge in merges {
        let sources = match &merge.node.kind {
            Kind::Sequence(nodes) => nodes.clone(),
            Kind::Mapping(_) | Kind::Scalar { .. } => vec![Rc::clone(&merge.node)],
        };
        for source in sources {
            let Kind::Mapping(others) = &source.kind else {
                flaws.push(Flaw {
                    line: merge.line,
                    message: format!("`<<` merges keys, but this is {}", source.kind.noun()),
                    hint: "give it an alias of a group of keys: `<<: *name`",
                });
                continue;
            };
            for other in others {
                if !own.iter().any(|e| e.key == other.key) {
                    own.push(other.clone());
                }
            }
        }
    }
    own
}

/// `!!str` and its kin say nothing new; any other tag asks for something that would not happen.
fn check_tag(tag: Option<&Tag>, line: usize, flaws: &mut Vec<Flaw>) {
    if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
        flaws.push(Flaw {
            line,
            message: format!("the tag `{tag}` has no meaning here"),
            hint: "remove it; variables are written `${NAME}`",
        });
    }
}
