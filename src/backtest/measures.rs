use super::aftermath::{Aftermath, aftermath};
use super::alarms::Alarm;
use super::bootstrap::{Chance, Denominator, Figure, SubscriberCounts};
use super::cohort::{Cohort, Person, REACH_DAYS, Scope, Verdict};
use super::exposure::{Days, Exposure};
use super::labels::Episode;
use crate::model::{Tier, Timestamp};
use std::collections::BTreeMap;

/// Identifies a figure within one stream of alarms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Name of the measure.
    pub measure: &'static str,
    /// Whose alarms and onsets.
    pub scope: Scope,
    /// One tier, or all.
    pub tier: Option<Tier>,
    /// Kind of churn, harmless or city-wide event; [`ANY`] for all together.
    pub path: String,
}

/// All paths together.
pub const ANY: &str = "any";
/// Random onsets drawn for each real one.
const PLACEBOS: usize = 5;
/// An offer takes three days to arrive (behaviour: Purpose): a lead beyond that leaves time to act.
pub const LEAD_HOURS: f64 = 72.0;
/// Per 1,000 subscribers and 30 days.
const PER_1000_AND_30_DAYS: f64 = 30_000.0;

/// The figures of one stream of alarms, while they are counted.
#[derive(Default)]
pub struct Measures {
    ratios: BTreeMap<Key, (SubscriberCounts, SubscriberCounts)>,
    values: BTreeMap<Key, Vec<(f64, u32)>>,
    rates: BTreeMap<Key, (Days, SubscriberCounts)>,
    /// Whether false alarms are split by what became of them.
    of_use: bool,
}

impl Measures {
    /// Measures a stream of alarms, which is in order of subscriber and time. `of_use` says that they speak of use that
    /// fell, so that its return decides what the false ones are.
    pub fn of(
        cohort: &Cohort<'_>,
        exposure: &Exposure,
        alarms: &[Alarm],
        of_use: bool,
        seed: u64,
    ) -> Self {
        let mut measures = Self {
            of_use,
            ..Self::default()
        };
        measures.start_at_zero(cohort, exposure);
        for alarm in alarms {
            measures.alarm(cohort, exposure, alarm);
        }
        for episode in &cohort.labels.churn {
            measures.onset(cohort, alarms, episode);
        }
        for episode in &cohort.labels.harmless {
            measures.harmless(cohort, alarms, episode);
        }
        measures.placebo(cohort, alarms, &mut Chance::new(seed, 2));
        measures
    }

