use super::alarms::Alarm;
use super::bootstrap::{Among, Chance, Figure, Tally};
use super::ground::{Ground, Person, Scope, Verdict};
use super::labels::Episode;
use crate::model::{Day, Tier, Timestamp};
use std::collections::BTreeMap;

/// What a figure is of, inside one stream of alarms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Name of the measure.
    pub measure: &'static str,
    /// Whose alarms and onsets.
    pub scope: Scope,
    /// Of one tier, or of all.
    pub tier: Option<Tier>,
    /// Kind of churn, harmless or city-wide matter; [`ANY`] for all together.
    pub path: String,
}

/// All paths together.
pub const ANY: &str = "any";
/// Days outside every city-wide matter.
pub const USUAL: &str = "usual";
/// Days after a city-wide matter on which alarms are still held against it: silences and falls take days to show.
pub const AFTERMATH_DAYS: i32 = 7;
/// Random onsets drawn for each real one.
const PLACEBOS: usize = 5;
/// An offer takes three days to arrive (behaviour: Purpose): a lead beyond that leaves time to act.
pub const LEAD_HOURS: f64 = 72.0;
/// Per 1,000 subscribers and 30 days.
const PER_1000_AND_30_DAYS: f64 = 30_000.0;

/// Denominators that all streams share: subscriber-days.
pub struct Shares {
    /// By place.
    pub tallies: Vec<Tally>,
    places: BTreeMap<(&'static str, Scope, Option<Tier>, usize), usize>,
    /// Which stretch each day of the data belongs to; 0 for an ordinary one.
    stretches: Vec<u8>,
    /// Names of the stretches.
    names: Vec<String>,
}

const SOUND: &str = "sound";
const JUDGED: &str = "judged";
const STRETCH: &str = "stretch";

impl Shares {
    /// Counts the days of everybody.
    pub fn new(ground: &Ground<'_>) -> Self {
        let days = ground.recording.rows.days;
        let mut stretches = vec![0; days];
        let mut names = vec![USUAL.to_owned()];
        for time in &ground.labels.city {
            let number = match names.iter().position(|name| *name == time.kind) {
                Some(number) => number,
                None => {
                    names.push(time.kind.clone());
                    names.len() - 1
                }
            };
            let until = time.until + AFTERMATH_DAYS;
            let mut day = time.from;
            while day <= until {
                if let Some(index) = ground.recording.rows.index(day) {
                    stretches[index] = number as u8;
                }
                day = day.next();
            }
        }
        let mut shares = Self {
            tallies: Vec::new(),
            places: BTreeMap::new(),
            stretches,
            names,
        };
        for (subscriber, person) in (0..).zip(&ground.people) {
            shares.add(ground, subscriber, person);
        }
        shares
    }

    fn add(&mut self, ground: &Ground<'_>, subscriber: u32, person: &Person) {
        let sound = ground.sound_days(person, ground.recording.rows.first, ground.last);
        let judged = ground.judged_days(person);
        let mut by_stretch = vec![0; self.names.len()];
        if let Some(from) = person.from {
            let first = ground.recording.rows.first;
            let begin = from.since(first).max(0) as usize;
            let end = (person.sound_until.since(first) + 1).max(0) as usize;
            let end = end.min(self.stretches.len());
            for stretch in self.stretches.get(begin..end).unwrap_or_default() {
                by_stretch[usize::from(*stretch)] += 1;
            }
        }
        for scope in [Scope::Regular, Scope::All] {
            if scope == Scope::Regular && !person.regular {
                continue;
            }
            for tier in [None, Some(person.tier)] {
                self.push((SOUND, scope, tier, 0), subscriber, sound);
                self.push((JUDGED, scope, tier, 0), subscriber, judged);
            }
            for (stretch, days) in by_stretch.iter().enumerate() {
                self.push((STRETCH, scope, None, stretch), subscriber, *days);
            }
        }
    }

