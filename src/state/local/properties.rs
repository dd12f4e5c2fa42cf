//! Random damage to the state file: it is either read, or refused with its name; what was read is written back
//! completely.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::domain::fault::FaultKind;
use crate::domain::ids::MappingName;
use crate::state::document::Document;
use crate::state::{MappingState, StoredWatermark};

const PATH: &str = "state/state.json";

/// A file as a version of this program writes it, with every section it can hold.
fn good() -> String {
    let staging = json!({ "project": "p", "dataset": "d", "table": "bqsync_staging_users_1" });
    let place = json!({ "project": "p", "location": "EU" });
    let pending = json!({ "job": "j", "place": place, "staging": staging, "since": "10", "high": "20", "rows": 3 });
    let backfill = json!({
        "start": "1", "from": "1", "to": "9", "done": "4", "slices": 2, "rows": 20, "began_at": "2026-11-24T08:00:00Z",
        "by": "ops@host",
    });
    let users = json!({ "watermark": { "value": "10" }, "pending": pending, "backfill": backfill });
    let root = json!({
        "last_sync": { "users": "10", "events": 88_120_332 },
        "bqsync": { "version": 1, "mappings": { "users": users } },
        "note": "of somebody else",
    });
    serde_json::to_string_pretty(&root).unwrap()
}

/// Reads it in every way; an error names the file, and the line where it stops being JSON.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let path = Path::new(PATH);
    let fault = match Document::of_file(path, Some(bytes), true) {
        Ok(document) => match document.states() {
            Ok(_) => return Ok(()),
            Err(fault) => fault,
        },
        Err(fault) => {
            if serde_json::from_slice::<Value>(bytes).is_err() {
                prop_assert!(fault.to_string().contains("line "), "{}", fault);
            }
            fault
        }
    };
    prop_assert_eq!(fault.kind(), FaultKind::Config);
    prop_assert!(fault.to_string().contains(PATH), "{}", fault);
    prop_assert!(!fault.hint().is_empty());
    Ok(())
}

/// Small JSON values of any shape.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Eighths, because serde_json as built here may read a float's last digit as its neighbour.
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,5}", inner, 0..3).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// The paths to every value in a tree.
fn pointers(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{here}/{key}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| pointers(value, &format!("{here}/{i}"), found));
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_with_the_files_name(bytes in any::<Vec<u8>>()) {
        check(&bytes)?;
    }

    #[test]
    fn a_file_cut_off_or_with_bytes_changed_is_read_or_refused(
        cut in 0..1_000_usize, changes in proptest::collection::vec((0..1_000_usize, any::<u8>()), 0..4),
    ) {
        let mut bytes = good().into_bytes();
        bytes.truncate(bytes.len().saturating_sub(if cut % 2 == 0 { cut } else { 0 }));
        for (at, byte) in changes {
            let length = bytes.len().max(1);
            if let Some(place) = bytes.get_mut(at % length) {
                *place = byte;
            }
        }
        check(&bytes)?;
    }

    #[test]
    fn a_file_with_any_value_replaced_is_read_or_refused(place in any::<usize>(), other in values()) {
        let mut root: Value = serde_json::from_str(&good()).unwrap();
        let mut places = Vec::new();
        pointers(&root, "", &mut places);
        *root.pointer_mut(&places[place % places.len()]).unwrap() = other;
        check(root.to_string().as_bytes())?;
    }

    #[test]
    fn a_saved_state_is_read_back_and_nothing_else_changes(
        name in "\\PC{1,12}", value in "\\PC{0,20}", others in values(),
    ) {
        prop_assume!(name != "users" && name != "events");
        let mut root: Value = serde_json::from_str(&good()).unwrap();
        root["note"] = others;
        let (path, bytes) = (Path::new(PATH), root.to_string().into_bytes());
        let before = Document::of_file(path, Some(&bytes), true).unwrap();
        let mut document = Document::of_file(path, Some(&bytes), true).unwrap();
        let mapping = MappingName(name);
        let mark = StoredWatermark { value, imported: false };
        let state = MappingState { watermark: Some(mark), ..MappingState::default() };
        document.set(&mapping, &state).unwrap();
        let written = document.to_bytes().unwrap();
        let after = Document::of_file(path, Some(&written), true).unwrap();
        prop_assert_eq!(after.state(&mapping).unwrap(), state);
        let mut states = after.states().unwrap();
        states.remove(&mapping);
        prop_assert_eq!(states, before.states().unwrap());
        let written: Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(&written["note"], &root["note"]);
    }
}
