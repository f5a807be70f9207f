//! What is known of why a customer goes (behaviour: Winning back).

use crate::engine::codec::{Encoded, Problem, Reader, Writer, encoded};
use crate::model::{Day, Motive, Motives, OutcomeResult, Purpose, TaskOutcome};

/// What outcomes said of somebody who goes; kept of nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leaving {
    /// The day on which a churn task ended as lost.
    pub lost_on: Option<Day>,
    /// The day on which a churn task ended as refused.
    pub refused_on: Option<Day>,
    /// The day on which the customer did not want to be won back.
    pub closed_on: Option<Day>,
    /// The reasons.
    pub motives: Motives,
}

encoded!(Leaving {
    lost_on,
    refused_on,
    closed_on,
    motives,
});

encoded!(Motives { stated, confirmed });

impl Encoded for Motive {
    fn put(&self, to: &mut Writer) {
        (*self as u8).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let motive = Self::ALL.get(usize::from(u8::get(from)?));
        motive.copied().ok_or("has a reason that does not exist")
    }
}

impl Leaving {
    /// Takes the outcome that decides a task. Only one that says that the customer goes begins something.
    pub fn learn(
        leaving: &mut Option<Self>,
        purpose: Purpose,
        outcome: &TaskOutcome<'_>,
        day: Day,
    ) {
        use OutcomeResult::{Lost, Reached, Refused, Saved};
        let Some(result) = outcome.result else { return };
        let mut known = leaving.unwrap_or_default();
        match (purpose, result) {
            (Purpose::Churn, Lost) => (known.lost_on, known.refused_on) = (Some(day), None),
            (Purpose::Churn, Refused) => (known.lost_on, known.refused_on) = (None, Some(day)),
            (Purpose::Churn, Saved | Reached) => (known.lost_on, known.refused_on) = (None, None),
            (Purpose::WinBack, Lost | Refused) => known.closed_on = Some(day),
            (Purpose::WinBack, Saved | Reached) => known.closed_on = None,
            _ => return,
        }
        known.motives.learn(outcome);
        *leaving = known.last().is_some().then_some(known);
    }

    /// The day of the last word that still counts.
    fn last(&self) -> Option<Day> {
        self.lost_on.max(self.refused_on).max(self.closed_on)
    }

    /// Whether it is too old to count for a loss that is still to come.
    pub fn is_over(&self, day: Day, keep_days: u16) -> bool {
        self.last()
            .is_none_or(|last| day.since(last) >= i32::from(keep_days))
    }
}
