//! `churnwatch detect`: the engine over NDJSON files.

use super::arguments::{LayoutArgs, claim_outputs, event_files, parse_moment};
use super::failure::Failure;
use super::form::LineForm;
use super::terminal::{byte_bar, tell, tell_of_loss};
use crate::config::Config;
use crate::decode::{Decoder, Scratch};
use crate::driver::{self, Driver};
use crate::encode::{Encoder, Original};
use crate::engine::Shard;
use crate::files::{FileError, Output, Records};
use crate::kafka::partition_of;
use crate::model::{Effect, Feed, Outcome, Reject, Source, TaskStatus, Timestamp, plural};
use crate::runtime::clock;
use crate::telemetry::UNKNOWN_FEED;
use clap::Args;
use indicatif::{HumanCount, HumanFloatCount};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Find churn signals in files
///
/// Reads files of events of any mix of feeds, NDJSON or by a layout, in the order given, and writes retention tasks. The clock follows the
/// events, so last year's file gives the tasks of last year. Give the files in time order, for example one for each day.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  churnwatch detect events.ndjson.zst --finish > tasks.ndjson
  churnwatch detect 'archive/cdr-2026-03-*.gz' --tasks tasks.ndjson --dead-letters rejected.ndjson
  churnwatch detect --layout asterisk-cdr Master.csv --finish > tasks.ndjson
  bzip2 -dc cdr.bz2 | churnwatch detect - > tasks.ndjson

Of a folder, all files in it and below it are read, in the order of their paths.

Exit codes: 0 done, 1 failed or an input could not be read to its end, 2 wrong usage or configuration, 3 done, but some records were rejected.")]
pub(super) struct Detect {
    /// Event files, plain, gzip or zstd, folders of them, or patterns; - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,
    /// Configuration file [default: the defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    layouts: LayoutArgs,
    /// Write tasks here; - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    tasks: String,
    /// Write all signals here, also those without a task
    #[arg(long, value_name = "FILE")]
    signals: Option<String>,
    /// Write the signals of the shadow rules here; [shadow] of the configuration names the rules
    #[arg(long, value_name = "FILE")]
    shadow_signals: Option<String>,
    /// Write rejected records here, with the reason
    #[arg(long, value_name = "FILE")]
    dead_letters: Option<String>,
    /// Write confirmations of erasures here
    #[arg(long, value_name = "FILE")]
    erasures: Option<String>,
    /// Replace outputs that are there already
    #[arg(long)]
    force: bool,
    /// At the end, close every day up to the last event's, as long as each day with events follows within 7 days
    #[arg(long)]
    finish: bool,
    /// The present time: records dated after it are rejected [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = parse_moment)]
    now: Option<Timestamp>,
    /// Number of shards, to compare with `run` on topics of so many partitions
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=4096))]
    partitions: i32,
}

impl Detect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.layouts.load_offline(self.config.as_deref())?;
        if self.shadow_signals.is_some() && config.rules.shadow.is_none() {
            return Err(Failure::Usage(
                "--shadow-signals: there are no shadow rules; name their file in the configuration, as `rules` of [shadow]"
                    .to_owned(),
            ));
        }
        let inputs = event_files(&self.inputs, config.decoder.layouts())?;
        let outputs = [
            ("--tasks", Some(&*self.tasks)),
            ("--signals", self.signals.as_deref()),
            ("--shadow-signals", self.shadow_signals.as_deref()),
            ("--dead-letters", self.dead_letters.as_deref()),
            ("--erasures", self.erasures.as_deref()),
        ];
        claim_outputs(inputs.iter().map(String::as_str), &outputs, self.force)?;
        match self.detect(&config, &inputs) {
            // A reader that has seen enough, such as `head`, is no failure.
            Err(error) if error.is_broken_pipe() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(Done {
                unread: 0,
                rejected,
            }) => match rejected {
                0 => Ok(()),
                _ => Err(Failure::Rejected),
            },
            Ok(Done { unread, .. }) => Err(Failure::unread(unread, &inputs)),
        }
    }

    /// Reads all inputs. What cannot be read of one is named, and the rest goes on.
    fn detect(&self, config: &Config, inputs: &[String]) -> Result<Done, FileError> {
        let mut detector = Detector::new(config, self)?;
        let watch = clock::Stopwatch::start();
        let mut unread = 0;
        for path in inputs {
            match detector.file(path) {
                Err(error) if error.is_of_input() => {
                    tell!("{error}");
                    unread += 1;
                }
                read => read?,
            }
        }
        detector.end(self.finish)?;
        let summary = detector.summary(watch.elapsed().as_secs_f64());
        detector.outputs.finish()?;
        tell!("{}", summary.trim_end());
        Ok(Done {
            unread,
            rejected: detector.driver.counts().dead_lettered,
        })
    }
}

/// What was not made use of.
struct Done {
    /// Inputs that could not be read to the end.
    unread: usize,
    /// Records.
    rejected: u64,
}

