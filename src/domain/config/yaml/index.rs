//! The places of everything in a YAML text, and what serde_yaml does not report.
//!
//! Every duplicate key, tag, impossible merge and number that would be rewritten is reported with its line. The index
//! also measures how large aliases would become before anything is copied: serde_yaml's own limit on repetition grows
//! with the file, and would let a small one take gigabytes.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_yaml::Number;

use super::flaw::{Flaw, QUOTE};

/// Deeper than any configuration; protects the stack against a hostile file.
const MOST_LEVELS: usize = 32;
/// The most values. Aliases copy values, and copies of copies grow fast; this is beyond any configuration (a thousand
/// mappings have 30,000).
const MOST_VALUES: usize = 100_000;

/// The places of a document.
#[derive(Debug)]
pub(super) struct Index {
    pub root: Rc<Place>,
    /// There are flaws beyond which serde_yaml does not read.
    pub ends_reading: bool,
}

/// A value's place; all aliases of a value share it.
#[derive(Debug)]
pub(super) struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The number of values in it, with aliases followed.
    values: usize,
    /// The number of levels in it, with aliases followed.
    levels: usize,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Scalar { text: String, plain: bool },
    Sequence(Vec<Rc<Place>>),
    Mapping { entries: Vec<(Key, Rc<Place>)>, merges: Vec<Rc<Place>> },
}

#[derive(Debug)]
struct Key {
    text: String,
    line: usize,
}

impl Place {
    /// A scalar as it is written.
    pub fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Scalar { text, .. } => Some(text),
            Shape::Sequence(_) | Shape::Mapping { .. } => None,
        }
    }

    pub fn item(&self, position: usize) -> Option<&Self> {
        match &self.shape {
            Shape::Sequence(items) => items.get(position).map(|item| &**item),
            Shape::Scalar { .. } | Shape::Mapping { .. } => None,
        }
    }

    /// A key's line and its value's place: in the group itself, otherwise in the group that is merged.
    pub fn entry(&self, key: &str) -> Option<(usize, &Self)> {
        let Shape::Mapping { entries, merges } = &self.shape else { return None };
        let own = entries.iter().find(|(own, _)| own.text == key).map(|(own, place)| (own.line, &**place));
        own.or_else(|| merges.iter().find_map(|merged| merged.entry(key)))
    }

    const fn noun(&self) -> &'static str {
        match self.shape {
            Shape::Scalar { .. } => "a single value",
            Shape::Sequence(_) => "a list",
            Shape::Mapping { .. } => "a group of keys",
        }
    }
}

/// Indexes the one document of a text; `None` if it is empty.
///
/// # Errors
/// The flaw that ends reading.
pub(super) fn of(text: &str, flaws: &mut Vec<Flaw>) -> Result<Option<Index>, Flaw> {
    let parser = Parser::new_from_str(text);
    let lines = text.lines().count().max(1);
    let mut indexer = Indexer { lines, parser, open: Vec::new(), anchors: HashMap::new(), flaws, ends_reading: false };
    let root = indexer.document()?;
    Ok(root.map(|root| Index { root, ends_reading: indexer.ends_reading }))
}

/// A collection that has not ended yet.
struct Open {
    anchor: usize,
    place: Place,
    /// The key whose value comes next.
    key: Option<Key>,
}

struct Indexer<'t, 'f> {
    /// The number of lines of the text: what is missing at its end is reported beyond the last line.
    lines: usize,
    parser: Parser<'t, StrInput<'t>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Place>>,
    flaws: &'f mut Vec<Flaw>,
    ends_reading: bool,
}

