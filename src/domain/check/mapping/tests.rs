//! The findings about a mapping whose table is sound, and about each way in which it is not.

use std::path::Path;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::*;
use crate::domain::check::keys::key_declared;
use crate::domain::check::server::{ServerZone, tests::facts};
use crate::domain::column::SourceColumn;
use crate::domain::config::{Deletes, SchemaAdditions, parse};
use crate::domain::cursor::Moment;
use crate::domain::finding::Standing;
use crate::domain::plan::plan;
use crate::domain::schema::Decisions;

const BIGINT: SourceType = SourceType::Int { bits: 64, unsigned: false };

struct Case {
    mapping: Mapping,
    source: SourceSchema,
    server: ServerFacts,
    timezone: Tz,
    values: Option<CursorFacts>,
    cascades: Vec<Cascade>,
}

/// `id` is the key, `at` a TIMESTAMP(6) with an index.
fn case() -> Case {
    let text = "project: p\ndataset: d\nmappings: [{name: t, mysql_table: t, primary_keys: [id], incremental_column: at, mode: upsert}]";
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Case {
        mapping: parse(text, Path::new("config.yaml"), &|_| None).unwrap().mappings.remove(0),
        source: SourceSchema {
            columns: vec![
                SourceColumn::new("id", BIGINT, false),
                SourceColumn::new("at", SourceType::Timestamp { fsp: 6 }, false),
            ],
            unique_keys: vec![names(&["id"])],
            indexes: vec![names(&["id"]), names(&["at", "id"])],
            is_view: false,
            is_transactional: true,
            hides_columns: false,
            rows_estimate: None,
            comment: None,
        },
        server: facts(),
        timezone: Tz::UTC,
        values: None,
        cascades: Vec::new(),
    }
}

impl Case {
    fn findings(&self) -> Vec<Finding> {
        let decisions = Decisions::new();
        let input = PlanInput {
            mapping: &self.mapping,
            timezone: self.timezone,
            additions: SchemaAdditions::Allow,
            source: &self.source,
            target: None,
            decisions: &decisions,
        };
        let now = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap().and_hms_opt(8, 0, 0).unwrap();
        let (planned, server, values) = (plan(input), &self.server, self.values);
        findings(&MappingFacts { input, planned: &planned, server, values, cascades: &self.cascades, now })
    }

    /// The findings of a topic with the given standing, in a run's words.
    #[track_caller]
    fn of(&self, topic: Topic, standing: Standing) -> Vec<String> {
        let all = self.findings();
        let found: Vec<_> = all.iter().filter(|f| f.topic == topic).collect();
        assert!(found.iter().all(|f| f.standing == standing), "{all:#?}");
        found.iter().map(ToString::to_string).collect()
    }

    fn cursor(mut self, source_type: SourceType, nullable: bool) -> Self {
        self.source.columns[1] = SourceColumn::new("at", source_type, nullable);
        self
    }
}

#[test]
fn a_sound_mapping_has_one_ok_for_each_topic() {
    let found = case().findings();
    let topics: Vec<_> = found.iter().map(|finding| finding.topic).collect();
    assert_eq!(topics, [Topic::Table, Topic::Columns, Topic::Keys, Topic::Cursor, Topic::CursorIndex]);
    assert!(found.iter().all(|finding| finding.standing == Standing::Ok), "{found:#?}");
}

#[test]
fn every_missing_column_is_reported_and_hides_no_other_finding() {
    let mut case = case();
    case.mapping.primary_keys = vec!["no".into(), "nor".into()];
    case.mapping.exclude = vec!["neither".into()];
    case.source.indexes.truncate(1);
    assert_eq!(case.of(Topic::Keys, Standing::Fail).len(), 2);
    assert!(case.of(Topic::Columns, Standing::Fail)[0].contains("`exclude` of mapping `t` names the column `neither`"));
    assert!(case.of(Topic::CursorIndex, Standing::Warn)[0].contains("CREATE INDEX `idx_at` ON `t` (`at`)"));
}

#[test]
fn keys_that_are_not_unique_are_reported_with_the_fix() {
    let mut case = case();
    case.mapping.primary_keys = vec!["at".into()];
    assert!(case.of(Topic::Keys, Standing::Warn)[0].ends_with("its unique key is: id"));
    case.source.unique_keys.clear();
    assert!(case.of(Topic::Keys, Standing::Warn)[0].ends_with("ALTER TABLE `t` ADD UNIQUE KEY (`at`)"));
    case.source.columns[1].nullable = true;
    assert!(case.of(Topic::Keys, Standing::Warn)[0].contains("`at` may be NULL"));
    (case.source.is_view, case.source.indexes) = (true, Vec::new());
    assert!(case.of(Topic::Keys, Standing::Ok)[0].contains("view"));
    assert!(case.of(Topic::CursorIndex, Standing::Ok)[0].contains("view"));
}

