use crate::engine::settings::BudgetRules;
use crate::model::Timestamp;
use serde::{Deserialize, Serialize};

/// The time for which the candidates of a day's close are collected before they are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collecting {
    /// When the close began.
    pub from: Timestamp,
    /// When they are ranked.
    pub until: Timestamp,
}

impl Collecting {
    /// Nothing more is collected.
    pub fn until(now: Timestamp) -> Self {
        Self {
            from: now,
            until: now,
        }
    }

    /// From the begin of a close on.
    pub fn since(from: Timestamp, rules: &BudgetRules) -> Self {
        let minutes = i64::from(rules.collect_minutes);
        Self {
            from,
            until: Timestamp(from.0 + minutes * 60 * Timestamp::SECOND_MS),
        }
    }
}
