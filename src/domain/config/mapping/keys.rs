//! The keys of one mapping.

use super::blank::unquoted;
use super::draft::Draft;
use crate::domain::config::content::{DELETED_COLUMN, InvalidValues, Mode, Operator, TableAdditions};
use crate::domain::config::key::{Key, Missing, put};
use crate::domain::config::validate::{self, fraction};
use crate::domain::config::{cost, schedule, sources, table_options};
use crate::domain::row_filter::RowFilter;

const MODES: [(&str, Option<Mode>); 5] = [
    ("append", Some(Mode::Append)),
    ("upsert", Some(Mode::Upsert)),
    ("replace", Some(Mode::Replace)),
    ("mirror", Some(Mode::Mirror)),
    ("auto", None),
];

const ADDITIONS: [(&str, TableAdditions); 7] = [
    ("true", TableAdditions::Allow),
    ("false", TableAdditions::Deny),
    ("review", TableAdditions::Review),
    ("yes", TableAdditions::Allow),
    ("no", TableAdditions::Deny),
    ("on", TableAdditions::Allow),
    ("off", TableAdditions::Deny),
];

const OPERATORS: [(&str, Operator); 2] = [(">", Operator::Greater), (">=", Operator::GreaterOrEqual)];

const VALUES: [(&str, InvalidValues); 2] = [("null", InvalidValues::Null), ("fail", InvalidValues::Fail)];

pub const NAME: Key<Draft> = Key::new(
    "name",
    Missing::Required {
        said: "required",
        hint: "give the mapping a name; the state file keeps its watermark under it",
    },
    "Key of the watermark in the state: renaming starts over. `#part-` may not be in it",
    Draft::take_name,
);

/// For all mappings at the top level, or for one.
pub const MAXIMUM_BYTES_BILLED: Key<Draft> = Key::new(
    "maximum_bytes_billed",
    Missing::Means("none"),
    "No statement in BigQuery (publish, delete, count, comparison) may be billed for more: `500MB`, `1TB` or bytes, \
     10485760 at least. BigQuery refuses a more expensive statement free of charge, and the mapping fails; a mapping \
     may override it ([what it costs](operate.md#what-it-costs))",
    |draft, at| put(&mut draft.mapping.maximum_bytes_billed, at.parsed(cost::maximum).map(Some)),
);

/// For all mappings at the top level, or for one.
pub const EMPTY_STRING_AS_NULL: Key<Draft> = Key::new(
    "empty_string_as_null",
    Missing::Is("false"),
    "Empty text arrives as NULL, except in `primary_keys` and `incremental_column`; a mapping may override it",
    |draft, at| put(&mut draft.mapping.empty_string_as_null, at.flag()),
);

/// For all mappings at the top level, or for one.
pub const INVALID_VALUES: Key<Draft> = Key::new(
    "invalid_values",
    Missing::Is("null"),
    "Values that the target type cannot hold (`0000-00-00`): `null` writes NULL, counts and reports it; `fail` fails \
     the mapping, and so does any such value in `primary_keys`; a mapping may override it",
    |draft, at| put(&mut draft.mapping.invalid_values, at.choice(&VALUES)),
);

/// For all mappings at the top level, or for one.
pub const MAX_SHRINK: Key<Draft> = Key::new(
    "max_shrink",
    Missing::Is("0.5"),
    "With `mode: replace`: a run that would leave the table smaller by more than this share of its rows, 0 to 1, \
     publishes nothing and fails; `run-once --allow-shrink` allows it once; a mapping may override it",
    |draft, at| put(&mut draft.mapping.most_shrunk, at.parsed(fraction)),
);

/// For all mappings at the top level, or for one entry with `tables`.
pub const ALLOW_TABLE_ADDITIONS: Key<Draft> = Key::new(
    "allow_table_additions",
    Missing::Is("review"),
    "What happens to a table that appears after an entry with `tables` was first expanded: `true` moves it; `false` \
     leaves it out, and `check` says so; `review` lets it wait until you decide ([many \
     tables](operate.md#many-tables)); an entry may override it",
    |draft, at| put(&mut draft.tables.additions, at.choice(&ADDITIONS)),
);