    fn push(
        &mut self,
        key: (&'static str, Scope, Option<Tier>, usize),
        subscriber: u32,
        days: u32,
    ) {
        if days == 0 {
            return;
        }
        let place = *self.places.entry(key).or_insert(self.tallies.len());
        if place == self.tallies.len() {
            self.tallies.push(Vec::new());
        }
        self.tallies[place].push((subscriber, days));
    }

    fn among(&self, what: &'static str, scope: Scope, tier: Option<Tier>, stretch: usize) -> Among {
        // An active subscriber is so only on the day of an alarm; the days are everybody's.
        let scope = match scope {
            Scope::Regular => Scope::Regular,
            Scope::Active | Scope::All => Scope::All,
        };
        let place = self.places.get(&(what, scope, tier, stretch));
        place.map_or(Among::Own(Vec::new()), |place| Among::Shared(*place))
    }

    fn stretch(&self, ground: &Ground<'_>, day: Day) -> usize {
        let index = ground.recording.rows.index(day);
        let stretch = index.and_then(|index| self.stretches.get(index));
        usize::from(stretch.copied().unwrap_or_default())
    }

    /// Subscriber-days on which an alarm would be a false one.
    pub fn sound_days(&self, scope: Scope, tier: Option<Tier>) -> u64 {
        match self.among(SOUND, scope, tier, 0) {
            Among::Shared(place) => self.tallies[place].iter().map(|(_, n)| u64::from(*n)).sum(),
            Among::Own(_) => 0,
        }
    }
}

/// What one stream of alarms adds up to.
#[derive(Default)]
pub struct Book {
    ratios: BTreeMap<Key, (Tally, Tally)>,
    values: BTreeMap<Key, Vec<(f64, u32)>>,
    days: BTreeMap<Key, (&'static str, usize, Tally)>,
}

impl Book {
    /// Measures a stream of alarms, which is in order of subscriber and time.
    pub fn of(ground: &Ground<'_>, shares: &Shares, alarms: &[Alarm], seed: u64) -> Self {
        let mut book = Self::default();
        book.open(ground, shares);
        for alarm in alarms {
            book.alarm(ground, shares, alarm);
        }
        for episode in &ground.labels.churn {
            book.onset(ground, alarms, episode);
        }
        for episode in &ground.labels.harmless {
            book.harmless(ground, alarms, episode);
        }
        book.placebo(ground, alarms, &mut Chance::new(seed, 2));
        book
    }

