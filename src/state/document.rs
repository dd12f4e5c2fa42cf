//! The content of a state file, and of an object that holds the state of one mapping: the original tool's `last_sync`
//! beside what this tool adds.
//!
//! `last_sync` is the authority on watermarks, so that the original tool and an operator's editor keep working; what they
//! wrote is told from what we wrote by comparing it with our own copy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::domain::estate::KnownTables;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::MappingName;
use crate::domain::quote;
use crate::printable;
use crate::state::{MappingState, StoredWatermark};

/// Version of the `bqsync` section. A newer version may hold what this version would destroy.
const VERSION: u64 = 1;

/// The content as a tree: what this version does not know is kept.
#[derive(Debug, Clone)]
pub(super) struct Document {
    place: Place,
    root: Map<String, Value>,
}

/// Where a document is kept, and what an operator does about one that cannot be read.
#[derive(Debug, Clone)]
struct Place {
    /// `The state file state/state.json`
    subject: String,
    way_out: String,
}

impl Document {
    /// `content` is `None` when there is no file yet. `has_backup`: the former state lies beside it.
    ///
    /// # Errors
    /// `Config` naming the file, and the line where it stops being JSON.
    pub fn of_file(path: &Path, content: Option<&[u8]>, has_backup: bool) -> Result<Self, Fault> {
        let path = path.display().to_string();
        let (backup, file) = (quote::shell_word(&format!("{path}.bak")), quote::shell_word(&path));
        let former =
            if has_backup { format!(", or put the former state back: `cp {backup} {file}`") } else { String::new() };
        Self::parse(
            Place {
                subject: format!("The state file {path}"),
                way_out: format!("correct it{former}; removing it makes every mapping start over"),
            },
            content,
        )
    }

    /// `content` is `None` when there is no object yet.
    ///
    /// # Errors
    /// The same as those of `of_file`.
    pub fn of_object(uri: &str, content: Option<&[u8]>) -> Result<Self, Fault> {
        Self::parse(
            Place {
                subject: format!("The state object {uri}"),
                way_out: format!(
                    "correct it, or put an earlier generation back (`gcloud storage ls -a {}`); removing it makes its \
                     mapping start over",
                    quote::shell_word(uri)
                ),
            },
            content,
        )
    }

    fn parse(place: Place, content: Option<&[u8]>) -> Result<Self, Fault> {
        let root = match content {
            None => Map::new(),
            Some(bytes) => serde_json::from_slice(bytes).map_err(|error| {
                let at = format!("line {}, column {}", error.line(), error.column());
                let cut = if error.is_eof() { ", where it ends too early" } else { "" };
                place.broken(&format!("is not readable at {at}{cut}")).caused_by(error)
            })?,
        };
        let document = Self { place, root };
        document.check()?;
        Ok(document)
    }

    fn check(&self) -> Result<(), Fault> {
        for section in ["last_sync", "bqsync"] {
            if self.root.get(section).is_some_and(|v| !v.is_object() && !v.is_null()) {
                return Err(self.place.broken(&format!("holds a `{section}` that is not an object")));
            }
        }
        if self.own("mappings").is_some_and(|v| !v.is_object()) {
            return Err(self.place.broken("holds `bqsync.mappings` that are not an object"));
        }
        let version = self.own("version").map_or(Some(VERSION), Value::as_u64);
        if version.is_none_or(|v| v > VERSION) {
            let sentence = format!("{} was written by a newer version of bqsync", self.place.subject);
            return Err(Fault::new(FaultKind::Config, sentence)
                .with_hint("use that version; this one would lose what it does not know"));
        }
        Ok(())
    }

    fn own(&self, key: &str) -> Option<&Value> {
        self.root.get("bqsync")?.get(key)
    }

    /// What the file remembers of one mapping.
    pub fn state(&self, mapping: &MappingName) -> Result<MappingState, Fault> {
        let mut state: MappingState = match self.own("mappings").and_then(|m| m.get(&mapping.0)) {
            None => MappingState::default(),
            Some(value) => serde_json::from_value(value.clone()).map_err(|error| {
                self.place.broken(&format!("holds an unreadable `bqsync.mappings.{mapping}`")).caused_by(error)
            })?,
        };
        let said = self.last_sync(mapping)?;
        if state.watermark.as_ref().map(|w| &w.value) != said.as_ref() {
            state.watermark = said.map(|value| StoredWatermark { value, imported: true });
        }
        Ok(state)
    }

