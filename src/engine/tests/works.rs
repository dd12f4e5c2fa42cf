//! What the processes of these tests do, and how to disturb each of their calls.

use chrono::TimeDelta;

use crate::domain::column::{OldRows, SourceColumn};
use crate::domain::source_type::SourceType;
use crate::engine::{Command, Selection, SyncOrder};
use crate::testing::{Shop, Value, backfill, deletes, repair, sync};

/// A command for a process, and the shop before it.
pub struct Work {
    pub name: &'static str,
    /// Makes a new shop for each trial.
    pub shop: fn() -> Shop,
    pub command: fn() -> Command,
}

pub const UPSERT: &str = "primary_keys: [id], incremental_column: at, mode: upsert";
pub const APPEND: &str = "primary_keys: [id], incremental_column: at, mode: append";
pub const KEYLESS: &str = "incremental_column: at, mode: append";
pub const REPLACE: &str = "mode: replace";
pub const REPLACE_KEYED: &str = "primary_keys: [id], mode: replace";
pub const MIRROR: &str = "primary_keys: [id], mode: mirror, max_delete_fraction: 1";
pub const NUMBERS: &str = "primary_keys: [id], incremental_column: id, mode: append";

/// A table that was brought over once, with edits, deletes and new rows since.
pub fn edited(mapping: &str) -> Shop {
    edited_in(Shop::new(mapping))
}

/// The same for one shard of a table.
pub fn shared_edited(mapping: &str) -> Shop {
    edited_in(Shop::shared(mapping))
}

/// A run that may delete any number of rows.
pub fn allowing_shrink() -> Command {
    Command::Sync(SyncOrder { allow_shrink: true, ..SyncOrder::manual(Selection::All) })
}

/// A run that loads the table from the beginning.
pub fn forgetting() -> Command {
    Command::Sync(SyncOrder { forget_watermark: true, ..SyncOrder::manual(Selection::All) })
}

/// Adds a column that is filled in the old rows.
pub fn add_filled_column(shop: &Shop) {
    let kind = SourceType::Int { bits: 32, unsigned: false };
    let mut column = SourceColumn::new("z", kind, true);
    column.old_rows = OldRows::Filled;
    shop.database().schema.columns.push(column);
    shop.database().rows.iter_mut().for_each(|row| row.push(Value::Int(7)));
}

/// The same, but few rows travel within their publish.
pub fn inline_edited(mapping: &str) -> Shop {
    edited_in(Shop::new(mapping).inline())
}

fn edited_in(shop: Shop) -> Shop {
    let shop = shop.rows(1..=60);
    shop.succeeds(sync());
    (1..=9).for_each(|id| shop.delete(id));
    shop.update(20, "edited", "2026-02-01");
    shop.insert(61..=70);
    shop.pass(TimeDelta::minutes(5));
    shop
}

/// The same with four parts, which are brought over in steps.
pub fn edited_in_steps(mapping: &str, window_rows: u32) -> Shop {
    let shop = Shop::new(mapping).with(&format!("window_rows: {window_rows}")).in_batches_of(200).rows(1..=1_000);
    // The second run knows the number of rows, and cuts them into parts.
    shop.succeeds(sync());
    shop.update(20, "known by small parts", "2026-02-01");
    shop.succeeds(sync());
    (1..=9).for_each(|id| shop.delete(id));
    shop.update(400, "edited", "2026-02-01");
    shop.insert(1_001..=1_010);
    shop.pass(TimeDelta::minutes(5));
    shop
}

/// Synced rows, and later ones: new rows, and one that came late.
pub fn later(mapping: &str) -> Shop {
    later_in(Shop::new(mapping))
}

/// The same for one shard of a table.
pub fn shared_later(mapping: &str) -> Shop {
    later_in(Shop::shared(mapping))
}

fn later_in(shop: Shop) -> Shop {
    let shop = shop.rows(1..=60);
    shop.succeeds(sync());
    shop.insert_at(101, "late", "2026-01-01 00:00:15");
    shop.insert(61..=100);
    shop.pass(TimeDelta::minutes(5));
    shop
}