/// One entry for many tables.
pub const TABLES: Key<Draft> = Key::new(
    "tables",
    Missing::Means("one table"),
    "Instead of `name` and `mysql_table`: every table that matches `shop.*`, or one pattern of a list; `*` stands for \
     any characters, `?` for one; without a database, of `MYSQL_DATABASE`. Each becomes a mapping named \
     `database.table`; a table's own mapping takes precedence; a view is taken only by its full name ([many \
     tables](operate.md#many-tables))",
    |draft, at| draft.tables.take_globs(at),
);

pub const MODE: Key<Draft> = Key::new(
    "mode",
    Missing::Is("append"),
    "`append`: rows are added; `upsert`: rows with known keys are replaced; `replace`: every run reads the whole table \
     and replaces BigQuery's rows with it; `mirror`: every run has MySQL sum the table up, and brings over what has \
     changed, deleted rows included ([which when](operate.md#which-mode-when)); `auto`, with `tables` and the default \
     there: mode, keys and incremental column of each table as `bqsync init` would propose them",
    |draft, at| draft.take_mode(at, &MODES),
);

/// Keys that no two mappings share.
pub const OWN: [&str; 5] = ["name", "mysql_table", "bigquery_table", "shard_column", "shard"];

/// Keys that the tables of one target share.
pub const OF_SHARDS: [&str; 2] = ["bigquery_table", "shard_column"];

/// With this column several tables share a target.
pub const SHARD_COLUMN: Key<Draft> = Key::new(
    "shard_column",
    Missing::Means("none"),
    "A STRING column of BigQuery that says which table a row came from, such as `_shard`: several tables then share \
     one `bigquery_table`, and each changes only its own rows. Not with `mode: replace`",
    |draft, at| draft.shards.take_column(at),
);

/// Keys that no two tables share, except for [`OF_SHARDS`].
pub const OF_ONE_TABLE: [&str; 7] =
    ["name", "mysql_table", "mysql_database", "bigquery_table", "primary_keys", "shard_column", "shard"];

