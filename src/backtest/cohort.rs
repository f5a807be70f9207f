use super::labels::{Episode, Labels};
use super::recording::Recording;
use crate::model::{Calendar, Day, Tier, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

/// Whose alarms and onsets are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Subscribers with at least one event a day on average (calls, messages and data sessions, between their first and
    /// last day of use), 30 days and more between the two, and no `iot` or `robot` mark.
    Regular,
    /// Regular ones with a data session a week or more on average, between their first and last day of use.
    WithData,
    /// The other regular ones: calls and messages are all that tells of them.
    WithoutData,
    /// Alarms and onsets of subscribers who had used the line within the three days before.
    Active,
    /// Everybody with any usage.
    All,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [
        Self::Regular,
        Self::WithData,
        Self::WithoutData,
        Self::Active,
        Self::All,
    ];

    /// The name used in the figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::WithData => "regular_with_data",
            Self::WithoutData => "regular_without_data",
            Self::Active => "active",
            Self::All => "all",
        }
    }

    /// Whether a subscriber belongs to it, who is `active` at the time.
    pub const fn has(self, person: &Person, active: bool) -> bool {
        match self {
            Self::Regular => person.regular,
            Self::WithData => person.regular && person.data,
            Self::WithoutData => person.regular && !person.data,
            Self::Active => active,
            Self::All => true,
        }
    }
}

/// The subscribers under study: when each could be judged, and what really happened to them.
pub struct Cohort<'a> {
    /// What was replayed.
    pub recording: &'a Recording,
    /// What really happened.
    pub labels: &'a Labels,
    /// The calendar of local days.
    pub calendar: &'a Calendar,
    /// Every subscriber, by number in the roster.
    pub people: Vec<Person>,
    /// First day of the data.
    pub first: Day,
    /// Last day of the data.
    pub last: Day,
}

/// One subscriber of the study.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Person {
    /// First day that counts, after the warm-up; nothing without any usage.
    pub from: Option<Day>,
    /// Last sound day, on which an alarm would be false: the day before the first onset, or the last of the data.
    pub sound_until: Day,
    /// Time of the first record of a cancellation or port-out application.
    pub gone_at: Option<Timestamp>,
    /// Whether the subscriber belongs to [`Scope::Regular`].
    pub regular: bool,
    /// Whether the subscriber has a data session a week or more on average.
    pub data: bool,
    /// Tier on the last day, by the first rules.
    pub tier: Tier,
}

/// Whether an alarm was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its basis lies between an onset and the leaving, or within 30 days of the onset.
    Found,
    /// Its basis lies after the leaving, and more than 30 days after the onset.
    Late,
    /// Its basis lies before any onset.
    False,
}

/// An alarm within so many days of an onset finds it, even if the subscriber left at once.
pub const REACH_DAYS: i32 = 30;
/// Fewest days between the first and the last use of a regular subscriber.
const SEEN_DAYS: usize = 30;
/// Somebody who uses data has a session in so many days, on average.
const DATA_DAYS: usize = 7;

impl<'a> Cohort<'a> {
    /// The cohort of a recording. Alarms and onsets in the first `warmup_days` of a subscriber do not count.
    pub fn new(
        recording: &'a Recording,
        labels: &'a Labels,
        calendar: &'a Calendar,
        warmup_days: u16,
    ) -> Self {
        let rows = &recording.rows;
        let last = rows.last();
        let mut people = Vec::with_capacity(recording.roster.len());
        for subscriber in 0..recording.roster.len() as u32 {
            let index = subscriber as usize;
            let row = rows.row(subscriber);
            let span = row.span();
            let machine = recording.machines.get(index).copied().unwrap_or(false);
            let regular = !machine
                && span.is_some_and(|(first, last)| {
                    let days = last - first + 1;
                    let events: u32 = (first..=last).map(|day| row.total(day)).sum();
                    days >= SEEN_DAYS && events as usize >= days
                });
            let data = span.is_some_and(|(first, last)| {
                let sessions: usize = row.data[first..=last].iter().map(|n| usize::from(*n)).sum();
                DATA_DAYS * sessions > last - first
            });
            let onset = labels.churn_of(subscriber).first();
            let sound_until = onset.map_or(last, |e| last.min(calendar.day_of(e.from) - 1));
            let tiers = recording.runs.first().map(|run| &run.tiers);
            people.push(Person {
                from: span.map(|(first, _)| rows.first + first as i32 + i32::from(warmup_days)),
                sound_until,
                gone_at: None,
                regular,
                data,
                tier: tiers
                    .and_then(|t| t.get(index).copied())
                    .unwrap_or(Tier::Small),
            });
        }
        for departure in &recording.departures {
            if let Some(person) = people.get_mut(departure.subscriber as usize) {
                let at = person.gone_at.unwrap_or(departure.at).min(departure.at);
                person.gone_at = Some(at);
            }
        }
        // A stray record may be dated long before the rest.
        let first = (0..rows.days).find(|day| {
            let active = |subscriber: &u32| rows.row(*subscriber).total(*day) > 0;
            let needed = (recording.roster.len() / 100).max(1);
            let all = 0..recording.roster.len() as u32;
            all.filter(active).take(needed).count() == needed
        });
        Self {
            first: rows.first + first.unwrap_or_default() as i32,
            last,
            recording,
            labels,
            calendar,
            people,
        }
    }

