//! Event files through the engine, for the commands that measure and tune rules.

use super::Failure;
use crate::backtest::{Label, Recording, Replay};
use crate::config::Config;
use crate::decode::Decoder;
use crate::engine::Rules;
use crate::files::{FileError, Lines, Progress};
use crate::model::{Outcome, Reject, Source, Timestamp};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Named sets of rules to replay side by side, and what reads the records.
pub(super) struct RuleSets {
    pub sets: Vec<(String, Arc<Rules>)>,
    pub decoder: Decoder,
}

impl RuleSets {
    /// The configurations of some files, or the defaults without any; each with the environment over it and the clock of
    /// the events.
    ///
    /// Records are read once for all of them, so they must agree on how records and days are read.
    pub fn load(paths: &[PathBuf]) -> Result<Self, Failure> {
        if paths.is_empty() {
            let config = load(None)?;
            return Ok(Self {
                sets: vec![("defaults".to_owned(), Arc::clone(&config.rules))],
                decoder: config.decoder,
            });
        }
        let mut sets: Vec<(String, Arc<Rules>)> = Vec::new();
        let mut first: Option<(toml::Table, Decoder)> = None;
        for path in paths {
            let config = load(Some(path))?;
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
            let reading = reading(&config);
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
        Ok(Self { sets, decoder })
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
        let rules: Vec<_> = self.sets.iter().map(|(_, r)| Arc::clone(r)).collect();
        let Some(mut replay) = Replay::new(&rules, self.decoder.clone(), now) else {
            return Err(Failure::Usage("no rules were given".to_owned()));
        };
        let mut rejects = Rejects::default();
        let (sender, receiver) = sync_channel(BATCHES);
        let progress = std::thread::scope(|scope| {
            // Reading and decompressing takes a third of the time: another core does it.
            let reader = scope.spawn(move || read(events, &sender));
            let bar = progress_bar(events);
            play(events, &receiver, &mut replay, &mut rejects, &bar);
            bar.finish_and_clear();
            drop(receiver);
            reader.join()
        });
        match progress {
            Ok(read) => read?,
            Err(_) => {
                return Err(Failure::Failed("the reader of the events died".to_owned()));
            }
        }
        rejects.report();
        Ok(replay.finish())
    }
}

fn play(
    events: &[String],
    batches: &Receiver<Batch>,
    replay: &mut Replay,
    rejects: &mut Rejects,
    bar: &ProgressBar,
) {
    let mut source = Source {
        topic: "".into(),
        partition: 0,
        offset: 0,
    };
    for batch in batches {
        let path = events.get(batch.file).map_or("", String::as_str);
        if *source.topic != *path {
            source.topic = path.into();
        }
        for (line, number) in batch.lines() {
            source.offset = i64::try_from(number).unwrap_or(i64::MAX);
            if let Outcome::Rejected(reject) = replay.record(line, &source) {
                rejects.take(&reject, &source);
            }
        }
        bar.set_position(batch.bytes_read);
        let records = HumanCount(replay.counts().records);
        let firings = HumanCount(replay.firings() as u64);
        bar.set_message(format!("{records} records, {firings} signals"));
    }
}
/// A configuration, or the defaults, with the environment over it and the clock of the events.
pub(super) fn load(path: Option<&Path>) -> Result<Config, Failure> {
    let clock = (
        OsString::from("CHURNWATCH_WINDOW__CLOCK"),
        OsString::from("event"),
    );
    Ok(Config::load_with(path, std::env::vars_os().chain([clock]))?)
}

/// The settings that decide how records and days are read.
fn reading(config: &Config) -> toml::Table {
    let text: toml::Table = config.ruleset().text.parse().unwrap_or_default();
    let mut reading = toml::Table::new();
    reading.extend(text.get("decode").map(|d| ("decode".to_owned(), d.clone())));
    let zone = text.get("window").and_then(|w| w.get("time_zone"));
    reading.extend(zone.map(|zone| ("time_zone".to_owned(), zone.clone())));
    reading
}

/// Lines of a file, one after the other.
struct Batch {
    file: usize,
    /// Number of the first line, from 1.
    first: u64,
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Bytes read of all files so far, as stored.
    bytes_read: u64,
}

impl Batch {
    fn lines(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = begins.zip(&self.ends);
        ranges
            .zip(self.first..)
            .map(|((begin, end), number)| (&self.bytes[begin..*end], number))
    }
}

/// Batches that may wait to be played.
const BATCHES: usize = 8;
const BATCH_BYTES: usize = 1 << 18;

/// Reads files into batches, until the end or until nobody takes them any more.
fn read(events: &[String], to: &SyncSender<Batch>) -> Result<(), FileError> {
    let mut earlier_bytes = 0;
    let mut line = Vec::new();
    for (file, path) in events.iter().enumerate() {
        let mut lines = Lines::open(path)?;
        let progress = lines.progress();
        let mut next = 1;
        loop {
            let mut batch = Batch {
                file,
                first: next,
                bytes: Vec::with_capacity(BATCH_BYTES + 4096),
                ends: Vec::new(),
                bytes_read: 0,
            };
            while batch.bytes.len() < BATCH_BYTES
                && let Some(number) = lines.next_into(&mut line)?
            {
                batch.bytes.extend_from_slice(&line);
                batch.ends.push(batch.bytes.len());
                next = number + 1;
            }
            if batch.ends.is_empty() {
                break;
            }
            batch.bytes_read = earlier_bytes + progress.bytes();
            if to.send(batch).is_err() {
                return Ok(());
            }
        }
        earlier_bytes += Progress::bytes(&progress);
    }
    Ok(())
}

/// Records that could not be used.
#[derive(Default)]
struct Rejects(BTreeMap<&'static str, (u64, String)>);

impl Rejects {
    fn take(&mut self, reject: &Reject, source: &Source) {
        let (count, _) = self.0.entry(reject.reason()).or_insert_with(|| {
            let first = format!("{}:{}: {reject}", source.topic, source.offset);
            (0, first)
        });
        *count += 1;
    }

    /// One line for each reason, with the first record that met it.
    fn report(&self) {
        for (reason, (count, first)) in &self.0 {
            eprintln!(
                "{} records were not used ({reason}), the first is {first}",
                HumanCount(*count)
            );
        }
        if self.0.contains_key("future_timestamp") {
            eprintln!(
                "records from the future are not used; with data dated ahead of today, give the end of the data as --now"
            );
        }
    }
}

/// Hidden when standard error is no terminal, and without an end for standard input.
pub(super) fn progress_bar(paths: &[impl AsRef<Path>]) -> ProgressBar {
    let length = |path| {
        let metadata = std::fs::metadata(path).ok();
        metadata.filter(std::fs::Metadata::is_file).map(|m| m.len())
    };
    let length: Option<u64> = paths.iter().map(length).sum();
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{bar:30} {percent:>3} %  {msg}  {elapsed}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}"),
    };
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
