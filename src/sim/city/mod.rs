//! The city: lives day by day and hands out its records in the order of their arrival.

mod progress;
mod queue;
mod tally;

pub use tally::Tally;

use super::config::{CityConfig, SimError};
use super::event::{Body, Event};
use super::faults::{DayFaults, inject_faults};
use super::life::{BurstTiming, live};
use super::person::Person;
use super::random::{Dice, Purpose, mix};
use super::today::Today;
use super::truth::{Detail, Kind, Truth};
use super::wire::{RecordWriter, push_int};
use crate::model::{Calendar, Feed, Timestamp};
use jiff::tz::TimeZone;
use progress::state_progress;
use queue::Queue;

/// A simulated city of subscribers.
///
/// Memory grows with the subscribers (their state, one day of their records and what is still on its way), and not with
/// the days.
pub struct City {
    config: CityConfig,
    calendar: Calendar,
    timing: BurstTiming,
    people: Vec<Person>,
    truth: Vec<Truth>,
    /// Days begun so far; the records still on their way at the end take a few days more.
    days_begun: u16,
    queue: Queue,
    writer: RecordWriter,
    tally: Tally,
    bytes: Vec<u8>,
    key: Vec<u8>,
}

/// One record on its arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimEvent<'a> {
    /// When it arrives, Unix milliseconds; never before the record before it.
    pub arrival_ms: i64,
    /// The feed that carries it.
    pub feed: Feed,
    /// The subscriber's MSISDN, which is the record's key. `None` for `feed_progress`, which every partition of the
    /// feed should see.
    pub msisdn: Option<&'a str>,
    /// The record; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
}

impl City {
    /// Populates a city.
    ///
    /// # Errors
    /// [`SimError`] if a parameter is out of range or the time zone is not known.
    pub fn new(config: CityConfig) -> Result<Self, SimError> {
        config.validate()?;
        let calendar = Calendar::new(&config.time_zone)?;
        let zone = TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC);
        let people = (0..config.subscribers)
            .map(|index| Person::new(&config, index))
            .collect();
        Ok(Self {
            timing: BurstTiming::new(&config.scenario.usage),
            config,
            calendar,
            people,
            truth: Vec::new(),
            days_begun: 0,
            queue: Queue::default(),
            writer: RecordWriter::new(zone),
            tally: Tally::default(),
            bytes: Vec::new(),
            key: Vec::new(),
        })
    }

    /// What the city is made from.
    pub fn config(&self) -> &CityConfig {
        &self.config
    }

    /// The calendar of its time zone.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// What has been handed out so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Days begun so far, at most the configured number.
    pub fn days_begun(&self) -> u32 {
        u32::from(self.days_begun).min(self.config.days)
    }

    /// The next record to arrive; `None` when the last one has.
    ///
    /// It borrows the city until the next call, so this cannot be an `Iterator`.
    pub fn next_event(&mut self) -> Option<SimEvent<'_>> {
        let (arrival_ms, event) = self.pop()?;
        self.bytes.clear();
        self.key.clear();
        let mut present = true;
        if let Body::Progress {
            feed,
            complete_until_ms,
        } = event.body
        {
            let writer = &mut self.writer;
            writer.write_progress(&event, feed, complete_until_ms, &mut self.bytes);
        } else {
            let person = &self.people[event.person as usize];
            present = self.writer.write(person, &event, &mut self.bytes);
            push_int(&mut self.key, person.number as i64);
        }
        self.tally.count(&event, self.bytes.len());
        let key = str::from_utf8(&self.key).unwrap_or_default();
        Some(SimEvent {
            arrival_ms,
            feed: event.body.feed(),
            msisdn: (!key.is_empty()).then_some(key),
            value: present.then_some(self.bytes.as_slice()),
        })
    }

    /// The ground truth of the days begun so far, by time: nothing that lies beyond the last of them.
    pub fn truth(&self) -> Vec<Truth> {
        let end = self.config.start + self.days_begun() as i32;
        let end = self.calendar.start_of(end);
        let begun = self.truth.iter().filter_map(|line| line.as_known_at(end));
        let mut lines: Vec<Truth> = begun.collect();
        lines.sort_by_key(|line| (line.from, line.msisdn, line.kind));
        lines
    }

    /// The ground truth with all that lies ahead: what people have made up their minds to do by the days begun so far, in
    /// the order in which it was decided.
    pub fn full_truth(&self) -> &[Truth] {
        &self.truth
    }

    /// A subscriber who was on the way out stays after all, from the next day on.
    pub fn keep(&mut self, msisdn: &str) {
        let is_meant = |person: &&mut Person| person.number.to_string() == msisdn;
        let episode = self.people.iter_mut().find(is_meant);
        let episode = episode.and_then(|person| person.timeline.stay());
        if let Some(line) = episode.and_then(|place| self.truth.get_mut(place)) {
            line.left_at = None;
        }
    }

    /// A subscriber who had left comes back on the next day.
    pub fn win_back(&mut self, msisdn: &str) {
        let day = Today::new(&self.config, &self.calendar, self.days_begun).day;
        let is_meant = |person: &&mut Person| person.number.to_string() == msisdn;
        if let Some(person) = self.people.iter_mut().find(is_meant) {
            person.timeline.come_back(day);
        }
    }

    /// The next record before it becomes bytes.
    pub(in crate::sim) fn pop(&mut self) -> Option<(i64, Event)> {
        loop {
            if let Some(next) = self.queue.pop() {
                return Some(next);
            }
            if u32::from(self.days_begun) >= self.config.days && self.queue.is_empty() {
                return None;
            }
            self.begin_day();
        }
    }

    /// Lives through the next day; after the last one only waits for what is still on its way.
    fn begin_day(&mut self) {
        let Self {
            config,
            calendar,
            timing,
            people,
            truth,
            queue,
            tally,
            days_begun,
            ..
        } = self;
        let today = Today::new(config, calendar, *days_begun);
        let (start_ms, end_ms) = today.bounds();
        queue.begin_day(start_ms, end_ms);
        if u32::from(*days_begun) < config.days {
            city_wide_truth(&today, truth);
            live_day(&today, timing, people, truth, queue, tally);
        }
        if u32::from(*days_begun) <= config.days {
            state_progress(&today, queue);
        }
        queue.sort();
        *days_begun += 1;
    }
}

