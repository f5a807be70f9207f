//! `churnwatch demo`.

use super::failure::Failure;
use super::signals::Signals;
use crate::demo::{self, Options};
use crate::runtime::Stop;
use clap::Args;
use std::net::SocketAddr;
use tokio::runtime::Builder;

/// Watch the detector at work on a simulated city, with a Kafka broker inside this process
///
/// Nothing needs to be installed or configured. The city's subscribers live through weeks in minutes; some leave, some
/// only travel. Any Kafka client can look in at the address shown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  churnwatch demo
  churnwatch demo --days 30 --day-seconds 0     as fast as it goes, then a summary")]
pub(super) struct Demo {
    /// Subscribers of the city
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    subscribers: u32,
    /// Days to live through; ends by itself after them
    #[arg(long, value_name = "N", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// Seed of all chance; the same seed gives the same city
    #[arg(long, value_name = "SEED", default_value_t = 7)]
    seed: u64,
    /// Shortest time for a day after the warm-up, in seconds; 0 for as fast as it goes
    #[arg(long, value_name = "SECONDS", default_value_t = 1.5, value_parser = seconds)]
    day_seconds: f64,
    /// Address where /metrics listens; port 0 for any free one [default: 127.0.0.1:9464, or a free port if it is taken]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|s| (0.0..=3_600.0).contains(s));
    seconds.ok_or_else(|| "must be a number from 0 to 3600".to_owned())
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        let options = Options {
            subscribers: self.subscribers,
            days: self.days,
            seed: self.seed,
            day_seconds: self.day_seconds,
            listen: self.listen,
        };
        let stop = Stop::default();
        stop_on_signal(&stop)?;
        demo::run(&options, &stop).map_err(Failure::Failed)
    }
}

/// Asks `stop` at a SIGTERM or SIGINT. On a terminal, Ctrl-C is a key and no signal.
fn stop_on_signal(stop: &Stop) -> Result<(), Failure> {
    let failed = |error| Failure::Failed(format!("cannot handle signals: {error}"));
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let stop = stop.clone();
    let wait = move || {
        runtime.block_on(signals.next());
        stop.ask();
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)
        .map_err(failed)?;
    Ok(())
}
