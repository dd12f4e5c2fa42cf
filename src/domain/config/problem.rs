//! Problems in a file, and what to write instead.

/// One problem in a file that the user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file's name: `config.yaml`, `.env`.
    pub file: String,
    /// The line, from 1; `None` where there is none (a key that is missing from the file, a variable).
    pub line: Option<usize>,
    /// What is wrong, naming the key or the mapping.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

impl Problem {
    /// The place in words: `config.yaml:3`, `.env:2`.
    #[must_use]
    pub fn place(&self) -> String {
        self.line.map_or_else(|| self.file.clone(), |line| format!("{}:{line}", self.file))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n    hint: {}", self.hint) }
    }
}
