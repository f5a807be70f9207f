//! `churnwatch rehearse`: rules at work on a simulated city.

use super::arguments::{LayoutArgs, claim_outputs, effective, parse_day};
use super::failure::Failure;
use super::terminal::{columns, day_bar, print, tell};
use crate::config::Config;
use crate::encode::Encoder;
use crate::files::{FileError, Output};
use crate::kafka::partition_of;
use crate::model::{Day, Effect, Task};
use crate::rehearse::{Language, Rehearsal, Settings, pretty, shown};
use crate::runtime::clock;
use crate::sim::{CityConfig, Operator, Scenario, SimError};
use clap::{Args, ValueEnum};
use indicatif::HumanCount;
use std::path::PathBuf;

/// Try rules, budgets, capacities and due times on a simulated city before they go live
///
/// Simulates a city and runs the real engine over its events. Simulated account managers work on every task at once: they
/// call, reach the subscriber or not, and report, and the engine acts upon their reports. So contact gaps, contact caps,
/// quiet hours, daily budgets, escalations and corrections all play as they would on a real network. The report covers the
/// days after the warm-up, a month by default.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Rehearse {
    /// Configuration file with the rules to try [default: the defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Subscribers of the city, up to 20,000,000; expect some 13 records of each a day
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    subscribers: u32,
    /// Days that the report covers
    #[arg(long, value_name = "D", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// Days before those: the engine learns what is usual, and the first wave of tasks passes
    #[arg(long, value_name = "D", default_value_t = 35, value_parser = clap::value_parser!(u32).range(0..=3_650))]
    warm_up_days: u32,
    /// Seed of all random draws; the same options give the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// First day of the warm-up
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-03-02", value_parser = parse_day)]
    start: Day,
    /// Scenario file: a TOML file with the keys that differ from the default scenario
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Set one key of the scenario, such as churn.scale=2 or outcomes.reached_share=0.8; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Number of shards, as with topics of so many partitions; each gets its share of the budget
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=4096))]
    partitions: i32,
    /// Write every revision of every task, the warm-up included
    #[arg(long, value_name = "FILE")]
    tasks: Option<String>,
    /// Write all signals, also those without a task, the warm-up included
    #[arg(long, value_name = "FILE")]
    signals: Option<String>,
    /// Write the report as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<String>,
    /// Replace outputs that are there already
    #[arg(long)]
    force: bool,
    /// Print one churn task as its account manager reads it, in English or Chinese, or whole as JSON
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "en")]
    show_task: Option<TaskForm>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TaskForm {
    En,
    Zh,
    Json,
}

const AFTER_HELP: &str = "\
How to read the report:
  tasks opened   by purpose and tier, for each day and beside the day's budget. A churn signal of a single event
                 opens an urgent task: it passes the budget and uses it up. Waiting candidates get the rest, best first. After an
                 outage two days can close on one day, and `most` can then be twice the budget.
  no contact by due_at
                 the tasks that were contacted, closed or overdue by the end, and how many of them were late. A try that
                 reached nobody is no contact, nor is a campaign without an answer. Managers in the city are never too busy.
  account managers
                 new tasks of each manager, or of a queue where there is none, for each day and beside what they can take by
                 policy.capacity (- for no limit). `days over`: days with more than that, or with any task while absent; urgent
                 tasks pass. `as deputy`: tasks that were somebody else's.
  suppressed     signals that opened no task, by reason; candidates over_budget or over_capacity wait some days and then lapse
  task outcomes  counted as the metrics count them: of all tasks in these days, also those opened before. By trigger, a task
                 counts for each of its reasons. Precision is the share of right churn tasks (closed as saved, refused, lost
                 or churned) among the right and the wrong ones (expired, recovered, or the subscriber meant to stay).
  contacts       times that somebody spoke to a subscriber; contacts for care and growth do not count against the cap of
                 churn, unless the rules say so

What people do does not depend on being called: a subscriber whom a call saves would have stayed. The report shows how much
work rules make, for whom, and how much of it is well spent. How many more subscribers stay is shown by a hold-out on the real
network (policy.hold_out). The scenario's [outcomes] say how people answer (churnwatch simulate --print-scenario).
Operator and time zone are those of the configuration.

