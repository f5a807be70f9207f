//! `churnwatch check --sample`: how the first records of a file or topic become events.

use super::failure::Failure;
use super::form::LineForm;
use super::terminal::print;
use crate::config::Config;
use crate::decode::{Decoded, FieldTrace, Form, Scratch, Trace, is_native, leaves, shape, suggest};
use crate::files::Lines;
use crate::kafka::Follower;
use crate::model::{Reject, Timestamp};
use crate::registry::{Registry, Room, Unread};
use crate::runtime::clock;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// Records that are shown field by field.
const SHOWN: usize = 3;
/// Records that a draft of a layout is made from.
const DRAFTED: usize = 200;
/// Records that are counted.
const COUNTED: usize = 10_000;
/// How long to wait for the next record of a topic.
const WAIT: Duration = Duration::from_secs(3);

/// Records of a sample, and the form they have.
struct Sample {
    name: String,
    /// With the numbers of their lines, or counted from 1 in a topic.
    records: Vec<(u64, Vec<u8>)>,
    /// Those that do not become text, with why.
    unread: Vec<(u64, Reject)>,
    form: Form,
    /// The names of the columns, where the first line has said them.
    header: Vec<String>,
}

/// What was found in a sample.
#[derive(Default)]
struct Findings {
    shown: String,
    /// Record types.
    types: BTreeMap<String, u64>,
    skipped: u64,
    /// Reasons, with the first record of each.
    rejects: BTreeMap<&'static str, (u64, String)>,
    /// Shapes of subscribers' numbers as they came and as they are read.
    numbers: BTreeMap<(String, String), u64>,
    /// Fields that cannot be used, with the first example of each.
    faults: BTreeMap<(&'static str, &'static str), (u64, String)>,
    /// Subscribers' numbers of other countries, and all numbers.
    foreign: u64,
    subscribers: u64,
    /// Records dated after now.
    future: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Records older than one before them.
    backward: u64,
}

/// Prints what becomes of the first records of a file, or of a topic if there is no such file.
pub(super) fn print_sample(config: &Config, name: &str) -> Result<(), Failure> {
    let sample = match Path::new(name).exists() || name == "-" {
        true => of_file(config, name)?,
        false => of_topic(config, name)?,
    };
    let Some((_, first)) = sample.records.first() else {
        return Err(Failure::Failed(match sample.unread.first() {
            Some((_, reject)) => format!("{name} holds no records that can be read: {reject}"),
            None => format!("{name} holds no records"),
        }));
    };
    if sample.form.name().is_none() && !is_native(first) {
        let drafted = sample.records.iter().take(DRAFTED);
        let drafted: Vec<Vec<u8>> = drafted.map(|(_, record)| record.clone()).collect();
        return print(&suggest(name, &drafted));
    }
    let mut findings = Findings::default();
    for (number, reject) in &sample.unread {
        findings.reject(*number, reject);
    }
    let mut scratch = Scratch::default();
    for (place, (number, record)) in sample.records.iter().enumerate() {
        let shown = place < SHOWN;
        findings.add(config, &sample, *number, shown, record, &mut scratch);
    }
    print(&findings.report(config, &sample))?;
    match findings.rejects.is_empty() {
        true => Ok(()),
        false => Err(Failure::Rejected),
    }
}

fn of_file(config: &Config, path: &str) -> Result<Sample, Failure> {
    let mut lines = Lines::open(path)?;
    let mut form = LineForm::new(config.decoder.layouts());
    form.begin(path);
    let mut line = Vec::new();
    let mut sample = Sample {
        name: path.to_owned(),
        records: Vec::new(),
        unread: Vec::new(),
        form: Form::Native,
        header: Vec::new(),
    };
    while sample.records.len() < COUNTED
        && let Some(number) = lines.next_into(&mut line)?
    {
        match form.of(&line)? {
            Some(form) => {
                if sample.records.is_empty() {
                    sample.form = form.clone();
                }
                sample.records.push((number, line.clone()));
            }
            None if sample.header.is_empty() => sample.header = form.cells(&line),
            None => {}
        }
    }
    Ok(sample)
}

