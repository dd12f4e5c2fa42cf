//! The tables of the suite in small, without a server: their plans, and rows as MySQL's binary protocol sends them.

use std::ops::Range;
use std::path::Path;

use bigquery_syncer::domain::column::{SourceColumn, SourceSchema};
use bigquery_syncer::domain::config;
use bigquery_syncer::domain::plan::{PlanInput, TablePlan, plan};
use bigquery_syncer::domain::schema::Decisions;
use bigquery_syncer::domain::source_type::SourceType;
use bigquery_syncer::source::mysql::Cells;
use color_eyre::eyre::eyre;

/// Prose of `bench/sql/wide.sql`: its share of ASCII decides how fast UTF-8 is checked.
const PROSE: &str = "Customer asked for delivery before noon; leave at the side door. Für Büro Müller bitte klingeln — danke! \
                     Repeat order, same colour as last time. Gift wrap: \"happy birthday, Zoë\" 🎂 and no invoice in the \
                     box. Адрес уточнить по телефону. Fragile, keep upright, signature required. \
                     商品は午前中に配達してください。 Called twice, no answer, rescheduled to Monday. ";

/// A row as sqlx holds it: the bytes of all cells in one buffer, and where each lies.
#[derive(Debug, Default)]
pub struct Row {
    bytes: Vec<u8>,
    cells: Vec<Option<Range<usize>>>,
}

impl Row {
    fn push(&mut self, cell: Option<&[u8]>) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(cell.unwrap_or_default());
        self.cells.push(cell.map(|_| begin..self.bytes.len()));
    }
}

impl Cells for Row {
    fn cell(&self, index: usize) -> Option<&[u8]> {
        self.bytes.get(self.cells.get(index)?.clone()?)
    }
}

/// A column's type, and the bytes of its `n`th value from a random number; `None` is NULL.
pub type Cell = (&'static str, SourceType, fn(u64, u64) -> Option<Vec<u8>>);

/// A table: its first column is the key, `updated_at` its cursor.
pub struct Shape {
    pub name: &'static str,
    pub rows: u64,
    cells: Vec<Cell>,
}

impl Shape {
    pub fn new(name: &'static str, rows: u64, cells: Vec<Cell>) -> Self {
        Self { name, rows, cells }
    }

    /// The key, the cursor and one of the columns.
    pub fn with_only(&self, column: &'static str) -> Self {
        let kept = |cell: &&Cell| ["id", "updated_at", column].contains(&cell.0);
        Self::new(column, self.rows, self.cells.iter().filter(kept).cloned().collect())
    }

    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.cells.iter().map(|cell| cell.0)
    }

    /// # Errors
    /// When the shape cannot be moved.
    pub fn plan(&self) -> color_eyre::Result<TablePlan> {
        let text = "{project: p, dataset: d, mappings: [{name: t, mysql_table: t, primary_keys: [id], \
                    incremental_column: updated_at, mode: upsert}]}";
        let config = config::parse(text, Path::new("config.yaml"), &|_| None).map_err(|found| eyre!("{found:?}"))?;
        let (id, updated_at) = (vec!["id".to_owned()], vec!["updated_at".to_owned()]);
        let source = SourceSchema {
            columns: self.cells.iter().map(|(name, kind, _)| SourceColumn::new(*name, kind.clone(), true)).collect(),
            unique_keys: vec![id.clone()],
            indexes: vec![id, updated_at],
            is_view: false,
            is_transactional: true,
            hides_columns: false,
            rows_estimate: Some(self.rows),
            comment: None,
        };
        let input = PlanInput {
            mapping: &config.mappings[0],
            timezone: config.default_timezone,
            additions: config.schema_additions,
            source: &source,
            target: None,
            decisions: &Decisions::new(),
        };
        Ok(plan(input)?.table)
    }

    /// The rows, the same for every call.
    pub fn filled(&self) -> Vec<Row> {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let row = |n: u64| {
            let mut row = Row::default();
            for (_, _, cell) in &self.cells {
                // Xorshift: cheap, and good enough for bytes that must not compress by accident.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                row.push(cell(n, random).as_deref());
            }
            row
        };
        (0..self.rows).map(row).collect()
    }
}

