use super::text::{json_line, writer_name};
use crate::cli::failure::Failure;
use crate::cli::terminal::{print, tell};
use crate::config::{Config, Ruleset};
use crate::journal::{
    Epoch, JournalEntry, JournalRecord, Manifest, OutputDigest, SnapshotPart, Step,
};
use crate::kafka::{JournalReader, Topics};
use crate::model::{Calendar, Timestamp};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Print the journal of one partition, a line for each record
///
/// An entry says what one transaction did to a shard: records applied by topic, the clock, day closes, changed rules,
/// and how much output followed. A manifest names the parts of a snapshot. Only committed records are shown, up to what
/// is there at the start. The first entries are deleted when no kept snapshot needs them.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Journal {
    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Partition, which is also the number of the shard
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: i32,

    /// First seq to print, of entries and of snapshots
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    from: u64,

    /// Print at most so many records [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch inspect journal --config churnwatch.toml --partition 0 --limit 10
  churnwatch inspect journal --config churnwatch.toml --partition 0 --json | jq 'select(.snapshot != null)'";

/// One record, as it is shown.
#[derive(Serialize)]
struct Line {
    offset: i64,
    seq: u64,
    writer: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    Entry(Did),
    Snapshot(Snapshot),
}

/// What an entry says was done.
#[derive(Serialize)]
struct Did {
    /// Records applied.
    records: u64,
    /// By topic.
    topics: BTreeMap<String, Applied>,
    ticks: u64,
    /// The last of them.
    clock: Option<String>,
    sweeps: u64,
    /// Versions of the rules that were put in force.
    rules: Vec<String>,
    /// Tasks, signals and dead letters.
    said_records: u32,
    said_digest: String,
}

/// Records of one topic.
#[derive(Serialize)]
struct Applied {
    from: i64,
    to: i64,
    records: u64,
}

/// What a manifest names.
#[derive(Serialize)]
struct Snapshot {
    taken_at: String,
    subscribers: u64,
    format: u16,
    rules: String,
    /// Where later entries begin.
    journal_from: i64,
    /// The next record to apply, by topic.
    next_offsets: BTreeMap<String, i64>,
    parts: Vec<SnapshotPart>,
}

impl Journal {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::load(self.config.as_deref())?;
        let journal = config.topics.journal(&config.kafka.group);
        let mut reader = JournalReader::open(&config, self.partition).map_err(Failure::Failed)?;
        let mut printer = Printer {
            topics: topic_names(&config),
            calendar: &config.rules.calendar,
        };
        let (mut any, mut left) = (false, self.limit.unwrap_or(usize::MAX));
        while left > 0 {
            let next = reader.next_record().map_err(Failure::Failed)?;
            let Some((offset, bytes)) = next else { break };
            any = true;
            let record = JournalRecord::decode(&bytes).map_err(|error| {
                Failure::Failed(format!(
                    "topic `{journal}` (topics.journal) partition {} offset {offset}: {error}",
                    self.partition
                ))
            })?;
            let line = printer.line(offset, record);
            if line.seq < self.from {
                continue;
            }
            left -= 1;
            match self.json {
                true => print(&json_line(&line))?,
                false => print(&text(&line))?,
            }
        }
        if !any {
            tell!(
                "topic `{journal}` partition {} holds nothing that is committed",
                self.partition
            );
        }
        Ok(())
    }
}

/// The topics of the configuration, in the order in which the journal counts them.
fn topic_names(config: &Config) -> Vec<String> {
    let topics = Topics::new(config);
    topics.iter().map(|topic| topic.name.to_string()).collect()
}

/// Remembers what earlier records said about later ones.
struct Printer<'a> {
    /// The last epoch's; the configuration's if no epoch was seen.
    topics: Vec<String>,
    calendar: &'a Calendar,
}