fn live_day(
    today: &Today,
    timing: &BurstTiming,
    people: &mut [Person],
    truth: &mut Vec<Truth>,
    queue: &mut Queue,
    tally: &mut Tally,
) {
    let config = today.config;
    let day_faults = DayFaults::of(today);
    let mut records = Vec::new();
    for person in people {
        records.clear();
        let known = truth.len();
        live(person, today, timing, &mut records, truth);
        if today.outage {
            tally.lost_in_outage += lose(today, person, &mut records, &mut truth[known..]);
        }
        let dice = &mut Dice::new(config.seed, person.index, today.number, Purpose::Faults);
        for event in &records {
            let arrival_ms = event.at_ms + latency_ms(event);
            if config.faults {
                inject_faults(
                    *event,
                    arrival_ms,
                    &day_faults,
                    dice,
                    |arrival_ms, event, delay| {
                        tally.count_delay(delay);
                        queue.push(arrival_ms, event);
                    },
                );
            } else {
                queue.push(arrival_ms, *event);
            }
        }
    }
}

/// A call is reported when it is over; then it takes up to 20 seconds.
fn latency_ms(event: &Event) -> i64 {
    let noise = mix(u64::from(event.person) << 32 | u64::from(event.record));
    let duration_seconds = match event.body {
        Body::Call(call) => call.duration_seconds,
        _ => 0,
    };
    i64::from(duration_seconds) * 1_000 + 200 + (noise % 20_000) as i64
}

/// Loses call-detail records in the outage and notes it in their ground truth. Returns how many.
fn lose(today: &Today, person: &Person, records: &mut Vec<Event>, truth: &mut [Truth]) -> u64 {
    let seed = today.config.seed;
    let dice = &mut Dice::new(seed, person.index, today.number, Purpose::Outage);
    let loss = today.config.scenario.outage.loss_share;
    let before = records.len();
    records.retain(|event| {
        let lost = event.body.feed() == Feed::Cdr && dice.chance(loss);
        if lost {
            for line in truth.iter_mut().filter(|line| line.from.0 == event.at_ms) {
                line.details.push(("lost_in_outage", Detail::Is(true)));
            }
        }
        !lost
    });
    (before - records.len()) as u64
}

fn city_wide_truth(today: &Today, truth: &mut Vec<Truth>) {
    let scenario = &today.config.scenario;
    let mut push = |kind, days: u32, details| {
        let mut line = Truth::new(None, kind, today.bounds().0);
        let until = today.start_of(today.day + days as i32);
        line.until = Some(Timestamp(until));
        line.details = details;
        truth.push(line);
    };
    let holiday = &scenario.holiday;
    if holiday.from_days.contains(&u32::from(today.number)) {
        let voice = ("voice_to_level", Detail::Level(holiday.voice_level));
        let data = ("data_to_level", Detail::Level(holiday.data_level));
        push(Kind::HolidayWeek, holiday.days, vec![voice, data]);
    }
    if today.outage {
        let feed = ("feed", Detail::Name(Feed::Cdr.name()));
        let loss = ("loss", Detail::Level(scenario.outage.loss_share));
        push(Kind::Outage, 1, vec![feed, loss]);
    }
}