/// Rows of which the first half is in the target, and a backfill of all.
pub fn to_backfill(mapping: &str) -> Shop {
    to_backfill_in(Shop::new(mapping))
}

fn to_backfill_in(shop: Shop) -> Shop {
    let shop = shop.with("window_rows: 40").rows(1..=100);
    shop.succeeds(sync());
    shop.damage(|rows| rows.truncate(50));
    shop
}

/// Rows of the target that the source no longer has.
pub fn to_delete(deletes: &str) -> Shop {
    to_delete_in(Shop::new(&format!("{UPSERT}, {deletes}, max_delete_fraction: 1")))
}

/// The same for one shard of a table.
pub fn shared_to_delete(deletes: &str) -> Shop {
    to_delete_in(Shop::shared(&format!("{UPSERT}, {deletes}, max_delete_fraction: 1")))
}

fn to_delete_in(shop: Shop) -> Shop {
    let shop = shop.rows(1..=20);
    shop.succeeds(sync());
    (3..=7).for_each(|id| shop.delete(id));
    shop
}

pub fn whole() -> Command {
    backfill("2026-01-01")
}

/// Target rows that are missing, changed, doubled, or only in BigQuery; mended a few at a time.
pub fn damaged(mapping: &str) -> Shop {
    damaged_in(Shop::new(&format!("{mapping}, deletes: hard, max_delete_fraction: 1")))
}

fn damaged_in(shop: Shop) -> Shop {
    let shop = shop.with("window_rows: 5").rows(1..=60);
    shop.succeeds(sync());
    shop.damage(|rows| {
        rows.retain(|row| !(5..=12).contains(&id(row)));
        let twice = rows[20].clone();
        rows.push(twice);
        rows.push(crate::testing::row(900, "never there", "2026-01-01"));
        rows[30][1] = Value::Text("damaged".to_owned());
    });
    shop
}

/// The same for an append, whose earlier versions are history.
pub fn damaged_append() -> Shop {
    let shop = Shop::new(APPEND).with("window_rows: 5").rows(1..=60);
    shop.succeeds(sync());
    shop.damage(|rows| rows.retain(|row| !(5..=12).contains(&id(row))));
    shop
}

pub fn id(row: &[Value]) -> i64 {
    let Value::Int(id) = row[0] else { panic!("{row:?}") };
    id
}