impl Printer<'_> {
    fn line(&mut self, offset: i64, record: JournalRecord) -> Line {
        match record {
            JournalRecord::Entry(entry) => Line {
                offset,
                seq: entry.seq,
                writer: writer_name(entry.writer),
                content: Content::Entry(self.entry(&entry)),
            },
            JournalRecord::Manifest(manifest) => Line {
                offset,
                seq: manifest.seq,
                writer: writer_name(manifest.writer),
                content: Content::Snapshot(self.manifest(*manifest)),
            },
        }
    }

    fn entry(&mut self, entry: &JournalEntry) -> Did {
        let OutputDigest { records, digest } = entry.output_digest;
        let mut did = Did {
            records: entry.records(),
            topics: BTreeMap::new(),
            ticks: 0,
            clock: None,
            sweeps: 0,
            rules: Vec::new(),
            said_records: records,
            said_digest: format!("{digest:016x}"),
        };
        for step in &entry.steps {
            match step {
                Step::Epoch(epoch) => {
                    self.learn(epoch);
                    did.rules.push(rules_version(epoch));
                }
                Step::Run(run) => {
                    let name = self.topic(usize::from(run.topic));
                    let applied = did.topics.entry(name).or_insert(Applied {
                        from: run.from,
                        to: run.to,
                        records: 0,
                    });
                    applied.to = run.to;
                    applied.records += u64::from(run.records);
                }
                Step::Tick { now, .. } => {
                    did.ticks += 1;
                    did.clock = Some(self.calendar.rfc3339(*now));
                }
                Step::Sweep { .. } => did.sweeps += 1,
            }
        }
        did
    }

    fn manifest(&mut self, manifest: Manifest) -> Snapshot {
        self.learn(&manifest.epoch);
        let next = manifest.next_offsets.iter().enumerate();
        Snapshot {
            taken_at: self.calendar.rfc3339(Timestamp(manifest.taken_ms)),
            subscribers: manifest.subscribers,
            format: manifest.format,
            rules: rules_version(&manifest.epoch),
            journal_from: manifest.journal_from,
            next_offsets: next
                .map(|(index, offset)| (self.topic(index), *offset))
                .collect(),
            parts: manifest.parts,
        }
    }

    fn learn(&mut self, epoch: &Epoch) {
        // An epoch names each with its feeds behind it.
        let name = |topic: &String| topic.split(' ').next().unwrap_or_default().to_owned();
        self.topics = epoch.topics.iter().map(name).collect();
    }

    fn topic(&self, index: usize) -> String {
        let known = self.topics.get(index).cloned();
        known.unwrap_or_else(|| format!("topic number {index}"))
    }
}

/// The version of an epoch's rules as `check` and the metrics show it; where this program cannot read them, their
/// fingerprint.
fn rules_version(epoch: &Epoch) -> String {
    match Ruleset::parse(&epoch.ruleset, "the journal's rules") {
        Ok(ruleset) => ruleset.rules.version.to_string(),
        Err(_) => format!("unknown ({:016x})", epoch.ruleset_id),
    }
}

/// A line for people. Writing to a string cannot fail.
fn text(line: &Line) -> String {
    let mut text = format!(
        "offset {}  seq {}  writer {}  ",
        line.offset, line.seq, line.writer
    );
    match &line.content {
        Content::Entry(did) => {
            for version in &did.rules {
                let _ = write!(text, "rules {version}  ");
            }
            for (topic, applied) in &did.topics {
                let Applied { from, to, records } = applied;
                let _ = write!(text, "{topic} {from}..{to} ({records} records)  ");
            }
            if let Some(clock) = &did.clock {
                let _ = write!(text, "ticks {} (to {clock})  ", did.ticks);
            }
            if did.sweeps > 0 {
                let _ = write!(text, "sweeps {}  ", did.sweeps);
            }
            let _ = writeln!(text, "said {} ({})", did.said_records, did.said_digest);
        }
        Content::Snapshot(snapshot) => {
            let bytes: u64 = snapshot.parts.iter().map(|part| part.bytes).sum();
            let keys: Vec<&str> = snapshot.parts.iter().map(|part| &*part.key).collect();
            let _ = writeln!(
                text,
                "SNAPSHOT of {}, {} subscribers, {bytes} bytes, rules {}: {}",
                snapshot.taken_at,
                snapshot.subscribers,
                snapshot.rules,
                keys.join(" + ")
            );
        }
    }
    text
}