#[test]
fn a_text_key_whose_collation_ignores_differences_is_reported_with_the_fixes() {
    let mut case = case();
    let text = SourceColumn::new("id", SourceType::Text { chars: Some(9) }, false);
    let with = |collation: &str| SourceColumn { collation: Some(collation.to_owned()), ..text.clone() };
    case.source.columns[0] = with("utf8mb4_general_ci");
    let told = case.of(Topic::Keys, Standing::Warn);
    assert!(told[0].contains("`id` has the collation utf8mb4_general_ci") && told[0].contains("case"), "{told:?}");
    assert!(told[0].contains("`deletes: hard`") && told[0].contains("utf8mb4_0900_bin"), "{told:?}");
    case.source.columns[0] = with("utf8mb4_bin");
    assert!(case.of(Topic::Keys, Standing::Warn)[0].contains("differ in trailing spaces"));
    case.source.columns[0] = with("utf8mb4_0900_bin");
    case.of(Topic::Keys, Standing::Ok);
    case.source.columns[0] = with("utf8mb4_general_ci");
    let healed = Case { mapping: Mapping { deletes: Deletes::Hard, ..case.mapping.clone() }, ..self::case() };
    Case { source: case.source.clone(), ..healed }.of(Topic::Keys, Standing::Ok);
    case.mapping.mode = Mode::Append;
    case.of(Topic::Keys, Standing::Ok);
}

#[test]
fn a_key_that_every_update_changes_is_reported_with_another_key_or_a_mirror() {
    let mut case = case();
    case.source.columns[1].is_stamped = true;
    case.of(Topic::Keys, Standing::Ok);
    case.mapping.primary_keys.push("AT".into());
    let told = case.of(Topic::Keys, Standing::Warn);
    assert!(told.len() == 1 && told[0].contains("the key `at` changes with every UPDATE"), "{told:?}");
    assert!(told[0].ends_with("name another unique key: `primary_keys: [id]`"), "{told:?}");
    case.source.unique_keys = vec![vec!["id".into(), "at".into()]];
    assert!(case.of(Topic::Keys, Standing::Warn)[0].contains("write `mode: mirror`"));
    (case.mapping.mode, case.mapping.incremental_column) = (Mode::Mirror, None);
    case.of(Topic::Keys, Standing::Ok);
}

#[test]
fn a_declared_primary_key_of_an_append_is_reported_with_the_statement_that_drops_it() {
    let mut mapping = case().mapping;
    let target = TargetSchema { primary_key: vec!["id".into()], ..TargetSchema::default() };
    assert_eq!(key_declared(&mapping, Some(&target)), None, "an upsert holds each key once");
    mapping.mode = Mode::Append;
    let told = key_declared(&mapping, Some(&target)).unwrap().to_string();
    assert!(told.ends_with("in BigQuery: ALTER TABLE `p.d.t` DROP PRIMARY KEY"), "{told}");
    assert!(key_declared(&mapping, Some(&TargetSchema::default())).is_none() && key_declared(&mapping, None).is_none());
}

#[test]
fn a_nullable_cursor_is_warned_about_and_null_values_are_too() {
    let mut case = case().cursor(SourceType::Timestamp { fsp: 6 }, true);
    assert!(case.of(Topic::Cursor, Standing::Warn)[0].contains("may be NULL"));
    case.values = Some(CursorFacts { has_nulls: true, newest: None, tick: None, limit: None });
    let told = case.of(Topic::Cursor, Standing::Warn);
    assert!(told.len() == 1 && told[0].contains("is NULL exist"), "{told:?}");
}

#[test]
fn a_cursor_of_whole_seconds_or_days_is_reported_as_coarse() {
    for (source_type, tick) in [
        (SourceType::Timestamp { fsp: 0 }, "second"),
        (SourceType::DateTime { fsp: 0 }, "second"),
        (SourceType::Date, "day"),
    ] {
        let told = case().cursor(source_type, false).of(Topic::Cursor, Standing::Warn);
        assert!(told[0].contains(&format!("the running {tick} wait")), "{told:?}");
    }
    assert_eq!(case().cursor(BIGINT, false).of(Topic::Cursor, Standing::Ok).len(), 1);
}

#[test]
fn an_unsuitable_incremental_column_fails() {
    let text = SourceType::Text { chars: Some(9) };
    assert!(case().cursor(text, false).of(Topic::Columns, Standing::Fail)[0].contains("`incremental_column`"));
}

#[test]
fn a_datetime_in_another_zone_than_the_servers_is_warned_about_and_a_timestamp_is_not() {
    let mut case = case().cursor(SourceType::DateTime { fsp: 6 }, false);
    case.timezone = chrono_tz::Asia::Kolkata;
    assert!(case.of(Topic::Cursor, Standing::Warn)[0].contains("5h30m off"));
    case.server.zone = ServerZone { name: "+05:30".into(), east: Some(19_800) };
    case.of(Topic::Cursor, Standing::Ok);
    case.server.zone.east = None;
    case.of(Topic::Cursor, Standing::Ok);
    let mut instant = self::case();
    instant.timezone = chrono_tz::Asia::Kolkata;
    instant.of(Topic::Cursor, Standing::Ok);
}

