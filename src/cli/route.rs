use super::brokers::{self, Asked};
use super::failure::Failure;
use super::run::until_ended;
use super::signals;
use crate::config::Config;
use crate::health::Health;
use crate::http::Server;
use crate::kafka::{self, Sources};
use crate::runtime::{Pool, Routes, Stop, Watchdog, clock};
use crate::telemetry::{Telemetry, troubles};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use tracing::info;

/// Bring records of other topics into the topics of the feeds
///
/// Reads the topics of [route] as a member of a group of its own. Each record is written to the topic of its feed, with the
/// subscriber's canonical number as its key, in the partition of that key; statements of progress go to every partition. What
/// cannot be read goes to the dead letters. All of it exactly once: records and offsets are committed in one transaction. Start
/// as many processes as are wanted; they share the partitions. SIGTERM and SIGINT (Ctrl-C) end it.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Route {
    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch route --config churnwatch.toml
  CHURNWATCH_HTTP__LISTEN=127.0.0.1:9466 churnwatch route --config churnwatch.toml    beside a `run`";

impl Route {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::load(self.config.as_deref())?;
        if config.route.sources.is_empty() {
            let problem =
                "route.sources names no topic: write [[route.sources]] with `topic` below it";
            return Err(Failure::Usage(problem.to_owned()));
        }
        let (runtime, mut signals) = signals::begin(&config)?;
        let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
        let telemetry = Telemetry::new().map_err(|error| failed(&error))?;
        let health = Health::new(
            config.route.workers.into(),
            config.http.stalled_seconds,
            clock::monotonic_ms,
        );
        let server = Server::start(&config.http, telemetry.clone(), health.clone())
            .map_err(|error| failed(&error))?;
        info!(address = %server.address(), "admin pages at /metrics, /healthz and /readyz");
        kafka::check_properties(&config).map_err(Failure::Usage)?;
        let asked = brokers::wait(
            Asked::Brokers,
            &config,
            &health,
            &mut signals,
            Sources::find,
        );
        let Some(sources) = runtime.block_on(asked)? else {
            info!("ended");
            return Ok(());
        };
        info!(
            group = config.route.group,
            sources = sources.topics.len(),
            partitions = sources.partitions[0],
            workers = config.route.workers,
            "starting"
        );
        let stop = Stop::default();
        let mut pool = Pool::new(&stop);
        let routes = Routes::new(&config, telemetry, sources).map_err(Failure::Failed)?;
        let routers = health.workers().into_iter();
        pool.route(routes, routers)
            .map_err(|error| failed(&error))?;
        let watchdog = Watchdog::new(&config.run);
        let grace = Duration::from_secs(config.run.shutdown_seconds.into());
        runtime.block_on(until_ended(signals, &pool, &stop, &health, watchdog, grace))?;
        let ended = pool.join().map_err(Failure::Failed);
        troubles::conclude();
        ended?;
        info!("ended");
        Ok(())
    }
}
