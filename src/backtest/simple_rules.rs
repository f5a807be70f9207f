//! The simple rules that people build first, on the same daily counts and with the same cool-down.

use super::alarms::{Alarm, COOLDOWN_DAYS, onset_between};
use super::bootstrap::Chance;
use super::cohort::Cohort;
use super::measures::counts;
use super::usage::UsageRow;
use crate::model::{Day, Timestamp};

/// A rule on daily counts alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SimpleRule {
    /// Calls and messages of seven days are below this share of the mean of the four weeks before.
    WeekVoice(f64),
    /// The same for everything, data sessions included.
    WeekAll(f64),
    /// So many days without usage, for a subscriber active on 14 of the 28 days before.
    ZeroDays(usize),
}

const BEFORE_DAYS: usize = 28;
const WEEK_DAYS: usize = 7;
const ACTIVE_DAYS_MIN: usize = 14;

impl SimpleRule {
    /// Name in the figures.
    pub fn name(self) -> String {
        match self {
            Self::WeekVoice(share) => format!("week_below_{:.0}_percent_voice", 100.0 * share),
            Self::WeekAll(share) => format!("week_below_{:.0}_percent_all", 100.0 * share),
            Self::ZeroDays(days) => format!("{days}_zero_days"),
        }
    }

    /// What it compares with.
    pub fn threshold(self) -> String {
        match self {
            Self::WeekVoice(share) | Self::WeekAll(share) => format!("{:.0} %", 100.0 * share),
            Self::ZeroDays(days) => format!("{days} d"),
        }
    }

    /// Its alarms on everybody, by subscriber and time.
    pub fn alarms(self, cohort: &Cohort<'_>) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        let rows = &cohort.recording.rows;
        for subscriber in 0..cohort.recording.roster.len() as u32 {
            let row = rows.row(subscriber);
            let Some((first, _)) = row.span() else {
                continue;
            };
            let mut last: Option<Alarm> = None;
            let mut judge = |index: usize| {
                let alarm = alarm_on(cohort, subscriber, rows.first + index as i32);
                let cooling = last.is_some_and(|before| {
                    alarm.day.since(before.day) < COOLDOWN_DAYS
                        && !onset_between(cohort, subscriber, before.seen_at, alarm.seen_at)
                });
                if !cooling {
                    last = Some(alarm);
                    alarms.push(alarm);
                }
            };
            match self {
                Self::WeekVoice(share) => {
                    let voice = |index: usize| u32::from(row.voice[index]);
                    weeks(first, rows.days, share, voice, &mut judge);
                }
                Self::WeekAll(share) => {
                    weeks(first, rows.days, share, |i| row.total(i), &mut judge);
                }
                Self::ZeroDays(days) => zeros(first, days, &row, &mut judge),
            }
        }
        alarms
    }
}

/// Calls `judge` with every day whose week is below a share of the mean of the four weeks before.
fn weeks(
    first: usize,
    days: usize,
    share: f64,
    count: impl Fn(usize) -> u32,
    judge: &mut impl FnMut(usize),
) {
    let span = BEFORE_DAYS + WEEK_DAYS;
    if first + span > days {
        return;
    }
    let mut before: u32 = (first..first + BEFORE_DAYS).map(&count).sum();
    let mut week: u32 = (first + BEFORE_DAYS..first + span).map(&count).sum();
    for last in first + span - 1..days {
        if f64::from(week) < share * f64::from(before) * WEEK_DAYS as f64 / BEFORE_DAYS as f64 {
            judge(last);
        }
        if last + 1 < days {
            let (oldest, middle) = (last + 1 - span, last + 1 - WEEK_DAYS);
            before = before + count(middle) - count(oldest);
            week = week + count(last + 1) - count(middle);
        }
    }
}

/// Calls `judge` with the day on which a silence has lasted so many days.
fn zeros(first: usize, days: usize, row: &UsageRow<'_>, judge: &mut impl FnMut(usize)) {
    let mut silent = 0;
    for index in first..row.voice.len() {
        if row.total(index) > 0 {
            silent = 0;
            continue;
        }
        silent += 1;
        if silent == days {
            let begin = index + 1 - days;
            let before = begin.saturating_sub(BEFORE_DAYS)..begin;
            if before.filter(|day| row.total(*day) > 0).count() >= ACTIVE_DAYS_MIN {
                judge(index);
            }
        }
    }
}

