//! Inputs that are not enough to measure anything: their report would look like that of rules which find nothing.

use super::cohort::Cohort;
use super::labels::Origin;
use crate::model::Day;

/// Why nothing can be measured, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmeasurable {
    /// Every record was rejected, or there was none.
    #[error("none of {0} records could be used; give files of events")]
    NoRecord(u64),
    /// There are only bills, profiles and the like.
    #[error("no record is a call, a message or a data session; give files that have them")]
    NoUse,
    /// No day is left.
    #[error(
        "the warm-up of {warmup_days} days leaves no day of the data, {first} to {last}; \
         give more events or a smaller --warmup-days"
    )]
    WarmUp {
        /// Days of warm-up.
        warmup_days: u16,
        /// First day of the data.
        first: Day,
        /// Last day of the data.
        last: Day,
    },
    /// The truth file has no label of a subscriber.
    #[error("no line labels a subscriber; without --truth the events tell who left")]
    NoLabel,
    /// The truth file tells of other people.
    #[error(
        "only {known} of {named} labels name a subscriber with records; give the truth of these events"
    )]
    Foreign {
        /// Labels of subscribers with a record.
        known: usize,
        /// Labels of subscribers.
        named: usize,
    },
}

impl Unmeasurable {
    /// Whether the truth file is wrong; otherwise it is the events.
    pub const fn of_truth(&self) -> bool {
        matches!(self, Self::NoLabel | Self::Foreign { .. })
    }
}

/// Makes sure that something can be measured.
///
/// # Errors
/// Why not.
pub fn measurable(cohort: &Cohort<'_>, warmup_days: u16) -> Result<(), Unmeasurable> {
    let counts = cohort.recording.counts;
    if counts.applied == 0 || cohort.recording.roster.len() == 0 {
        return Err(Unmeasurable::NoRecord(counts.records));
    }
    if cohort.people.iter().all(|person| person.from.is_none()) {
        return Err(Unmeasurable::NoUse);
    }
    let judged = |person| cohort.judged_days(person) > 0;
    if !cohort.people.iter().any(judged) {
        return Err(Unmeasurable::WarmUp {
            warmup_days,
            first: cohort.first,
            last: cohort.last,
        });
    }
    let (named, unknown) = (cohort.labels.named, cohort.labels.unknown);
    match cohort.labels.origin {
        Origin::Truth if named == 0 => Err(Unmeasurable::NoLabel),
        Origin::Truth if 2 * unknown > named => Err(Unmeasurable::Foreign {
            known: named - unknown,
            named,
        }),
        _ => Ok(()),
    }
}
