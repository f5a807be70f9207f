use super::brokers::{self, Asked};
use super::failure::Failure;
use super::signals::{self, Signals};
use crate::config::{Config, Ruleset};
use crate::health::Health;
use crate::http::Server;
use crate::kafka::{self, Cluster, Refusal, Sources};
use crate::runtime::{Pool, Routes, RulesHandle, Setup, Stop, Watchdog, clock, output_form};
use crate::telemetry::{Telemetry, troubles};
use clap::Args;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind};
use tracing::{error, info, warn};

/// Detect churn signals in Kafka topics
///
/// Reads the feeds' topics as a member of a consumer group and writes retention tasks, signals and dead letters, exactly
/// once. Runs until it is told to end: SIGTERM and SIGINT (Ctrl-C) let it commit and leave the group; a second one ends
/// it on the spot. SIGHUP reads the configuration again and puts its rules in force.
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
        let (runtime, mut signals) = signals::begin(&config)?;
        let hangup = runtime.block_on(async { signals::handle(SignalKind::hangup()) })?;
        let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
        let telemetry = Telemetry::new().map_err(|error| failed(&error))?;
        telemetry.set_rules_version(&config.rules.version);
        let (workers, routers) = match config.routes_in_run() {
            true => (config.run.workers, config.route.workers),
            false => (config.run.workers, 0),
        };
        let health = Health::new(
            usize::from(workers) + usize::from(routers),
            config.http.stalled_seconds,
            clock::monotonic_ms,
        );
        let server = Server::start(&config.http, telemetry.clone(), health.clone())
            .map_err(|error| failed(&error))?;
        info!(address = %server.address(), "admin pages at /metrics, /healthz and /readyz");
        kafka::check_properties(&config).map_err(Failure::Usage)?;
        let asked = brokers::wait(Asked::Brokers, &config, &health, &mut signals, look);
        let Some((cluster, sources)) = runtime.block_on(asked)? else {
            info!("ended");
            return Ok(());
        };
        let asked = brokers::wait(Asked::Registry, &config, &health, &mut signals, output_form);
        let Some(form) = runtime.block_on(asked)? else {
            info!("ended");
            return Ok(());
        };
        for fact in &cluster.facts {
            if let Some(warning) = fact.strip_prefix("warning: ") {
                warn!("{warning}");
            }
        }
        info!(
            group = config.kafka.group,
            partitions = cluster.partitions,
            workers = i32::from(config.run.workers).min(cluster.partitions),
            rules = &*config.rules.version,
            shadow_rules = shadow_version(&config.ruleset()),
            "starting"
        );
        let grace = Duration::from_secs(config.run.shutdown_seconds.into());
        let stop = Stop::default();
        let watchdog = Watchdog::new(&config.run);
        let routes = sources.map(|sources| Routes::new(&config, telemetry.clone(), sources));
        let routes = routes.transpose().map_err(Failure::Failed)?;
        let setup = Setup {
            form,
            ..Setup::new(config, telemetry.clone(), cluster)
        };
        let reload = Reload {
            hangup,
            path: self.config,
            started: setup.config.clone(),
            rules_handle: Arc::clone(&setup.rules_handle),
            telemetry,
        };
        let mut pool = Pool::start(setup, &health, &stop).map_err(|error| failed(&error))?;
        if let Some(routes) = routes {
            let routers = health.workers().into_iter().skip(workers.into());
            pool.route(routes, routers)
                .map_err(|error| failed(&error))?;
        }
        runtime.block_on(async {
            tokio::select! {
                ended = until_ended(signals, &pool, &stop, &health, watchdog, grace) => ended,
                never = reload.serve() => match never {},
            }
        })?;
        let ended = pool.join().map_err(Failure::Failed);
        troubles::conclude();
        ended?;
        info!("ended");
        Ok(())
    }
}

/// What the cluster says of the feeds' topics, and of those that are routed as well.
fn look(config: &Config) -> Result<(Cluster, Option<Sources>), Refusal> {
    let cluster = Cluster::inspect(config)?;
    let sources = config.routes_in_run().then(|| Sources::find(config));
    Ok((cluster, sources.transpose()?))
}

/// Puts changed rules in force on SIGHUP.
struct Reload {
    hangup: Signal,
    path: Option<PathBuf>,
    /// The configuration of the start; its topics stay.
    started: Config,
    rules_handle: Arc<RulesHandle>,
    telemetry: Telemetry,
}

impl Reload {
    /// The first shadow rules, and the first hold-out share, need a topic that was not looked at when the process started.
    async fn can_say(&self, ruleset: &Ruleset) -> Result<(), String> {
        let before = self.rules_handle.current();
        let (before, now) = (&before.ruleset.rules, &ruleset.rules);
        let shadow = before.shadow.is_none() && now.shadow.is_some();
        let uplift = !before.policy.hold_out.is_used() && now.policy.hold_out.is_used();
        let config = self.started.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let topics = &config.topics;
            let first = [
                (shadow, "topics.shadow_signals", &topics.shadow_signals),
                (uplift, "topics.uplift", &topics.uplift),
            ];
            let mut needed = first.into_iter().filter(|(needed, ..)| *needed);
            needed.try_for_each(|(_, key, topic)| kafka::writable(&config, key, topic))
        });
        asked.await.map_err(|error| error.to_string())?
    }

    async fn serve(mut self) -> Infallible {
        loop {
            self.hangup.recv().await;
            match Config::load(self.path.as_deref()) {
                Ok(config) => {
                    let version = Arc::clone(&config.rules.version);
                    let ruleset = config.ruleset();
                    let shadow_rules = shadow_version(&ruleset).to_owned();
                    if let Err(problem) = self.can_say(&ruleset).await {
                        error!("SIGHUP: nothing is changed: {problem}");
                    } else if self.rules_handle.change(ruleset) {
                        self.telemetry.set_rules_version(&version);
                        info!(
                            rules = &*version,
                            shadow_rules,
                            "SIGHUP: other rules; sections that are no rules are read at the next start"
                        );
                    } else {
                        info!("SIGHUP: the rules are the same");
                    }
                }
                Err(problems) => {
                    error!(
                        "SIGHUP: the configuration has problems, so nothing is changed:\n{problems}"
                    );
                }
            }
        }
    }
}

/// The version of the shadow rules; empty without such rules.
fn shadow_version(ruleset: &Ruleset) -> &str {
    ruleset
        .rules
        .shadow
        .as_ref()
        .map_or("", |rules| &rules.version)
}

/// Waits until the workers have ended, by themselves or by a signal.
pub(super) async fn until_ended(
    mut signals: Signals,
    pool: &Pool,
    stop: &Stop,
    health: &Health,
    mut watchdog: Watchdog,
    grace: Duration,
) -> Result<(), Failure> {
    let mut look = tokio::time::interval(LOOK);
    let ended = async {
        while !pool.finished() {
            look.tick().await;
            troubles::summarize();
            if let Some(reason) = watchdog.look(health) {
                return Err(Failure::Failed(reason));
            }
        }
        Ok(())
    };
    let mut ended = std::pin::pin!(ended);
    tokio::select! {
        ended = &mut ended => return ended,
        name = signals.next() => info!("{name}: committing and leaving the group"),
    }
    health.stopping();
    stop.ask();
    tokio::select! {
        ended = &mut ended => ended,
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
