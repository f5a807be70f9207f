use serde::{Deserialize, Serialize};

/// How far things have gone (behaviour: Churn score and severity).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// First signs.
    Early,
    /// Likely to leave.
    AtRisk,
    /// About to leave.
    Critical,
    /// Gone.
    Lost,
}

impl Severity {
    /// Every severity, mildest first.
    pub const ALL: [Self; 4] = [Self::Early, Self::AtRisk, Self::Critical, Self::Lost];

    /// The name used in records and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::AtRisk => "at_risk",
            Self::Critical => "critical",
            Self::Lost => "lost",
        }
    }
}
