//! The process's variables, above those of `.env` in the working directory, and where each was set.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use bigquery_syncer::domain::config::{self, Config, Context, Misspelt, Problem};
use bigquery_syncer::dotenv::{self, Unread};

use crate::refusal::Refusal;
use crate::user_files::{read_text, state_directory};

pub const FILE: &str = ".env";

/// Prefixes of the names that this program or its configuration uses; other programs may have other names in the same
/// file.
const OURS: [&str; 9] =
    ["MYSQL_", "BIGQUERY_", "STORAGE_", "GOOGLE_", "GCP_", "GCS_", "BQSYNC_", "CLOUDSDK_", "LOG_LEVEL"];

/// The variables. Unreadable lines for other programs are ignored, and reported once in the log.
pub struct Environment {
    /// The file's name in messages.
    file: String,
    /// The file takes precedence over the process's variables.
    wins: bool,
    dotenv: HashMap<String, String>,
    /// The line of each name, from 1.
    lines: HashMap<String, usize>,
    has_file: bool,
    left_alone: Vec<usize>,
}

impl Default for Environment {
    fn default() -> Self {
        let (file, wins, has_file) = (FILE.to_owned(), false, false);
        Self { file, wins, dotenv: HashMap::new(), lines: HashMap::new(), has_file, left_alone: Vec::new() }
    }
}

impl Environment {
    /// # Errors
    /// `.env` cannot be read, or one of its lines that should set a variable of ours.
    pub fn read() -> Result<Self, Refusal> {
        let file = Path::new(FILE);
        if file.exists() { Self::of_text(&read_text(file)?) } else { Ok(Self::default()) }
    }

    /// The variables of a context: its file takes precedence, because the process's variables belong to another place.
    ///
    /// # Errors
    /// The errors of `read`; a file that the context names must exist.
    pub fn of_context(context: &Context) -> Result<Self, Refusal> {
        let nothing = Self { file: context.env.display().to_string(), wins: true, ..Self::default() };
        if !context.names_env && !context.env.exists() {
            return Ok(nothing);
        }
        nothing.with_text(&read_text(&context.env)?)
    }

    fn of_text(text: &str) -> Result<Self, Refusal> {
        Self::default().with_text(text)
    }

    fn with_text(self, text: &str) -> Result<Self, Refusal> {
        let parsed = dotenv::parse(text);
        let (ours, others): (Vec<_>, Vec<_>) =
            parsed.unread.into_iter().partition(|unread| OURS.iter().any(|name| unread.word.starts_with(name)));
        if !ours.is_empty() {
            return Err(Refusal::Problems(ours.iter().map(|unread| broken(&self.file, unread)).collect()));
        }
        let lines = parsed.entries.iter().filter(|entry| entry.value.is_some());
        let set: HashSet<&str> =
            if self.wins { parsed.entries.iter().map(|e| e.name.as_str()).collect() } else { HashSet::new() };
        let process = |name: &str| std::env::var(name).ok().filter(|_| !set.contains(name));
        Ok(Self {
            dotenv: dotenv::resolve(&parsed.entries, &process),
            lines: lines.map(|entry| (entry.name.clone(), entry.line)).collect(),
            has_file: true,
            left_alone: others.iter().map(|unread| unread.line).collect(),
            ..self
        })
    }

    /// A variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<String> {
        let (process, file) = (|| std::env::var(name).ok(), || self.dotenv.get(name).cloned());
        let value = if self.wins { file().or_else(process) } else { process().or_else(file) };
        value.filter(|v| !v.is_empty())
    }

    /// The directory for log files: `BQSYNC_LOG_DIR`, otherwise the user's state directory.
    pub fn log_directory(&self) -> Option<PathBuf> {
        match config::file_setting(&|name| self.get(name), "BQSYNC_LOG_DIR") {
            Ok(Some(directory)) => return Some(directory),
            Ok(None) => {}
            // `problems` reports it; the value must not become a directory's name.
            Err(_) => return None,
        }
        state_directory()
    }

    /// The file for the console operator's preferences.
    pub fn console_file() -> Option<PathBuf> {
        Some(state_directory()?.join("console.json"))
    }

    /// Problems with variables that are read here.
    pub fn problems(&self) -> Vec<Problem> {
        config::file_setting(&|name| self.get(name), "BQSYNC_LOG_DIR").err().into_iter().collect()
    }

    /// Logs which lines of `.env` are ignored.
    pub fn warn(&self) {
        for line in &self.left_alone {
            tracing::warn!("{}:{line} sets no variable and is ignored", self.file);
        }
    }

    /// Logs which variables of a server look misspelt.
    pub fn warn_of_misspelt(&self, config: &Config) {
        for Misspelt { written, meant } in config::misspelt(&config.sources, &self.names()) {
            let place = self.place_words(&written);
            tracing::warn!("{written} (set in {place}) is not a variable of bqsync; did you mean {meant}?");
        }
    }

    /// The names of all variables that are set.
    fn names(&self) -> Vec<String> {
        let process = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let names: BTreeSet<String> = process.chain(self.dotenv.keys().cloned()).collect();
        names.into_iter().filter(|name| self.get(name).is_some()).collect()
    }

    /// Turns a sentence that begins with a variable's name into a problem at the place where that variable is set.
    pub fn refusal(&self, sentence: String) -> Refusal {
        match first_variable(&sentence) {
            Some(name) => {
                let (file, line) = self.place(name);
                Refusal::Problems(vec![Problem { file, line, message: sentence, hint: String::new() }])
            }
            None => Refusal::Usage(sentence),
        }
    }

    /// Adds the places of variables to a problem: of the variable that it is about, or of those written in config.yaml.
    pub fn located(&self, mut problem: Problem) -> Problem {
        if problem.line.is_some() {
            let set = variables_in(&problem.message).filter(|name| self.get(name).is_some());
            let places: Vec<_> = set.map(|name| format!("{name} is set in {}", self.place_words(name))).collect();
            if !places.is_empty() {
                problem.hint = format!("{} ({})", problem.hint, places.join(", "));
            }
        } else if let Some(name) = first_variable(&problem.message) {
            let near = if self.get(name).is_none() { config::misspelling_of(name, &self.names()) } else { None };
            (problem.file, problem.line) = self.place(name);
            if self.get(name).is_none() && !self.has_file {
                let here = std::env::current_dir().map_or_else(|_| ".".to_owned(), |here| here.display().to_string());
                problem.hint =
                    format!("{} (there is no `{}` in the working directory, {here})", problem.hint, self.file);
            }
            if let Some(Misspelt { written, meant }) = near {
                let place = self.place_words(&written);
                problem.hint = format!("{written} (set in {place}) is not a variable of bqsync: rename it to {meant}");
            }
        }
        problem
    }

    /// The place of a variable for a problem; for a variable that is not set, the place where it could be set.
    fn place(&self, name: &str) -> (String, Option<usize>) {
        let is_set = std::env::var_os(name).is_some();
        let line = self.lines.get(name).copied().filter(|_| self.wins || !is_set);
        let is_missing = !is_set && line.is_none();
        let file = if line.is_some() || (is_missing && self.has_file) { &self.file } else { "environment" };
        (file.to_owned(), line)
    }

    fn place_words(&self, name: &str) -> String {
        match self.place(name) {
            (file, Some(line)) => format!("{file}:{line}"),
            (_, None) => "the environment".to_owned(),
        }
    }
}