struct Detector {
    decoder: Decoder,
    form: LineForm,
    scratch: Scratch,
    driver: Driver,
    outputs: Outputs,
    effects: Vec<Effect>,
    /// By feed and reason.
    rejects: BTreeMap<(&'static str, &'static str), u64>,
    /// Fields that could not be used, of records that counted without them.
    field_faults: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    /// Whether there are shadow rules.
    shadowed: bool,
}

struct Outputs {
    encoder: Encoder,
    tasks: Output,
    signals: Option<Output>,
    shadow_signals: Option<Output>,
    dead_letters: Option<Output>,
    erasures: Option<Output>,
    opened: BTreeMap<Cow<'static, str>, u64>,
    closed: u64,
    erased: u64,
    signalled: BTreeMap<Cow<'static, str>, u64>,
    shadowed: BTreeMap<Cow<'static, str>, u64>,
}

impl Detector {
    fn new(config: &Config, args: &Detect) -> Result<Self, FileError> {
        let mut driver = Driver::new(&config.rules, args.partitions, partition_of);
        driver.set_now(args.now.unwrap_or_else(clock::now));
        let create = |path: &Option<String>| path.as_deref().map(Output::create).transpose();
        Ok(Self {
            decoder: config.decoder.clone(),
            form: LineForm::new(config.decoder.layouts()),
            scratch: Scratch::default(),
            driver,
            outputs: Outputs {
                encoder: Encoder::new(
                    config.rules.calendar.clone(),
                    Encoder::SOURCE_DEFAULT.to_owned(),
                    config.rules.words(),
                ),
                tasks: Output::create(&args.tasks)?,
                signals: create(&args.signals)?,
                shadow_signals: create(&args.shadow_signals)?,
                dead_letters: create(&args.dead_letters)?,
                erasures: create(&args.erasures)?,
                opened: BTreeMap::new(),
                closed: 0,
                erased: 0,
                signalled: BTreeMap::new(),
                shadowed: BTreeMap::new(),
            },
            effects: Vec::new(),
            rejects: BTreeMap::new(),
            field_faults: BTreeMap::new(),
            shadowed: config.rules.shadow.is_some(),
        })
    }

    fn file(&mut self, path: &str) -> Result<(), FileError> {
        let mut records = Records::open(path, &self.decoder)?;
        self.form.begin(path);
        let bar = byte_bar(&[path]);
        let progress = records.progress();
        let mut record = Vec::new();
        let mut source = Source {
            topic: path.into(),
            partition: 0,
            offset: 0,
        };
        while let Some(place) = records.next_into(&mut record)? {
            source.offset = i64::try_from(place).unwrap_or(i64::MAX);
            self.record(&record, &mut source)?;
            let records = self.driver.counts().records;
            if records.is_multiple_of(4096) {
                bar.set_position(progress.bytes());
                let records = HumanCount(records);
                let tasks: u64 = self.outputs.opened.values().sum();
                bar.set_message(format!("{records} records, {} tasks", HumanCount(tasks)));
            }
        }
        bar.finish_and_clear();
        tell_of_loss(path, records.lost());
        if !records.ended() {
            tell!(
                "{path}: the last line has no end; if the file is still being written, read it again when it is whole"
            );
        }
        Ok(())
    }

    fn record(&mut self, record: &[u8], source: &mut Source) -> Result<(), FileError> {
        let Some(form) = self.form.of(record)? else {
            return Ok(());
        };
        let reading = driver::read(&self.decoder, form, Some(record), &mut self.scratch);
        if let Some(partition) = self.driver.partition_of(&reading) {
            source.partition = partition;
        }
        let outcome = self.driver.apply(&reading, source, &mut self.effects);
        match &outcome {
            Outcome::Rejected(reject) => self.reject(record, source, reject)?,
            Outcome::Applied { .. } => {
                let feed = driver::feed_of(&reading).map_or(UNKNOWN_FEED, Feed::name);
                for (field, fault) in driver::field_faults_of(&reading).iter() {
                    let key = (feed, field, fault.name());
                    *self.field_faults.entry(key).or_default() += 1;
                }
            }
            _ => {}
        }
        self.outputs.emit(&mut self.effects)?;
        Ok(())
    }

    fn reject(&mut self, record: &[u8], source: &Source, reject: &Reject) -> Result<(), FileError> {
        let named = reject.feed().or_else(|| self.decoder.feed_of(record));
        let feed = named.map_or(UNKNOWN_FEED, Feed::name);
        let rejects = self.rejects.entry((feed, reject.reason())).or_default();
        *rejects += 1;
        if *rejects == 1 {
            let Source { topic, offset, .. } = source;
            tell!("{topic}:{offset}: rejected (feed {feed}): {reject}");
        }
        let Some(output) = &mut self.outputs.dead_letters else {
            return Ok(());
        };
        let original = Original {
            source,
            key: None,
            value: Some(record),
            headers: &[],
        };
        output.line(&self.outputs.encoder.dead_letter_json(&original, reject))
    }

