//! Subscriber-days: the denominators of rates.

use super::bootstrap::{Denominator, SubscriberCounts};
use super::cohort::{Cohort, Person, Scope};
use crate::model::{Day, Tier};
use std::collections::BTreeMap;

/// The period of all days outside every city-wide event.
pub const USUAL: &str = "usual";
/// A city-wide event counts for so many days after its end: silences and falls take days to show.
const AFTERMATH_DAYS: i32 = 7;

/// Subscriber-days, which all streams of alarms share.
pub struct Exposure {
    /// Each denominator's days by subscriber; [`Denominator::Shared`] holds the index.
    pub denominators: Vec<SubscriberCounts>,
    indexes: BTreeMap<(Days, Scope, Option<Tier>), usize>,
    /// The period that each day of the data belongs to, as an index into `periods`.
    period_of_day: Vec<u8>,
    /// Names of the periods, [`USUAL`] first.
    periods: Vec<String>,
}

/// Which days of a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Days {
    /// Those before any onset: an alarm on them is false.
    Sound,
    /// All on which an alarm counts.
    Judged,
    /// The sound ones of one period.
    Period(usize),
}

impl Exposure {
    /// Counts the days of everybody.
    pub fn new(cohort: &Cohort<'_>) -> Self {
        let rows = &cohort.recording.rows;
        let mut period_of_day = vec![0; rows.days];
        let mut periods = vec![USUAL.to_owned()];
        for event in &cohort.labels.city {
            let known = periods.iter().position(|name| *name == event.kind);
            let period = known.unwrap_or_else(|| {
                periods.push(event.kind.clone());
                periods.len() - 1
            });
            let until = event.until + AFTERMATH_DAYS;
            let mut day = event.from;
            while day <= until {
                if let Some(index) = rows.index(day) {
                    period_of_day[index] = period as u8;
                }
                day = day.next();
            }
        }
        let mut exposure = Self {
            denominators: Vec::new(),
            indexes: BTreeMap::new(),
            period_of_day,
            periods,
        };
        for (subscriber, person) in (0..).zip(&cohort.people) {
            exposure.add(cohort, subscriber, person);
        }
        exposure
    }

    fn add(&mut self, cohort: &Cohort<'_>, subscriber: u32, person: &Person) {
        let first = cohort.recording.rows.first;
        let sound = cohort.sound_days(person, first, cohort.last);
        let judged = cohort.judged_days(person);
        let mut by_period = vec![0; self.periods.len()];
        if let Some(from) = person.from {
            let begin = from.since(first).max(0) as usize;
            let end = (person.sound_until.since(first) + 1).max(0) as usize;
            let end = end.min(self.period_of_day.len());
            for period in self.period_of_day.get(begin..end).unwrap_or_default() {
                by_period[usize::from(*period)] += 1;
            }
        }
        for scope in [
            Scope::Regular,
            Scope::WithData,
            Scope::WithoutData,
            Scope::All,
        ] {
            if !scope.has(person, true) {
                continue;
            }
            for tier in [None, Some(person.tier)] {
                self.push((Days::Sound, scope, tier), subscriber, sound);
                self.push((Days::Judged, scope, tier), subscriber, judged);
            }
            for (period, days) in by_period.iter().enumerate() {
                self.push((Days::Period(period), scope, None), subscriber, *days);
            }
        }
    }

    fn push(&mut self, key: (Days, Scope, Option<Tier>), subscriber: u32, days: u32) {
        if days == 0 {
            return;
        }
        let index = *self.indexes.entry(key).or_insert(self.denominators.len());
        if index == self.denominators.len() {
            self.denominators.push(Vec::new());
        }
        self.denominators[index].push((subscriber, days));
    }

    /// The denominator of a rate.
    pub fn denominator(&self, days: Days, scope: Scope, tier: Option<Tier>) -> Denominator {
        // Whether a subscriber is active is known on the day of an alarm only; the days are everybody's.
        let scope = match scope {
            Scope::Active => Scope::All,
            scope => scope,
        };
        match self.indexes.get(&(days, scope, tier)) {
            Some(index) => Denominator::Shared(*index),
            None => Denominator::Own(Vec::new()),
        }
    }

    /// Every period with its name.
    pub fn periods(&self) -> impl Iterator<Item = (Days, &str)> {
        let names = self.periods.iter().map(String::as_str);
        names
            .enumerate()
            .map(|(index, name)| (Days::Period(index), name))
    }

    /// The name of the period that a day belongs to.
    pub fn period_of(&self, cohort: &Cohort<'_>, day: Day) -> &str {
        let index = cohort.recording.rows.index(day);
        let period = index.and_then(|index| self.period_of_day.get(index));
        let period = usize::from(period.copied().unwrap_or_default());
        self.periods.get(period).map_or(USUAL, String::as_str)
    }

    /// Subscriber-days on which an alarm would be a false one.
    pub fn sound_days(&self, scope: Scope, tier: Option<Tier>) -> u64 {
        match self.denominator(Days::Sound, scope, tier) {
            Denominator::Shared(index) => {
                let days = self.denominators[index].iter();
                days.map(|(_, n)| u64::from(*n)).sum()
            }
            Denominator::Own(_) => 0,
        }
    }
}
