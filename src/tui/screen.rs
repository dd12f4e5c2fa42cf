//! The screens by name. Keys, titles and dispatch follow from this list.

/// A screen; its content stays when the operator leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Screen {
    Mappings,
    Run,
    Schema,
    Backfill,
    History,
    Report,
    Logs,
    Check,
    Verify,
    Sent,
    Tables,
    Data,
}

impl Screen {
    /// All screens, in the order of the help.
    pub const ALL: [Self; 12] = [
        Self::Mappings,
        Self::Run,
        Self::Schema,
        Self::Backfill,
        Self::Verify,
        Self::Data,
        Self::History,
        Self::Report,
        Self::Logs,
        Self::Sent,
        Self::Check,
        Self::Tables,
    ];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mappings => "Mappings",
            Self::Run => "Run",
            Self::Schema => "Schema review",
            Self::Backfill => "Backfill",
            Self::History => "History",
            Self::Report => "Report of a run",
            Self::Logs => "Logs",
            Self::Check => "Check",
            Self::Verify => "Verify",
            Self::Sent => "What was sent",
            Self::Tables => "Tables",
            Self::Data => "Rows side by side",
        }
    }
}
