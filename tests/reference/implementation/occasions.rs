//! The calendar of occasions (behaviour: Calendar of occasions).

use super::care::{GRACE_DAYS, firing, within};
use super::days::Days;
use super::triggers::Firing;
use super::view::DayView;
use churnwatch::model::{CloseReason, Day, Fact, Segment, Signal, Tier};
use serde::Deserialize;

pub const GREETING: &str = "occasion";
pub const OFFER: &str = "occasion_offer";

/// `[triggers.*]`, those of this file.
#[derive(Deserialize)]
pub struct Settings {
    occasion: OccasionSettings,
    occasion_offer: OccasionSettings,
}

#[derive(Deserialize)]
struct OccasionSettings {
    calendar: Vec<Entry>,
    lead_days: i32,
    cooldown_days: i32,
    strength: f64,
}

/// Only days that come every year or once: those of the Chinese calendar have tests of their own.
#[derive(Deserialize)]
struct Entry {
    on: String,
    #[serde(default)]
    segments: Vec<Segment>,
    #[serde(default)]
    tiers: Vec<Tier>,
}

/// What is remembered of one subscriber.
#[derive(Default)]
pub struct Occasions {
    greeting: Occasion,
    offer: Occasion,
}

/// A day that comes, and what was said of it.
#[derive(Default)]
pub struct Occasion {
    /// The day, and how many of its reminders are behind.
    pub reminded: Option<(Day, usize)>,
    last: Option<Day>,
}

/// The tier as which somebody is reached: a bulk message is that of a small customer.
pub fn reach(tier: Tier, signals: &[Signal]) -> Tier {
    if bulk(signals) { Tier::Small } else { tier }
}

/// Whether there is nothing but what everybody gets a message of.
pub fn bulk(signals: &[Signal]) -> bool {
    let of_calendar = |signal: &Signal| [GREETING, OFFER].contains(&&*signal.trigger);
    signals.iter().all(of_calendar)
}

impl Occasions {
    pub fn recovered(&self, trigger: &str) -> Option<CloseReason> {
        let occasion = if trigger == OFFER {
            &self.offer
        } else {
            &self.greeting
        };
        let over = occasion.reminded.is_none();
        over.then_some(CloseReason::OccasionOver)
    }

    pub fn on_day(&mut self, view: &DayView<'_>, settings: &Settings) -> Vec<Firing> {
        let (greeted, offered) = (self.greeting.last, self.offer.last);
        let greeting = (GREETING, offered, &settings.occasion);
        let offer = (OFFER, greeted, &settings.occasion_offer);
        let greeting = day(&mut self.greeting, view, greeting);
        let offer = day(&mut self.offer, view, offer);
        greeting.into_iter().chain(offer).collect()
    }
}

/// What is known of the other one is what was known before the day.
fn day(
    occasion: &mut Occasion,
    view: &DayView<'_>,
    (trigger, other, settings): (&'static str, Option<Day>, &OccasionSettings),
) -> Option<Firing> {
    let (closed, today) = (view.today.day, view.today.day + 1);
    let segment = view.standing.profile()?.segment;
    let standing = view.standing;
    let tier = standing
        .rateable()
        .then(|| standing.tier(closed, view.rules));
    let mut next: Option<Day> = None;
    for entry in &settings.calendar {
        let of_segment = entry.segments.is_empty() || entry.segments.contains(&segment);
        let of_tier = entry.tiers.is_empty() || tier.is_some_and(|it| entry.tiers.contains(&it));
        let on = match entry.on.split('-').collect::<Vec<_>>()[..] {
            [month, day] => Days::next_yearly(today, month.parse().unwrap(), day.parse().unwrap()),
            _ => Day::parse(&entry.on).filter(|on| *on >= today),
        };
        if let Some(on) = on.filter(|_| of_segment && of_tier) {
            next = Some(next.map_or(on, |known| known.min(on)));
        }
    }
    let had_other = other.is_some_and(|on| closed.0 - on.0 < settings.cooldown_days);
    let next = next.filter(|_| !had_other);
    let lead = [settings.lead_days];
    let (on, left, lead) = occasion.due(today, next, &lead, settings.cooldown_days, GRACE_DAYS)?;
    let facts = vec![("occasion_on", Fact::Date(on))];
    let seen = (f64::from(left), 0.0, "days_left");
    Some(firing(
        trigger,
        settings.strength,
        seen,
        f64::from(lead),
        facts,
    ))
}

impl Occasion {
    /// The reminder due: the day, the days left to it, and the lead it was due for.
    pub fn due(
        &mut self,
        today: Day,
        on: Option<Day>,
        leads: &[i32],
        cooldown_days: i32,
        grace_days: i32,
    ) -> Option<(Day, i32, i32)> {
        let on = on.filter(|on| *on >= today);
        if let Some((remembered, _)) = self.reminded {
            let put_off = remembered >= today && on != Some(remembered);
            let over = today.0 - remembered.0 > grace_days;
            if put_off || over {
                self.reminded = None;
            }
        }
        let on = on?;
        let left = on.0 - today.0;
        let reached = leads.iter().filter(|lead| left <= **lead).count();
        let behind = self.reminded.map_or(0, |(_, behind)| behind);
        if reached <= behind || within(today - 1, self.last, cooldown_days) {
            return None;
        }
        self.reminded = Some((on, reached));
        self.last = Some(today - 1);
        Some((on, left, leads[reached - 1]))
    }
}
