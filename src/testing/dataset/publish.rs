//! The effect of each publish on its target.

use std::collections::{BTreeMap, BTreeSet};

use super::Table;
use crate::domain::cursor::Moment;
use crate::domain::plan::TablePlan;
use crate::domain::publish::PublishKind;
use crate::testing::compare::{digest, lies_in};
use crate::testing::value::{Row, Value};
use crate::warehouse::{PublishCounts, PublishOrder, Within};

/// `staged` must be in the plan's order. With a shard, the other shards' rows are ignored; a replace and a copy know no
/// shards.
pub fn publish(target: &mut Table, order: &PublishOrder, staged: &[Row], now: Moment) -> PublishCounts {
    let Some(shard) =
        order.plan.shard.as_ref().filter(|_| !matches!(order.kind, PublishKind::Replace | PublishKind::Copy))
    else {
        return publish_own(target, order, staged, now);
    };
    let own: BTreeSet<usize> = target.of_shard(Some(shard)).into_iter().collect();
    let all = std::mem::take(&mut target.rows).into_iter().enumerate();
    let (mine, others): (Vec<_>, Vec<_>) = all.partition(|(at, _)| own.contains(at));
    target.rows = mine.into_iter().map(|(_, row)| row).collect();
    let counts = publish_own(target, order, staged, now);
    target.rows.extend(others.into_iter().map(|(_, row)| row));
    counts
}

fn publish_own(target: &mut Table, order: &PublishOrder, staged: &[Row], now: Moment) -> PublishCounts {
    let plan = &order.plan;
    match order.kind {
        PublishKind::Mirror => mirror(target, order, staged, now),
        PublishKind::Merge => merge(target, plan, staged, true),
        PublishKind::MergeAsRead => merge(target, plan, staged, false),
        PublishKind::MergeOnce => once(target, plan, staged),
        PublishKind::InsertNewest => insert(target, plan, newest(plan, staged, &plan.keys)),
        PublishKind::Copy | PublishKind::Insert => insert(target, plan, staged.to_vec()),
        PublishKind::Replace => {
            target.rows.clear();
            insert(target, plan, staged.to_vec())
        }
        PublishKind::InsertMissing => {
            let missing = missing(target, plan, staged);
            insert(target, plan, missing)
        }
    }
}

/// The positions of the plan's columns in the target.
fn places(target: &Table, plan: &TablePlan) -> Vec<usize> {
    plan.columns.iter().map(|column| target.position(&column.target_name)).collect()
}

fn insert(target: &mut Table, plan: &TablePlan, rows: Vec<Row>) -> PublishCounts {
    let (places, width) = (places(target, plan), target.columns.len());
    let shard = plan.shard.as_ref().map(|shard| (target.position(&shard.column), shard.value.clone()));
    let inserted = rows.len() as u64;
    target.rows.extend(rows.into_iter().map(|row| {
        let mut whole = vec![Value::Null; width];
        places.iter().zip(row).for_each(|(&place, value)| whole[place] = value);
        if let Some((place, value)) = &shard {
            whole[*place] = Value::Text(value.clone());
        }
        whole
    }));
    PublishCounts { inserted, ..PublishCounts::default() }
}

fn part(row: &Row, of: &[usize]) -> Row {
    of.iter().map(|&position| row[position].clone()).collect()
}

/// The newest of the rows that share `identity`.
fn newest(plan: &TablePlan, rows: &[Row], identity: &[usize]) -> Vec<Row> {
    let mut newest: BTreeMap<Row, &Row> = BTreeMap::new();
    for row in rows {
        let known = newest.entry(part(row, identity)).or_insert(row);
        if plan.cursor.is_some_and(|cursor| row[cursor.position] > known[cursor.position]) {
            *known = row;
        }
    }
    newest.into_values().cloned().collect()
}