/// Names only the line, because unreadable text may be a password.
fn broken(file: &str, unread: &Unread) -> Problem {
    Problem {
        file: file.to_owned(),
        line: Some(unread.line),
        message: "this line does not set a variable".to_owned(),
        hint: "write NAME=value; put a value that holds spaces, quotes or # in single quotes".to_owned(),
    }
}

/// The variable's name in `MYSQL_PORT is ...`.
fn first_variable(sentence: &str) -> Option<&str> {
    let word = sentence.split(' ').next().filter(|word| word.len() > 2)?;
    word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_').then_some(word)
}

/// The names in `${NAME}` and `${NAME:-default}`.
fn variables_in(text: &str) -> impl Iterator<Item = &str> {
    let name = |piece: &'_ str| piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    text.split("${").skip(1).filter_map(move |piece| piece.get(..name(piece)?))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    // These names are set nowhere; the servers' own variables are set where the tests run.

    fn problems(refusal: Refusal) -> Vec<Problem> {
        match refusal {
            Refusal::Problems(problems) => problems,
            Refusal::Usage(sentence) => panic!("{sentence}"),
        }
    }

    #[test]
    fn an_unreadable_line_is_refused_only_if_it_sets_a_variable_of_ours() {
        let theirs = "\u{feff}MYSQL_NO_USER=etl\nmy-app.mode=prod\nFEATURE_X\nnot a variable\nAPP_KEY='open\n";
        let environment = Environment::of_text(theirs).unwrap_or_default();
        assert_eq!(environment.get("MYSQL_NO_USER").as_deref(), Some("etl"));
        assert_eq!(environment.left_alone, [4, 5]);
        for line in ["MYSQL_NO_PASSWORD: s3cret", "export MYSQL_NO_PASSWORD='s3cret", "BQSYNC_NOTIFY_URL s3cret"] {
            let found = problems(Environment::of_text(&format!("# note\n\n{line}\nA=b\n")).err().unwrap());
            assert_eq!(found.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(3)], "{line}");
            assert!(!found[0].to_string().contains("s3cret"), "{}", found[0]);
        }
    }

    #[test]
    fn a_problem_names_the_place_where_its_value_was_set() {
        let environment = Environment::of_text("A=1\nMYSQL_NO_PORT=abc\nEMPTY=\n").unwrap_or_default();
        let problem = |message: &str, line| Problem {
            file: "config.yaml".into(),
            line,
            message: message.into(),
            hint: "do this".into(),
        };
        let place = |message: &str| environment.located(problem(message, None)).place();
        assert_eq!(place("MYSQL_NO_PORT is not a port's number"), ".env:2");
        assert_eq!(place("PATH is not a port's number"), "environment");
        assert_eq!(place("MYSQL_NO_USER is not set"), ".env");
        assert_eq!(Environment::default().located(problem("MYSQL_NO_USER is not set", None)).place(), "environment");
        assert_eq!(place("`project` is missing"), "config.yaml");
        let in_config = environment.located(problem("`location` cannot be `${A:-x}-${NONE}`", Some(3)));
        assert_eq!(
            (in_config.place(), in_config.hint),
            ("config.yaml:3".into(), "do this (A is set in .env:1)".into())
        );
        let misspelt = Environment::of_text("A=1\nMYSQL_NO_USRE=etl\n").unwrap_or_default();
        let hint = misspelt.located(problem("MYSQL_NO_USER is not set (source `no`)", None)).hint;
        assert_eq!(hint, "MYSQL_NO_USRE (set in .env:2) is not a variable of bqsync: rename it to MYSQL_NO_USER");
        assert_eq!(problems(environment.refusal("MYSQL_NO_PORT is wrong".into()))[0].place(), ".env:2");
        assert!(matches!(environment.refusal("`--restart` is wrong".into()), Refusal::Usage(_)));
    }
}
