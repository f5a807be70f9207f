use crate::config::Config;
use crate::kafka::{Delivery, Loader};
use crate::runtime::{Stop, clock::Stopwatch};
use crate::sim::City;
use crate::telemetry::Telemetry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Records the detector may be behind. The embedded broker keeps 5 MiB of a partition and drops what is older.
const BEHIND_MAX: u64 = 8_000;
/// How long to wait for the detector to come up, a step at a time.
const PAUSE: Duration = Duration::from_millis(5);

/// Sends a city's records to the feeds' topics: no faster than `day_seconds` for a day, and no further ahead of the
/// detector than the broker's memory allows.
pub struct CityFeeder {
    /// The city.
    pub city: City,
    /// Where the records go.
    pub loader: Loader,
    /// Partitions of the topics.
    pub partitions: i32,
    /// Shortest time for a simulated day.
    pub day_seconds: f64,
    /// Simulated days begun, for the view.
    pub day: Arc<AtomicU32>,
}

impl CityFeeder {
    /// Runs until the last day is over or `stop` is asked. Returns the records sent.
    ///
    /// # Errors
    /// What the broker refuses.
    pub fn run(
        mut self,
        config: &Config,
        telemetry: &Telemetry,
        stop: &Stop,
    ) -> Result<u64, String> {
        let watch = Stopwatch::start();
        let mut sent = 0u64;
        loop {
            let day = self.city.days_begun();
            let Some(event) = self.city.next_event() else {
                break;
            };
            let topic = config.topics.of(event.feed);
            match event.msisdn {
                Some(msisdn) => {
                    let to = Delivery::Keyed(msisdn.as_bytes());
                    self.loader.send(topic, self.partitions, to, event.value)?;
                    sent += 1;
                }
                // A mediation's statement concerns every partition.
                None => {
                    for partition in 0..self.partitions {
                        let to = Delivery::Statement(partition);
                        self.loader.send(topic, self.partitions, to, event.value)?;
                        sent += 1;
                    }
                }
            }
            if self.day.swap(day, Ordering::Relaxed) != day {
                let due = Duration::from_secs_f64(self.day_seconds * f64::from(day));
                while !watch.reached(due) && !stop.wait(PAUSE) {}
            }
            if sent.is_multiple_of(256) {
                while sent.saturating_sub(telemetry.counts().records) > BEHIND_MAX
                    && !stop.wait(PAUSE)
                {}
            }
            if stop.asked() {
                break;
            }
        }
        self.loader.finish()?;
        Ok(sent)
    }
}