fn alarm_on(cohort: &Cohort<'_>, subscriber: u32, judged: Day) -> Alarm {
    let midnight = cohort.calendar.start_of(judged.next());
    let seen_at = Timestamp(midnight.0 - 1);
    Alarm {
        subscriber,
        seen_at,
        // When the engine closes a day by default.
        raised_at: midnight.plus_hours(3),
        day: judged,
        score: 1.0,
        fall: 0.0,
        burden: !cohort.gone(subscriber, seen_at),
    }
}

/// Alarms on regular subscribers after their warm-up: the burden that is made equal.
pub fn burden(cohort: &Cohort<'_>, alarms: &[Alarm]) -> usize {
    let concern = |alarm: &&Alarm| {
        let person = cohort.person(alarm.subscriber);
        person.is_some_and(|person| person.regular && counts(person, alarm))
    };
    alarms.iter().filter(concern).count()
}

/// A week rule whose share is set so that it raises `wanted` alarms, as nearly as possible.
pub fn at_equal_burden(
    cohort: &Cohort<'_>,
    wanted: usize,
    rule: impl Fn(f64) -> SimpleRule,
) -> (SimpleRule, Vec<Alarm>) {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..12 {
        let middle = (low + high) / 2.0;
        let found = burden(cohort, &rule(middle).alarms(cohort));
        if found < wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    let rule = rule(high);
    (rule, rule.alarms(cohort))
}

/// The zero-day rule with the most days that still raises `wanted` alarms, thinned at random to exactly as many.
pub fn zero_days_thinned(
    cohort: &Cohort<'_>,
    wanted: usize,
    chance: &mut Chance,
) -> (usize, Vec<Alarm>) {
    let mut best = (1, SimpleRule::ZeroDays(1).alarms(cohort));
    for days in 2..=21 {
        let alarms = SimpleRule::ZeroDays(days).alarms(cohort);
        if burden(cohort, &alarms) < wanted {
            break;
        }
        best = (days, alarms);
    }
    let (days, alarms) = best;
    (days, thinned(cohort, alarms, wanted, chance))
}

/// A random part of the alarms with a burden of `wanted`.
fn thinned(
    cohort: &Cohort<'_>,
    alarms: Vec<Alarm>,
    wanted: usize,
    chance: &mut Chance,
) -> Vec<Alarm> {
    let all = burden(cohort, &alarms);
    let wanted = wanted.min(all);
    let (mut left, mut missing) = (all, wanted);
    let mut kept = Vec::new();
    for alarm in alarms {
        let person = cohort.person(alarm.subscriber);
        let keep = if !alarm.burden {
            true
        } else if person.is_some_and(|person| person.regular && counts(person, &alarm)) {
            // Selection sampling: every remaining alarm is equally likely.
            let drawn = chance.below(left) < missing;
            left -= 1;
            missing -= usize::from(drawn);
            drawn
        } else {
            chance.below(all.max(1)) < wanted
        };
        if keep {
            kept.push(alarm);
        }
    }
    kept
}

/// `wanted` alarms on regular subscribers, on random days.
pub fn random(cohort: &Cohort<'_>, wanted: usize, chance: &mut Chance) -> Vec<Alarm> {
    let people = (0..).zip(&cohort.people);
    let regular: Vec<(u32, Day)> = people
        .filter(|(_, person)| person.regular)
        .filter_map(|(subscriber, person)| Some((subscriber, person.from?)))
        .filter(|(_, from)| *from <= cohort.last)
        .collect();
    let mut drawn: std::collections::BTreeSet<(u32, Day)> = std::collections::BTreeSet::new();
    // A draw may fall into a cool-down; after this many there is no room left.
    for _ in 0..20 * wanted {
        if drawn.len() == wanted {
            break;
        }
        let Some((subscriber, from)) = regular.get(chance.below(regular.len())).copied() else {
            break;
        };
        let day = from + chance.below((cohort.last.since(from) + 1) as usize) as i32;
        let near =
            (subscriber, day - (COOLDOWN_DAYS - 1))..=(subscriber, day + (COOLDOWN_DAYS - 1));
        // A subscriber who has left by the records costs no work, and is not drawn.
        let burden = alarm_on(cohort, subscriber, day).burden;
        if burden && drawn.range(near).next().is_none() {
            drawn.insert((subscriber, day));
        }
    }
    let alarm = |(subscriber, day): (u32, Day)| alarm_on(cohort, subscriber, day);
    drawn.into_iter().map(alarm).collect()
}
