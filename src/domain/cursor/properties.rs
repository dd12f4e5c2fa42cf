//! Properties of every value of an incremental column. (`tests/it/properties.rs` asks the server for their order.)

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;

/// All values that a DATETIME(6) column can hold, including zero and impossible dates.
fn moments() -> impl Strategy<Value = Moment> {
    let date = (0..=9_999_u16, 0..=12_u8, 0..=31_u8);
    let micros = prop_oneof![Just(0), 0..1_000_000_u32];
    (date, (0..24_u8, 0..60_u8, 0..60_u8), micros).prop_map(|((year, month, day), (hour, minute, second), micro)| {
        Moment { year, month, day, hour, minute, second, micro }
    })
}

fn integers() -> impl Strategy<Value = i128> {
    let edges = prop_oneof![Just(i128::from(i64::MIN)), Just(i128::from(u64::MAX)), Just(0)];
    prop_oneof![any::<i64>().prop_map(i128::from), any::<u64>().prop_map(i128::from), edges]
}

fn zones() -> impl Strategy<Value = Tz> {
    prop_oneof![Just(Tz::UTC), Just(Tz::America__New_York), Just(Tz::Asia__Kathmandu), Just(Tz::Australia__Lord_Howe)]
}

/// The packed number by which MySQL compares moments. Source: MySQL's `my_datetime_packed_to_binary`.
fn packed(moment: &Moment) -> u64 {
    let Moment { year, month, day, hour, minute, second, micro } = *moment;
    let day = (u64::from(year) * 13 + u64::from(month)) << 5 | u64::from(day);
    let clock = u64::from(hour) << 12 | u64::from(minute) << 6 | u64::from(second);
    (day << 17 | clock) << 24 | u64::from(micro)
}

proptest! {
    #[test]
    fn a_moment_written_into_the_state_is_read_back_whatever_the_zone(moment in moments(), zone in zones()) {
        let text = Cursor::Moment(moment).to_string();
        let kind = CursorKind::DateTime { fsp: 6, zone };
        prop_assert_eq!(Cursor::parse(&text, kind).unwrap(), Cursor::Moment(moment));
        prop_assert_eq!(Cursor::parse(&text.replace(' ', "T"), CursorKind::Date).unwrap(), Cursor::Moment(moment));
    }

    #[test]
    fn an_integer_written_into_the_state_is_read_back(value in integers()) {
        prop_assert_eq!(Cursor::parse(&format!(" {value}\n"), CursorKind::Int).unwrap(), Cursor::Int(value));
    }

    #[test]
    fn moments_are_ordered_as_the_server_packs_them(a in moments(), b in moments()) {
        prop_assert_eq!(a.cmp(&b), packed(&a).cmp(&packed(&b)));
        prop_assert_eq!(Cursor::Moment(a).compare(&Cursor::Moment(b)), Some(a.cmp(&b)));
    }

    #[test]
    fn integers_and_moments_are_never_compared(a in integers(), b in moments()) {
        prop_assert_eq!(Cursor::Int(a).compare(&Cursor::Moment(b)), None);
    }

    #[test]
    fn cutting_a_moment_never_moves_it_forward_and_keeps_the_order(a in moments(), b in moments(), fsp in 0..=6_u8) {
        prop_assert!(a.truncated(fsp) <= a && a.midnight() <= a.truncated(fsp));
        if a <= b {
            prop_assert!(a.truncated(fsp) <= b.truncated(fsp) && a.midnight() <= b.midnight());
        }
    }

    #[test]
    fn the_calendars_moments_come_back_from_it(moment in moments()) {
        if let Some(naive) = moment.to_naive() {
            prop_assert_eq!(Moment::from_naive(naive), moment);
        }
    }

    #[test]
    fn an_instant_keeps_its_order_on_a_clock_that_is_never_set_back(a in moments(), b in moments()) {
        let read = |moment: Moment| Moment::parse_in(&format!("{moment}Z"), Tz::Asia__Kathmandu);
        if let (Some(in_zone_a), Some(in_zone_b)) = (read(a), read(b)) && a.year > 1990 && b.year > 1990 {
            prop_assert_eq!(in_zone_a.cmp(&in_zone_b), a.cmp(&b));
        }
    }

    #[test]
    fn any_text_is_read_stably_or_refused(text in "[-0-9 :.TZz+]{0,32}|\\PC{0,24}", zone in zones()) {
        for kind in [CursorKind::Int, CursorKind::Date, CursorKind::DateTime { fsp: 6, zone }] {
            match Cursor::parse(&text, kind) {
                Ok(cursor) => {
                    let again = Cursor::parse(&cursor.to_string(), kind).unwrap();
                    prop_assert_eq!(again.compare(&cursor), Some(Ordering::Equal), "{}", cursor);
                }
                Err(fault) => prop_assert!(fault.kind() == FaultKind::Config && fault.to_string().contains(&text)),
            }
        }
    }
}