    /// Figures with their keys, ready for [`estimate`](super::bootstrap::estimate).
    pub fn figures(self, exposure: &Exposure) -> Vec<(Key, Figure)> {
        let mut figures = Vec::new();
        for (key, (of, among)) in self.ratios {
            let among = Denominator::Own(among);
            let scale = 1.0;
            figures.push((key, Figure::Ratio { of, among, scale }));
        }
        for (key, (days, of)) in self.rates {
            let among = exposure.denominator(days, key.scope, key.tier);
            let scale = PER_1000_AND_30_DAYS;
            figures.push((key, Figure::Ratio { of, among, scale }));
        }
        for (key, mut values) in self.values {
            values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let quantiles: &[(&'static str, f64)] = match key.measure {
                DELAY_DATA => &[(DELAY_DATA_P50, 0.5)],
                DELAY_OPERATOR => &[(DELAY_OPERATOR_P50, 0.5)],
                LEAD_USE => &[
                    ("lead_to_last_use_hours_p10", 0.1),
                    ("lead_to_last_use_hours_p50", 0.5),
                    ("lead_to_last_use_hours_p90", 0.9),
                ],
                _ => &[
                    ("lead_to_leaving_hours_p10", 0.1),
                    (LEAD_P50, 0.5),
                    ("lead_to_leaving_hours_p90", 0.9),
                ],
            };
            for (measure, share) in quantiles {
                let (values, share) = (values.clone(), *share);
                let key = Key {
                    measure,
                    ..key.clone()
                };
                figures.push((key, Figure::Quantile { values, share }));
            }
        }
        figures.sort_by(|a, b| a.0.cmp(&b.0));
        figures
    }

    /// A rate without a single alarm is 0, not missing.
    fn start_at_zero(&mut self, cohort: &Cohort<'_>, exposure: &Exposure) {
        for scope in Scope::ALL {
            let tiers = Tier::ALL.map(Some);
            for tier in std::iter::once(None).chain(tiers) {
                let of_use = AFTERMATHS
                    .iter()
                    .map(|(_, measure)| (*measure, Days::Sound));
                let rates = [(FALSE_RATE, Days::Sound), (ALARM_RATE, Days::Judged)];
                let of_use = of_use.filter(|_| self.of_use);
                for (measure, days) in rates.into_iter().chain(of_use) {
                    let key = key(measure, scope, tier, ANY);
                    self.rates.insert(key, (days, Vec::new()));
                }
                self.ratios
                    .insert(key(PRECISION, scope, tier, ANY), Default::default());
            }
        }
        if !cohort.labels.city.is_empty() {
            for (period, name) in exposure.periods() {
                let key = key(FALSE_RATE, Scope::Regular, None, name);
                self.rates.insert(key, (period, Vec::new()));
            }
        }
    }

    fn alarm(&mut self, cohort: &Cohort<'_>, exposure: &Exposure, alarm: &Alarm) {
        let subscriber = alarm.subscriber;
        let Some(person) = cohort.person(subscriber) else {
            return;
        };
        if !counts(person, alarm) {
            return;
        }
        let verdict = cohort.verdict(subscriber, alarm.seen_at, alarm.day);
        let in_time = cohort.in_time(subscriber, alarm.seen_at, alarm.raised_at);
        let active = cohort.active_on(subscriber, alarm.day);
        let became = (self.of_use && verdict == Verdict::False).then(|| aftermath(cohort, alarm));
        let became = became.and_then(|became| AFTERMATHS.iter().find(|(one, _)| *one == became));
        for scope in scopes(person, active) {
            for tier in [None, Some(person.tier)] {
                self.ratio(
                    key(PRECISION, scope, tier, ANY),
                    subscriber,
                    verdict == Verdict::Found,
                );
                self.rate(key(ALARM_RATE, scope, tier, ANY), subscriber);
                if verdict == Verdict::False {
                    self.rate(key(FALSE_RATE, scope, tier, ANY), subscriber);
                }
                if let Some((_, measure)) = became {
                    self.rate(key(measure, scope, tier, ANY), subscriber);
                }
            }
            for (measure, counted) in [
                (FOUND_BEFORE, verdict == Verdict::Found && in_time),
                (FOUND_AFTER, verdict == Verdict::Found && !in_time),
                (LATE, verdict == Verdict::Late),
            ] {
                self.ratio(key(measure, scope, None, ANY), subscriber, counted);
            }
        }
        if verdict == Verdict::False && person.regular && !cohort.labels.city.is_empty() {
            let name = exposure.period_of(cohort, alarm.day);
            self.rate(key(FALSE_RATE, Scope::Regular, None, name), subscriber);
        }
    }

    fn onset(&mut self, cohort: &Cohort<'_>, alarms: &[Alarm], episode: &Episode) {
        let subscriber = episode.subscriber;
        let Some(person) = cohort.person(subscriber) else {
            return;
        };
        let (onset, path) = (cohort.onset(episode), cohort.labels.name(episode.kind));
        let mine = of_subscriber(alarms, subscriber).iter();
        let mut after = mine.filter(|alarm| alarm.seen_at >= episode.from);
        let first = after.next();
        let delay = first.map(|alarm| alarm.day.since(onset));
        let active = cohort.active_on(subscriber, onset - 1);
        for scope in scopes(person, active) {
            for (measure, days) in [(RECALL_14, 14), (RECALL_30, 30)] {
                if !cohort.judgeable(person, episode, days) {
                    continue;
                }
                let hit = delay.is_some_and(|delay| delay <= days);
                for path in [ANY, path] {
                    for tier in [None, Some(person.tier)] {
                        self.ratio(key(measure, scope, tier, path), subscriber, hit);
                    }
                }
            }
            if !cohort.judgeable(person, episode, 0) {
                continue;
            }
            if let Some(left_at) = episode.left_at {
                let lead = first.map(|alarm| lead_hours(left_at, alarm));
                let warned = lead.is_some_and(|lead| lead >= 0.0);
                let early = lead.is_some_and(|lead| lead > LEAD_HOURS);
                for path in [ANY, path] {
                    self.ratio(key(WARNED, scope, None, path), subscriber, warned);
                    self.ratio(key(FOREWARNED, scope, None, path), subscriber, early);
                }
            }
            let Some(alarm) = first else { continue };
            for path in [ANY, path] {
                let raised_on = cohort.calendar.day_of(alarm.raised_at);
                for (measure, day) in [(DELAY_DATA, alarm.day), (DELAY_OPERATOR, raised_on)] {
                    let delay = f64::from(day.since(onset));
                    self.value(key(measure, scope, None, path), subscriber, delay);
                }
                for (measure, over, at) in [
                    (LEAD_USE, LEAD_USE_OVER, episode.last_use_at),
                    (LEAD_LEFT, LEAD_LEFT_OVER, episode.left_at),
                ] {
                    let Some(at) = at else { continue };
                    let hours = lead_hours(at, alarm);
                    self.value(key(measure, scope, None, path), subscriber, hours);
                    let over = key(over, scope, None, path);
                    self.ratio(over, subscriber, hours > LEAD_HOURS);
                }
            }
        }
    }

    fn harmless(&mut self, cohort: &Cohort<'_>, alarms: &[Alarm], episode: &Episode) {
        let subscriber = episode.subscriber;
        let Some(person) = cohort.person(subscriber) else {
            return;
        };
        let (onset, kind) = (cohort.onset(episode), cohort.labels.name(episode.kind));
        // Judged like an onset, so that the share can be compared with a recall.
        if !cohort.judgeable(person, episode, 0) || onset > person.sound_until {
            return;
        }
        let alarmed = of_subscriber(alarms, subscriber).iter().any(|alarm| {
            let over = episode.until.is_some_and(|until| alarm.seen_at > until);
            alarm.seen_at >= episode.from
                && !over
                && alarm.day.since(onset) <= REACH_DAYS
                && cohort.verdict(subscriber, alarm.seen_at, alarm.day) == Verdict::False
        });
        let active = cohort.active_on(subscriber, onset - 1);
        for scope in scopes(person, active) {
            self.ratio(key(HARMLESS, scope, None, kind), subscriber, alarmed);
        }
    }

    /// The same alarms against the onsets of other subscribers: what chance would find.
    fn placebo(&mut self, cohort: &Cohort<'_>, alarms: &[Alarm], chance: &mut Chance) {
        let people = (0..).zip(&cohort.people);
        let regular: Vec<u32> = people
            .filter(|(_, person)| person.regular && person.from.is_some())
            .map(|(subscriber, _)| subscriber)
            .collect();
        for episode in &cohort.labels.churn {
            let onset = cohort.onset(episode);
            for _ in 0..PLACEBOS {
                let drawn = regular.get(chance.below(regular.len()));
                let Some(subscriber) = drawn.copied() else {
                    return;
                };
                let Some(person) = cohort.person(subscriber) else {
                    continue;
                };
                let moved = Episode {
                    subscriber,
                    ..*episode
                };
                let sound = onset <= person.sound_until;
                if !sound || !cohort.judgeable(person, &moved, 30) {
                    continue;
                }
                let mut mine = of_subscriber(alarms, subscriber).iter();
                let after = mine.find(|alarm| alarm.seen_at >= episode.from);
                let delay = after.map(|alarm| alarm.day.since(onset));
                for (measure, days) in [(PLACEBO_14, 14), (PLACEBO_30, 30)] {
                    let hit = delay.is_some_and(|delay| delay <= days);
                    self.ratio(key(measure, Scope::Regular, None, ANY), subscriber, hit);
                }
            }
        }
    }

    fn ratio(&mut self, key: Key, subscriber: u32, counted: bool) {
        let (of, among) = self.ratios.entry(key).or_default();
        add(among, subscriber);
        if counted {
            add(of, subscriber);
        }
    }

    fn rate(&mut self, key: Key, subscriber: u32) {
        if let Some((_, counts)) = self.rates.get_mut(&key) {
            add(counts, subscriber);
        }
    }

    fn value(&mut self, key: Key, subscriber: u32, value: f64) {
        self.values
            .entry(key)
            .or_default()
            .push((value, subscriber));
    }
}

pub const PRECISION: &str = "precision";
pub const ALARM_RATE: &str = "alarms_per_1000_30d";
pub const FALSE_RATE: &str = "false_alarms_per_1000_30d";
pub const RECOVERED_RATE: &str = "false_recovered_per_1000_30d";
pub const STAYED_LOW_RATE: &str = "false_stayed_low_per_1000_30d";
pub const NOT_KNOWN_RATE: &str = "false_not_known_yet_per_1000_30d";
const AFTERMATHS: [(Aftermath, &str); 3] = [
    (Aftermath::Recovered, RECOVERED_RATE),
    (Aftermath::StayedLow, STAYED_LOW_RATE),
    (Aftermath::NotKnownYet, NOT_KNOWN_RATE),
];
/// Median delay to the basis of the alarm.
pub const DELAY_DATA_P50: &str = "delay_data_days_p50";
/// Median delay to the day on which the alarm is raised.
pub const DELAY_OPERATOR_P50: &str = "delay_operator_days_p50";
pub const RECALL_14: &str = "recall_14d";
pub const RECALL_30: &str = "recall_30d";
pub const FOUND_BEFORE: &str = "found_before_leaving_share";
pub const FOUND_AFTER: &str = "found_after_leaving_share";
pub const LATE: &str = "late_share";
pub const HARMLESS: &str = "harmless_alarmed_30d";
pub const PLACEBO_14: &str = "placebo_recall_14d";
pub const PLACEBO_30: &str = "placebo_recall_30d";
pub const WARNED: &str = "leavers_alarmed_before";
pub const FOREWARNED: &str = "leavers_alarmed_72h_before";
pub const LEAD_USE_OVER: &str = "lead_to_last_use_over_72h";
pub const LEAD_LEFT_OVER: &str = "lead_to_leaving_over_72h";
/// Median lead time to leaving.
pub const LEAD_P50: &str = "lead_to_leaving_hours_p50";
const DELAY_DATA: &str = "delay_data_days";
const DELAY_OPERATOR: &str = "delay_operator_days";
const LEAD_USE: &str = "lead_to_last_use_hours";
const LEAD_LEFT: &str = "lead_to_leaving_hours";

/// Counts one more. Subscribers come in order, so that each has one entry.
fn add(counts: &mut SubscriberCounts, subscriber: u32) {
    match counts.last_mut() {
        Some((last, n)) if *last == subscriber => *n += 1,
        _ => counts.push((subscriber, 1)),
    }
}

fn key(measure: &'static str, scope: Scope, tier: Option<Tier>, path: &str) -> Key {
    Key {
        measure,
        scope,
        tier,
        path: path.to_owned(),
    }
}

fn scopes(person: &Person, active: bool) -> impl Iterator<Item = Scope> {
    let has = move |scope: &Scope| scope.has(person, active);
    Scope::ALL.into_iter().filter(has)
}

/// Whether an alarm costs work and lies after the warm-up.
pub fn counts(person: &Person, alarm: &Alarm) -> bool {
    alarm.burden && person.from.is_some_and(|from| alarm.day >= from)
}

/// The alarms of one subscriber.
pub fn of_subscriber(alarms: &[Alarm], subscriber: u32) -> &[Alarm] {
    let from = alarms.partition_point(|alarm| alarm.subscriber < subscriber);
    let mine = alarms.get(from..).unwrap_or_default();
    let to = mine.partition_point(|alarm| alarm.subscriber == subscriber);
    &mine[..to]
}

fn lead_hours(at: Timestamp, alarm: &Alarm) -> f64 {
    at.since_ms(alarm.raised_at) as f64 / Timestamp::HOUR_MS as f64
}