    fn end(&mut self, finish: bool) -> Result<(), FileError> {
        if finish {
            self.driver.finish(&mut self.effects);
        }
        self.outputs.emit(&mut self.effects)?;
        Ok(())
    }

    fn summary(&self, seconds: f64) -> String {
        let counts = self.driver.counts();
        let rate = HumanFloatCount((counts.records as f64 / seconds.max(1e-3)).round());
        let stats: Vec<_> = self.driver.shards().map(Shard::stats).collect();
        let subscribers: u64 = stats.iter().map(|stats| stats.subscribers).sum();
        let mut text = format!(
            "{} {} of {} {} in {seconds:.1} s ({rate} a second)\n",
            HumanCount(counts.records),
            plural(counts.records, "record", "records"),
            HumanCount(subscribers),
            plural(subscribers, "subscriber", "subscribers"),
        );
        for (name, count) in [
            ("applied", counts.applied),
            ("  late", counts.late),
            ("duplicate", counts.duplicate),
            ("expired", counts.expired),
            ("ignored", counts.ignored),
            ("rejected", counts.dead_lettered),
        ] {
            text += &row(name, count);
        }
        let rejects = self.rejects.iter();
        let named = |(feed, reason): &(_, _)| format!("  {feed}: {reason}");
        text.extend(rejects.map(|(key, count)| row(&named(key), *count)));
        if !self.field_faults.is_empty() {
            text += "fields that could not be used, of records that counted\n";
            let named = |(feed, field, fault): &(_, _, _)| format!("{feed}: {field} {fault}");
            let faults = self.field_faults.iter();
            text.extend(faults.map(|(key, count)| row(&named(key), *count)));
        }
        let feed = Feed::Cdr as usize;
        let closes: u64 = stats.iter().map(|stats| stats.day_closes).sum();
        let unknown: u64 = stats.iter().map(|stats| stats.outage_days[feed]).sum();
        text += "days closed\n";
        text += &row("", closes);
        text += &row("unknown for call detail", unknown);
        text += "signals, also those without a task\n";
        text.extend(
            self.outputs
                .signalled
                .iter()
                .map(|(name, count)| row(name, *count)),
        );
        if self.shadowed {
            text += "signals of the shadow rules\n";
            let shadowed = self.outputs.shadowed.iter();
            text.extend(shadowed.map(|(name, count)| row(name, *count)));
        }
        text += "tasks opened, by first signal\n";
        text.extend(
            self.outputs
                .opened
                .iter()
                .map(|(name, count)| row(name, *count)),
        );
        text += "tasks closed\n";
        text += &row("", self.outputs.closed);
        if self.outputs.erased > 0 {
            text += "requests to erase, all fulfilled\n";
            text += &row("", self.outputs.erased);
        }
        if counts.dead_lettered > 0 && self.outputs.dead_letters.is_none() {
            text += "the rejected records are not kept; --dead-letters FILE writes them\n";
        }
        text
    }
}

impl Outputs {
    /// Writes and counts effects.
    fn emit(&mut self, effects: &mut Vec<Effect>) -> Result<(), FileError> {
        for effect in effects.drain(..) {
            match effect {
                Effect::Task(task) => {
                    match (task.status, task.signals.first()) {
                        (TaskStatus::Open, Some(first)) => {
                            *self.opened.entry(first.trigger.clone()).or_default() += 1;
                        }
                        (TaskStatus::Closed, _) => self.closed += 1,
                        _ => {}
                    }
                    self.tasks.line(&self.encoder.task_json(&task))?;
                }
                Effect::Signal(signal) => {
                    *self.signalled.entry(signal.trigger.clone()).or_default() += 1;
                    if let Some(output) = &mut self.signals {
                        output.line(&self.encoder.signal_json(&signal))?;
                    }
                }
                Effect::Erased(erasure) => {
                    self.erased += 1;
                    if let Some(output) = &mut self.erasures {
                        output.line(&self.encoder.erasure_json(&erasure))?;
                    }
                }
                Effect::Shadow(shadow) => {
                    let trigger = shadow.signal.trigger.clone();
                    *self.shadowed.entry(trigger).or_default() += 1;
                    if let Some(output) = &mut self.shadow_signals {
                        output.line(&self.encoder.shadow_signal_json(&shadow))?;
                    }
                }
                // The driver has handed it over.
                Effect::Group(_) => {}
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), FileError> {
        self.tasks.finish()?;
        self.signals.map_or(Ok(()), Output::finish)?;
        self.shadow_signals.map_or(Ok(()), Output::finish)?;
        self.dead_letters.map_or(Ok(()), Output::finish)?;
        self.erasures.map_or(Ok(()), Output::finish)
    }
}

fn row(name: &str, count: u64) -> String {
    format!("  {name:<42}{:>14}\n", HumanCount(count).to_string())
}