    /// A subscriber; nothing for one outside the roster.
    pub fn person(&self, subscriber: u32) -> Option<&Person> {
        self.people.get(subscriber as usize)
    }

    /// Whether the records up to a moment say that a subscriber has left.
    pub fn gone(&self, subscriber: u32, at: Timestamp) -> bool {
        let person = self.person(subscriber);
        person.is_some_and(|person| person.gone_at.is_some_and(|gone| gone <= at))
    }

    /// When a subscriber left, by the labels or by the record of a cancellation or port-out application, if they did.
    pub fn left_at(&self, subscriber: u32) -> Option<Timestamp> {
        let episodes = self.labels.churn_of(subscriber).iter();
        let gone_at = self.person(subscriber).and_then(|person| person.gone_at);
        let left = episodes.filter_map(|episode| episode.left_at);
        left.chain(gone_at).min()
    }

    /// The last moment of a day.
    pub fn end_of(&self, day: Day) -> Timestamp {
        Timestamp(self.calendar.start_of(day.next()).0 - 1)
    }

    /// Whether an alarm is right whose basis is this moment of this day.
    pub fn verdict(&self, subscriber: u32, seen_at: Timestamp, day: Day) -> Verdict {
        let mut verdict = Verdict::False;
        for episode in self.labels.churn_of(subscriber) {
            if seen_at < episode.from {
                break;
            }
            let here = episode.left_at.is_none_or(|left| seen_at <= left);
            if here || day.since(self.onset(episode)) <= REACH_DAYS {
                return Verdict::Found;
            }
            verdict = Verdict::Late;
        }
        verdict
    }

    /// Whether something raised at a moment, with a basis at another, came in time: after an onset
    /// and before the leaving.
    pub fn in_time(&self, subscriber: u32, seen_at: Timestamp, raised_at: Timestamp) -> bool {
        self.hours_before_leaving(subscriber, seen_at, raised_at)
            .is_some()
    }

    /// By how many hours it came in time, without end where no leaving is known; nothing if it did not.
    pub fn hours_before_leaving(
        &self,
        subscriber: u32,
        seen_at: Timestamp,
        raised_at: Timestamp,
    ) -> Option<f64> {
        let mut episodes = self.labels.churn_of(subscriber).iter();
        episodes.find_map(|episode| {
            let hours = episode.left_at.map_or(f64::INFINITY, |left| {
                left.since_ms(raised_at) as f64 / Timestamp::HOUR_MS as f64
            });
            (episode.from <= seen_at && hours >= 0.0).then_some(hours)
        })
    }

    /// Subscribers with an onset that is judged.
    pub fn leaving(&self) -> BTreeSet<u32> {
        self.judged(|_| true)
    }

    /// The subscribers judged whose day of leaving is known.
    pub fn leavers(&self) -> BTreeSet<u32> {
        self.judged(|episode| episode.left_at.is_some())
    }

    fn judged(&self, wanted: impl Fn(&Episode) -> bool) -> BTreeSet<u32> {
        let judged = |episode: &&Episode| {
            let person = self.person(episode.subscriber);
            wanted(episode) && person.is_some_and(|person| self.judgeable(person, episode, 0))
        };
        let judged = self.labels.churn.iter().filter(judged);
        judged.map(|episode| episode.subscriber).collect()
    }

    /// The day an episode began on.
    pub fn onset(&self, episode: &Episode) -> Day {
        self.calendar.day_of(episode.from)
    }

    /// Whether a subscriber used the line on this day or one of the two before.
    pub fn active_on(&self, subscriber: u32, day: Day) -> bool {
        let rows = &self.recording.rows;
        let index = rows.index(day.min(rows.last()));
        index.is_some_and(|index| rows.row(subscriber).active_before(index))
    }

    /// Sound days within a period.
    pub fn sound_days(&self, person: &Person, from: Day, until: Day) -> u32 {
        let Some(begin) = person.from else { return 0 };
        let days = person.sound_until.min(until).since(begin.max(from)) + 1;
        u32::try_from(days).unwrap_or(0)
    }

    /// Days on which an alarm would have counted.
    pub fn judged_days(&self, person: &Person) -> u32 {
        let days = person.from.map_or(0, |from| self.last.since(from) + 1);
        u32::try_from(days).unwrap_or(0)
    }

    /// Whether an episode can be judged: it began after the subscriber's warm-up, and the data go on for so many days
    /// after that.
    pub fn judgeable(&self, person: &Person, episode: &Episode, days: i32) -> bool {
        let onset = self.onset(episode);
        person.from.is_some_and(|from| onset >= from) && onset + days <= self.last
    }
}
