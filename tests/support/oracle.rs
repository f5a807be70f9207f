//! What must be in the output topics, however much went wrong on the way: exactly what `detect` says over the same file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::fs;
use std::path::Path;

use churnwatch::journal::{JournalRecord, Step};
use serde_json::Value;

use super::client::ReadRecord;
use super::forms;
use super::installation::{FEEDS, Installation};

/// Faults of a kind that a verdict shows in full.
const EXAMPLES_MAX: usize = 5;

/// What `detect` says over a file of events.
pub struct Oracle {
    tasks: BySubscriber,
    signals: BySubscriber,
    /// How many of each.
    dead_letters: BTreeMap<String, u64>,
}

/// By subscriber, in order, as JSON without what may differ.
type BySubscriber = BTreeMap<String, Vec<String>>;

impl Oracle {
    /// Asks `detect`, with an installation's configuration and partitions.
    pub fn ask(installation: &Installation, events: &Path) -> Oracle {
        let file = |name: &str| installation.folder().join(format!("oracle-{name}.ndjson"));
        let (tasks, signals, dead) = (file("tasks"), file("signals"), file("dead-letters"));
        let partitions = installation.partitions.to_string();
        let mut detect = installation.start(
            "detect",
            &[
                events.to_str().unwrap(),
                "--force",
                "--tasks",
                tasks.to_str().unwrap(),
                "--signals",
                signals.to_str().unwrap(),
                "--dead-letters",
                dead.to_str().unwrap(),
                "--partitions",
                &partitions,
            ],
        );
        let status = detect.wait_long();
        assert!(matches!(status.code(), Some(0 | 3)), "{}", detect.stderr());
        let dead = lines(&dead).into_iter().map(|line| {
            let letter: Value = serde_json::from_slice(&line).unwrap();
            // Bytes that are no text come in base64.
            let value = letter.get("value").and_then(Value::as_str);
            refusal(letter["reason"].as_str().unwrap(), value)
        });
        Oracle {
            tasks: by_subscriber(lines(&tasks)),
            signals: by_subscriber(lines(&signals)),
            dead_letters: counted(dead),
        }
    }

    /// Compares it with what the topics hold once the group has come to their ends.
    pub fn judge(&self, installation: &Installation) -> Verdict {
        let mut verdict = Verdict::without_oracle(installation);
        for (what, key, expected) in [
            ("task", "tasks", &self.tasks),
            ("signal", "signals", &self.signals),
        ] {
            self.compare(what, expected, installation.read_json(key), &mut verdict);
        }
        self.refused(&installation.read("dead_letters"), &mut verdict);
        verdict
    }

    fn compare(
        &self,
        what: &str,
        expected: &BySubscriber,
        found: Vec<ReadRecord>,
        verdict: &mut Verdict,
    ) {
        // A subscriber's records share a partition, where they were read in the order of their offsets.
        let found = by_subscriber(found.into_iter().map(|record| record.value.unwrap()));
        let none = Vec::new();
        let all: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        for msisdn in all {
            let must = expected.get(msisdn).unwrap_or(&none);
            let is = found.get(msisdn).unwrap_or(&none);
            if must == is {
                continue;
            }
            let before = verdict.faults.len();
            let (must_count, is_count) =
                (counted(must.iter().cloned()), counted(is.iter().cloned()));
            differences(
                &format!("{what} of {msisdn}"),
                &must_count,
                &is_count,
                verdict,
            );
            if verdict.faults.len() == before {
                let text = format!("{what}s of {msisdn}: {is:#?}\nbut in this order: {must:#?}");
                verdict.add(Kind::OutOfOrder, text);
            }
        }
    }

    fn refused(&self, dead: &[ReadRecord], verdict: &mut Verdict) {
        let mut places = BTreeSet::new();
        // Of one that is there twice, the second is counted elsewhere.
        let found = dead.iter().filter(|letter| places.insert(place(letter)));
        let found = found.map(|letter| {
            let value = letter.value.as_deref();
            let value = value.and_then(|bytes| std::str::from_utf8(bytes).ok());
            refusal(header(letter, "errors.reason"), value)
        });
        differences("dead letter", &self.dead_letters, &counted(found), verdict);
    }
}

