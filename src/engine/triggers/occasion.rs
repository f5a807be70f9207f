use super::OCCASIONS;
use super::reminder::{self, GREETING_GRACE_DAYS, Schedule};
use super::trigger::{Firing, Trigger, TriggerSpec};
use super::view::DayView;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Day, Purpose, Segment, Text, Tier};
use serde::Deserialize;
use serde::de::Error;
use std::ops::RangeInclusive;

/// A day of the configured calendar: a festival, or a day of the operator's own (behaviour: Calendar of occasions). Day close.
///
/// There are two of it: one greets, the other one makes an offer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Occasion<const OFFER: bool> {
    calendar: Vec<Entry>,
    lead_days: u16,
    cooldown_days: u16,
    strength: f64,
}

/// One day of the calendar, in every year that it comes.
#[derive(Debug, Deserialize)]
#[serde(try_from = "EntryText")]
struct Entry {
    /// In order.
    days: Vec<Day>,
    segments: Vec<Segment>,
    tiers: Vec<Tier>,
    zh: String,
    en: String,
}

/// The same as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryText {
    #[serde(default)]
    on: Option<String>,
    #[serde(default)]
    lunar: Option<String>,
    #[serde(default)]
    segments: Vec<Segment>,
    #[serde(default)]
    tiers: Vec<Tier>,
    zh: String,
    en: String,
}

/// The years for which the calendar is made: those in which dates may lie.
const YEARS: RangeInclusive<i16> = 2000..=2099;

impl<const OFFER: bool> TriggerSpec for Occasion<OFFER> {
    const NAME: &'static str = if OFFER { "occasion_offer" } else { "occasion" };
    const PURPOSE: Purpose = if OFFER { Purpose::Grow } else { Purpose::Care };
    const DAILY: bool = true;
    const NEEDS_ACCOUNT: bool = true;
    const BULK: bool = true;
    const DEFAULTS: &'static str = "\
# Days of the year for which a bulk message goes out, such as
# [{ lunar = \"08-15\", tiers = [\"key\"], zh = \"中秋节\", en = \"the Mid-Autumn Festival\" }]. Each has `on`: \"MM-DD\" of every year, or
# one day \"YYYY-MM-DD\"; or `lunar`: \"MM-DD\" of the Chinese calendar, where a day that the month lacks in some year is its last
# one. `zh` and `en` are its names. `segments` (\"consumer\", \"group\") and `tiers` (\"key\", \"ordinary\", \"small\") say for whom; without them, for everybody. It
# fires for all of them on one day, and the budget decides who gets the message.
calendar = []
# Days before the day on which it fires. 0..30
lead_days = 3
# Days until the same customer may get another, of whichever of the two triggers; one that was not let through counts too. 1..365
cooldown_days = 330
# Strength. 0..1
strength = 0.3
";
}

impl<const OFFER: bool> Trigger for Occasion<OFFER> {
    fn on_day(&self, view: &DayView<'_>, state: &mut TriggerState) -> Option<Firing> {
        let (account, today) = (view.account?, view.today());
        account.profile_at?;
        let tier = view.credit.map(|credit| credit.tier);
        let ahead = self.calendar.iter().filter_map(|entry| {
            let is_meant = entry.is_for(account.profile.segment, tier);
            Some((entry.next(today).filter(|_| is_meant)?, entry))
        });
        let next = ahead.min_by_key(|(on, _)| *on);
        let other = OCCASIONS[usize::from(!OFFER)];
        let had_other = account
            .trigger_states
            .get(other)
            .cooling(view.day, self.cooldown_days);
        let next = next.filter(|_| !had_other);
        let schedule = Schedule {
            days_before: &[self.lead_days],
            cooldown_days: self.cooldown_days,
            grace_days: GREETING_GRACE_DAYS,
        };
        let due = schedule.due(today, next.map(|(on, _)| on), state);
        let (due, (on, entry)) = due.zip(next)?;
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: due.evidence("occasion_on"),
            text: Text {
                zh: format!("{on}是{}", entry.zh),
                en: format!("{on} is {}", entry.en),
            },
        })
    }

    fn recovered(&self, state: &TriggerState) -> Option<CloseReason> {
        (state.note == 0).then_some(CloseReason::OccasionOver)
    }

    fn occasions(&self, days: RangeInclusive<Day>) -> Vec<(Day, &str)> {
        let of = |entry: &Entry| -> Vec<Day> {
            let on = entry.days.iter().copied();
            on.filter(|on| days.contains(on)).collect()
        };
        let entries = self.calendar.iter();
        let all = entries.flat_map(|it| of(it).into_iter().map(|on| (on, &*it.en)));
        all.collect()
    }

    fn describe_state(&self, state: &TriggerState) -> String {
        reminder::describe_state(state, "day of the calendar")
    }
}

impl Entry {
    fn is_for(&self, segment: Segment, tier: Option<Tier>) -> bool {
        let of_tier = self.tiers.is_empty() || tier.is_some_and(|tier| self.tiers.contains(&tier));
        of_tier && (self.segments.is_empty() || self.segments.contains(&segment))
    }

    /// The first time from a day on.
    fn next(&self, day: Day) -> Option<Day> {
        let behind = self.days.partition_point(|on| *on < day);
        self.days.get(behind).copied()
    }
}

impl TryFrom<EntryText> for Entry {
    type Error = toml::de::Error;

    fn try_from(text: EntryText) -> Result<Self, Self::Error> {
        let problem = |what: &str| Self::Error::custom(format!("`{}`: {what}", text.en));
        let (days, form) = match (text.on.as_deref(), text.lunar.as_deref()) {
            (Some(on), None) => (
                days_on(on),
                "`on` must be a day that exists, MM-DD or YYYY-MM-DD",
            ),
            (None, Some(lunar)) => (
                days_of_moon(lunar),
                "`lunar` must be MM-DD, with a month of 1 to 12 and a day of 1 to 30",
            ),
            (Some(_), Some(_)) => return Err(problem("has both `on` and `lunar`: keep one")),
            (None, None) => return Err(problem("has no day: add `on` or `lunar`")),
        };
        if days.is_empty() {
            return Err(problem(form));
        }
        if text.zh.trim().is_empty() || text.en.trim().is_empty() {
            return Err(problem("a name is empty: write both `zh` and `en`"));
        }
        Ok(Self {
            days,
            segments: text.segments,
            tiers: text.tiers,
            zh: text.zh,
            en: text.en,
        })
    }
}

fn days_on(text: &str) -> Vec<Day> {
    match (Day::parse(text), month_and_day(text)) {
        (Some(once), _) => vec![once],
        (None, Some((month, day))) => every_year(|year| yearly(year, month, day)),
        (None, None) => Vec::new(),
    }
}

fn days_of_moon(text: &str) -> Vec<Day> {
    let of = |(month, day)| every_year(|year| Day::from_chinese(year, month, day));
    month_and_day(text).map_or_else(Vec::new, of)
}

fn every_year(of: impl Fn(i16) -> Option<Day>) -> Vec<Day> {
    YEARS.filter_map(of).collect()
}

fn yearly(year: i16, month: u8, day: u8) -> Option<Day> {
    Day::from_ymd(year, 1, 1)?.next_yearly(month, day)
}

fn month_and_day(text: &str) -> Option<(u8, u8)> {
    let (month, day) = text.split_once('-')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse().ok())?;
    Some((number(month)?, number(day)?))
}