fn of_topic(config: &Config, topic: &str) -> Result<Sample, Failure> {
    let follower = Follower::open(config, &[topic], |_, _| None).map_err(|problem| {
        Failure::Failed(format!(
            "there is no file `{topic}`, and as a topic: {problem}"
        ))
    })?;
    let registry = Registry::new(&config.registry).map_err(Failure::Usage)?;
    let mut room = Room::default();
    let mut sample = Sample {
        name: format!("topic {topic}"),
        records: Vec::new(),
        unread: Vec::new(),
        form: config.decoder.layouts().of_topic(topic).clone(),
        header: Vec::new(),
    };
    let values = std::iter::from_fn(|| follower.next(WAIT));
    let values = values.filter_map(|record| record.value().map(<[u8]>::to_vec));
    for (number, value) in (1..).zip(values.take(COUNTED)) {
        let Some(registry) = registry.as_ref().filter(|_| sample.form.is_framed(&value)) else {
            sample.records.push((number, value));
            continue;
        };
        match registry.json(&value, clock::monotonic_ms(), &mut room) {
            Ok(json) => sample.records.push((number, json.to_vec())),
            Err(Unread::Rejected(reject)) => sample.unread.push((number, reject)),
            Err(Unread::Waits(away)) => return Err(Failure::Failed(away.reason)),
        }
    }
    Ok(sample)
}

impl Findings {
    fn add(
        &mut self,
        config: &Config,
        sample: &Sample,
        number: u64,
        show: bool,
        record: &[u8],
        scratch: &mut Scratch,
    ) {
        let traced = sample.form.trace(record, scratch);
        let traced = traced.ok().flatten();
        if let Some(trace) = traced.as_ref().filter(|_| show) {
            let _ = writeln!(self.shown, "{}", described(number, trace));
        }
        let field = |name: &str| {
            let mut fields = traced.iter().flat_map(|trace| &trace.fields);
            fields.find(|field| field.field == name)
        };
        let came = field("msisdn")
            .and_then(|field| field.sources.iter().find_map(|(_, value)| value.as_deref()));
        let kind = match field("record_type").and_then(|field| field.made.clone()) {
            Some(made) => made.trim_matches('"').to_owned(),
            None => native_kind(record).unwrap_or_default(),
        };
        match config.decoder.decode_as(&sample.form, record, scratch) {
            Ok(Some(Decoded::Event(event, faults))) => {
                *self.types.entry(kind).or_default() += 1;
                for (field, fault) in faults.iter() {
                    let example = || {
                        let made_of = traced.iter().flat_map(|trace| &trace.fields);
                        let made_of = made_of.filter(|known| known.field == field);
                        let values = made_of.flat_map(|known| &known.sources);
                        let values = values.map(|(name, value)| match value {
                            Some(value) => format!("`{name}` is like {}", shape(value)),
                            None => format!("`{name}` is empty"),
                        });
                        let values: Vec<_> = values.collect();
                        let told = if values.is_empty() { "" } else { ": " };
                        (0, format!("record {number}{told}{}", values.join(", ")))
                    };
                    self.faults
                        .entry((field, fault.name()))
                        .or_insert_with(example)
                        .0 += 1;
                }
                self.backward += u64::from(self.last.is_some_and(|last| event.at < last));
                self.first = Some(self.first.map_or(event.at, |first| first.min(event.at)));
                self.last = Some(self.last.map_or(event.at, |last| last.max(event.at)));
                self.future += u64::from(event.at > clock::now());
                self.subscribers += 1;
                self.foreign += u64::from(config.decoder.is_foreign(&event.msisdn));
                if let Some(came) = came {
                    let shapes = (shape(came), shape(event.msisdn.as_str()));
                    *self.numbers.entry(shapes).or_default() += 1;
                }
            }
            Ok(Some(Decoded::Progress { .. })) => *self.types.entry(kind).or_default() += 1,
            Ok(None) => self.skipped += 1,
            Err(reject) => self.reject(number, &reject),
        }
    }

    fn reject(&mut self, number: u64, reject: &Reject) {
        let first = || (0, format!("record {number}: {reject}"));
        self.rejects.entry(reject.reason()).or_insert_with(first).0 += 1;
    }

