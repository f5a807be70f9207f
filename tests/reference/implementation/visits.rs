//! Regular visits (behaviour: Care and growth triggers).

use super::care::{firing, within};
use super::triggers::Firing;
use super::view::DayView;
use churnwatch::model::{Day, Fact, OutcomeResult, TaskOutcome, Tier};
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

pub const VISIT: &str = "regular_visit";

/// `[triggers.regular_visit]`.
#[derive(Deserialize)]
pub struct Settings {
    key_days: i32,
    ordinary_days: i32,
    again_days: i32,
    strength: f64,
}

/// What is remembered of one subscriber.
#[derive(Default)]
pub struct Visits {
    /// Where the count began, of somebody who has visits.
    begun: Option<Day>,
    contact: Option<Day>,
    last: Option<Day>,
}

impl Visits {
    /// Whether nobody has spoken to the customer since a visit was called for.
    pub fn due(&self) -> bool {
        let counted = self.contact.max(self.begun);
        self.last
            .is_some_and(|last| counted.is_none_or(|on| on <= last))
    }

    pub fn outcome(&mut self, said: &TaskOutcome<'_>, day: Day) {
        let spoke = said
            .result
            .is_some_and(|result| result != OutcomeResult::Unreachable);
        if spoke && self.begun.is_some() {
            self.contact = self.contact.max(Some(day)).max(self.begun);
        }
    }

    pub fn on_day(&mut self, view: &DayView<'_>, settings: &Settings) -> Option<Firing> {
        let (day, standing) = (view.today.day, view.standing);
        let tier = standing.tier(day, view.rules);
        let days = match tier {
            Tier::Key if standing.rateable() || standing.marked() => settings.key_days,
            Tier::Ordinary if standing.rateable() => settings.ordinary_days,
            _ => 0,
        };
        if days == 0 || standing.opted_out || standing.refused_on.is_some() {
            (self.begun, self.contact) = (None, None);
            return None;
        }
        let today = day + 1;
        let begun = *self.begun.get_or_insert_with(|| {
            let place = xxh3_64(view.msisdn.as_str().as_bytes()) % days as u64;
            let served = standing.profile().and_then(|profile| profile.activated_on);
            let served = served.filter(|since| *since < today);
            served.max(Some(today - place as i32)).unwrap()
        });
        let counted = self.contact.unwrap_or(begun);
        let said = self.last >= Some(counted) && within(day, self.last, settings.again_days);
        if today.0 - counted.0 < days || view.barred(day) || said {
            return None;
        }
        self.last = Some(day);
        let facts = self.contact.map(|on| ("contacted_on", Fact::Date(on)));
        let facts = facts.into_iter().collect();
        let seen = (0.0, 1.0, "contacts");
        let mut firing = firing(VISIT, settings.strength, seen, 1.0, facts);
        firing.evidence.window_days = days as u16;
        Some(firing)
    }
}
