//! `churnwatch demo`: a simulated city, a broker in this process, the detector as `run` starts it, and a live view.

mod feeder;
mod outputs;
mod screen;
mod state;
mod view;

use crate::config::Config;
use crate::health::Health;
use crate::http::Server;
use crate::kafka::{Cluster, EmbeddedBroker, Loader};
use crate::runtime::{Pool, Setup, Stop, clock};
use crate::sim::{City, CityConfig};
use crate::telemetry::Telemetry;
use feeder::CityFeeder;
use outputs::OutputReader;
use screen::Screen;
use state::ViewState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use view::grouped;

/// Partitions of every topic.
const PARTITIONS: i32 = 4;
/// Time between two pictures.
const FRAME: Duration = Duration::from_millis(200);
/// The detector may take this long to read the last records.
const LAST_RECORDS: Duration = Duration::from_secs(60);

/// What the demo shows.
#[derive(Debug, Clone)]
pub struct Options {
    /// Subscribers of the city.
    pub subscribers: u32,
    /// Days it lives.
    pub days: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Shortest time for a day, in seconds.
    pub day_seconds: f64,
    /// Where the metrics listen.
    pub listen: String,
}

/// Runs until the city's days are over or `stop` is asked.
///
/// # Errors
/// What could not be started or went wrong, for a person.
pub fn run(options: &Options, stop: &Stop) -> Result<(), String> {
    let defaults = Config::embedded().map_err(text)?;
    let broker = EmbeddedBroker::start(&defaults, PARTITIONS)?;
    let config = configure(options, &broker)?;
    let city = CityConfig::new(options.subscribers, options.days, options.seed);
    let city = City::new(city).map_err(text)?;
    let telemetry = Telemetry::new().map_err(text)?;
    telemetry.set_rules_version(&config.rules.version);
    let stalled = config.http.stalled_seconds;
    let health = Health::new(config.run.workers.into(), stalled, clock::monotonic_ms);
    let server = Server::start(&config.http, telemetry.clone(), health.clone()).map_err(text)?;
    let mut state = ViewState {
        city: options.subscribers,
        days: options.days,
        bootstrap: broker.bootstrap(),
        metrics: format!("http://{}/metrics", server.address()),
        ..ViewState::default()
    };
    let mut outputs = OutputReader::open(&config, telemetry.clone(), PARTITIONS)?;
    let day = Arc::new(AtomicU32::new(0));
    let feeder = CityFeeder {
        city,
        loader: Loader::new(&config)?,
        partitions: PARTITIONS,
        day_seconds: options.day_seconds,
        day: Arc::clone(&day),
    };
    let workers = Stop::default();
    let cluster = Cluster {
        partitions: PARTITIONS,
        ..Cluster::default()
    };
    let setup = Setup::new(config.clone(), telemetry.clone(), cluster);
    let pool = Pool::start(setup, &health, &workers).map_err(text)?;
    let mut screen = Screen::open(&state);
    let watch = clock::Stopwatch::start();
    let sent = std::thread::scope(|threads| {
        let feeder = threads.spawn(|| feeder.run(&config, &telemetry, stop));
        let start = CityConfig::new(1, 1, 0).start;
        let mut rate = Rate::default();
        while !feeder.is_finished() && !pool.finished() {
            let changed = outputs.update(&mut state, FRAME);
            state.day = day.load(Ordering::Relaxed);
            state.date = (start + state.day as i32 - 1).to_string();
            state.events_per_second = rate.of(state.events, watch.elapsed());
            if screen.show(&state, &changed) {
                stop.ask();
            }
        }
        if pool.finished() {
            stop.ask();
        }
        feeder
            .join()
            .unwrap_or_else(|_| Err("the simulated city ended unexpectedly".to_owned()))
    });
    screen.close();
    let sent = match sent {
        Ok(sent) => sent,
        Err(problem) => {
            workers.ask();
            return Err(pool.join().err().unwrap_or(problem));
        }
    };
    let last = clock::Stopwatch::start();
    while telemetry.counts().records < sent && !pool.finished() && !last.reached(LAST_RECORDS) {
        outputs.update(&mut state, FRAME);
    }
    workers.ask();
    pool.join()?;
    outputs.update(&mut state, FRAME);
    let summary = summary(&state, &outputs, &telemetry, sent, watch.elapsed());
    // Nobody reads on: the demo is over all the same.
    let _ = screen::print(&summary);
    Ok(())
}

fn configure(options: &Options, broker: &EmbeddedBroker) -> Result<Config, String> {
    let text = format!(
        "[kafka]\nbootstrap = \"{}\"\n[window]\nclock = \"event\"\n[http]\nlisten = \"{}\"\n[log]\nlevel = \"warn\"\n\
         [state]\nsnapshots = \"memory:\"\n",
        broker.bootstrap(),
        options.listen,
    );
    Config::from_toml_str(&text, "the demo's configuration").map_err(self::text)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Records a second, over about the last second.
#[derive(Default)]
struct Rate {
    since: Duration,
    records: u64,
    shown: u64,
}

impl Rate {
    fn of(&mut self, records: u64, at: Duration) -> u64 {
        let seconds = at.saturating_sub(self.since).as_secs_f64();
        if seconds >= 1.0 {
            self.shown = ((records - self.records) as f64 / seconds) as u64;
            (self.since, self.records) = (at, records);
        }
        self.shown
    }
}

fn summary(
    state: &ViewState,
    outputs: &OutputReader,
    telemetry: &Telemetry,
    sent: u64,
    took: Duration,
) -> String {
    let counts = telemetry.counts();
    let row = |name: &str, count: u64| format!("  {name:<26}{:>14}\n", grouped(count));
    let mut text = format!(
        "{} days of {} subscribers in {:.0} s\n",
        state.day,
        grouped(state.city.into()),
        took.as_secs_f64()
    );
    for (name, count) in [
        ("records sent", sent),
        ("records in", counts.records),
        ("  applied", counts.applied),
        ("  duplicate", counts.duplicate),
        ("  expired", counts.expired),
        ("  ignored", counts.ignored),
        ("  dead-lettered", counts.dead_lettered),
    ] {
        text += &row(name, count);
    }
    text += "signals, also those that raised no task\n";
    text.extend(state.signals.iter().map(|(name, count)| row(name, *count)));
    text += "tasks opened, by first signal\n";
    text.extend(outputs.opened.iter().map(|(name, count)| row(name, *count)));
    text + &format!(
        "{:<28}{:>14}\n",
        "tasks closed",
        grouped(state.tasks_closed)
    )
}
