//! Properties of every window, however it is cut into steps.

use proptest::prelude::*;

use super::*;

/// The source's answer: the value of the row that fills a step, if it lies before the window's end.
fn step_end(values: &[i128], rest: Window, rows: usize) -> Option<Cursor> {
    let within: Vec<_> = values.iter().copied().filter(|value| holds(&rest, *value)).collect();
    within.get(rows - 1).map(|value| Cursor::Int(*value)).filter(|end| end.compare(&rest.high) == Some(Ordering::Less))
}

fn holds(window: &Window, value: i128) -> bool {
    let value = Cursor::Int(value);
    let above = match window.low {
        Low::Beginning => true,
        Low::After(low) => value.compare(&low) == Some(Ordering::Greater),
        Low::From(low) => value.compare(&low) != Some(Ordering::Less),
    };
    above && value.compare(&window.high) != Some(Ordering::Greater)
}

/// All steps of a window, in the engine's order.
fn steps(values: &[i128], window: Window, rows: usize, at_least: Option<Cursor>) -> Vec<Window> {
    let (mut low, mut steps) = (window.low, Vec::new());
    loop {
        let rest = Window { low, high: window.high };
        let next = step(rest, step_end(values, rest, rows), at_least);
        steps.push(next);
        assert!(steps.len() <= values.len() + 2, "it never ends: {steps:?}");
        if next.high == window.high {
            return steps;
        }
        low = Low::After(next.high);
    }
}

/// Few different values, so that many rows share one.
fn sorted_values() -> impl Strategy<Value = Vec<i128>> {
    proptest::collection::vec(-20..20_i128, 0..60).prop_map(|mut values| {
        values.sort_unstable();
        values
    })
}

fn lows() -> impl Strategy<Value = Low> {
    let at = |value: i128| Cursor::Int(value);
    prop_oneof![
        Just(Low::Beginning),
        (-22..20_i128).prop_map(move |value| Low::After(at(value))),
        (-22..20_i128).prop_map(move |value| Low::From(at(value))),
    ]
}

proptest! {
    #[test]
    fn every_row_of_a_window_lies_in_exactly_one_of_its_steps(
        values in sorted_values(), low in lows(), high in -20..22_i128, rows in 1..9_usize,
        reached in proptest::option::of(-22..24_i128),
    ) {
        let window = Window { low, high: Cursor::Int(high) };
        let steps = steps(&values, window, rows, reached.map(Cursor::Int));
        for value in &values {
            let times = steps.iter().filter(|step| holds(step, *value)).count();
            prop_assert_eq!(times, usize::from(holds(&window, *value)), "{} in {:?}", value, steps);
        }
    }

    #[test]
    fn steps_only_go_forward_and_never_beyond_the_window_nor_short_of_what_was_reached(
        values in sorted_values(), low in lows(), high in -20..22_i128, rows in 1..9_usize,
        reached in proptest::option::of(-22..24_i128),
    ) {
        let window = Window { low, high: Cursor::Int(high) };
        let steps = steps(&values, window, rows, reached.map(Cursor::Int));
        let Cursor::Int(least) = reached.map_or(Cursor::Int(i128::MIN), |reached| Cursor::Int(reached.min(high))) else {
            unreachable!("integers")
        };
        let mut before = None;
        for step in &steps {
            let Cursor::Int(end) = step.high else { unreachable!("integers") };
            prop_assert!(end <= high && end >= least && before.is_none_or(|before| before < end), "{:?}", steps);
            before = Some(end);
        }
        prop_assert_eq!(before, Some(high));
    }

    #[test]
    fn a_watermark_moves_forward_or_returns_an_error(from in any::<i64>(), to in any::<i64>(), imported: bool) {
        let mark = Watermark { cursor: Cursor::Int(from.into()), imported };
        let published = Published { high: Cursor::Int(to.into()), inserted: 0, updated: 0, cost: Cost::default() };
        match Watermark::advance(Some(&mark), &published) {
            Ok(after) => prop_assert!(to >= from && after.cursor == published.high && !after.imported),
            Err(fault) => prop_assert!(to < from && fault.kind() == FaultKind::Bug),
        }
    }
}