pub const WORKS: [Work; 40] = [
    Work { name: "first load, upsert", shop: || Shop::new(UPSERT).rows(1..=40), command: sync },
    Work { name: "first load, append", shop: || Shop::new(APPEND).rows(1..=40), command: sync },
    Work { name: "first load, keyless", shop: || Shop::new(KEYLESS).rows(1..=40), command: sync },
    Work {
        name: "first load in steps, upsert",
        shop: || Shop::new(UPSERT).with("window_rows: 40").rows(1..=100),
        command: sync,
    },
    Work {
        name: "first load in steps, append",
        shop: || Shop::new(APPEND).with("window_rows: 40").rows(1..=100),
        command: sync,
    },
    Work {
        name: "first load in steps, numbers",
        shop: || Shop::new(NUMBERS).with("window_rows: 40").rows(1..=100),
        command: sync,
    },
    Work { name: "later run, upsert", shop: || later(UPSERT), command: sync },
    Work { name: "later run, append", shop: || later(APPEND), command: sync },
    Work { name: "later run, keyless", shop: || later(KEYLESS), command: sync },
    Work { name: "replace, first", shop: || Shop::new(REPLACE).rows(1..=40), command: sync },
    Work { name: "replace, edited", shop: || edited(REPLACE), command: sync },
    Work { name: "replace, edited, keys", shop: || edited(REPLACE_KEYED), command: sync },
    Work { name: "mirror, first", shop: || Shop::new(MIRROR).rows(1..=40), command: sync },
    Work { name: "mirror, edited", shop: || edited(MIRROR), command: sync },
    Work { name: "mirror, edited, in steps", shop: || edited_in_steps(MIRROR, 300), command: sync },
    Work { name: "mirror, edited, inline", shop: || inline_edited(MIRROR), command: sync },
    Work {
        name: "mirror, edited, marked",
        shop: || edited(&format!("{MIRROR}, deletes: soft, deleted_column: gone")),
        command: sync,
    },
    Work { name: "mirror of an upsert's table", shop: || later(UPSERT).mapped(MIRROR), command: sync },
    Work { name: "backfill, upsert", shop: || to_backfill(UPSERT), command: whole },
    Work { name: "backfill, append", shop: || to_backfill(APPEND), command: whole },
    Work { name: "backfill, keyless", shop: || to_backfill(KEYLESS), command: whole },
    Work { name: "first load, append, inline", shop: || Shop::new(APPEND).inline().rows(1..=40), command: sync },
    Work { name: "later run, upsert, inline", shop: || later_in(Shop::new(UPSERT).inline()), command: sync },
    Work { name: "later run, append, inline", shop: || later_in(Shop::new(APPEND).inline()), command: sync },
    Work { name: "later run, keyless, inline", shop: || later_in(Shop::new(KEYLESS).inline()), command: sync },
    Work { name: "backfill, append, inline", shop: || to_backfill_in(Shop::new(APPEND).inline()), command: whole },
    Work { name: "deletes, hard", shop: || to_delete("deletes: hard"), command: || deletes(false) },
    Work {
        name: "deletes, soft",
        shop: || to_delete("deletes: soft, deleted_column: gone"),
        command: || deletes(false),
    },
    Work { name: "repair, upsert", shop: || damaged(UPSERT), command: || repair(false) },
    Work { name: "repair, append", shop: damaged_append, command: || repair(false) },
    Work { name: "shard, first load, upsert", shop: || Shop::shared(UPSERT).rows(1..=40), command: sync },
    Work {
        name: "shard, first load in steps, append",
        shop: || Shop::shared(APPEND).with("window_rows: 40").rows(1..=100),
        command: sync,
    },
    Work { name: "shard, later run, append", shop: || shared_later(APPEND), command: sync },
    Work { name: "shard, later run, keyless", shop: || shared_later(KEYLESS), command: sync },
    Work { name: "shard, later run, upsert", shop: || shared_later(UPSERT), command: sync },
    Work { name: "shard, mirror, first", shop: || Shop::shared(MIRROR).rows(1..=40), command: sync },
    Work { name: "shard, mirror, edited", shop: || shared_edited(MIRROR), command: sync },
    Work { name: "shard, backfill, append", shop: || to_backfill_in(Shop::shared(APPEND)), command: whole },
    Work { name: "shard, deletes", shop: || shared_to_delete("deletes: hard"), command: || deletes(false) },
    Work {
        name: "shard, repair",
        shop: || damaged_in(Shop::shared(&format!("{UPSERT}, deletes: hard, max_delete_fraction: 1"))),
        command: || repair(false),
    },
];

/// Runs `trial` for each call that the work makes, from the first until it makes no more; `trial` sets the trouble and
/// does the work.
pub fn at_each_call(work: &Work, trial: impl Fn(&Shop, usize)) {
    for nth in 1.. {
        let shop = (work.shop)();
        shop.world.script.clear();
        trial(&shop, nth);
        let call = shop.world.script.calls().get(nth - 1).copied();
        let place = format!("{}, call {nth} ({call:?})", work.name);
        if shop.world.script.is_left() {
            assert!(nth > 5, "{place}: a run makes more calls than that");
            return;
        }
        made_good(&shop, work, &place);
    }
}

/// One more run, with nothing in its way.
pub fn made_good(shop: &Shop, work: &Work, place: &str) {
    shop.world.script.clear();
    shop.succeeds((work.command)());
    shop.is_equal(place);
    shop.is_tidy(place);
}
