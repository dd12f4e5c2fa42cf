//! The state file under crashes, second processes, editors and the original tool.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::domain::fault::FaultKind;
use crate::domain::ids::{JobId, JobPlace, TableId};
use crate::domain::report::Trigger;
use crate::state::{Moves, PendingPublish, StoredWatermark};

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn with(content: &str) -> Self {
        let place = Self::new();
        fs::create_dir_all(place.path().parent().unwrap()).unwrap();
        fs::write(place.path(), content).unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("state/state.json")
    }

    fn store(&self) -> LocalState {
        LocalState::new(self.path(), self.dir.path().join("reports"))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path()).unwrap()).unwrap()
    }
}

fn name(text: &str) -> MappingName {
    MappingName(text.to_owned())
}

fn run(text: &str) -> RunId {
    RunId(text.to_owned())
}

fn at(value: &str) -> MappingState {
    MappingState {
        watermark: Some(StoredWatermark { value: value.to_owned(), imported: false }),
        ..MappingState::default()
    }
}

fn pending() -> PendingPublish {
    let staging = TableId { project: "p".into(), dataset: "d".into(), table: "_staging".into() };
    PendingPublish {
        job: JobId("job".into()),
        place: JobPlace { project: "demo".into(), location: "EU".into() },
        staging,
        inline: false,
        mark: Some("0123456789ab".into()),
        moves: Moves::Watermark,
        since: Some("10".into()),
        high: "20".into(),
        rows: 3,
    }
}

async fn save(store: &LocalState, mapping: &str, state: &MappingState) {
    let lease = store.lease(&name(mapping), &run("r")).await.unwrap();
    store.save(&lease, state).await.unwrap();
}