fn header<'a>(letter: &'a ReadRecord, name: &str) -> &'a str {
    let value = letter.header(name);
    value.unwrap_or_else(|| panic!("a dead letter without the header {name}"))
}

/// Where the record was that a dead letter is about.
fn place(letter: &ReadRecord) -> [&str; 3] {
    ["errors.topic", "errors.partition", "errors.offset"].map(|name| header(letter, name))
}

/// Each revision of a task once, in order.
fn revisions(tasks: &[ReadRecord], verdict: &mut Verdict) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for record in tasks {
        let task: Value = serde_json::from_str(record.text()).unwrap();
        let (id, revision) = (
            task["task_id"].as_str().unwrap(),
            task["revision"].as_f64().unwrap() as u64,
        );
        let known = last.entry(id.to_owned()).or_default();
        if revision == *known + 1 {
            *known = revision;
            continue;
        }
        let kind = if revision <= *known {
            Kind::Duplicated
        } else {
            Kind::Lost
        };
        let (partition, offset) = (record.partition, record.offset);
        let text = format!(
            "task {id}: revision {revision} follows {known} (partition {partition}, offset {offset})"
        );
        verdict.add(kind, text);
        *known = revision.max(*known);
    }
}

/// In the journal of each partition, as far as it was kept, entries count up by 1, and every input record is in exactly
/// one of them. Input that was not written in transactions has no gaps.
fn journal(installation: &Installation, verdict: &mut Verdict) {
    let records = installation.client.read_committed(&installation.journal());
    for partition in 0..installation.partitions {
        let mut last_seq = None;
        let mut positions: BTreeMap<u8, i64> = BTreeMap::new();
        for record in records
            .iter()
            .filter(|record| record.partition == partition)
        {
            let place = format!("journal of partition {partition}, offset {}", record.offset);
            let entry = match JournalRecord::decode(record.value.as_deref().unwrap()).unwrap() {
                JournalRecord::Entry(entry) => entry,
                JournalRecord::Manifest(_) => {
                    verdict.manifests += 1;
                    continue;
                }
            };
            if let Some(last) = last_seq.filter(|last| *last + 1 != entry.seq) {
                let kind = if entry.seq <= last {
                    Kind::Duplicated
                } else {
                    Kind::Lost
                };
                let text = format!("{place}: entry {} follows {last}", entry.seq);
                verdict.add(kind, text);
            }
            last_seq = Some(entry.seq);
            let runs = entry.steps.iter().filter_map(|step| match step {
                Step::Run(run) => Some(run),
                _ => None,
            });
            for run in runs {
                let known = positions
                    .insert(run.topic, run.to)
                    .filter(|to| *to != run.from);
                if let Some(known) = known {
                    let kind = if run.from < known {
                        Kind::Duplicated
                    } else {
                        Kind::Lost
                    };
                    let text = format!("{place}: records from {} on follow {known}", run.from);
                    verdict.add(kind, text);
                }
            }
        }
        verdict.entries += last_seq.unwrap_or_default();
        let ends = installation.client.end_offsets(&installation.topic("cdr"));
        for to in positions.values().filter(|to| **to != ends[&partition]) {
            let text = format!(
                "the journal of partition {partition} ends at {to}, its log at {}",
                ends[&partition]
            );
            verdict.add(Kind::Lost, text);
        }
    }
}

fn differences(
    what: &str,
    must: &BTreeMap<String, u64>,
    is: &BTreeMap<String, u64>,
    verdict: &mut Verdict,
) {
    for (record, count) in must {
        let found = is.get(record).copied().unwrap_or_default();
        for _ in found..*count {
            verdict.add(Kind::Lost, format!("{what}: {record}"));
        }
    }
    for (record, count) in is {
        let known = must.get(record).copied().unwrap_or_default();
        let kind = if known > 0 {
            Kind::Duplicated
        } else {
            Kind::Invented
        };
        for _ in known..*count {
            verdict.add(kind, format!("{what}: {record}"));
        }
    }
}

