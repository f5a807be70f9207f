//! A layout ready for use: which values it takes from a record, and which fields it makes of them.

use super::kind::Kind;
use super::slots::{Pieces, Slots, quote};
use super::step::{Bench, Step};
use crate::decode::field::Field;
use std::fmt::Write as _;
use xxhash_rust::xxh3::Xxh3;

/// One kind of record of a layout.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    /// Empty if the layout has one kind only.
    pub(super) name: String,
    /// All of them hold.
    pub(super) when: Vec<Condition>,
    pub(super) targets: Vec<Target>,
}

/// A field and how it is made.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) field: Field,
    pub(super) kind: Kind,
    pub(super) when: Vec<Condition>,
    pub(super) required: bool,
    pub(super) origin: Origin,
    pub(super) steps: Vec<Step>,
}

/// Where a field's value comes from. Numbers are slots.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The first of these that has a value.
    First(Vec<usize>),
    /// All of these, with a text between them; nothing if one is absent.
    Joined(Vec<usize>, String),
    /// The texts of those that have a value.
    List(Vec<usize>),
    /// A fingerprint of these, absent ones too.
    Hash(Vec<usize>),
    /// A fingerprint of the record's bytes.
    HashOfRecord,
    /// A JSON text.
    Constant(String),
    /// An object of fields that are part of this one.
    Object(Vec<Target>),
}

/// Something a value must be.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) slot: usize,
    pub(super) test: Test,
}

/// What a condition asks of a value.
#[derive(Debug, Clone)]
pub(super) enum Test {
    /// It is one of these.
    In(Vec<String>),
    /// It is none of these; absent is none.
    NotIn(Vec<String>),
    /// Whether it is absent.
    Empty(bool),
}

/// Between values in a fingerprint, and for absent ones, so that neighbours cannot run into each other.
const BETWEEN: &[u8] = b"\x1f";
const ABSENT: &[u8] = b"\x1e";

impl Condition {
    pub(super) fn holds(&self, record: &str, slots: &Slots) -> bool {
        let value = slots.plain(record, self.slot);
        let is_any = |known: &[String]| {
            known
                .iter()
                .any(|known| Some(known.as_str()) == value.as_deref())
        };
        match &self.test {
            Test::In(known) => is_any(known),
            Test::NotIn(known) => !is_any(known),
            Test::Empty(empty) => value.is_none() == *empty,
        }
    }

    pub(super) fn all_hold(conditions: &[Self], record: &str, slots: &Slots) -> bool {
        conditions
            .iter()
            .all(|condition| condition.holds(record, slots))
    }
}

impl Target {
    /// Makes the field, if there is something to make it of.
    pub(super) fn make(&self, record: &str, slots: &Slots, bench: &mut Bench, pieces: &mut Pieces) {
        if !Condition::all_hold(&self.when, record, slots) {
            return;
        }
        if let (Origin::First(first), []) = (&self.origin, &*self.steps) {
            let span = first.iter().find_map(|slot| slots.get(*slot));
            if let Some(span) = span.filter(|span| span.is_json()) {
                return pieces.take(self.field, span);
            }
        }
        pieces.make(self.field, |out| {
            self.write(record, slots, bench, out);
        });
    }

    /// Appends the field's JSON text. Nothing is appended where there is no value.
    fn write(&self, record: &str, slots: &Slots, bench: &mut Bench, out: &mut String) -> bool {
        let value = |slot: &usize| slots.plain(record, *slot);
        match &self.origin {
            Origin::First(first) => {
                let text = first.iter().find_map(value);
                text.is_some_and(|text| bench.steps.finish(&text, &self.steps, self.kind, out))
            }
            Origin::Joined(parts, between) => {
                let Bench { joined, steps } = bench;
                joined.clear();
                for (number, part) in parts.iter().enumerate() {
                    let Some(text) = value(part) else {
                        return false;
                    };
                    joined.push_str(if number > 0 { between } else { "" });
                    joined.push_str(&text);
                }
                steps.finish(joined, &self.steps, self.kind, out)
            }
            Origin::List(entries) => {
                let entries = entries.iter().filter_map(value);
                write_all(('[', ']'), out, entries, |entry, out| {
                    bench.steps.finish(&entry, &self.steps, self.kind, out)
                })
            }
            Origin::Object(inner) => {
                let present = inner
                    .iter()
                    .filter(|target| Condition::all_hold(&target.when, record, slots));
                write_all(('{', '}'), out, present, |target, out| {
                    quote(target.field.key(), out);
                    out.push(':');
                    target.write(record, slots, bench, out)
                })
            }
            Origin::Hash(parts) => {
                let mut hash = Xxh3::new();
                for part in parts {
                    match value(part) {
                        Some(value) => hash.update(value.as_bytes()),
                        None => hash.update(ABSENT),
                    }
                    hash.update(BETWEEN);
                }
                write_hash(&hash, out)
            }
            Origin::HashOfRecord => {
                let mut hash = Xxh3::new();
                hash.update(record.as_bytes());
                write_hash(&hash, out)
            }
            Origin::Constant(json) => {
                out.push_str(json);
                true
            }
        }
    }

    /// How the times that it is made of are written.
    pub(super) fn formats(&self) -> Vec<&str> {
        let moments = self.steps.iter().flat_map(|step| match step {
            Step::Moment(moments) => moments.as_slice(),
            _ => &[],
        });
        moments.map(|moment| moment.format.name()).collect()
    }

    /// The slots that the field is made of.
    pub(super) fn slots(&self) -> Vec<usize> {
        match &self.origin {
            Origin::First(slots)
            | Origin::Joined(slots, _)
            | Origin::List(slots)
            | Origin::Hash(slots) => slots.clone(),
            Origin::HashOfRecord | Origin::Constant(_) => Vec::new(),
            Origin::Object(inner) => inner.iter().flat_map(Self::slots).collect(),
        }
    }
}

fn write_hash(hash: &Xxh3, out: &mut String) -> bool {
    write!(out, "\"{:032x}\"", hash.digest128()).is_ok()
}

/// Appends what is made of each entry, with commas between and brackets around. Nothing is appended if nothing is made.
fn write_all<T>(
    (open, close): (char, char),
    out: &mut String,
    entries: impl Iterator<Item = T>,
    mut write: impl FnMut(T, &mut String) -> bool,
) -> bool {
    let start = out.len();
    out.push(open);
    let empty = out.len();
    for entry in entries {
        let before = out.len();
        if before > empty {
            out.push(',');
        }
        if !write(entry, out) {
            out.truncate(before);
        }
    }
    let any = out.len() > empty;
    match any {
        true => out.push(close),
        false => out.truncate(start),
    }
    any
}