    /// Every mapping that either part of the file knows.
    pub fn states(&self) -> Result<BTreeMap<MappingName, MappingState>, Fault> {
        let sections = [self.root.get("last_sync"), self.own("mappings")];
        let names: BTreeSet<_> =
            sections.into_iter().flatten().filter_map(Value::as_object).flat_map(Map::keys).collect();
        names
            .into_iter()
            .map(|name| {
                let name = MappingName(name.clone());
                self.state(&name).map(|state| (name, state))
            })
            .collect()
    }

    /// Numbers are read as text: an integer cursor may have been written as a number.
    fn last_sync(&self, mapping: &MappingName) -> Result<Option<String>, Fault> {
        match self.root.get("last_sync").and_then(|section| section.get(&mapping.0)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => {
                Err(self.place.broken(&format!("holds a `last_sync.{mapping}` that is neither text nor a number")))
            }
        }
    }

    /// Replaces the state of one mapping; everything else stays.
    pub fn set(&mut self, mapping: &MappingName, state: &MappingState) -> Result<(), Fault> {
        let value = serde_json::to_value(state)
            .map_err(|error| Fault::new(FaultKind::Bug, "The state cannot be written as JSON").caused_by(error))?;
        let said = self.last_sync(mapping)?;
        let mut last_sync = take(&mut self.root, "last_sync");
        match &state.watermark {
            // Left as it is, so that a number stays a number for other readers.
            Some(mark) if said.as_ref() == Some(&mark.value) => {}
            Some(mark) => {
                last_sync.insert(mapping.0.clone(), json!(mark.value));
            }
            None => {
                last_sync.remove(&mapping.0);
            }
        }
        self.root.insert("last_sync".to_owned(), last_sync.into());
        let mut own = take(&mut self.root, "bqsync");
        let mut mappings = take(&mut own, "mappings");
        mappings.insert(mapping.0.clone(), value);
        own.insert("mappings".to_owned(), mappings.into());
        own.insert("version".to_owned(), json!(VERSION));
        self.root.insert("bqsync".to_owned(), own.into());
        Ok(())
    }

    /// What was remembered of the tables that the entries for many tables take.
    pub fn tables(&self) -> Result<KnownTables, Fault> {
        match self.own("tables") {
            None => Ok(KnownTables::default()),
            Some(value) => serde_json::from_value(value.clone())
                .map_err(|error| self.place.broken("holds unreadable `bqsync.tables`").caused_by(error)),
        }
    }

    /// Adds tables to what is remembered; everything else stays.
    pub fn note_tables(&mut self, news: &KnownTables) -> Result<(), Fault> {
        let mut tables = self.tables()?;
        tables.take_in(news);
        let value = serde_json::to_value(&tables)
            .map_err(|error| Fault::new(FaultKind::Bug, "The state cannot be written as JSON").caused_by(error))?;
        let mut own = take(&mut self.root, "bqsync");
        own.insert("tables".to_owned(), value);
        own.insert("version".to_owned(), json!(VERSION));
        self.root.insert("bqsync".to_owned(), own.into());
        Ok(())
    }

    /// The lease and the count of the last write; the first of all leases has the number 1.
    pub fn stamp(&self) -> Stamp {
        let read = |key| self.own(key).and_then(Value::as_u64).unwrap_or(0);
        Stamp { fence: read("fence"), serial: read("serial") }
    }

    pub fn set_stamp(&mut self, stamp: Stamp) {
        let mut own = take(&mut self.root, "bqsync");
        own.insert("fence".to_owned(), json!(stamp.fence));
        own.insert("serial".to_owned(), json!(stamp.serial));
        own.insert("version".to_owned(), json!(VERSION));
        self.root.insert("bqsync".to_owned(), own.into());
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        let text = serde_json::to_string_pretty(&self.root)
            .map_err(|error| Fault::new(FaultKind::Bug, "The state cannot be written as JSON").caused_by(error))?;
        Ok(format!("{}\n", printable::json(&text)).into_bytes())
    }
}

/// Tells one write of an object from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stamp {
    /// The lease's number: each lease of a mapping has a greater one.
    pub fence: u64,
    /// Counts the writes under that lease.
    pub serial: u64,
}

/// Takes a section out so that it can be changed and put back; `check` has made sure that it is an object or null.
fn take(root: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match root.remove(key) {
        Some(Value::Object(section)) => section,
        _ => Map::new(),
    }
}

impl Place {
    fn broken(&self, what: &str) -> Fault {
        Fault::new(FaultKind::Config, format!("{} {what}", self.subject)).with_hint(self.way_out.clone())
    }
}
