//! `churnwatch simulate`: a city's events and their ground truth, in files; and what becomes of the tasks made from them.

mod answer;

use super::arguments::parse_day;
use super::failure::Failure;
use super::terminal::{day_bar, print, tell};
use crate::model::{Day, plural};
use crate::sim::{CityConfig, Compression, Operator, Scenario, SimError, Summary, write_files};
use indicatif::{HumanBytes, HumanCount};
use std::path::{Path, PathBuf};

/// Write the events of a simulated city of subscribers, with ground truth
///
/// DIR receives events.ndjson.zst (all feeds mixed, in the order of their arrival), truth.ndjson (who is on the way out
/// from when, by which path, with the last use and the day of leaving; and what only looks like it; see
/// schemas/truth.schema.json) and summary.json (parameters and counts). The same options give the same bytes on every
/// machine; more subscribers or more days leave the first ones as they were.
///
/// How people live, leave and only seem to leave is a scenario: --print-scenario shows the default with every key
/// explained, --scenario FILE and --set KEY=VALUE change it.
#[derive(Debug, Clone, PartialEq, clap::Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Simulate {
    #[command(subcommand)]
    also: Option<Also>,

    /// Subscribers, up to 20,000,000; expect some 13 records of each a day
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub subscribers: u32,

    /// Days to live through, up to 3,650; detectors need 14 to learn what is usual
    #[arg(long, value_name = "D", default_value_t = 45)]
    pub days: u32,

    /// Seed of all chance
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// Directory for the files; made if missing, an earlier city in it is replaced
    #[arg(long, value_name = "DIR", required_unless_present = "print_scenario")]
    pub out: Option<PathBuf>,

    /// First day
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2026-03-02", value_parser = parse_day)]
    pub start: Day,

    /// Time zone of the days, by its IANA name
    #[arg(long, value_name = "ZONE", default_value = "Asia/Shanghai")]
    pub time_zone: String,

    /// Whose network it is: mobile, telecom, unicom or broadnet; the others are its competitors
    #[arg(long, value_name = "NAME", default_value = "mobile", value_parser = parse_operator)]
    pub operator: Operator,

    /// Scenario to lay over the default: a TOML file with the keys that differ
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,

    /// Sets one key of the scenario, such as churn.scale=2 or outage.on_days=[]; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,

    /// Print the default scenario, every key with its explanation and range, and do nothing else
    #[arg(long)]
    pub print_scenario: bool,

    /// No faults: no duplicates, no late or unreadable records
    #[arg(long)]
    pub clean: bool,

    /// Write events.ndjson, not compressed
    #[arg(long)]
    pub plain: bool,
}

