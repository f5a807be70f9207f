use super::store::Store;
use super::text::writer_name;
use crate::cli::failure::Failure;
use crate::cli::terminal::{print, tell};
use crate::config::{Config, Ruleset};
use crate::engine::{Description, Shard};
use crate::journal::Manifest;
use crate::kafka::partition_of;
use crate::model::{Msisdn, Timestamp};
use crate::snapshot::StoredPart;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Show what the newest snapshot knows of one subscriber
///
/// Searches the newest whole snapshot of each partition in `state.snapshots` and needs no Kafka. Prints JSON: usage by
/// day, what is ordinary, what the triggers remember, standing and bills, the open task, and how old all of this is.
/// The number is masked unless it is asked for.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Subscriber {
    /// Number in any form that records may have, or pseudonym
    #[arg(value_name = "MSISDN")]
    msisdn: String,

    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the number in the clear
    #[arg(long)]
    show_msisdn: bool,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch inspect subscriber 13800138000 --config churnwatch.toml
  churnwatch inspect subscriber 13800138000 --config churnwatch.toml | jq .triggers";

/// What is printed.
#[derive(Serialize)]
struct Answer<'a> {
    msisdn: String,
    snapshot: Origin<'a>,
    #[serde(flatten)]
    description: Description,
}

/// The snapshot that says so.
#[derive(Serialize)]
struct Origin<'a> {
    partition: i32,
    /// The last entry of the journal in it.
    seq: u64,
    writer: String,
    taken_at: String,
    /// Fingerprint of the rules in force then.
    rules: &'a str,
}

/// A partition's newest whole snapshot.
struct Newest {
    manifest: Manifest,
    ruleset: Ruleset,
    shard: Shard,
}

impl Subscriber {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = Config::load(self.config.as_deref())?;
        let msisdn = config.decoder.msisdn(&self.msisdn).map_err(|error| {
            // Without the text, which may be somebody's number.
            Failure::Usage(format!("the MSISDN {error}"))
        })?;
        let store = Store::open(&config)?;
        let found = store.list(None)?;
        let partitions = in_likely_order(&found, &msisdn);
        if partitions.is_empty() {
            return Err(Failure::Failed(format!("no snapshots in {}", store.name())));
        }
        let (mut searched, mut unreadable) = (0, Vec::new());
        for partition in partitions {
            let parts = found.iter().filter(|part| part.partition == partition);
            let Some(newest) = newest(&store, parts)? else {
                unreadable.push(partition.to_string());
                continue;
            };
            searched += 1;
            if let Some(description) = newest.shard.describe(&msisdn) {
                return print(&self.answer(&msisdn, &newest, description));
            }
        }
        let unreadable = match &*unreadable {
            [] => String::new(),
            some => format!(
                "; partitions without a whole snapshot, not searched: {}",
                some.join(", ")
            ),
        };
        Err(Failure::Failed(format!(
            "nothing is known of subscriber {msisdn} in the newest snapshots of {searched} partitions in {}{unreadable}",
            store.name()
        )))
    }

    fn answer(&self, msisdn: &Msisdn, newest: &Newest, description: Description) -> String {
        let manifest = &newest.manifest;
        let rules = &newest.ruleset.rules;
        let answer = Answer {
            msisdn: match self.show_msisdn {
                true => msisdn.as_str().to_owned(),
                false => msisdn.to_string(),
            },
            snapshot: Origin {
                partition: manifest.partition,
                seq: manifest.seq,
                writer: writer_name(manifest.writer),
                taken_at: rules.calendar.rfc3339(Timestamp(manifest.taken_ms)),
                rules: &rules.version,
            },
            description,
        };
        let mut text = serde_json::to_string_pretty(&answer).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// The partitions of some parts, first the one where the subscriber must be if the highest of them is the last there is.
fn in_likely_order(found: &[StoredPart], msisdn: &Msisdn) -> Vec<i32> {
    let mut partitions: Vec<i32> = found.iter().map(|part| part.partition).collect();
    partitions.dedup();
    let count = partitions.last().map_or(1, |last| last.saturating_add(1));
    let likely = partition_of(msisdn.as_bytes(), count);
    partitions.sort_by_key(|partition| *partition != likely);
    partitions
}

/// The newest of a partition's snapshots that is whole; those passed over are told of on stderr.
fn newest<'a>(
    store: &Store,
    parts: impl DoubleEndedIterator<Item = &'a StoredPart>,
) -> Result<Option<Newest>, Failure> {
    for part in parts.rev() {
        let Some(info) = store.verify(part)? else {
            continue;
        };
        let loaded = info.and_then(|info| {
            let manifest = info.into_snapshot(&part.key);
            let ruleset = Ruleset::parse(&manifest.epoch.ruleset, "the snapshot's rules");
            let ruleset = ruleset.map_err(|problems| problems.to_string())?;
            let shard = store.load(&manifest, ruleset.rules.clone())?;
            Ok(Newest {
                manifest,
                ruleset,
                shard,
            })
        });
        match loaded {
            Ok(newest) => return Ok(Some(newest)),
            Err(problem) => tell!(
                "snapshot {} is passed over for the one before it: {problem}",
                part.key
            ),
        }
    }
    Ok(None)
}
