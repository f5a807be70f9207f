use super::clerks::Clerks;
use super::scale::{PARTITIONS, WARM_UP_DAYS};
use crate::config::Config;
use crate::kafka::{Delivery, Loader};
use crate::model::Timestamp;
use crate::runtime::{Stop, clock::Stopwatch};
use crate::sim::{City, Hindsight};
use crate::telemetry::Telemetry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Records the detector may be behind. The embedded broker keeps 5 MiB of a partition and drops what is older.
const BEHIND_MAX: u64 = 32_000;
/// How long to wait for the detector to come up, a step at a time.
const PAUSE: Duration = Duration::from_millis(5);
/// Records between two looks at the clock, at the tasks and at the detector.
const LOOK_EVERY: u64 = 64;

const DAY_MS: f64 = Timestamp::DAY_MS as f64;

/// Sends a city's records to the feeds' topics, and what its clerks report. The warm-up goes as fast as the detector does; then
/// a day takes at least `day_seconds`.
pub struct CityFeeder {
    /// The city.
    pub city: City,
    /// Who works on the tasks.
    pub clerks: Clerks,
    /// Where the records go.
    pub loader: Loader,
    /// Shortest time for a simulated day.
    pub day_seconds: f64,
    /// Simulated days begun, for the view.
    pub day: Arc<AtomicU32>,
}

/// What a feeder has done.
pub struct Fed {
    /// Records sent.
    pub sent: u64,
    /// The churn tasks after the warm-up, compared with the ground truth.
    pub hindsight: Hindsight,
}

impl CityFeeder {
    /// Runs until the last day is over or `stop` is asked.
    ///
    /// # Errors
    /// What the broker refuses.
    pub fn run(self, config: &Config, telemetry: &Telemetry, stop: &Stop) -> Result<Fed, String> {
        let Self {
            mut city,
            mut clerks,
            loader,
            day_seconds,
            day: shown_day,
        } = self;
        let judged_from = city.config().start + WARM_UP_DAYS as i32;
        let judged_from = city.calendar().start_of(judged_from);
        let mut pace = Pace::new(judged_from, day_seconds);
        let (mut sent, mut records, mut day) = (0u64, 0u64, 0);
        let mut now = judged_from;
        loop {
            if city.days_begun() != day {
                day = city.days_begun();
                clerks.set_truth(city.full_truth());
                shown_day.store(day, Ordering::Relaxed);
            }
            let Some(event) = city.next_event() else {
                break;
            };
            now = Timestamp(event.arrival_ms);
            if records.is_multiple_of(LOOK_EVERY) {
                pace.wait(now, stop);
                sent += clerks.work(now, &loader)?;
                while sent.saturating_sub(telemetry.counts().records) > BEHIND_MAX
                    && !stop.wait(PAUSE)
                {}
            }
            if stop.asked() {
                break;
            }
            records += 1;
            let topic = config.topics.of(event.feed);
            match event.msisdn {
                Some(msisdn) => {
                    let to = Delivery::Keyed(msisdn.as_bytes());
                    loader.send(topic, PARTITIONS, to, event.value)?;
                    sent += 1;
                }
                // A mediation's statement concerns every partition.
                None => {
                    for partition in 0..PARTITIONS {
                        let to = Delivery::Statement(partition);
                        loader.send(topic, PARTITIONS, to, event.value)?;
                        sent += 1;
                    }
                    sent += clerks.state_progress(event.value.unwrap_or_default(), &loader)?;
                }
            }
        }
        loader.finish()?;
        Ok(Fed {
            sent,
            hindsight: clerks.hindsight(judged_from, now),
        })
    }
}

/// Keeps a city from living faster than a person can watch.
struct Pace {
    from: Timestamp,
    day_seconds: f64,
    watch: Option<Stopwatch>,
}

impl Pace {
    /// The pace of all days from a moment on.
    fn new(from: Timestamp, day_seconds: f64) -> Self {
        Self {
            from,
            day_seconds,
            watch: None,
        }
    }

    /// Waits until it is time for a moment of the city.
    fn wait(&mut self, moment: Timestamp, stop: &Stop) {
        if moment < self.from {
            return;
        }
        let watch = self.watch.get_or_insert_with(Stopwatch::start);
        let days = moment.since_ms(self.from) as f64 / DAY_MS;
        let due = Duration::from_secs_f64(self.day_seconds * days);
        while !watch.reached(due) && !stop.wait(PAUSE) {}
    }
}
