//! The keys of the top level of config.yaml.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use super::content::{Pace, SchemaAdditions, StateLocation};
use super::for_all::ForAll;
use super::key::{At, Key, Missing, put};
use super::mapping::{
    self, ALLOW_TABLE_ADDITIONS, EMPTY_STRING_AS_NULL, INVALID_VALUES, MAX_SHRINK, MAXIMUM_BYTES_BILLED,
};
use super::whole::Config;
use super::{notify, own_commands, schedule, sources, validate};

const ADDITIONS: [(&str, SchemaAdditions); 7] = [
    ("true", SchemaAdditions::Allow),
    ("false", SchemaAdditions::Deny),
    ("review", SchemaAdditions::Review),
    ("yes", SchemaAdditions::Allow),
    ("no", SchemaAdditions::Deny),
    ("on", SchemaAdditions::Allow),
    ("off", SchemaAdditions::Deny),
];

const STORES: [(&str, Store); 2] = [("local", Store::Local), ("gcs", Store::Gcs)];

/// With fewer rows a step would consist only of publishes; with more it would not divide a window.
const STEP_ROWS: std::ops::RangeInclusive<usize> = 1..=1_000_000_000;
const INLINE_ROWS: std::ops::RangeInclusive<usize> = 0..=10_000;
/// A holder renews its lease three times as often, and one object takes one write a second.
const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 3..=3600;
/// More mappings at once only wait for MySQL and for BigQuery's job slots.
const MOST_CONCURRENT: usize = 64;
/// More connections for one table than any server can use.
const MOST_READERS: usize = 16;

/// The top level while it is read.
pub(super) struct Top {
    pub config: Config,
    /// The settings for all mappings.
    pub of_all: mapping::Draft,
    store: Store,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Local,
    Gcs,
}

/// Read last, over the other keys' settings for all mappings.
pub(super) const MAPPINGS: Key<Top> = Key::new(
    "mappings",
    Missing::Required {
        said: "required",
        hint: "list at least one: `mappings: [{name: users, mysql_table: users, incremental_column: id}]`",
    },
    "List of mappings, at least one, each with the keys of [the next table](#configyaml-one-mapping)",
    |_, _| {},
);

