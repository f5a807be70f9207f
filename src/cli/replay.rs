//! Event files through the engine, for the commands that measure and tune rules.

use super::arguments::{LayoutArgs, effective};
use super::failure::Failure;
use super::form::LineForm;
use super::terminal::{byte_bar, tell, tell_of_loss};
use crate::backtest::{self, Cohort, Label, Recording, Replay};
use crate::config::Config;
use crate::decode::Decoder;
use crate::engine::Rules;
use crate::files::{Lines, read_ahead};
use crate::model::{Outcome, Reject, Source, Timestamp, plural};
use indicatif::HumanCount;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use toml::Table;

/// Named sets of rules to replay side by side, and their decoder.
#[derive(Clone)]
pub(super) struct RuleSets {
    pub sets: Vec<(String, Arc<Rules>)>,
    pub decoder: Decoder,
    /// The same events were replayed before, so what is wrong with them has been said.
    pub again: bool,
}

impl RuleSets {
    /// The configurations of these files, or the defaults without any; each under the environment and the clock of the events.
    ///
    /// Records are decoded once for all of them, so they must agree on how records and days are read.
    pub fn load(paths: &[PathBuf], layouts: &LayoutArgs) -> Result<Self, Failure> {
        if paths.is_empty() {
            let config = layouts.load_offline(None)?;
            return Ok(Self {
                sets: vec![("defaults".to_owned(), Arc::clone(&config.rules))],
                decoder: config.decoder,
                again: false,
            });
        }
        let mut sets: Vec<(String, Arc<Rules>)> = Vec::new();
        let mut first: Option<(Table, Decoder)> = None;
        for path in paths {
            let config = layouts.load_offline(Some(path))?;
            let stem = path.file_stem().map(|stem| stem.to_string_lossy());
            let name = stem.unwrap_or_default().into_owned();
            let taken = |name: &str| sets.iter().any(|(other, _)| other == name);
            let name = match taken(&name) {
                true => path.display().to_string(),
                false => name,
            };
            if taken(&name) || paths.iter().filter(|other| *other == path).count() > 1 {
                let message = format!(
                    "{} is given twice; name each rules file once",
                    path.display()
                );
                return Err(Failure::Usage(message));
            }
            let reading = reading(&config)?;
            let decoder = config.decoder.clone();
            let (expected, _) = first.get_or_insert_with(|| (reading.clone(), decoder));
            if *expected != reading {
                return Err(Failure::Usage(format!(
                    "{}: [decode] or window.time_zone differs from {}; \
                     rules that are compared must read records and days alike, so give both files the same values",
                    path.display(),
                    paths[0].display(),
                )));
            }
            sets.push((name, Arc::clone(&config.rules)));
        }
        let decoder = first.map(|(_, decoder)| decoder);
        let decoder = decoder.ok_or_else(|| Failure::Usage("no rules were given".to_owned()))?;
        Ok(Self {
            sets,
            decoder,
            again: false,
        })
    }

    /// Reads a truth file.
    pub fn truth(&self, path: &str) -> Result<Vec<Label>, Failure> {
        let Some((_, rules)) = self.sets.first() else {
            return Ok(Vec::new());
        };
        let mut lines = Lines::open(path)?;
        let mut line = Vec::new();
        let mut labels = Vec::new();
        while let Some(number) = lines.next_into(&mut line)? {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let msisdn = |text: &str| self.decoder.msisdn(text);
            let label = Label::read(&line, &rules.calendar, msisdn);
            labels.push(label.map_err(|error| {
                let remedy = "each line is one label: {\"msisdn\", \"class\", \"kind\", \"from\"} and perhaps \
                              \"last_use_at\", \"left_at\", \"until\"";
                Failure::Failed(format!("{path}:{number}: {error}\n    {remedy}"))
            })?);
        }
        Ok(labels)
    }

    /// Replays event files in the order given.
    pub fn replay(&self, events: &[String], now: Timestamp) -> Result<Recording, Failure> {
        self.run(events, now, false)
    }