#[tokio::test]
async fn the_original_tools_file_is_taken_over_and_kept_up_to_date() {
    let place = Place::with(r#"{"last_sync": {"users": "2026-11-23 07:59:58"}}"#);
    let store = place.store();
    let imported = StoredWatermark { value: "2026-11-23 07:59:58".into(), imported: true };
    assert_eq!(store.load(&name("users")).await.unwrap().watermark, Some(imported));
    assert_eq!(store.load(&name("orders")).await.unwrap(), MappingState::default());
    save(&store, "users", &at("2026-11-23 09:00:00")).await;
    assert_eq!(place.json()["last_sync"], json!({"users": "2026-11-23 09:00:00"}));
    assert_eq!(store.load(&name("users")).await.unwrap(), at("2026-11-23 09:00:00"));
    let former = fs::read_to_string(files::with_suffix(&place.path(), ".bak")).unwrap();
    assert_eq!(former, r#"{"last_sync": {"users": "2026-11-23 07:59:58"}}"#);
}

#[tokio::test]
async fn a_number_is_read_as_text_and_stays_a_number() {
    let place = Place::with(r#"{"last_sync": {"events": 88120332}}"#);
    let store = place.store();
    let mut state = store.load(&name("events")).await.unwrap();
    assert_eq!(state.watermark, Some(StoredWatermark { value: "88120332".into(), imported: true }));
    state.pending = Some(pending());
    save(&store, "events", &state).await;
    assert_eq!(place.json()["last_sync"]["events"], json!(88_120_332));
    assert_eq!(store.load(&name("events")).await.unwrap(), state);
}

#[tokio::test]
async fn content_that_others_wrote_into_the_file_stays() {
    let place = Place::with(r#"{"last_sync": {"a": "1", "old": "7"}, "note": [1], "bqsync": {"later": true}}"#);
    save(&place.store(), "b", &at("2")).await;
    let json = place.json();
    assert_eq!(json["last_sync"], json!({"a": "1", "b": "2", "old": "7"}));
    assert_eq!(
        (&json["note"], &json["bqsync"]["later"], &json["bqsync"]["version"]),
        (&json!([1]), &json!(true), &json!(1))
    );
    let all = place.store().load_all().await.unwrap();
    assert_eq!(all.keys().map(|k| k.0.as_str()).collect::<Vec<_>>(), ["a", "b", "old"]);
}

#[tokio::test]
async fn a_watermark_set_by_hand_wins_and_a_pending_publish_is_kept() {
    let place = Place::new();
    let store = place.store();
    save(&store, "users", &MappingState { pending: Some(pending()), ..at("10") }).await;
    let text = fs::read_to_string(place.path()).unwrap();
    fs::write(place.path(), text.replace(r#""users": "10""#, r#""users": "5""#)).unwrap();
    let state = store.load(&name("users")).await.unwrap();
    assert_eq!(state.watermark, Some(StoredWatermark { value: "5".into(), imported: true }));
    assert_eq!(state.pending, Some(pending()));
}

#[tokio::test]
async fn a_deleted_watermark_starts_the_mapping_over() {
    let place = Place::new();
    let store = place.store();
    save(&store, "users", &at("10")).await;
    let mut json = place.json();
    json["last_sync"].as_object_mut().unwrap().remove("users");
    fs::write(place.path(), json.to_string()).unwrap();
    assert_eq!(store.load(&name("users")).await.unwrap().watermark, None);
}

#[tokio::test]
async fn a_mapping_without_a_watermark_keeps_its_pending_publish() {
    let place = Place::new();
    let state = MappingState { pending: Some(pending()), ..MappingState::default() };
    save(&place.store(), "users", &state).await;
    assert_eq!(place.json()["last_sync"], json!({}));
    assert_eq!(place.store().load(&name("users")).await.unwrap(), state);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_save_at_the_same_time_lose_nothing() {
    let place = Place::new();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = place.store();
            tokio::spawn(async move {
                let mapping = name(&format!("m{writer}"));
                let lease = store.lease(&mapping, &run("r")).await.unwrap();
                for value in 0..25 {
                    store.save(&lease, &at(&value.to_string())).await.unwrap();
                    let seen = store.load(&mapping).await.unwrap();
                    assert_eq!(seen, at(&value.to_string()));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let all = place.store().load_all().await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.values().all(|state| *state == at("24")));
    let left: Vec<_> = fs::read_dir(place.path().parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "beside the file, .bak, .lock and .locks: {left:?}");
}

#[tokio::test]
async fn a_second_run_is_told_who_holds_the_mapping() {
    let place = Place::new();
    let held = place.store().lease(&name("users"), &run("20261123T080000Z-4f1a9c")).await.unwrap();
    let fault = place.store().lease(&name("users"), &run("other")).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Conflict);
    let text = fault.to_string();
    assert!(text.contains("run 20261123T080000Z-4f1a9c") && text.contains(" since 2"), "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    place.store().lease(&name("Users"), &run("other")).await.expect("another mapping");
    drop(held);
    place.store().lease(&name("users"), &run("other")).await.expect("given back");
}

#[tokio::test]
async fn names_that_look_alike_as_file_names_have_separate_leases() {
    let place = Place::new();
    let _one = place.store().lease(&name("a/b"), &run("r")).await.unwrap();
    let _two = place.store().lease(&name("a.b"), &run("r")).await.unwrap();
    let _long = place.store().lease(&name(&"é/".repeat(300)), &run("r")).await.unwrap();
    assert_eq!(fs::read_dir(files::with_suffix(&place.path(), ".locks")).unwrap().count(), 3);
}

#[tokio::test]
async fn a_file_that_is_not_a_state_is_refused_with_a_remedy_and_never_overwritten() {
    let whole = r#"{"last_sync": {"users": "1"}, "bqsync": {"version": 1, "mappings": {"users": {"pending": 5}}}}"#;
    for (content, words) in [
        ("", "line 1, column 0"),
        ("{\"last_sync\":\n {\"users\": \"20", "line 2, column"),
        ("\u{0}\u{0}", "line 1, column 1"),
        ("[]", "line 1"),
        (r#"{"last_sync": []}"#, "`last_sync`"),
        (r#"{"last_sync": {"users": true}}"#, "`last_sync.users`"),
        (r#"{"bqsync": {"mappings": 3}}"#, "bqsync.mappings"),
        (r#"{"bqsync": {"version": 2}}"#, "newer version"),
        (whole, "`bqsync.mappings.users`"),
    ] {
        let place = Place::with(content);
        let store = place.store();
        let fault = store.load(&name("users")).await.expect_err(content);
        assert_eq!(fault.kind(), FaultKind::Config);
        assert!(fault.to_string().contains(words), "`{words}` is not in `{fault}`");
        assert!(fault.to_string().contains("state.json"), "{fault}");
        if !words.contains("newer") {
            assert!(fault.hint().starts_with("correct it; removing it"), "no former state is there: {}", fault.hint());
            fs::write(files::with_suffix(&place.path(), ".bak"), "{}").unwrap();
            let hint = place.store().load(&name("users")).await.unwrap_err().hint().to_owned();
            assert!(hint.contains("`cp ") && hint.contains("state.json.bak"), "{hint}");
        }
        if content != whole {
            let lease = store.lease(&name("users"), &run("r")).await.unwrap();
            store.save(&lease, &at("9")).await.expect_err(content);
            assert_eq!(fs::read_to_string(place.path()).unwrap(), content);
        }
    }
}

#[tokio::test]
async fn a_save_whose_caller_went_away_still_holds_the_lease() {
    let place = Place::new();
    let store = place.store();
    let lease = store.lease(&name("users"), &run("r")).await.unwrap();
    let copy = lease.clone();
    drop(lease);
    store.lease(&name("users"), &run("other")).await.expect_err("still held");
    drop(copy);
    store.lease(&name("users"), &run("other")).await.expect("given back");
}

/// Where the second process of the next test finds its state; the helper does nothing when it is unset.
const HELD_STATE: &str = "BQSYNC_TEST_HELD_STATE";

#[tokio::test]
#[ignore = "the second process of a_killed_holders_lease_is_free_at_once"]
async fn hold_a_lease_until_killed() {
    let Some(path) = std::env::var_os(HELD_STATE) else { return };
    let store = LocalState::new(path.into(), PathBuf::new());
    let _lease = store.lease(&name("users"), &run("killed")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
}

#[tokio::test]
async fn a_killed_holders_lease_is_free_at_once() {
    let place = Place::new();
    let helper = "state::local::tests::hold_a_lease_until_killed";
    let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
        .args([helper, "--exact", "--ignored"])
        .env(HELD_STATE, place.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let signed = || {
        let locks = fs::read_dir(files::with_suffix(&place.path(), ".locks")).into_iter().flatten();
        locks.flatten().any(|lock| fs::read_to_string(lock.path()).is_ok_and(|text| text.contains("killed")))
    };
    // Looks without taking the lease: taken too early, it would be ours.
    for _ in 0..500 {
        if signed() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let fault = place.store().lease(&name("users"), &run("mine")).await.expect_err("held");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(fault.to_string().contains(&format!("process {}", holder.id())), "{fault}");
    place.store().lease(&name("users"), &run("mine")).await.expect("the kernel let go");
}

/// Signs the lock file of `users` for a process of a host, as a process that died leaves it.
fn signed(place: &Place, host: &str, pid: u32) {
    let locks = files::with_suffix(&place.path(), ".locks");
    fs::create_dir_all(&locks).unwrap();
    let signature =
        json!({"mapping": "users", "host": host, "pid": pid, "run_id": "r", "since": "2026-11-23T08:00:00Z"});
    fs::write(locks.join("users-left.lock"), signature.to_string()).unwrap();
}

#[tokio::test]
async fn holders_are_read_without_blocking_a_lease() {
    let place = Place::new();
    let store = place.store();
    assert!(store.holders().await.unwrap().is_empty());
    let held = store.lease(&name("größe/1"), &run("20261123T080000Z-4f1a9c")).await.unwrap();
    let holders = store.holders().await.unwrap();
    assert_eq!(holders.keys().collect::<Vec<_>>(), [&name("größe/1")]);
    assert_eq!(holders[&name("größe/1")].pid, std::process::id());
    assert_eq!(holders[&name("größe/1")].run_id, run("20261123T080000Z-4f1a9c"));
    drop(held);
    assert!(store.holders().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dead_holder_of_this_host_is_ignored_and_one_of_another_host_is_believed() {
    let place = Place::new();
    let here = crate::host::host_name();
    let held = async || !place.store().holders().await.unwrap().is_empty();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    signed(&place, &here, child.id());
    assert!(!held().await, "gone");
    // A process that lives and holds no lock stands for one that was given the dead holder's number.
    let mut other = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    signed(&place, &here, other.id());
    let is_held = held().await;
    drop(other.stdin.take());
    other.wait().unwrap();
    assert!(!is_held, "a number that another process has by now");
    signed(&place, "elsewhere", child.id());
    assert!(held().await);
    fs::write(files::with_suffix(&place.path(), ".locks").join("users-left.lock"), "half a sign").unwrap();
    assert!(!held().await);
}

#[tokio::test]
async fn the_history_is_newest_first_and_leaves_out_files_that_are_not_reports() {
    let place = Place::new();
    let store = place.store();
    assert!(store.history(10).await.unwrap().is_empty());
    for id in ["20261123T080000Z-a", "20261124T080000Z-b", "20261125T080000Z-c"] {
        let now = chrono::DateTime::UNIX_EPOCH;
        let report = RunReport {
            run_id: run(id),
            trigger: Trigger::Schedule,
            by: "ops@jump1".into(),
            started_at: now,
            finished_at: now,
            mappings: Vec::new(),
        };
        store.record_run(&report).await.unwrap();
    }
    let runs = place.dir.path().join("reports/runs");
    fs::write(runs.join("20261126T080000Z-d.json"), "{\"run_id\": ").unwrap();
    fs::create_dir(runs.join("20261127T080000Z-e.json")).unwrap();
    let ids = |runs: Vec<RunSummary>| runs.into_iter().map(|run| run.run_id.0).collect::<Vec<_>>();
    assert_eq!(ids(store.history(2).await.unwrap()), ["20261125T080000Z-c", "20261124T080000Z-b"]);
    assert_eq!(ids(store.history(10).await.unwrap()).len(), 3);
    let whole = store.run_report(&run("20261124T080000Z-b")).await.unwrap().unwrap();
    assert_eq!((whole.by.as_str(), whole.trigger), ("ops@jump1", Trigger::Schedule));
    assert_eq!(store.run_report(&run("20261126T080000Z-d")).await.unwrap(), None);
    assert_eq!(store.run_report(&run("../../state/state")).await.unwrap(), None);
}
