//! One question about many tables, joined by UNION ALL. A failing one is found by halving, and does not hide the
//! others' answers.

use std::iter;
use std::ops::Range;

use crate::source::mysql::session::Session;
use crate::source::mysql::sql::Query;
use crate::source::mysql::texts::Texts;

/// The most failures in one call; with more, the error is not a single table's, and the remaining ones are asked about
/// by themselves.
const MOST_FAILURES: usize = 12;

/// The answers to all questions.
#[derive(Debug)]
pub struct Answers {
    /// Whether each question was answered, in their order.
    pub answered: Vec<bool>,
    /// The rows of all answers.
    pub rows: Vec<Texts>,
}

/// Asks for all at once; `question` gives the SELECT for one item, which has the given number.
///
/// # Errors
/// The connection's errors; it is of no use afterwards.
pub async fn asked<T>(
    session: &mut Session,
    all: &[T],
    question: impl Fn(usize, &T) -> Query,
) -> Result<Answers, sqlx::Error> {
    let mut answers = Answers { answered: vec![false; all.len()], rows: Vec::new() };
    let mut failures = 0;
    let mut left: Vec<Range<usize>> = iter::once(0..all.len()).collect();
    while let Some(some) = left.pop().filter(|some| !some.is_empty() && failures < MOST_FAILURES) {
        let query = union(some.clone().map(|number| question(number, &all[number])));
        match session.texts(query).await {
            Ok(rows) => {
                answers.answered[some].fill(true);
                answers.rows.extend(rows);
            }
            Err(error) if error.as_database_error().is_none() => return Err(error),
            Err(_) => {
                failures += 1;
                left.extend(halves(some));
            }
        }
    }
    Ok(answers)
}

fn union(questions: impl Iterator<Item = Query>) -> Query {
    let (sql, binds): (Vec<_>, Vec<_>) = questions.map(|query| (query.sql, query.binds)).unzip();
    Query::new(sql.join(" UNION ALL "), binds.into_iter().flatten())
}

/// The two halves of a range; none for a range of one.
fn halves(of: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let middle = usize::midpoint(of.start, of.end);
    [middle..of.end, of.start..middle].into_iter().filter(move |half| of.len() > 1 && !half.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_cover_the_range_and_a_range_of_one_has_none() {
        assert_eq!(halves(0..5).collect::<Vec<_>>(), [2..5, 0..2]);
        assert_eq!(halves(3..4).count(), 0);
    }

    #[test]
    fn the_questions_of_a_union_keep_their_values_in_order() {
        use crate::source::mysql::sql::Bind::Int;
        let of = |number: i64| Query::new(format!("SELECT {number} + ?"), [Int(number)]);
        let union = union([of(1), of(2)].into_iter());
        assert_eq!(union, Query::new("SELECT 1 + ? UNION ALL SELECT 2 + ?", [Int(1), Int(2)]));
    }
}