Examples:
  churnwatch rehearse --show-task
  churnwatch rehearse --config next.toml --json next.json       compare with the same without --config
  CHURNWATCH_POLICY__CAPACITY__MANAGER_PER_DAY=2 churnwatch rehearse --partitions 3
  CHURNWATCH_POLICY__CONTACT__GAP_DAYS=14 churnwatch rehearse --subscribers 20000
  churnwatch rehearse --set churn.scale=3 --set outcomes.contact_hours=[12,72] --tasks tasks.ndjson";

impl Rehearse {
    pub(super) fn run(self) -> Result<(), Failure> {
        let outputs = [
            ("--tasks", self.tasks.as_deref()),
            ("--signals", self.signals.as_deref()),
            ("--json", self.json.as_deref()),
        ];
        let inputs = [&self.config, &self.scenario].into_iter().flatten();
        claim_outputs(
            inputs.filter_map(|path| path.to_str()),
            &outputs,
            self.force,
        )?;
        let config = LayoutArgs::default().load_offline(self.config.as_deref())?;
        let scenario = Scenario::load(self.scenario.as_deref(), &self.set);
        let city = CityConfig {
            start: self.start,
            time_zone: config.rules.calendar.zone().to_owned(),
            operator: operator(&config)?,
            scenario: scenario.map_err(SimError::from)?,
            ..CityConfig::new(self.subscribers, self.days, self.seed)
        };
        let rehearsal = Rehearsal::new(Settings {
            city,
            warm_up_days: self.warm_up_days,
            rules: config.rules.clone(),
            decoder: config.decoder.clone(),
            partitions: self.partitions,
            partition_of,
        })?;
        match self.rehearse(rehearsal, &config) {
            // A reader that has seen enough, such as `head`, is no failure.
            Err(error) if error.is_broken_pipe() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(text) => print(&text),
        }
    }

    /// Rehearses, writes the files and returns the text of the report.
    fn rehearse(&self, rehearsal: Rehearsal, config: &Config) -> Result<String, FileError> {
        let create = |path: &Option<String>| path.as_deref().map(Output::create).transpose();
        let (mut tasks, mut signals) = (create(&self.tasks)?, create(&self.signals)?);
        // A path that cannot be written should fail now, not after an hour of rehearsing.
        let json = create(&self.json)?;
        let encoder = Encoder::new(
            config.rules.calendar.clone(),
            Encoder::SOURCE_DEFAULT.to_owned(),
            config.rules.words(),
        );
        let bar = day_bar(self.warm_up_days + self.days);
        let watch = clock::Stopwatch::start();
        let emit = |effect: &Effect| match (effect, &mut tasks, &mut signals) {
            (Effect::Task(task), Some(output), _) => output.line(&encoder.task_json(task)),
            (Effect::Signal(signal), _, Some(output)) => output.line(&encoder.signal_json(signal)),
            _ => Ok(()),
        };
        let (report, sample) = rehearsal.run(emit, |progress| {
            bar.set_position(u64::from(progress.days));
            bar.set_message(format!("{} records", HumanCount(progress.records)));
        })?;
        bar.finish_and_clear();
        tasks.map_or(Ok(()), Output::finish)?;
        signals.map_or(Ok(()), Output::finish)?;
        if let Some(mut json) = json {
            json.line(report.json().as_bytes())?;
            json.finish()?;
        }
        tell!("rehearsed in {:.1} s", watch.elapsed().as_secs_f64());
        let mut text = report.text();
        let Some(form) = self.show_task else {
            return Ok(text);
        };
        text += "\none churn task\n";
        let show = |task: &Task, language| {
            let (words, calendar) = (config.rules.words(), &config.rules.calendar);
            shown(task, &words, calendar, language, columns())
        };
        text += &match (&sample, form) {
            (None, _) => "there was none\n".to_owned(),
            (Some(task), TaskForm::En) => show(task, Language::En),
            (Some(task), TaskForm::Zh) => show(task, Language::Zh),
            (Some(task), TaskForm::Json) => {
                pretty(&String::from_utf8_lossy(&encoder.task_json(task))) + "\n"
            }
        };
        Ok(text)
    }
}

/// The operator whose network the rules are for.
fn operator(config: &Config) -> Result<Operator, Failure> {
    let keys = effective(config)?;
    let section = keys.get("operator").and_then(|section| section.get("name"));
    let name = section.and_then(toml::Value::as_str).unwrap_or_default();
    Ok(Operator::from_name(name).unwrap_or(Operator::Mobile))
}