    /// Figures with their keys, ready for [`estimate`](super::bootstrap::estimate).
    pub fn figures(self, shares: &Shares) -> Vec<(Key, Figure)> {
        let mut figures = Vec::new();
        for (key, (of, among)) in self.ratios {
            let among = Among::Own(among);
            let scale = 1.0;
            figures.push((key, Figure::Ratio { of, among, scale }));
        }
        for (key, (what, stretch, of)) in self.days {
            let among = shares.among(what, key.scope, key.tier, stretch);
            let scale = PER_1000_AND_30_DAYS;
            figures.push((key, Figure::Ratio { of, among, scale }));
        }
        for (key, mut values) in self.values {
            values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let quantiles: &[(&'static str, f64)] = match key.measure {
                DELAY => &[("delay_days_p50", 0.5)],
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

    /// Rates without a single alarm are rates too.
    fn open(&mut self, ground: &Ground<'_>, shares: &Shares) {
        for scope in Scope::ALL {
            let tiers = Tier::ALL.map(Some);
            for tier in std::iter::once(None).chain(tiers) {
                for (measure, what) in [(FALSE_RATE, SOUND), (ALARM_RATE, JUDGED)] {
                    let key = key(measure, scope, tier, ANY);
                    self.days.insert(key, (what, 0, Vec::new()));
                }
                self.ratios
                    .insert(key(PRECISION, scope, tier, ANY), Default::default());
            }
        }
        if !ground.labels.city.is_empty() {
            for (stretch, name) in shares.names.iter().enumerate() {
                let key = key(FALSE_RATE, Scope::Regular, None, name);
                self.days.insert(key, (STRETCH, stretch, Vec::new()));
            }
        }
    }

    fn alarm(&mut self, ground: &Ground<'_>, shares: &Shares, alarm: &Alarm) {
        let subscriber = alarm.subscriber;
        let Some(person) = ground.person(subscriber) else {
            return;
        };
        if !counts(person, alarm) {
            return;
        }
        let verdict = ground.verdict(subscriber, alarm.seen_at, alarm.day);
        let active = ground.active_on(subscriber, alarm.day);
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
            }
            self.ratio(
                key(LATE, scope, None, ANY),
                subscriber,
                verdict == Verdict::Late,
            );
        }
        if verdict == Verdict::False && person.regular && !ground.labels.city.is_empty() {
            let stretch = shares.stretch(ground, alarm.day);
            let name = shares.names.get(stretch).map_or(USUAL, String::as_str);
            self.rate(key(FALSE_RATE, Scope::Regular, None, name), subscriber);
        }
    }

    fn onset(&mut self, ground: &Ground<'_>, alarms: &[Alarm], episode: &Episode) {
        let subscriber = episode.subscriber;
        let Some(person) = ground.person(subscriber) else {
            return;
        };
        let (onset, path) = (ground.onset(episode), ground.labels.name(episode.kind));
        let mine = of_subscriber(alarms, subscriber).iter();
        let mut after = mine.filter(|alarm| alarm.seen_at >= episode.from);
        let first = after.next();
        let delay = first.map(|alarm| alarm.day.since(onset));
        let active = ground.active_on(subscriber, onset - 1);
        for scope in scopes(person, active) {
            for (measure, days) in [(RECALL_14, 14), (RECALL_30, 30)] {
                if !ground.judgeable(person, episode, days) {
                    continue;
                }
                let hit = delay.is_some_and(|delay| delay <= days);
                for path in [ANY, path] {
                    for tier in [None, Some(person.tier)] {
                        self.ratio(key(measure, scope, tier, path), subscriber, hit);
                    }
                }
            }
            if !ground.judgeable(person, episode, 0) {
                continue;
            }
            if let Some(left_at) = episode.left_at {
                let early = first.is_some_and(|alarm| lead_hours(left_at, alarm) > LEAD_HOURS);
                for path in [ANY, path] {
                    self.ratio(key(FOREWARNED, scope, None, path), subscriber, early);
                }
            }
            let Some(alarm) = first else { continue };
            for path in [ANY, path] {
                let delay = f64::from(alarm.day.since(onset));
                self.value(key(DELAY, scope, None, path), subscriber, delay);
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

    fn harmless(&mut self, ground: &Ground<'_>, alarms: &[Alarm], episode: &Episode) {
        let subscriber = episode.subscriber;
        let Some(person) = ground.person(subscriber) else {
            return;
        };
        let (onset, kind) = (ground.onset(episode), ground.labels.name(episode.kind));
        // Judged like an onset, so that the share can be held against a recall.
        if !ground.judgeable(person, episode, 0) || onset > person.sound_until {
            return;
        }
        let alarmed = of_subscriber(alarms, subscriber).iter().any(|alarm| {
            let over = episode.until.is_some_and(|until| alarm.seen_at > until);
            alarm.seen_at >= episode.from
                && !over
                && alarm.day.since(onset) <= super::ground::REACH_DAYS
                && ground.verdict(subscriber, alarm.seen_at, alarm.day) == Verdict::False
        });
        let active = ground.active_on(subscriber, onset - 1);
        for scope in scopes(person, active) {
            self.ratio(key(HARMLESS, scope, None, kind), subscriber, alarmed);
        }
    }

    /// The same alarms against the onsets of others: what would be found by chance.
    fn placebo(&mut self, ground: &Ground<'_>, alarms: &[Alarm], chance: &mut Chance) {
        let people = (0..).zip(&ground.people);
        let regular: Vec<u32> = people
            .filter(|(_, person)| person.regular && person.from.is_some())
            .map(|(subscriber, _)| subscriber)
            .collect();
        for episode in &ground.labels.churn {
            let onset = ground.onset(episode);
            for _ in 0..PLACEBOS {
                let drawn = regular.get(chance.below(regular.len()));
                let Some(subscriber) = drawn.copied() else {
                    return;
                };
                let Some(person) = ground.person(subscriber) else {
                    continue;
                };
                let moved = Episode {
                    subscriber,
                    ..*episode
                };
                let sound = onset <= person.sound_until;
                if !sound || !ground.judgeable(person, &moved, 30) {
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
        if let Some((_, _, tally)) = self.days.get_mut(&key) {
            add(tally, subscriber);
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
pub const RECALL_14: &str = "recall_14d";
pub const RECALL_30: &str = "recall_30d";
pub const LATE: &str = "late_share";
pub const HARMLESS: &str = "harmless_alarmed_30d";
pub const PLACEBO_14: &str = "placebo_recall_14d";
pub const PLACEBO_30: &str = "placebo_recall_30d";
pub const FOREWARNED: &str = "leavers_alarmed_72h_before";
pub const LEAD_USE_OVER: &str = "lead_to_last_use_over_72h";
pub const LEAD_LEFT_OVER: &str = "lead_to_leaving_over_72h";
/// Median lead time to leaving.
pub const LEAD_P50: &str = "lead_to_leaving_hours_p50";
/// The longer of the two times for recall.
pub const RECALL_DAYS: i32 = 30;
const DELAY: &str = "delay_days";
const LEAD_USE: &str = "lead_to_last_use_hours";
const LEAD_LEFT: &str = "lead_to_leaving_hours";

/// Counts one more. Subscribers come in order, so that each has one entry.
fn add(tally: &mut Tally, subscriber: u32) {
    match tally.last_mut() {
        Some((last, n)) if *last == subscriber => *n += 1,
        _ => tally.push((subscriber, 1)),
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
    let regular = person.regular;
    Scope::ALL.into_iter().filter(move |scope| match scope {
        Scope::Regular => regular,
        Scope::Active => active,
        Scope::All => true,
    })
}

/// Whether an alarm is somebody's burden, and lies after the days of learning.
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