impl Indexer<'_, '_> {
    fn document(&mut self) -> Result<Option<Rc<Place>>, Flaw> {
        let mut root = None;
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event.map_err(|error| Flaw {
                line: error.marker().line().clamp(1, self.lines),
                message: format!("not YAML: {}", error.info()),
                hint: "look at the indentation (spaces, never tabs) and put quotes around the value",
            })?;
            let line = span.start.line().clamp(1, self.lines);
            let complete = match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    let message = "a second document begins here (`---`)".to_owned();
                    return Err(Flaw { line, message, hint: "keep one document per file" });
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.check_tag(tag.as_deref(), line);
                    let plain = style == ScalarStyle::Plain && tag.is_none();
                    Some(self.scalar(text.into_owned(), plain, line, anchor))
                }
                Event::Alias(anchor) => Some(self.alias(anchor, line)?),
                Event::SequenceStart(anchor, tag) => {
                    self.begin(Shape::Sequence(Vec::new()), line, anchor, tag.as_deref())?
                }
                Event::MappingStart(anchor, tag) => {
                    let shape = Shape::Mapping { entries: Vec::new(), merges: Vec::new() };
                    self.begin(shape, line, anchor, tag.as_deref())?
                }
                Event::SequenceEnd | Event::MappingEnd => self.end(),
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => None,
            };
            if let Some(place) = complete {
                root = self.put(place)?.or(root);
            }
        }
        Ok(root)
    }

    fn flaw(&mut self, line: usize, message: String, hint: &'static str) {
        self.flaws.push(Flaw { line, message, hint });
    }

    fn complete(&mut self, place: Place, anchor: usize) -> Rc<Place> {
        let place = Rc::new(place);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&place));
        }
        place
    }

    /// Refuses a number that YAML would write in another form: a long decimal loses digits, a name changes.
    fn scalar(&mut self, text: String, plain: bool, line: usize, anchor: usize) -> Rc<Place> {
        let number = text.parse::<Number>().ok().filter(|_| plain).map(|number| number.to_string());
        if let Some(number) = number.filter(|number| *number != text) {
            self.flaw(line, format!("`{text}` is a number to YAML, which makes it `{number}`"), QUOTE);
        }
        self.complete(Place { line, values: 1, levels: 0, shape: Shape::Scalar { text, plain } }, anchor)
    }

    fn alias(&self, anchor: usize, line: usize) -> Result<Rc<Place>, Flaw> {
        let place = self.anchors.get(&anchor).cloned().ok_or_else(|| Flaw {
            line,
            message: "an alias stands inside the value that it names".to_owned(),
            hint: "set the anchor (`&name`) on something that ends before the alias (`*name`)",
        })?;
        self.check_levels(place.levels, line)?;
        Ok(place)
    }

    fn check_levels(&self, more: usize, line: usize) -> Result<(), Flaw> {
        if self.open.len() + more <= MOST_LEVELS {
            return Ok(());
        }
        let message = format!("nested more than {MOST_LEVELS} levels deep");
        Err(Flaw { line, message, hint: "a configuration needs four levels at most" })
    }

    fn begin(
        &mut self,
        shape: Shape,
        line: usize,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<Option<Rc<Place>>, Flaw> {
        self.check_tag(tag, line);
        self.check_levels(1, line)?;
        self.open.push(Open { anchor, place: Place { line, values: 1, levels: 1, shape }, key: None });
        Ok(None)
    }

    fn end(&mut self) -> Option<Rc<Place>> {
        let Open { anchor, place, .. } = self.open.pop()?;
        Some(self.complete(place, anchor))
    }

    /// Puts a complete value into its collection; gives it back if it is the document itself.
    fn put(&mut self, child: Rc<Place>) -> Result<Option<Rc<Place>>, Flaw> {
        let Some(Open { place: parent, key, .. }) = self.open.last_mut() else { return Ok(Some(child)) };
        parent.values += child.values;
        parent.levels = parent.levels.max(child.levels + 1);
        if parent.values > MOST_VALUES {
            let message = format!("more than {MOST_VALUES} values, aliases counted");
            return Err(Flaw { line: child.line, message, hint: "use fewer aliases (`*name`)" });
        }
        match &mut parent.shape {
            Shape::Scalar { .. } => {}
            Shape::Sequence(items) => items.push(child),
            Shape::Mapping { entries, merges } => match key.take() {
                None => *key = Some(as_key(&child)?),
                Some(key) => {
                    let flaw = add(entries, merges, key, child);
                    self.ends_reading |= flaw.is_some();
                    self.flaws.extend(flaw);
                }
            },
        }
        Ok(None)
    }

    /// Checks a tag: `!!str` and its kind add nothing; any other tag asks for something that would not happen.
    fn check_tag(&mut self, tag: Option<&Tag>, line: usize) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            self.flaw(
                line,
                format!("the tag `{tag}` has no meaning here"),
                "remove it; variables are written `${NAME}`",
            );
        }
    }
}

/// The key's text as serde_yaml gives it.
fn as_key(place: &Place) -> Result<Key, Flaw> {
    let Shape::Scalar { text, plain } = &place.shape else {
        return Err(Flaw {
            line: place.line,
            message: format!("{} stands where a key should", place.noun()),
            hint: "put quotes around a value that begins with `{` or `[`",
        });
    };
    let text = match text.as_str() {
        "True" | "TRUE" if *plain => "true",
        "False" | "FALSE" if *plain => "false",
        word if *plain && is_null_word(word) => "null",
        text => text,
    };
    Ok(Key { text: text.to_owned(), line: place.line })
}

fn add(entries: &mut Vec<(Key, Rc<Place>)>, merges: &mut Vec<Rc<Place>>, key: Key, place: Rc<Place>) -> Option<Flaw> {
    let (line, mut wrong) = (key.line, None);
    if let Some((first, _)) = entries.iter().find(|(first, _)| first.text == key.text) {
        let message = format!("`{}` is already given on line {}", key.text, first.line);
        return Some(Flaw { line, message, hint: "keep one of the two" });
    }
    if key.text == "<<" {
        let sources = match &place.shape {
            Shape::Sequence(items) => items.clone(),
            Shape::Scalar { .. } | Shape::Mapping { .. } => vec![Rc::clone(&place)],
        };
        let odd = sources.iter().find(|source| !matches!(source.shape, Shape::Mapping { .. }));
        wrong = odd.map(|odd| Flaw {
            line,
            message: format!("`<<` merges keys, but this is {}", odd.noun()),
            hint: "give it an alias of a group of keys: `<<: *name`",
        });
        merges.extend(sources);
    }
    entries.push((key, place));
    wrong
}

/// Tells if YAML reads the word as null.
pub(super) fn is_null_word(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