/// What else can be simulated.
#[derive(Debug, Clone, PartialEq, clap::Subcommand)]
enum Also {
    Answer(answer::Answer),
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch simulate --subscribers 10000 --days 60 --seed 7 --out city
  churnwatch simulate --print-scenario > mine.toml      then keep the keys that differ, and
  churnwatch simulate --scenario mine.toml --out city
  churnwatch simulate --set churn.scale=3 --set holiday.from_days=[20,70] --out city
  churnwatch detect city/events.ndjson.zst --finish > tasks.ndjson
  churnwatch simulate answer --tasks tasks.ndjson --truth city/truth.ndjson --out outcomes.ndjson";

impl From<SimError> for Failure {
    fn from(error: SimError) -> Self {
        match error {
            SimError::File { .. } => Self::Failed(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

impl Simulate {
    /// Simulates and writes; progress and a summary go to standard error.
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(Also::Answer(answer)) = self.also {
            return answer.run();
        }
        let Some(out) = self.out.as_deref().filter(|_| !self.print_scenario) else {
            return print(Scenario::reference());
        };
        let scenario = Scenario::load(self.scenario.as_deref(), &self.set);
        let config = CityConfig {
            start: self.start,
            time_zone: self.time_zone.clone(),
            operator: self.operator,
            faults: !self.clean,
            scenario: scenario.map_err(SimError::from)?,
            ..CityConfig::new(self.subscribers, self.days, self.seed)
        };
        let compression = if self.plain {
            Compression::None
        } else {
            Compression::Zstd
        };
        let bar = day_bar(self.days);
        let summary = write_files(config, out, compression, |progress| {
            bar.set_position(u64::from(progress.days));
            bar.set_message(format!("{} records", HumanCount(progress.records)));
        })?;
        bar.finish_and_clear();
        tell!("{}", describe(out, &summary).trim_end());
        Ok(())
    }
}

fn describe(out: &Path, summary: &Summary) -> String {
    use std::fmt::Write;
    let events = out.join(summary.events_file);
    let mut text = format!(
        "{} {} of {} {} over {} {}, {} before compression: {}\n",
        HumanCount(summary.lines),
        plural(summary.lines, "record", "records"),
        HumanCount(u64::from(summary.parameters.subscribers)),
        plural(summary.parameters.subscribers, "subscriber", "subscribers"),
        summary.parameters.days,
        plural(summary.parameters.days, "day", "days"),
        HumanBytes(summary.bytes),
        events.display(),
    );
    // Writing to a string cannot fail.
    let _ = writeln!(text, "ground truth: {}", out.join("truth.ndjson").display());
    for (kind, count) in &summary.truth {
        let _ = writeln!(
            text,
            "  {:<9} {kind:<22} {:>9}  left for good {:>7}",
            count.class,
            HumanCount(count.lines).to_string(),
            HumanCount(count.left).to_string(),
        );
    }
    let _ = writeln!(
        text,
        "what the records are to a detector that remembers every one of them: {}",
        summary
            .expected
            .iter()
            .map(|(expected, count)| format!("{expected} {}", HumanCount(*count)))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let _ = writeln!(
        text,
        "try: churnwatch detect --finish {} > tasks.ndjson",
        events.display()
    );
    text
}

fn parse_operator(text: &str) -> Result<Operator, String> {
    Operator::from_name(text).ok_or_else(|| {
        let names = Operator::ALL.map(Operator::name).join(", ");
        format!("not one of {names}")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use clap::{Args, FromArgMatches};

    fn parse(line: &str) -> Result<Simulate, clap::Error> {
        let command = Simulate::augment_args(clap::Command::new("simulate"));
        let matches = command.try_get_matches_from(line.split(' '))?;
        Simulate::from_arg_matches(&matches)
    }

    #[test]
    fn options_reach_the_city() {
        let directory = tempfile::tempdir().unwrap();
        let line = "simulate --subscribers 20 --days 3 --seed 9 --clean --plain --operator telecom \
                    --set outage.on_days=[] --start 2026-01-05 --out";
        let args = parse(&format!("{line} {}", directory.path().display())).unwrap();
        args.run().unwrap();
        let text = std::fs::read_to_string(directory.path().join("summary.json")).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
        let parameters = &summary["parameters"];
        assert_eq!(parameters["subscribers"], 20);
        assert_eq!(parameters["start"], "2026-01-05");
        assert_eq!(parameters["operator"], "telecom");
        assert_eq!(parameters["faults"], false);
        let scenario = &parameters["scenario"];
        assert_eq!(scenario["outage"]["on_days"].as_array().unwrap().len(), 0);
        assert_eq!(scenario["holiday"]["days"], 7);
        assert_eq!(summary["events_file"], "events.ndjson");
    }

    #[test]
    fn tasks_are_answered() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let task = r#"{"task_id":"t1","msisdn":"13912345678","status":"open","purpose":"churn","severity":"early","not_before":"2026-04-01T09:00:00+08:00","updated_at":"2026-04-01T08:00:00+08:00","expires_at":"2026-05-01T08:00:00+08:00","recommended_action":{"channel":"outbound_call","playbook":[]}}"#;
        std::fs::write(path("tasks"), task).unwrap();
        std::fs::write(path("truth"), "").unwrap();
        let line = format!(
            "simulate answer --force --set outcomes.reached_share=1 --tasks {} --truth {} --out {}",
            path("tasks"),
            path("truth"),
            path("out")
        );
        parse(&line).unwrap().run().unwrap();
        let outcome = std::fs::read_to_string(path("out")).unwrap();
        assert!(outcome.contains(r#""task_id":"t1""#), "{outcome}");

        std::fs::write(path("truth"), "{}\n").unwrap();
        let Err(Failure::Failed(message)) = parse(&line).unwrap().run() else {
            panic!("an empty object is no ground truth");
        };
        assert!(message.contains("truth:1: not ground truth"), "{message}");
    }

    #[test]
    fn wrong_options_are_explained() {
        let message = |line: &str| parse(line).unwrap_err().to_string();
        assert!(message("simulate").contains("--out"));
        assert!(message("simulate --out x --operator vodafone").contains("broadnet"));
        assert!(message("simulate --out x --start yesterday").contains("2026-03-02"));
        let args = parse("simulate --out x --days 0").unwrap();
        let Err(Failure::Usage(message)) = args.run() else {
            panic!("a city without days cannot be made");
        };
        assert_eq!(message, "days is 0; it must be 1 to 3650");
        let args = parse("simulate --out x --set churn.scale=50").unwrap();
        let Err(Failure::Usage(message)) = args.run() else {
            panic!("a scale out of range is refused");
        };
        assert!(message.contains("churn.scale") && message.contains("from 0 to 20"));
    }
}