pub(super) const KEYS: &[Key<Top>] = &[
    Key::new(
        "project",
        Missing::Required { said: "required", hint: "write your project's id: `project: ${GCP_PROJECT_ID}`" },
        "Google Cloud project of the tables; a mapping may name another",
        |top, at| {
            put(&mut top.config.project, at.checked(validate::project));
            top.of_all.mapping.target.project.clone_from(&top.config.project);
        },
    ),
    Key::new(
        "billing_project",
        Missing::Means("`project`"),
        "Google Cloud project that runs the jobs and pays for them, and against whose quota the requests to BigQuery \
         count (the account needs roles/bigquery.jobUser and roles/serviceusage.serviceUsageConsumer there)",
        |top, at| put(&mut top.config.billing_project, at.checked(validate::project).map(Some)),
    ),
    Key::new(
        "dataset",
        Missing::Required { said: "required", hint: "write the dataset that the tables belong to" },
        "Dataset of the tables; a mapping may name another",
        |top, at| {
            put(&mut top.config.dataset, at.checked(validate::dataset));
            top.of_all.mapping.target.dataset.clone_from(&top.config.dataset);
        },
    ),
    Key::new(
        "location",
        Missing::Is("US"),
        "Location where the dataset is, or is created; a mapping may name another",
        |top, at| {
            put(&mut top.config.location, at.checked(validate::location));
            top.of_all.mapping.location.clone_from(&top.config.location);
        },
    ),
    Key::of_group(
        "sources",
        Missing::Means("one server"),
        "Several MySQL servers in one file: a name for each, with the next two keys; mappings name theirs with `source` \
         ([several servers](operate.md#several-servers))",
        sources::rows,
        |top, at| {
            put(&mut top.config.sources, sources::read(at));
            top.of_all.sources.clone_from(&top.config.sources);
        },
    ),
    Key::new(
        "allow_schema_additions",
        Missing::Is("false"),
        "`true`: add new columns and widen types; `false`: leave them out and warn; `review`: stop the mapping until \
         you decide",
        |top, at| put(&mut top.config.schema_additions, at.choice(&ADDITIONS)),
    ),
    ALLOW_TABLE_ADDITIONS.within(|top, at| ALLOW_TABLE_ADDITIONS.take(&mut top.of_all, at)),
    Key::new(
        "state_store",
        Missing::Is("local"),
        "`local`: one file, for one machine; `gcs`: one object per mapping in a bucket, for any number of hosts (see \
         [below](#state-in-cloud-storage))",
        |top, at| put(&mut top.store, at.choice(&STORES)),
    ),
    Key::new("state_local_path", Missing::Is("state/state.json"), "The file, with `local`", |top, at| {
        if top.store == Store::Local {
            put(&mut top.config.state, at.path().map(StateLocation::Local));
        }
    }),
    Key::new(
        "state_gcs_bucket",
        Missing::Required { said: "required with `gcs`", hint: "name the bucket, or set `state_store: local`" },
        "The bucket, without `gs://`",
        Top::take_bucket,
    ),
    Key::new("state_gcs_prefix", Missing::Means("none"), "Folder that the objects lie in", Top::take_prefix),
    // How long a dead holder blocks a mapping, and how long a living one may be cut off.
    Key::new(
        "state_gcs_lease",
        Missing::Is("60s"),
        "How long a host that shows no sign of life keeps a mapping, `3s` to `1h`",
        Top::take_lease,
    ),
    Key::new(
        "temp_bucket",
        Missing::Means("none"),
        "Files go to BigQuery through this bucket (see [below](#staging-through-a-bucket)); without one they are \
         uploaded straight to BigQuery",
        |top, at| {
            if let Some(bucket) = at.lenient() {
                at.r.check(&bucket, validate::bucket);
                top.config.temp_bucket = Some(bucket.text);
            }
        },
    ),
    Key::new(
        "default_timezone",
        Missing::Is("UTC"),
        "Zone that DATETIME columns are written in (see [types](types.md))",
        |top, at| {
            put(&mut top.config.default_timezone, at.parsed(validate::timezone));
            top.of_all.timezone = top.config.default_timezone;
        },
    ),
    Key::of_group(
        "schedule",
        Missing::Means("none"),
        "Group of the next three: when `bqsync schedule`, or a console that is open, runs the mappings \
         ([operate](operate.md#the-schedule))",
        schedule::rows,
        |top, at| top.of_all.mapping.schedule = schedule::of_all(at, top.config.default_timezone),
    ),
    MAPPINGS,
    Key::new("concurrency", Missing::Is("4"), "Mappings moved at the same time, 1 to 64", |top, at| {
        put(&mut top.config.concurrency, at.number(1..=MOST_CONCURRENT));
    }),
    Key::new(
        "readers",
        Missing::Means("one a processor, at most 4"),
        "Connections that read one large table side by side, 1 to 16. A second one is opened only once a full page \
         (131,072 rows) has shown that there is more to read, and takes half of what is left; tables whose pages are \
         ordered by a text, and those without an index on the incremental column, are read by one",
        |top, at| put(&mut top.config.readers, at.number(1..=MOST_READERS).map(Some)),
    ),
    EMPTY_STRING_AS_NULL.within(|top, at| EMPTY_STRING_AS_NULL.take(&mut top.of_all, at)),
    INVALID_VALUES.within(|top, at| INVALID_VALUES.take(&mut top.of_all, at)),
    Key::new(
        "report_dir",
        Missing::Is("etl/reports"),
        "Holds `report.json` (the last run) and `runs/` (the newest 200)",
        |top, at| put(&mut top.config.report_dir, at.path()),
    ),
    // On any line this many rows are published every few minutes, and their own publish costs almost nothing.
    Key::new(
        "window_rows",
        Missing::Is("5000000"),
        "Rows of one step: a larger window is moved in steps of so many, in the order of the incremental column, each \
         published and remembered on its own. Needs an index that begins with the column; without one a window is one \
         step",
        |top, at| put(&mut top.config.pace.window_rows, at.number(STEP_ROWS).and_then(|rows| rows.try_into().ok())),
    ),
    Key::new(
        "inline_rows",
        Missing::Is("1000"),
        "Up to this many changed rows (and at most 1 MB) travel as a parameter of the one job that publishes them: no \
         staging table, half the calls ([operate](operate.md#small-changes)). BigQuery keeps a job's parameters with \
         the job, for whoever may look at the project's jobs; `0` stages always",
        |top, at| put(&mut top.config.pace.inline_rows, at.number(INLINE_ROWS).and_then(|rows| rows.try_into().ok())),
    ),
    Key::new(
        "fence_timeout",
        Missing::Is("30s"),
        "How long a run waits for transactions that were open when its end was chosen. What those that last longer may \
         bring is held back for the next run",
        |top, at| put(&mut top.config.pace.fence_timeout, at.span()),
    ),
    Key::new(
        "settle",
        Missing::Means("none"),
        "Rows younger than this wait for the next run; an integer column, whose rows show no age, is read that much \
         later. Where the account may not see open transactions and nothing is set, 10 seconds",
        |top, at| put(&mut top.config.pace.settle, at.span().map(Some)),
    ),
    Key::new(
        "deadline",
        Missing::Is("12h"),
        "All of one mapping's work in one run, waits included; then it stops at the next safe point and fails, keeping \
         what is done",
        |top, at| put(&mut top.config.pace.deadline, at.span()),
    ),
    MAXIMUM_BYTES_BILLED.within(|top, at| MAXIMUM_BYTES_BILLED.take(&mut top.of_all, at)),
    MAX_SHRINK.within(|top, at| MAX_SHRINK.take(&mut top.of_all, at)),
    Key::new(
        "metrics_file",
        Missing::Means("none"),
        "Text file for Prometheus, replaced after each run ([operate](operate.md#metrics)); let it end in `.prom`",
        |top, at| put(&mut top.config.metrics_file, at.path().map(Some)),
    ),
    Key::of_group(
        "notify",
        Missing::Means("none"),
        "Group of the next two: who is notified of how a run ended ([operate](operate.md#notifications))",
        notify::rows,
        |top, at| top.config.notify = notify::read(at),
    ),
    Key::of_group(
        "console",
        Missing::Means("none"),
        "Group of the next four: what the console has besides its own keys",
        own_commands::rows,
        |top, at| put(&mut top.config.commands, own_commands::read(at)),
    ),
    // Last, over the other keys' settings for all mappings.
    Key::new(
        "defaults",
        Missing::Means("none"),
        "Keys of [the next table](#configyaml-one-mapping), for all mappings, but for `name`, `mysql_table`, \
         `bigquery_table`, `shard_column` and `shard`. What a mapping says itself wins, key by key; what its mode has \
         no use for is left out ([table options](tables.md#defaults))",
        |top, at| mapping::read_defaults(at, &mut top.of_all),
    ),
];

