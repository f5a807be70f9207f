use super::arguments::{LayoutArgs, event_files, parse_moment};
use super::failure::Failure;
use super::form::LineForm;
use super::terminal::{byte_bar, tell, tell_of_loss};
use crate::config::Config;
use crate::decode::{Decoded, Decoder, Form, Scratch};
use crate::files::{FileError, Records};
use crate::kafka::{Delivery, Loader};
use crate::model::{Feed, Msisdn, Timestamp, plural};
use crate::runtime::clock::Stopwatch;
use clap::Args;
use indicatif::HumanCount;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Load event files into the feeds' topics
///
/// Sends each line of NDJSON files, of any mix of feeds, to its feed's topic, keyed by subscriber, in the order of the
/// files; a `feed_progress` goes to every partition of its feed. Lines that cannot be read go to the `cdr` topic as they
/// are, where `run` finds the reason and makes them dead letters.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Produce {
    /// Event files, plain, gzip or zstd, folders of them, or patterns; - for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<String>,

    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Leave out what is dated at this moment or later, because live topics have it; with `route.from`, which passes over the
    /// rest (docs/operations.md, History from files, then live topics)
    #[arg(long, value_name = "RFC3339", value_parser = parse_moment)]
    before: Option<Timestamp>,

    #[command(flatten)]
    layouts: LayoutArgs,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch simulate --subscribers 50000 --days 30 --seed 1 --out city
  churnwatch produce --config churnwatch.toml city/events.ndjson.zst
  churnwatch produce --config churnwatch.toml --before 2026-03-01T00:00:00+08:00 history/
  zcat cdr-*.gz | churnwatch produce -";

/// Lines between two looks at the progress.
const LOOK_LINES: u64 = 4096;

impl Produce {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.layouts.load(self.config.as_deref())?;
        let inputs = event_files(&self.inputs, config.decoder.layouts())?;
        if self.before.is_some() && self.before != config.route.from {
            tell!(
                "--before is not the moment of `route.from`: records between the two come twice, or not at all"
            );
        }
        let mut loading = Loading::new(&config, self.before)?;
        let watch = Stopwatch::start();
        let mut unread = 0;
        for path in &inputs {
            if let Some(error) = loading.file(path)? {
                tell!("{error}");
                unread += 1;
            }
        }
        loading.finish()?;
        let seconds = watch.elapsed().as_secs_f64();
        tell!("{}", loading.summary(seconds).trim_end());
        match unread {
            0 => Ok(()),
            _ => Err(Failure::unread(unread, &inputs)),
        }
    }
}

struct Loading {
    decoder: Decoder,
    scratch: Scratch,
    /// A record as the schemas say.
    record: Vec<u8>,
    loader: Loader,
    /// Live topics have what is dated from then on.
    before: Option<Timestamp>,
    /// In the order of the feeds that come from outside.
    topics: [FeedTopic; Feed::TIMED.len()],
    lines: u64,
    /// Lines with a `feed_progress`, and the records that these became.
    statements: u64,
    copies: u64,
    /// Lines that live topics have.
    left_out: u64,
    unreadable: u64,
    /// Reasons that were said.
    reasons: BTreeSet<&'static str>,
    /// What is wrong with a line, for a reason that was not said yet.
    unreadable_first: Option<String>,
}

/// What a line is.
enum Read {
    Of(Feed, Msisdn),
    Statement(Feed),
    Unclear,
}

struct FeedTopic {
    name: String,
    partitions: i32,
    sent: u64,
}

impl Loading {
    fn new(config: &Config, before: Option<Timestamp>) -> Result<Self, Failure> {
        let loader = Loader::new(config).map_err(Failure::Failed)?;
        let topic = |feed: Feed| -> Result<FeedTopic, Failure> {
            let name = config.topics.of(feed).to_owned();
            let partitions = loader.partitions(&name).map_err(Failure::Failed)?;
            let partitions = partitions.ok_or_else(|| {
                Failure::Failed(format!(
                    "topic `{name}` (topics.{}) does not exist; `churnwatch check --connect` says how to create the \
                     topics",
                    feed.name()
                ))
            })?;
            Ok(FeedTopic {
                name,
                partitions,
                sent: 0,
            })
        };
        tell!(
            "asking the brokers at {} for the topics",
            config.kafka.bootstrap
        );
        Ok(Self {
            // One after the other, so that the first without an answer is the last.
            topics: [
                topic(Feed::Cdr)?,
                topic(Feed::Billing)?,
                topic(Feed::Subscriber)?,
                topic(Feed::Service)?,
                topic(Feed::Outcome)?,
            ],
            decoder: config.decoder.clone(),
            scratch: Scratch::default(),
            record: Vec::new(),
            loader,
            before,
            lines: 0,
            statements: 0,
            copies: 0,
            left_out: 0,
            unreadable: 0,
            reasons: BTreeSet::new(),
            unreadable_first: None,
        })
    }

