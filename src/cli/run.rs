use super::Failure;
use super::signals::Signals;
use crate::config::Config;
use crate::http::{Health, Server};
use crate::kafka::{Cluster, Topics};
use crate::runtime::{Pool, Setup, Stop, clock};
use crate::telemetry::{Telemetry, logging};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Detect churn signals in Kafka topics
///
/// Reads the feeds' topics as a member of a consumer group and writes retention tasks, signals and dead letters, exactly
/// once. Runs until it is told to end: SIGTERM and SIGINT (Ctrl-C) let it commit and leave the group; a second one ends
/// it on the spot.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Run {
    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch run --config churnwatch.toml
  CHURNWATCH_KAFKA__BOOTSTRAP=kafka1:9092 churnwatch run";

/// How often it is looked whether the workers have ended by themselves.
const LOOK: Duration = Duration::from_millis(100);

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::load(self.config.as_deref())?;
        logging::init(&config.log).map_err(|error| Failure::Usage(error.to_string()))?;
        // The handlers come first: a signal during the start must not cut it short either.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Failed(format!("cannot handle signals: {error}")))?;
        let signals = runtime.block_on(async { Signals::new() })?;
        let cluster = Cluster::inspect(&config)
            .map_err(|problems| Failure::Failed(problems.join("\nerror: ")))?;
        info!(
            group = config.kafka.group,
            partitions = cluster.partitions,
            workers = config.run.workers,
            rules = &*config.rules.version,
            "starting"
        );
        let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
        let telemetry = Telemetry::new().map_err(|error| failed(&error))?;
        telemetry.set_rules_version(&config.rules.version);
        let health = Health::new(
            config.run.workers.into(),
            config.http.stalled_seconds,
            clock::monotonic_ms,
        );
        let server = Server::start(&config.http, telemetry.clone(), health.clone())
            .map_err(|error| failed(&error))?;
        info!(address = %server.address(), "admin pages at /metrics, /healthz and /readyz");
        let grace = Duration::from_secs(config.run.shutdown_seconds.into());
        let stop = Stop::default();
        let setup = Setup {
            topics: Arc::new(Topics::new(&config)),
            decoder: config.decoder.clone(),
            telemetry,
            config,
        };
        let pool = Pool::start(setup, &health, &stop).map_err(|error| failed(&error))?;
        runtime.block_on(until_ended(signals, &pool, &stop, &health, grace))?;
        pool.join().map_err(Failure::Failed)?;
        info!("ended");
        Ok(())
    }
}

/// Waits until the workers have ended, by themselves or by a signal.
async fn until_ended(
    mut signals: Signals,
    pool: &Pool,
    stop: &Stop,
    health: &Health,
    grace: Duration,
) -> Result<(), Failure> {
    let mut look = tokio::time::interval(LOOK);
    let ended = async {
        while !pool.finished() {
            look.tick().await;
        }
    };
    let mut ended = std::pin::pin!(ended);
    tokio::select! {
        () = &mut ended => return Ok(()),
        name = signals.next() => info!("{name}: committing and leaving the group"),
    }
    health.stopping();
    stop.ask();
    tokio::select! {
        () = &mut ended => Ok(()),
        name = signals.next() => {
            warn!("{name} again: ending on the spot");
            Err(Failure::Failed(
                "ended by a second signal; what was not committed is processed again at the next start".to_owned(),
            ))
        }
        () = tokio::time::sleep(grace) => Err(Failure::Failed(format!(
            "did not end within run.shutdown_seconds ({} s); what was not committed is processed again at the next \
             start",
            grace.as_secs()
        ))),
    }
}