/// How a record in the topics differs from what must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is missing.
    Lost,
    /// It is there more often than it should be.
    Duplicated,
    /// It should not be there at all; it may be a falsified one, which then is lost as well.
    Invented,
    /// A subscriber's records do not follow one another as they should.
    OutOfOrder,
}

/// What came out, and everything wrong with it.
#[derive(Default)]
pub struct Verdict {
    pub tasks: usize,
    pub signals: usize,
    pub dead_letters: usize,
    /// Entries in the journals of all partitions since their beginning.
    pub entries: u64,
    /// Snapshots that the journals still name.
    pub manifests: u64,
    faults: Vec<(Kind, String)>,
}

impl Verdict {
    /// What can be said of the topics without knowing what must be in them: revisions of tasks, dead letters, the journal,
    /// and the group's offsets.
    pub fn without_oracle(installation: &Installation) -> Verdict {
        let (tasks, dead) = (
            installation.read_json("tasks"),
            installation.read("dead_letters"),
        );
        let mut verdict = Verdict {
            tasks: tasks.len(),
            signals: installation.read("signals").len(),
            dead_letters: dead.len(),
            ..Verdict::default()
        };
        revisions(&tasks, &mut verdict);
        let mut places = BTreeSet::new();
        for place in dead.iter().map(place).filter(|at| !places.insert(*at)) {
            verdict.add(Kind::Duplicated, format!("dead letter of {place:?}"));
        }
        journal(installation, &mut verdict);
        for feed in FEEDS {
            let (committed, end) = (installation.committed(feed), installation.length(feed));
            if committed != end {
                let text =
                    format!("feed {feed}: the group is at {committed}, the log ends at {end}");
                verdict.add(Kind::Lost, text);
            }
        }
        verdict
    }

    /// Faults of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.faults
            .iter()
            .filter(|(found, _)| *found == kind)
            .count()
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }

    /// # Panics
    ///
    /// Unless everything is there once and in order; also when hardly anything is there, which would prove nothing.
    #[track_caller]
    pub fn assert_exactly_once(&self) {
        assert!(
            self.tasks > 20 && self.signals > 20 && self.dead_letters > 20,
            "too little came out to prove anything: {self}"
        );
        assert!(self.is_clean(), "{self}");
    }

    fn add(&mut self, kind: Kind, text: String) {
        self.faults.push((kind, text));
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict {
            tasks,
            signals,
            dead_letters,
            entries,
            ..
        } = self;
        write!(
            f,
            "{tasks} tasks, {signals} signals, {dead_letters} dead letters, {entries} journal entries:"
        )?;
        let kinds = [
            Kind::Lost,
            Kind::Duplicated,
            Kind::Invented,
            Kind::OutOfOrder,
        ];
        let mut examples = String::new();
        for (kind, word) in
            kinds
                .into_iter()
                .zip(["lost", "duplicated", "invented", "out of order"])
        {
            write!(f, " {} {word},", self.count(kind))?;
            let of_kind = self.faults.iter().filter(|(found, _)| *found == kind);
            for (_, text) in of_kind.take(EXAMPLES_MAX) {
                write!(examples, "\n{word}: {text}")?;
            }
        }
        write!(f, " compared with `detect`{examples}")
    }
}

fn lines(file: &Path) -> Vec<Vec<u8>> {
    let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines.map(<[u8]>::to_vec).collect()
}

fn by_subscriber(records: impl IntoIterator<Item = Vec<u8>>) -> BySubscriber {
    let mut all = BySubscriber::new();
    for bytes in records {
        let mut record = forms::plain(serde_json::from_slice(&bytes).unwrap());
        strip_source(&mut record);
        let msisdn = record["msisdn"].as_str().unwrap().to_owned();
        all.entry(msisdn).or_default().push(record.to_string());
    }
    all
}

/// Where a record was differs between a file and a topic.
pub fn strip_source(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("source");
            fields.values_mut().for_each(strip_source);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_source),
        _ => {}
    }
}

fn refusal(reason: &str, value: Option<&str>) -> String {
    format!("{reason}: {}", value.unwrap_or("no text"))
}

fn counted(records: impl IntoIterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(record).or_default() += 1;
    }
    counts
}
