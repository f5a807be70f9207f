use super::store::Store;
use super::text::{json_line, writer_name};
use crate::cli::failure::Failure;
use crate::cli::terminal::{print, tell};
use crate::config::Config;
use crate::journal::SnapshotPart;
use crate::model::{Calendar, Timestamp};
use crate::snapshot::{PartInfo, StoredPart};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// List the parts of all snapshots and verify every byte of them
///
/// A snapshot is one full part, perhaps followed by parts with what changed since. Reads `state.snapshots` and needs no
/// Kafka. Exit status 1 if a part is damaged, or lacks one that it builds upon: a restart would pass it over for the
/// snapshot before.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Snapshots {
    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Only of this partition
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch inspect snapshots --config churnwatch.toml
  churnwatch inspect snapshots --config churnwatch.toml --json | jq 'select(.problem != null)'";

/// One part, as it is shown.
#[derive(Serialize)]
struct Line {
    partition: i32,
    seq: u64,
    writer: String,
    key: String,
    bytes: u64,
    #[serde(flatten)]
    content: Option<Content>,
    /// What is wrong with it.
    problem: Option<String>,
}

/// What a whole part says of itself.
#[derive(Serialize)]
struct Content {
    /// `full` or `incremental`.
    kind: &'static str,
    /// Parts of the snapshot that ends with this one.
    parts: usize,
    /// By its end, in the state it gives.
    subscribers: u64,
    /// Version of the state's bytes.
    format: u16,
    taken_at: String,
}

impl Snapshots {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::load(self.config.as_deref())?;
        let store = Store::open(&config)?;
        let found = store.list(self.partition)?;
        if found.is_empty() {
            // Not on stdout: a program gets no line for it.
            tell!("no snapshots in {}", store.name());
            return Ok(());
        }
        if !self.json {
            print(&table_head())?;
        }
        let mut verified: BTreeMap<String, SnapshotPart> = BTreeMap::new();
        let (mut parts, mut problems) = (0_u64, 0_u64);
        for part in &found {
            let Some(info) = store.verify(part)? else {
                continue;
            };
            let line = line(part, info, &mut verified, &config.rules.calendar);
            parts += 1;
            problems += u64::from(line.problem.is_some());
            match self.json {
                true => print(&json_line(&line))?,
                false => print(&row(&line))?,
            }
        }
        match problems {
            0 => Ok(()),
            _ => Err(Failure::Failed(format!(
                "{problems} of {parts} parts in {} cannot be used; a restart passes over the snapshots that need them",
                store.name()
            ))),
        }
    }
}

/// What is to be shown of a part. Parts come in the order of their entries, so that those it builds upon were seen.
fn line(
    part: &StoredPart,
    info: Result<PartInfo, String>,
    verified: &mut BTreeMap<String, SnapshotPart>,
    calendar: &Calendar,
) -> Line {
    let mut line = Line {
        partition: part.partition,
        seq: part.seq,
        writer: writer_name(part.writer),
        key: part.key.clone(),
        bytes: part.bytes,
        content: None,
        problem: None,
    };
    let snapshot = match info {
        Ok(info) => info.into_snapshot(&part.key),
        Err(problem) => {
            line.problem = Some(problem);
            return line;
        }
    };
    line.content = Some(Content {
        kind: match snapshot.parts.len() {
            1 => "full",
            _ => "incremental",
        },
        parts: snapshot.parts.len(),
        subscribers: snapshot.subscribers,
        format: snapshot.format,
        taken_at: calendar.rfc3339(Timestamp(snapshot.taken_ms)),
    });
    if let Some((own, before)) = snapshot.parts.split_last() {
        let unusable = before
            .iter()
            .find(|base| verified.get(&base.key) != Some(base));
        line.problem = unusable.map(|base| {
            format!(
                "builds upon {}, which is missing, damaged or another one",
                base.key
            )
        });
        verified.insert(own.key.clone(), own.clone());
    }
    line
}

fn table_head() -> String {
    format!(
        "{:>9}  {:>10}  {:<16}  {:>13}  {:<11}  {:>5}  {:>11}  {:>6}  {:<25}  state\n",
        "partition", "seq", "writer", "bytes", "kind", "parts", "subscribers", "format", "taken at"
    )
}

fn row(line: &Line) -> String {
    let state = match &line.problem {
        None => "whole".to_owned(),
        Some(problem) => format!("BAD: {problem}"),
    };
    let content = match &line.content {
        Some(content) => format!(
            "{:<11}  {:>5}  {:>11}  {:>6}  {:<25}",
            content.kind, content.parts, content.subscribers, content.format, content.taken_at
        ),
        None => format!(
            "{:<11}  {:>5}  {:>11}  {:>6}  {:<25}",
            "?", "?", "?", "?", "?"
        ),
    };
    format!(
        "{:>9}  {:>10}  {:<16}  {:>13}  {content}  {state}\n",
        line.partition, line.seq, line.writer, line.bytes
    )
}
