use super::arguments::LayoutArgs;
use super::failure::Failure;
use super::sample::print_sample;
use super::terminal::print;
use crate::config::{Config, Envelope, OutputFormat};
use crate::engine::settings::ClockKind;
use crate::engine::triggers::REGISTRY;
use crate::kafka::{self, Sources};
use crate::model::{Feed, plural};
use crate::registry::Registry;
use crate::runtime::{can_go_on, clock};
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

    /// Also ask the brokers: are they there, are the topics, do their partitions match, can the group go on? And the schema
    /// registry, if there is one: is it there, and does it let us in?
    #[arg(long)]
    connect: bool,

    /// Show how the first records of a file or a live topic become events, field by field; without a layout that fits them,
    /// print the draft of one
    #[arg(long, value_name = "FILE|TOPIC")]
    sample: Option<String>,

    #[command(flatten)]
    layouts: LayoutArgs,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch check --config churnwatch.toml
  churnwatch check --config churnwatch.toml --connect
  churnwatch check --sample cdr-20260302.csv > my-layout.toml
  churnwatch check --sample cdr-20260302.csv --layout my-layout.toml
  CHURNWATCH_KAFKA__BOOTSTRAP=kafka1:9092 churnwatch check";

/// Days of the calendar of occasions that are shown.
const OCCASIONS_SHOWN: usize = 6;

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.layouts.load(self.config.as_deref())?;
        if let Some(name) = &self.sample {
            return print_sample(&config, name);
        }
        kafka::check_properties(&config).map_err(Failure::Usage)?;
        print(&format!("configuration is valid\n\n{}", summary(&config)))?;
        for (key, listen) in [
            ("http.listen: the admin pages", config.http.listen),
            (
                "board.metrics_listen: the board's metrics",
                config.board.metrics_listen,
            ),
        ] {
            if listen.ip().is_unspecified() {
                print(&format!(
                    "\nwarning: {key} have no password, and every network of this machine can reach them; listen on the \
                     monitoring network's address only\n"
                ))?;
            }
        }
        if self.connect {
            let cluster =
                kafka::connect(&config).map_err(|problems| Failure::Failed(problems.join("\n")))?;
            print(&format!("\n{}\n", cluster.facts.join("\n")))?;
            can_go_on(&config, &cluster).map_err(Failure::Failed)?;
            if !config.route.sources.is_empty() {
                let sources = Sources::find(&config)
                    .map_err(|refusal| Failure::Failed(refusal.problems.join("\n")))?;
                let routed = sources.topics.iter().map(|topic| &*topic.name);
                let routed: Vec<_> = routed.collect();
                print(&format!("routed topics: {}\n", routed.join(", ")))?;
            }
            if let Some(registry) = Registry::new(&config.registry).map_err(Failure::Usage)? {
                let look = registry.look();
                look.map_err(|trouble| Failure::Failed(trouble.to_string()))?;
                print(&format!("schema registry: {}\n", registry.address()))?;
            }
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
        board,
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
    let receivers = board.alerts.receivers.iter();
    let receivers = receivers.map(|(name, it)| format!("{name} ({})", it.kind.name()));
    let lines = [
        ("brokers", brokers.bootstrap.clone()),
        ("properties", join(properties)),
        ("group", brokers.group.clone()),
        ("feeds", join(feeds)),
        ("tasks", topics.tasks.clone()),
        ("signals", topics.signals.clone()),
        ("dead letters", topics.dead_letters.clone()),
        ("erasures", topics.erasures.clone()),
        ("output", output(config)),
        ("shadow", shadow(config)),
        ("uplift", uplift(config)),
        ("workers", run.workers.to_string()),
        ("window", {
            let (days, zone) = (rules.window.days, &rules.window.time_zone);
            format!("{days} {} of {zone}", plural(days, "day", "days"))
        }),
        ("clock", clock.to_owned()),
        ("competitors", join(numbers)),
        ("country code", config.decoder.country_code().to_owned()),
        (
            "layouts",
            join(
                config
                    .decoder
                    .layouts()
                    .names()
                    .into_iter()
                    .map(str::to_owned),
            ),
        ),
        ("triggers", join(triggers)),
        ("occasions", occasions(config)),
        ("admin pages", format!("http://{}/", http.listen)),
        (
            "board",
            format!(
                "http://{}/, metrics at http://{}/metrics",
                board.listen, board.metrics_listen
            ),
        ),
        ("alerts to", join(receivers)),
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

/// The days of the calendars that come next. A customer gets a message for one of them at most.
fn occasions(config: &Config) -> String {
    let today = config.rules.calendar.day_of(clock::now());
    let coming = config.rules.occasions(today..=today + 365);
    let days = coming.iter().take(OCCASIONS_SHOWN);
    join(days.map(|(on, name, trigger)| format!("{on} {name} ({trigger})")))
}

/// How records are written.
fn output(config: &Config) -> String {
    match (config.output.format, config.output.envelope) {
        (OutputFormat::Json, Envelope::None) => "JSON".to_owned(),
        (OutputFormat::Json, Envelope::CloudEvents) => "CloudEvents".to_owned(),
        (OutputFormat::Avro, _) => format!("Avro, schemas at {}", config.registry.url),
        (OutputFormat::Protobuf, _) => format!("Protobuf, schemas at {}", config.registry.url),
    }
}

/// Where counts of what tasks achieve go.
fn uplift(config: &Config) -> String {
    match config.rules.policy.hold_out.is_used() {
        true => config.topics.uplift.clone(),
        false => "none: nobody is held out".to_owned(),
    }
}

fn join(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    }
}