pub const KEYS: &[Key<Draft>] = &[
    NAME,
    TABLES,
    Key::new(
        "except",
        Missing::Means("none"),
        "Tables that `tables` leaves out, in the same words; without a database, of any",
        |draft, at| draft.tables.take_except(at),
    ),
    ALLOW_TABLE_ADDITIONS,
    Key::new(
        "mysql_table",
        Missing::Required { said: "required", hint: "name the table or view in MySQL" },
        "Table or view, alone: a dot is part of its name. With `shard_column`, also a list of tables that go into one: \
         `[orders_0, orders_1]`, or `[shop_a.orders, shop_b.orders]` of several databases ([shards of a \
         table](operate.md#shards-of-a-table))",
        Draft::take_table,
    ),
    Key::new(
        "mysql_database",
        Missing::Means("`MYSQL_DATABASE`"),
        "Another database of the same server",
        |draft, at| put(&mut draft.mapping.source.database, at.text().map(|name| Some(unquoted(&name)))),
    ),
    Key::new(
        "source",
        Missing::Means("the server of the plain `MYSQL_*`"),
        "The server that the table is in, by its name in `sources` ([several servers](operate.md#several-servers))",
        |draft, at| put(&mut draft.mapping.source.server, sources::named(&draft.sources, at).map(Some)),
    ),
    Key::new(
        "where",
        Missing::Means("every row"),
        "A condition in MySQL's SQL, such as `tenant_id <> 7`: the mapping moves only the rows that match. A row that \
         no longer matches counts as deleted ([some of the rows](operate.md#some-of-the-rows))",
        |draft, at| {
            at.refuse_blank("write a condition such as `tenant_id <> 7`, or take it out: every row would be moved");
            put(&mut draft.mapping.source.filter, at.parsed(RowFilter::parse).map(Some));
        },
    ),
    Key::new(
        "bigquery_table",
        Missing::Means("name of `mysql_table`"),
        "Table alone; characters that BigQuery refuses become `_`",
        Draft::take_target,
    ),
    SHARD_COLUMN,
    Key::new(
        "shard",
        Missing::Means("the table's name"),
        "Value of `shard_column` in the rows of this table, such as `eu`; the tables of a list use their names",
        |draft, at| draft.shards.take_value(at),
    ),
    Key::new("project", Missing::Means("top level"), "Another Google Cloud project for this table", |draft, at| {
        put(&mut draft.mapping.target.project, at.checked(validate::project));
    }),
    Key::new(
        "dataset",
        Missing::Means("top level"),
        "Another dataset for this table and its staging tables",
        |draft, at| {
            put(&mut draft.mapping.target.dataset, at.checked(validate::dataset));
        },
    ),
    Key::new(
        "location",
        Missing::Means("top level"),
        "Where that dataset is, or is created; the jobs of this mapping run there",
        |draft, at| put(&mut draft.mapping.location, at.checked(validate::location)),
    ),
    Key::new(
        "primary_keys",
        Missing::Means("none"),
        "Columns that identify a row, at most 16; required for `upsert` and `mirror`, and a safeguard against doubled \
         rows in `append`",
        |draft, at| draft.keys.take(at),
    ),
    Key::new(
        "incremental_column",
        Missing::Means("required for `append` and `upsert`"),
        "Grows with every change (`updated_at`), or with every row (`id`); the other modes do not look at it",
        |draft, at| draft.cursor.take(at),
    ),
    MODE,
    Key::new(
        "operator",
        Missing::Is(">"),
        "`>=` reads the rows at the watermark again on every run; needs `primary_keys`",
        |draft, at| draft.take_operator(at, &OPERATORS),
    ),
    Key::new(
        "backfill_start",
        Missing::Means("the beginning"),
        "Where the first run begins: a number, or a date and time as the column shows it; with `Z` or an offset, the \
         instant",
        Draft::take_backfill_start,
    ),
    Key::new(
        "lookback",
        Missing::Means("none"),
        "Read this much below the watermark again on every run: `30m`, `2h`, `1day`, or a number for an integer \
         column; `upsert` only. Without it, rows below the watermark are only counted, and read again where they \
         differ ([how far](guarantees.md#the-tail)); `0`, in either mode, switches that off",
        |draft, at| put(&mut draft.lookback, at.value().map(Some)),
    ),
    Key::new(
        "columns",
        Missing::Means("none"),
        "`column: TYPE`, where the default type does not suit (see [types](types.md))",
        |draft, at| put(&mut draft.columns, at.table()),
    ),
    Key::new("exclude", Missing::Means("none"), "Columns that stay in MySQL", |draft, at| {
        put(&mut draft.exclude, at.list());
    }),
    Key::new(
        "mask",
        Missing::Means("none"),
        "`column: mask`, applied to each value before it leaves the program's memory: `{hmac: \"${MASK_KEY}\"}` (with \
         a key, recommended), `sha256`, `{last: 4}` or `null` (see [personal data](personal-data.md)); not of \
         `primary_keys` and `incremental_column`",
        |draft, at| draft.of_columns.take_masks(at),
    ),
    Key::new(
        "new_columns",
        Missing::Means("none"),
        "`\"*email*\": mask`: treatment of columns that the mapping does not name, by their names, existing columns \
         included: `exclude`, a mask as above, `mask` for `sha256`, or `keep`; the first pattern that matches counts \
         (see [personal data](personal-data.md#columns-that-come))",
        |draft, at| draft.of_columns.take_patterns(at),
    ),
    Key::new(
        "rename",
        Missing::Means("none"),
        "`column: name`, if a column should have another name in BigQuery; all other keys use the name in MySQL",
        |draft, at| draft.of_columns.take_rename(at),
    ),
    Key::new(
        "loaded_at",
        Missing::Means("none"),
        "A TIMESTAMP column of BigQuery that gets the moment of each row's publish, such as `_bqsync_loaded_at` (for \
         dbt's `freshness`); `verify` does not compare it",
        |draft, at| draft.of_columns.take_loaded_at(at),
    ),
    Key::of_group(
        "partition_by",
        Missing::Means("none"),
        "What a table created by bqsync is partitioned by ([table options](tables.md)): a DATE, DATETIME or TIMESTAMP \
         column, by day, or a group of the next four; `[]`: nothing, overriding `defaults`. Take a column that never \
         changes, and, to publish for less, make it one of `primary_keys`. It cannot be changed later",
        table_options::rows,
        |draft, at| draft.options.take_partition(at),
    ),
    Key::new(
        "partition_expiration",
        Missing::Means("never"),
        "How long BigQuery keeps a partition of time of a table created by bqsync, counted from the partition's own \
         time: `90d`; older rows are deleted at once, also those that a backfill or a repair brings; `never`",
        |draft, at| draft.options.take_life(at),
    ),
    Key::new(
        "require_partition_filter",
        Missing::Means("`false`"),
        "`true`: BigQuery refuses what reads a table created by bqsync without a condition on its partitions; bqsync's \
         own statements have one",
        |draft, at| draft.options.take_filter(at),
    ),
    Key::new(
        "kms_key",
        Missing::Means("the dataset's"),
        "Key of Cloud KMS for a table created by bqsync and its staging tables: \
         `projects/P/locations/L/keyRings/R/cryptoKeys/K`; `none`: only the dataset's",
        |draft, at| draft.options.take_key(at),
    ),
    Key::new(
        "labels",
        Missing::Means("none"),
        "Labels of a table created by bqsync, beside its own `tool: bqsync`: `{team: sales}`",
        |draft, at| draft.options.take_labels(at),
    ),
    Key::new(
        "description",
        Missing::Means("MySQL's comment"),
        "Description of a table created by bqsync, at most 16,384 characters",
        |draft, at| draft.options.take_description(at),
    ),
    Key::new(
        "cluster_by",
        Missing::Means("`primary_keys`, else `incremental_column`"),
        "Up to four columns that a table created by bqsync is clustered by, in this order \
         ([what it costs](operate.md#what-it-costs))",
        |draft, at| {
            let hint = "name first what is searched by most";
            put(&mut draft.cluster_by, at.columns(cost::MOST_CLUSTER_COLUMNS, hint));
        },
    ),
    MAXIMUM_BYTES_BILLED,
    EMPTY_STRING_AS_NULL,
    INVALID_VALUES,
    Key::new(
        "schedule",
        Missing::Means("top level"),
        "A cron line, a group of `cron`, `timezone` and `catch_up` (missing keys are taken from the top level), or \
         `never`: the mapping then runs only on demand",
        |draft, at| {
            let of_all = draft.mapping.schedule.take();
            draft.mapping.schedule = schedule::of_mapping(at, of_all, draft.timezone);
        },
    ),
    Key::new(
        "deletes",
        Missing::Is("ignore"),
        "What `bqsync deletes`, and each run of a mirror, does with rows that MySQL no longer has: `ignore`, `soft` \
         marks them, `hard` deletes them (see [deleted rows](verify.md#bqsync-deletes)); needs `primary_keys`. A \
         mirror without this key deletes them",
        |draft, at| draft.deletes.take_word(at),
    ),
    Key::new(
        "deleted_column",
        Missing::Is(DELETED_COLUMN),
        "With `soft`: the TIMESTAMP column that marks them",
        |draft, at| draft.deletes.take_column(at),
    ),
    Key::new(
        "max_delete_fraction",
        Missing::Is("0.1"),
        "More than this share of the table's rows, 0 to 1, is never deleted at once",
        |draft, at| put(&mut draft.mapping.most_deleted, at.parsed(fraction)),
    ),
    MAX_SHRINK,
    // Declared so that the message can say where it belongs.
    Key::new("allow_schema_additions", Missing::Means("top level"), "", |_, at| {
        if at.is_written() {
            let place = at.place();
            let message = format!("{} is set in a mapping", place.name);
            at.r.problem(place.line, message, "it is one setting for all: move it to the top level");
        }
    }),
];