fn merge(target: &mut Table, plan: &TablePlan, staged: &[Row], newer_wins: bool) -> PublishCounts {
    let places = places(target, plan);
    let keys: Vec<usize> = plan.keys.iter().map(|&key| places[key]).collect();
    let cursor = plan.cursor.map(|cursor| cursor.position);
    let mark = plan.deleted_column.as_ref().map(|mark| target.position(mark));
    let mut held: BTreeMap<Row, Vec<usize>> = BTreeMap::new();
    for (at, row) in target.rows.iter().enumerate() {
        held.entry(part(row, &keys)).or_default().push(at);
    }
    let (mut fresh, mut updated) = (Vec::new(), 0);
    for row in newest(plan, staged, &plan.keys) {
        let Some(matched) = held.get(&part(&row, &plan.keys)) else {
            fresh.push(row);
            continue;
        };
        for &at in matched {
            let held = &mut target.rows[at];
            if newer_wins && cursor.is_some_and(|cursor| held[places[cursor]] > row[cursor]) {
                continue;
            }
            updated += 1;
            places.iter().zip(&row).for_each(|(&place, value)| held[place] = value.clone());
            if let Some(mark) = mark {
                held[mark] = Value::Null;
            }
        }
    }
    PublishCounts { updated, ..insert(target, plan, fresh) }
}

/// Writes only rows that differ, and removes rows of the staged parts that are not staged.
fn mirror(target: &mut Table, order: &PublishOrder, staged: &[Row], now: Moment) -> PublishCounts {
    let plan = &order.plan;
    let places = places(target, plan);
    let mark = plan.deleted_column.as_ref().map(|mark| target.position(mark));
    let is_held = |held: &Row| mark.is_none_or(|mark| held[mark] == Value::Null);
    let same: BTreeSet<Row> = target.rows.iter().filter(|held| is_held(held)).map(|held| part(held, &places)).collect();
    let changed: Vec<Row> = staged.iter().filter(|row| !same.contains(*row)).cloned().collect();
    let gone: Vec<usize> = match &order.within {
        Some(Within { comparison, parts, deletes: true }) => {
            let keys: BTreeSet<Row> = staged.iter().map(|row| part(row, &plan.keys)).collect();
            let all = target.rows.iter().enumerate().filter(|(_, held)| {
                let row = part(held, &places);
                is_held(held) && lies_in(&digest(comparison, &row), parts) && !keys.contains(&part(&row, &plan.keys))
            });
            all.map(|(at, _)| at).collect()
        }
        _ => Vec::new(),
    };
    let mut counts = PublishCounts::default();
    if let Some(mark) = mark {
        for &at in &gone {
            target.rows[at][mark] = Value::At(now);
        }
        counts.updated = gone.len() as u64;
    } else {
        let mut at = 0..;
        target.rows.retain(|_| !gone.contains(&at.next().unwrap()));
        counts.deleted = gone.len() as u64;
    }
    let merged = merge(target, plan, &changed, false);
    PublishCounts { inserted: merged.inserted, updated: counts.updated + merged.updated, ..counts }
}

fn once(target: &mut Table, plan: &TablePlan, staged: &[Row]) -> PublishCounts {
    let places = places(target, plan);
    let keys: Vec<usize> = plan.keys.iter().map(|&key| places[key]).collect();
    let rows = newest(plan, staged, &plan.keys);
    let anew: Vec<Row> = rows.iter().map(|row| part(row, &plan.keys)).collect();
    let before = target.rows.len();
    target.rows.retain(|row| !anew.contains(&part(row, &keys)));
    let deleted = (before - target.rows.len()) as u64;
    PublishCounts { deleted, ..insert(target, plan, rows) }
}

fn missing(target: &Table, plan: &TablePlan, staged: &[Row]) -> Vec<Row> {
    let places = places(target, plan);
    let by_keys = !plan.keys.is_empty() && plan.keys_unique;
    let identity: Vec<usize> = if by_keys {
        plan.keys.iter().copied().chain(plan.cursor.map(|cursor| cursor.position)).collect()
    } else {
        (0..plan.columns.len()).collect()
    };
    let of_target: Vec<usize> = identity.iter().map(|&position| places[position]).collect();
    let mut held: BTreeMap<Row, usize> = BTreeMap::new();
    for row in &target.rows {
        *held.entry(part(row, &of_target)).or_default() += 1;
    }
    if by_keys {
        let rows = newest(plan, staged, &identity);
        return rows.into_iter().filter(|row| !held.contains_key(&part(row, &identity))).collect();
    }
    let is_missing = |row: &&Row| match held.get_mut(&part(row, &identity)).filter(|left| **left > 0) {
        Some(left) => {
            *left -= 1;
            false
        }
        None => true,
    };
    staged.iter().filter(is_missing).cloned().collect()
}