    /// Loads a file, and returns why the rest of it cannot be read, if it cannot.
    fn file(&mut self, path: &str) -> Result<Option<FileError>, Failure> {
        let mut records = match Records::open(path, &self.decoder) {
            Ok(records) => records,
            Err(error) => return Ok(Some(error)),
        };
        let mut form = LineForm::new(self.decoder.layouts());
        form.begin(path);
        let bar = byte_bar(&[path]);
        let progress = records.progress();
        let mut record = Vec::new();
        let unread = loop {
            let place = match records.next_into(&mut record) {
                Ok(Some(place)) => place,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            let sent = match form.of(&record) {
                Ok(None) => continue,
                Ok(Some(form)) => self.line(form, &record),
                Err(error) => break Some(error),
            };
            if let Err(problem) = sent {
                return Err(Failure::Failed(format!("{path}:{place}: {problem}")));
            }
            if let Some(unreadable) = self.unreadable_first.take() {
                tell!("{path}:{place}: cannot be read: {unreadable}");
            }
            if self.lines.is_multiple_of(LOOK_LINES) {
                bar.set_position(progress.bytes());
                let rate = self.lines as f64 / bar.elapsed().as_secs_f64().max(1e-3);
                let (lines, rate) = (HumanCount(self.lines), HumanCount(rate as u64));
                bar.set_message(format!("{lines} records, {rate} a second"));
            }
        };
        bar.finish_and_clear();
        tell_of_loss(path, records.lost());
        Ok(unread)
    }

    fn line(&mut self, form: &Form, line: &[u8]) -> Result<(), String> {
        self.lines += 1;
        self.record.clear();
        let decoded = self
            .decoder
            .rewrite(form, line, &mut self.scratch, &mut self.record);
        let cut_time = decoded.as_ref().ok().and_then(Option::as_ref);
        let cut_time = cut_time.and_then(Decoded::cut_time);
        if let (Some(time), Some(before)) = (cut_time, self.before)
            && time >= before
        {
            self.left_out += 1;
            return Ok(());
        }
        let read = match decoded {
            // What shards tell each other is of no use to other ones.
            Ok(Some(Decoded::Event(event, _))) if event.body.feed() == Feed::Group => return Ok(()),
            Ok(Some(Decoded::Event(event, _))) => Read::Of(event.body.feed(), event.msisdn),
            Ok(Some(Decoded::Progress { feed, .. })) => Read::Statement(feed),
            Ok(None) => return Ok(()),
            Err(reject) => {
                let first = self.reasons.insert(reject.reason());
                self.unreadable_first = first.then(|| reject.to_string());
                Read::Unclear
            }
        };
        let record = std::mem::take(&mut self.record);
        // What is as the schemas say, and what cannot be mapped, goes as it is.
        let sent = self.deliver(&read, if record.is_empty() { line } else { &record });
        self.record = record;
        sent
    }

    fn deliver(&mut self, read: &Read, record: &[u8]) -> Result<(), String> {
        match read {
            Read::Of(feed, msisdn) => self.send(*feed, Delivery::Keyed(msisdn.as_bytes()), record),
            Read::Statement(feed) => {
                self.statements += 1;
                for partition in 0..self.topics[*feed as usize].partitions {
                    self.copies += 1;
                    self.send(*feed, Delivery::Statement(partition), record)?;
                }
                Ok(())
            }
            Read::Unclear => {
                // In turn, as nothing says whose it is.
                let partitions = self.topics[Feed::Cdr as usize]
                    .partitions
                    .max(1)
                    .unsigned_abs();
                let turn = (self.unreadable % u64::from(partitions)) as i32;
                self.unreadable += 1;
                self.send(Feed::Cdr, Delivery::Keyless(turn), record)
            }
        }
    }

    fn send(&mut self, feed: Feed, to: Delivery<'_>, line: &[u8]) -> Result<(), String> {
        let topic = &mut self.topics[feed as usize];
        topic.sent += 1;
        self.loader
            .send(&topic.name, topic.partitions, to, Some(line))
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.loader.finish().map_err(Failure::Failed)
    }

    fn summary(&self, seconds: f64) -> String {
        let rate = HumanCount((self.lines as f64 / seconds.max(1e-3)) as u64);
        let mut text = format!(
            "{} {} in {seconds:.1} s ({rate} a second)",
            HumanCount(self.lines),
            plural(self.lines, "record", "records")
        );
        if self.statements > 0 {
            let (statements, copies) = (HumanCount(self.statements), HumanCount(self.copies));
            text += &format!(
                "; {statements} of them {} to every partition, {copies} {} in all",
                plural(
                    self.statements,
                    "is feed_progress and goes",
                    "are feed_progress and go"
                ),
                plural(self.copies, "time", "times")
            );
        }
        text.push('\n');
        for (feed, topic) in Feed::TIMED.into_iter().zip(&self.topics) {
            let sent = HumanCount(topic.sent).to_string();
            text += &format!("  {:<12}{sent:>14}  to {}\n", feed.name(), topic.name);
        }
        if self.left_out > 0 {
            let left_out = HumanCount(self.left_out);
            text += &format!("  {left_out} left out: dated at --before or later\n");
        }
        if self.unreadable > 0 {
            let unreadable = HumanCount(self.unreadable);
            text += &format!(
                "  {unreadable} of the cdr records cannot be read; they will be dead letters\n"
            );
        }
        text
    }
}