    fn report(&self, config: &Config, sample: &Sample) -> String {
        let form = sample
            .form
            .name()
            .map_or("as the schemas say".to_owned(), |name| {
                format!("layout `{name}`")
            });
        let mut text = format!("{}: {form}\n\n{}", sample.name, self.shown);
        let looked = sample.records.len() + sample.unread.len();
        let _ = writeln!(text, "{looked} records looked at");
        for (name, count) in &self.types {
            let _ = writeln!(text, "  {count:>7}  {name}");
        }
        if self.skipped > 0 {
            let _ = writeln!(text, "  {:>7}  skipped by the layout", self.skipped);
        }
        for (reason, (count, first)) in &self.rejects {
            let _ = writeln!(text, "  {count:>7}  rejected ({reason}), such as {first}");
        }
        for ((field, fault), (count, first)) in &self.faults {
            let _ = writeln!(text, "  {count:>7}  with {fault} {field}, such as {first}");
        }
        if let (Some(first), Some(last)) = (self.first, self.last) {
            let _ = writeln!(
                text,
                "\ntimes (UTC)\n  {} to {}\n  {} older than one before them",
                moment(first),
                moment(last),
                self.backward
            );
            if self.future > 0 {
                let _ = writeln!(
                    text,
                    "  {} dated after now, and `run` will reject them: are day and month, or the zone, right?",
                    self.future
                );
            }
        }
        if !self.numbers.is_empty() {
            text += "\nsubscribers, as they came and as they are read (9 is any digit)\n";
            for ((came, read), count) in &self.numbers {
                let _ = writeln!(text, "  {count:>7}  {came} -> {read}");
            }
        }
        if self.foreign * 2 > self.subscribers {
            let _ = writeln!(
                text,
                "warning: {} of {} are numbers of other countries than {}: are `decode.country` and the layout right?",
                self.foreign,
                self.subscribers,
                config.decoder.country_code()
            );
        }
        let unused = self.unused(sample);
        if !unused.is_empty() {
            let _ = writeln!(text, "\nnot used by the layout\n  {}", unused.join(", "));
        }
        text
    }

    /// What the records have and the layout does not take.
    fn unused(&self, sample: &Sample) -> Vec<String> {
        let Some(_) = sample.form.name() else {
            return Vec::new();
        };
        let mut there: Vec<String> = sample.header.clone();
        for (_, record) in sample.records.iter().take(DRAFTED) {
            if let Ok(value) = serde_json::from_slice(record) {
                leaves("", &value, &mut |path, _| {
                    if !there.iter().any(|known| known == path) {
                        there.push(path.to_owned());
                    }
                });
            }
        }
        let used = sample.form.sources();
        there.retain(|name| !used.contains(name));
        there
    }
}

/// A record field by field.
fn described(number: u64, trace: &Trace) -> String {
    let mut text = match trace.variant.as_str() {
        "" => format!("record {number}\n"),
        name => format!("record {number}, {name}\n"),
    };
    let fields = trace.fields.iter();
    let numbers = fields.filter(|field| is_number(field.field));
    let numbers: Vec<&String> = numbers
        .flat_map(|field| &field.sources)
        .map(|(name, _)| name)
        .collect();
    for field in &trace.fields {
        let sources = field.sources.iter().map(|(name, value)| match value {
            Some(value) if numbers.contains(&name) => format!("{name} = {}", shape(value)),
            Some(value) => format!("{name} = {value}"),
            None => format!("{name} is empty"),
        });
        let sources: Vec<_> = sources.collect();
        let made = field
            .made
            .as_deref()
            .map_or("absent".to_owned(), |made| read(field, made));
        let _ = match sources.is_empty() {
            true => writeln!(text, "  {:<24}{made}", field.field),
            false => writeln!(
                text,
                "  {:<24}{made:<30} from {}",
                field.field,
                sources.join(", ")
            ),
        };
    }
    text
}

/// A field's value for people. Numbers of people show their shapes only.
fn read(field: &FieldTrace, made: &str) -> String {
    let at = made.parse().map(Timestamp);
    match (field.field, at) {
        (name, _) if is_number(name) => shape(made),
        ("event_timestamp" | "complete_until", Ok(at)) => format!("{} UTC", moment(at)),
        _ => made.to_owned(),
    }
}

fn is_number(field: &str) -> bool {
    matches!(field, "msisdn" | "other_number")
}

/// The `record_type` of a record as the schemas say.
fn native_kind(record: &[u8]) -> Option<String> {
    let record: serde_json::Value = serde_json::from_slice(record).ok()?;
    record["record_type"].as_str().map(str::to_owned)
}

fn moment(at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