impl Top {
    /// The state before anything is read. Reading adds the defaults that the keys declare.
    pub fn blank(path: &Path) -> Self {
        let pace = Pace {
            window_rows: 0,
            inline_rows: 0,
            fence_timeout: Duration::ZERO,
            settle: None,
            deadline: Duration::ZERO,
        };
        let config = Config {
            path: path.to_path_buf(),
            project: String::new(),
            dataset: String::new(),
            location: String::new(),
            billing_project: None,
            schema_additions: SchemaAdditions::Deny,
            state: StateLocation::Local(PathBuf::new()),
            temp_bucket: None,
            sources: Vec::new(),
            default_timezone: Tz::UTC,
            concurrency: 0,
            readers: None,
            report_dir: PathBuf::new(),
            metrics_file: None,
            notify: None,
            pace,
            commands: Vec::new(),
            for_all: ForAll::nothing(None),
            mappings: Vec::new(),
            patterns: Vec::new(),
            remarks: Vec::new(),
            not_moved: Vec::new(),
        };
        Self { config, of_all: mapping::defaults(), store: Store::Local }
    }

    /// Only the keys of the chosen store are needed; the other store's variables may be unset.
    fn take_bucket(&mut self, at: &mut At<'_, '_>) {
        if self.store == Store::Gcs
            && let Some(bucket) = at.checked(validate::bucket)
        {
            self.config.state = StateLocation::Gcs { bucket, prefix: String::new(), lease: Duration::ZERO };
        }
    }

    fn take_prefix(&mut self, at: &mut At<'_, '_>) {
        if let StateLocation::Gcs { prefix, .. } = &mut self.config.state
            && let Some(value) = at.lenient()
        {
            at.r.check(&value, validate::object_prefix);
            value.text.trim_matches('/').clone_into(prefix);
        }
    }

    fn take_lease(&mut self, at: &mut At<'_, '_>) {
        if let StateLocation::Gcs { lease, .. } = &mut self.config.state
            && let Some(span) = at.span()
        {
            if !LEASE_SECONDS.contains(&span.as_secs()) {
                let place = at.place();
                let message = format!("{} is too short or too long", place.name);
                at.r.problem(place.line, message, "write a stretch from `3s` to `1h`; default: `60s`");
            }
            *lease = span;
        }
    }
}