#[test]
fn rows_dated_in_the_future_are_reported() {
    let at = |hour| Some(Cursor::Moment(Moment { year: 2026, month: 11, day: 23, hour, ..Moment::default() }));
    let mut case = case();
    case.values = Some(CursorFacts { has_nulls: false, newest: at(9), tick: at(8), limit: None });
    let told = case.of(Topic::Cursor, Standing::Warn);
    assert!(
        told[0].contains("beyond the server's clock") && told[0].contains("is `default_timezone` the zone"),
        "{told:?}"
    );
    case.mapping.source.server = Some(crate::domain::ids::SourceName("eu".into()));
    let told = case.of(Topic::Cursor, Standing::Warn);
    assert!(told[0].contains("is `sources.eu.timezone` the zone") && !told[0].contains("default_timezone"), "{told:?}");
    case.values = Some(CursorFacts { has_nulls: false, newest: at(8), tick: at(8), limit: None });
    case.of(Topic::Cursor, Standing::Ok);
}

#[test]
fn foreign_keys_that_change_rows_without_the_incremental_column_are_reported_with_the_fix() {
    let mut case = case();
    case.source.columns.push(SourceColumn::new("pid", BIGINT, true));
    let action = "ON DELETE SET NULL".to_owned();
    case.cascades = vec![Cascade { columns: vec!["pid".into()], parent: "parent".into(), action }];
    let told = case.of(Topic::Cursor, Standing::Warn);
    assert!(
        told[0].contains("`pid` changes when `parent` does (foreign key, ON DELETE SET NULL), and `at` does not"),
        "{told:?}"
    );
    assert!(told[0].contains("`bqsync backfill --mapping t --start '1970-01-01'` brings them"), "{told:?}");
    let plain = std::mem::replace(&mut case.mapping.name.0, "order items".to_owned());
    let quoted = case.of(Topic::Cursor, Standing::Warn);
    for command in ["`bqsync verify --mapping 'order items'`", "`bqsync backfill --mapping 'order items' --start"] {
        assert!(quoted[0].contains(command), "{quoted:?}");
    }
    case.mapping.name.0 = plain;
    case.mapping.mode = Mode::Append;
    assert!(
        !case.of(Topic::Cursor, Standing::Warn)[0].contains("backfill"),
        "an append's backfill leaves rows as they are"
    );
    case.mapping.exclude = vec!["PID".into()];
    assert!(case.of(Topic::Cursor, Standing::Ok).len() == 1, "what is not moved does not matter");
}

#[test]
fn columns_that_the_account_may_not_read_are_reported() {
    let mut case = case();
    case.source.hides_columns = true;
    let told = case.of(Topic::Columns, Standing::Warn);
    assert!(
        told[0].contains("may not read every column of t") && told[0].contains("GRANT SELECT ON `shop`.`t`"),
        "{told:?}"
    );
}

#[test]
fn a_replace_needs_no_key_and_gets_no_finding_about_a_cursor() {
    let mut case = case();
    (case.mapping.mode, case.mapping.incremental_column) = (Mode::Replace, None);
    case.mapping.primary_keys.clear();
    case.source.unique_keys.clear();
    let findings = case.findings();
    let topics: Vec<_> = findings.iter().map(|finding| finding.topic).collect();
    assert_eq!(topics, [Topic::Table, Topic::Columns, Topic::Keys], "{findings:?}");
    assert!(case.of(Topic::Keys, Standing::Ok)[0].contains("none are needed"));
}

#[test]
fn a_key_whose_codes_become_one_in_unicode_is_told_with_the_statement_that_finds_them() {
    let mut case = case();
    let text = SourceType::Text { chars: Some(20) };
    let mut code = SourceColumn::new("code", text, false);
    (code.charset, code.collation) = (Some("cp932".to_owned()), Some("cp932_bin".to_owned()));
    case.source.columns.push(code);
    case.mapping.primary_keys = vec!["id".to_owned(), "code".to_owned()];
    let told = |case: &Case| {
        let found =
            case.findings().into_iter().filter(|finding| finding.sentence.contains("cp932, which has two codes"));
        found.filter_map(|finding| finding.remedy).collect::<Vec<_>>()
    };
    let remedies = told(&case);
    let statement = "SELECT `id`, CONVERT(`code` USING utf8mb4) COLLATE utf8mb4_bin, COUNT(*) FROM `t` GROUP BY `id`, \
                     CONVERT(`code` USING utf8mb4) COLLATE utf8mb4_bin HAVING COUNT(*) > 1 finds them";
    assert!(remedies.len() == 1 && remedies[0].starts_with(statement), "{remedies:?}");
    case.mapping.primary_keys.pop();
    assert!(told(&case).is_empty(), "it is no key");
}
