use super::failure::Failure;
use super::terminal::print;
use crate::config::Config;
use crate::engine::settings::ClockKind;
use crate::engine::triggers::REGISTRY;
use crate::kafka;
use crate::model::Feed;
use crate::runtime::can_go_on;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Check a configuration: all problems at once, or what would run
///
/// Reads the file and the environment as `run` would, and changes nothing. Exit status 2 if there are problems.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Check {
    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Also ask the brokers: are they there, are the topics, do their partitions match, can the group go on?
    #[arg(long)]
    connect: bool,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch check --config churnwatch.toml
  churnwatch check --config churnwatch.toml --connect
  CHURNWATCH_KAFKA__BOOTSTRAP=kafka1:9092 churnwatch check";

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::load(self.config.as_deref())?;
        kafka::check_properties(&config).map_err(Failure::Usage)?;
        print(&format!("configuration is valid\n\n{}", summary(&config)))?;
        if config.http.listen.ip().is_unspecified() {
            let warning = "warning: http.listen: the admin pages have no password, and every network of this machine can \
                           reach them; listen on the monitoring network's address only";
            print(&format!("\n{warning}\n"))?;
        }
        if self.connect {
            let cluster =
                kafka::connect(&config).map_err(|problems| Failure::Failed(problems.join("\n")))?;
            print(&format!("\n{}\n", cluster.facts.join("\n")))?;
            can_go_on(&config, &cluster).map_err(Failure::Failed)?;
        }
        Ok(())
    }
}

/// What would run, a line for each thing an operator looks for first. No values of properties: some are passwords.
fn summary(config: &Config) -> String {
    let Config {
        kafka: brokers,
        topics,
        run,
        http,
        rules,
        ..
    } = config;
    let properties = brokers.properties.keys().cloned();
    let competitors = &rules.competitors;
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, operator) in competitors.hotlines.iter().chain(&competitors.marketing) {
        *numbers.entry(operator).or_default() += 1;
    }
    let numbers = numbers
        .iter()
        .map(|(operator, n)| format!("{operator} ({n})"));
    let clock = match rules.window.clock {
        ClockKind::Wall => "wall",
        ClockKind::Event => "event",
        ClockKind::Auto => "auto",
    };
    let feeds = Feed::ALL.map(|feed| format!("{} <- {}", feed.name(), topics.of(feed)));
    let triggers = REGISTRY
        .iter()
        .map(|registration| registration.name.to_owned());
    let lines = [
        ("brokers", brokers.bootstrap.clone()),
        ("properties", join(properties)),
        ("group", brokers.group.clone()),
        ("feeds", join(feeds)),
        ("tasks", topics.tasks.clone()),
        ("signals", topics.signals.clone()),
        ("dead letters", topics.dead_letters.clone()),
        ("erasures", topics.erasures.clone()),
        ("shadow", shadow(config)),
        ("workers", run.workers.to_string()),
        (
            "window",
            format!("{} days of {}", rules.window.days, rules.window.time_zone),
        ),
        ("clock", clock.to_owned()),
        ("competitors", join(numbers)),
        ("triggers", join(triggers)),
        ("admin pages", format!("http://{}/", http.listen)),
        ("rules", rules.version.to_string()),
    ];
    lines.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "  {name:<13} {value}");
        text
    })
}

/// Rules on trial, and where their signals go.
fn shadow(config: &Config) -> String {
    match &config.rules.shadow {
        None => "none".to_owned(),
        Some(rules) => format!(
            "{} ({}) -> {}",
            config.shadow.rules, rules.version, config.topics.shadow_signals
        ),
    }
}

fn join(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