/// The three tables that the suite moves.
pub fn shapes() -> [Shape; 3] {
    let id: Cell = ("id", SourceType::Int { bits: 64, unsigned: false }, |n, _| Some(n.to_le_bytes().into()));
    let updated_at: Cell = ("updated_at", SourceType::Timestamp { fsp: 6 }, |n, random| {
        let micros = u32::try_from(random % 1_000_000).unwrap_or_default();
        Some([[11].as_slice(), &moment(n), &micros.to_le_bytes()].concat())
    });
    let reading: Cell = ("reading", SourceType::Double, |_, random| Some(double(random)));
    let body: Cell = ("body", SourceType::Text { chars: None }, |_, random| {
        let part = |n: u32| [prose(random >> n, 150), format!("{:050x}", random.rotate_left(n)).into()].concat();
        Some((0..8).flat_map(part).collect())
    });
    [
        Shape::new("wide", 131_072, wide(id.clone(), updated_at.clone())),
        Shape::new("narrow", 131_072, vec![id.clone(), reading, updated_at.clone()]),
        Shape::new("text", 16_384, vec![id, body, updated_at]),
    ]
}

/// `bench/sql/wide.sql`, column by column.
fn wide(id: Cell, updated_at: Cell) -> Vec<Cell> {
    vec![
        id,
        ("customer_id", SourceType::Int { bits: 32, unsigned: false }, |_, random| {
            Some(random.to_le_bytes()[..3].iter().copied().chain([0]).collect())
        }),
        ("status", SourceType::Enum, |_, random| {
            let all = ["new", "paid", "packed", "shipped", "delivered", "returned", "cancelled"];
            all.iter().cycle().nth(usize::from(random.to_le_bytes()[0] % 7)).map(|word| word.as_bytes().into())
        }),
        ("amount", SourceType::Decimal { precision: 12, scale: 2 }, |_, random| {
            Some(format!("{}.{:02}", random % 500_000, random % 100).into())
        }),
        ("discount", SourceType::Double, |n, random| (n % 9 != 0).then(|| double(random))),
        ("note", SourceType::Text { chars: Some(200) }, |n, random| {
            (n % 10 != 3).then(|| prose(random, 10 + usize::from(random.to_le_bytes()[1]) % 150))
        }),
        ("is_paid", SourceType::Int { bits: 8, unsigned: false }, |_, random| Some(vec![random.to_le_bytes()[0] % 2])),
        ("created_at", SourceType::DateTime { fsp: 0 }, |n, _| Some([[7].as_slice(), &moment(n)].concat())),
        updated_at,
        ("ship_date", SourceType::Date, |n, _| (n % 4 != 0).then(|| [[4].as_slice(), &moment(n)[..4]].concat())),
        ("meta", SourceType::Json, |n, random| {
            let items = random % 17;
            let json = format!(r#"{{"channel": "web", "items": {items}, "tags": ["späti", "r{n}"], "coupon": null}}"#);
            (n % 12 != 5).then(|| json.into())
        }),
        ("payload", SourceType::Binary, |n, random| {
            let bytes = random.to_le_bytes();
            (n % 8 != 1).then(|| bytes.repeat(8)[..usize::from(bytes[0]) % 65].into())
        }),
    ]
}

fn double(random: u64) -> Vec<u8> {
    let share = f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX);
    share.to_le_bytes().into()
}

/// Whole characters of the prose, from some place on.
fn prose(random: u64, length: usize) -> Vec<u8> {
    let from = usize::from(random.to_le_bytes()[2]);
    PROSE.chars().cycle().skip(from).take(length).collect::<String>().into()
}

/// A date and time of the protocol: year, month, day, hour, minute, second; they grow with `n`.
fn moment(n: u64) -> [u8; 7] {
    let part = |unit: u64, modulus: u64| u8::try_from(n / unit % modulus).unwrap_or_default();
    let year = 2023_u16.to_le_bytes();
    [year[0], year[1], 1 + part(80_640, 12), 1 + part(2_880, 28), part(120, 24), part(2, 60), part(1, 2)]
}