    /// Replays them, and keeps what days say of lines under the first rules.
    pub fn replay_lines(&self, events: &[String], now: Timestamp) -> Result<Recording, Failure> {
        self.run(events, now, true)
    }

    fn run(&self, events: &[String], now: Timestamp, lines: bool) -> Result<Recording, Failure> {
        let rules: Vec<_> = self.sets.iter().map(|(_, r)| Arc::clone(r)).collect();
        let Some(mut replay) = Replay::new(&rules, self.decoder.clone(), now, 1) else {
            return Err(Failure::Usage("no rules were given".to_owned()));
        };
        if lines {
            replay.keep_line_days();
        }
        let mut rejects = Rejects::default();
        let mut form = LineForm::new(self.decoder.layouts());
        let mut mismatch = None;
        let bar = byte_bar(events);
        let mut source = Source {
            topic: "".into(),
            partition: 0,
            offset: 0,
        };
        let read = read_ahead(events, &self.decoder, |batch| {
            let path = events.get(batch.file).map_or("", String::as_str);
            if *source.topic != *path {
                source.topic = path.into();
            }
            if batch.first {
                form.begin(path);
            }
            for (record, place) in batch.records() {
                source.offset = i64::try_from(place).unwrap_or(i64::MAX);
                match form.of(record) {
                    Ok(Some(form)) => {
                        if let Outcome::Rejected(reject) = replay.record(form, record, &source) {
                            rejects.count(&reject, &source);
                        }
                    }
                    Ok(None) => {}
                    Err(error) => {
                        mismatch.get_or_insert(error);
                        break;
                    }
                }
            }
            bar.set_position(batch.bytes_read);
            let records = HumanCount(replay.counts().records);
            let firings = HumanCount(replay.firings() as u64);
            bar.set_message(format!("{records} records, {firings} signals"));
        });
        bar.finish_and_clear();
        let lost = read?;
        if let Some(error) = mismatch {
            return Err(error.into());
        }
        if !self.again {
            for (path, bytes) in events.iter().zip(lost) {
                tell_of_loss(path, bytes);
            }
            rejects.report();
        }
        Ok(replay.finish())
    }
}

/// Refuses inputs that are not enough to measure anything.
pub(super) fn measurable(
    cohort: &Cohort<'_>,
    warmup_days: u16,
    truth: Option<&str>,
) -> Result<(), Failure> {
    backtest::measurable(cohort, warmup_days).map_err(|why| {
        let input = truth.filter(|_| why.of_truth()).unwrap_or("--events");
        Failure::Usage(format!("{input}: {why}"))
    })
}

/// The keys that decide how records and days are read.
fn reading(config: &Config) -> Result<Table, Failure> {
    let keys = effective(config)?;
    let mut reading = Table::new();
    reading.extend(keys.get("decode").map(|d| ("decode".to_owned(), d.clone())));
    let zone = keys.get("window").and_then(|w| w.get("time_zone"));
    reading.extend(zone.map(|zone| ("time_zone".to_owned(), zone.clone())));
    Ok(reading)
}

/// Rejected records by reason.
#[derive(Default)]
struct Rejects(BTreeMap<&'static str, (u64, String)>);

impl Rejects {
    fn count(&mut self, reject: &Reject, source: &Source) {
        let (count, _) = self.0.entry(reject.reason()).or_insert_with(|| {
            let first = format!("{}:{}: {reject}", source.topic, source.offset);
            (0, first)
        });
        *count += 1;
    }

    /// Prints one line for each reason, with its first record.
    fn report(&self) {
        for (reason, (count, first)) in &self.0 {
            tell!(
                "{} {} rejected ({reason}); the first is {first}",
                HumanCount(*count),
                plural(*count, "record was", "records were")
            );
        }
        if self.0.contains_key("future_timestamp") {
            tell!(
                "records from the future are rejected; for data dated after today, give the end of the data as --now"
            );
        }
    }
}
