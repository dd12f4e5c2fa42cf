//! A backfill in the operator's words, converted to values of the column.

use crate::domain::config::Mapping;
use crate::domain::cursor::{Cursor, CursorKind};
use crate::domain::fault::{Fault, FaultKind};
use crate::engine::protocol::BackfillAsk;

pub(in crate::engine) fn beyond(watermark: Cursor) -> String {
    format!("rows beyond the watermark {watermark} are left to the incremental runs")
}

/// The operator's words as values of the column.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Asked {
    pub start: Cursor,
    pub end: Option<Cursor>,
}

impl Asked {
    /// # Errors
    /// `Config`, naming the option.
    pub(in crate::engine) fn read(ask: &BackfillAsk, kind: CursorKind) -> Result<Self, Fault> {
        let value = |option: &str, text: &str| {
            Cursor::parse(text, kind)
                .map_err(|fault| Fault::new(FaultKind::Config, format!("`{option}`")).caused_by(fault))
        };
        let start = value("--start", &ask.start)?;
        let end =
            ask.end.as_deref().map(|text| value("--end", text).map(|end| end.day_end_of(text, kind))).transpose()?;
        if end.is_some_and(|end| end.max_of(start) == start && end != start) {
            return Err(Fault::new(FaultKind::Config, "`--end` is before `--start`")
                .with_hint("exchange the two; both ends are included"));
        }
        Ok(Self { start, end })
    }

    /// Where the window ends, and whether that is less than was asked for; `None` if nothing of the window is left.
    pub(in crate::engine) fn until(&self, latest: Option<Cursor>) -> Option<(Cursor, bool)> {
        let latest = latest?;
        let end = self.end.unwrap_or(latest);
        let cut = end.max_of(latest) == end && end != latest;
        let to = if cut { latest } else { end };
        (to.max_of(self.start) == to).then_some((to, cut))
    }
}

pub(in crate::engine) fn nothing(mapping: &Mapping, asked: &Asked, latest: Option<Cursor>) -> Fault {
    let start = asked.start;
    let sentence = match latest {
        Some(latest) => {
            format!("There is nothing to backfill: `--start` is {start}, but `{}` ends at {latest}", mapping.name)
        }
        None => format!("There is nothing to backfill: {} holds no settled row from {start} on", mapping.source),
    };
    Fault::new(FaultKind::Config, sentence).with_hint("`bqsync run-once` moves the rows beyond that")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::MappingName;

    const KIND: CursorKind = CursorKind::DateTime { fsp: 0, zone: chrono_tz::UTC };

    fn asked(start: &str, end: Option<&str>) -> Result<Asked, Fault> {
        let ask = BackfillAsk { mapping: MappingName("m".into()), start: start.into(), end: end.map(Into::into) };
        Asked::read(&ask, KIND)
    }

    fn at(text: &str) -> Cursor {
        Cursor::parse(text, KIND).unwrap()
    }

    #[test]
    fn a_day_as_the_end_includes_the_whole_day() {
        let october = asked("2026-10-01", Some("2026-10-31")).unwrap();
        assert_eq!(october.start.to_string(), "2026-10-01 00:00:00");
        assert_eq!(october.end.unwrap().to_string(), "2026-10-31 23:59:59.999999");
        assert_eq!(asked("2026-10-01", Some("2026-10-31 12:00:00")).unwrap().end, Some(at("2026-10-31 12:00:00")));
        assert!(asked("2026-10-02", Some("2026-10-01")).is_err());
        assert!(asked("yesterday", None).unwrap_err().to_string().contains("`--start`"));
    }

    #[test]
    fn a_backfill_ends_at_the_watermark() {
        let october = asked("2026-10-01", Some("2026-10-31")).unwrap();
        let mark = at("2026-10-15 00:00:00");
        assert_eq!(october.until(Some(mark)), Some((mark, true)));
        assert_eq!(october.until(Some(at("2026-09-30"))), None);
        let open = asked("2026-10-01", None).unwrap();
        assert_eq!(open.until(Some(mark)), Some((mark, false)));
        assert_eq!(open.until(None), None);
    }
}
