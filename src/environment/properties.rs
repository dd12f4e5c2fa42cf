//! Versions of `.env` as users and accidents write them: read, or refused with file and line, and never quoted.

use proptest::prelude::*;

use super::*;
use crate::user_files::text_of;

const ORIGINAL: &str = include_str!("../../env.example");

/// Checks that every problem names the file and an existing line, and shows nothing that may be a password.
fn check(text: &str) -> Result<(), TestCaseError> {
    let Err(refusal) = Environment::of_text(text) else { return Ok(()) };
    let Refusal::Problems(problems) = refusal else { return Err(TestCaseError::fail("not a problem of a file")) };
    prop_assert!(!problems.is_empty());
    for problem in problems {
        prop_assert_eq!(&problem.file, ".env");
        prop_assert!(problem.line.is_none_or(|line| (1..=text.lines().count()).contains(&line)), "{}", problem);
        prop_assert_eq!(&problem.message, "this line does not set a variable");
    }
    Ok(())
}

fn problem_of(bytes: Vec<u8>) -> Option<Problem> {
    match text_of(Path::new("config.yaml"), bytes) {
        Err(Refusal::Problems(mut problems)) => problems.pop(),
        Ok(_) | Err(Refusal::Usage(_)) => None,
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_its_lines_are_named(text in "([A-Z_=#'\"$\\\\{} a-z0-9]{0,20}\n){0,6}|\\PC{0,60}") {
        check(&text)?;
    }

    #[test]
    fn a_mangled_file_is_read_or_its_lines_are_named(at in 0..ORIGINAL.len(), cut in 0..40_usize, put in "[\"'=$\n\\\\#{é ]{0,4}") {
        let at = (0..=at).rev().find(|at| ORIGINAL.is_char_boundary(*at)).unwrap_or(0);
        let rest = ORIGINAL.get(at + cut..).unwrap_or_default();
        check(&format!("{}{put}{rest}", &ORIGINAL[..at]))?;
    }

    #[test]
    fn a_value_without_quotes_is_taken_as_it_stands(value in "[!%-&(-~¡-ÿ][ -!$-~¡-ÿ]{0,30}[!%-~¡-ÿ]") {
        prop_assume!(!value.contains("${"));
        let read = Environment::of_text(&format!("# a comment\nMYSQL_NO_PASSWORD = {value}\n")).unwrap_or_default();
        prop_assert_eq!(read.dotenv.get("MYSQL_NO_PASSWORD"), Some(&value));
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_with_their_line(before in "([a-zé]{0,9}\n){0,9}", after in any::<Vec<u8>>()) {
        let bytes = [before.as_bytes(), &[0xff], &after].concat();
        let problem = problem_of(bytes).unwrap();
        prop_assert_eq!((problem.file.as_str(), problem.line), ("config.yaml", Some(before.lines().count() + 1)));
    }
}
