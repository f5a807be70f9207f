//! Whether a subscriber for whom a churn task was opened, or would have been but for the hold-out, leaves (behaviour: What
//! tasks achieve).

use crate::engine::codec::{Encoded, Problem, Reader, Writer, encoded, is_possible};
use crate::model::{Day, HORIZON_DAYS, Tier};
use std::sync::Arc;

/// A subscriber who is followed, or was last.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// The day on which it began.
    pub day: Day,
    /// So many of [`HORIZON_DAYS`] are over, or the subscriber has left the count.
    pub judged: u8,
    /// With whom the subscriber is counted.
    pub cohort: Cohort,
}

/// Those who are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// Region path, as the tally tells regions apart.
    pub region: Arc<str>,
    /// The first reason.
    pub trigger: Arc<str>,
    /// Tier at the time.
    pub tier: Tier,
    /// Whether they were held out.
    pub held_out: bool,
}

encoded!(FollowUp {
    day,
    judged,
    cohort,
});

encoded!(Cohort {
    region,
    trigger,
    tier,
    held_out,
});

impl Encoded for Tier {
    fn put(&self, to: &mut Writer) {
        (*self as u8).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let tier = Self::ALL.get(usize::from(u8::get(from)?));
        tier.copied().ok_or("has a tier that does not exist")
    }
}

impl FollowUp {
    /// A follow-up that begins.
    pub fn begin(day: Day, cohort: Cohort) -> Self {
        Self {
            day,
            judged: 0,
            cohort,
        }
    }

    /// The horizon that is over at the close of a day and has not been judged, by its place.
    pub fn due(&self, day: Day) -> Option<usize> {
        let place = usize::from(self.judged);
        let days = HORIZON_DAYS.get(place)?;
        (day.since(self.day) >= i32::from(*days)).then_some(place)
    }

    /// Whether nothing more is to be learnt.
    pub fn is_over(&self) -> bool {
        usize::from(self.judged) >= HORIZON_DAYS.len()
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        match usize::from(self.judged) <= HORIZON_DAYS.len() && is_possible(self.day) {
            true => Ok(()),
            false => Err("has a follow-up of an impossible day or of more horizons than there are"),
        }
    }
}
