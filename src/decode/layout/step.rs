//! The steps from a source's text to the JSON text of a field.

use super::kind::Kind;
use super::moment::Moment;
use super::octets::Reading;
use super::quantity::{Quantity, clock_seconds};
use super::slots::quote;
use regex::Regex;

/// One step. A text that it cannot change goes on as it is, and the field judges it.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Reads hexadecimal octets. What is not written so makes the field absent: digits of octets could pass for a number.
    Read(Reading),
    /// Takes the first of these off the front.
    StripPrefix(Vec<String>),
    /// Takes the first of these off the end.
    StripSuffix(Vec<String>),
    /// Takes these characters out.
    Remove(String),
    /// Puts a text in place of every match.
    Replace(Regex, String),
    /// Puts a value in place of a text; no value makes the field absent.
    Table(Table),
    /// Makes a number of another unit.
    Quantity(Quantity),
    /// Makes seconds of hours, minutes and seconds.
    Clock,
    /// Makes a moment or a date, in the first format that fits.
    Moment(Vec<Moment>),
}

/// Values by the texts that stand for them.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// In the order of the texts.
    pub(super) values: Vec<(String, Option<String>)>,
    /// Of any other text; without it the text goes on.
    pub(super) otherwise: Option<Option<String>>,
    /// Whether the values are JSON texts, which no step can follow.
    pub(super) json: bool,
}

/// What is made of a text.
enum Made {
    /// The text that was appended.
    Text,
    /// The JSON text that was appended.
    Json,
    /// Nothing was appended: the text goes on.
    Unchanged,
    /// The field is absent.
    Nothing,
}

/// Longer numbers may be more than any program reads.
const WHOLE_DIGITS_MAX: usize = 18;

/// Room for making a field, kept from record to record.
#[derive(Debug, Default, Clone)]
pub(super) struct Bench {
    /// A text of several values.
    pub(super) joined: String,
    pub(super) steps: StepRoom,
}

/// Room for the steps of a field.
#[derive(Debug, Default, Clone)]
pub(super) struct StepRoom {
    now: String,
    next: String,
}

impl StepRoom {
    /// Appends the JSON text that steps make of a text. Returns whether there is one.
    pub(super) fn finish(
        &mut self,
        text: &str,
        steps: &[Step],
        kind: Kind,
        out: &mut String,
    ) -> bool {
        let Self { now, next } = self;
        let mut changed = false;
        for step in steps {
            next.clear();
            match step.run(if changed { now } else { text }, next) {
                Made::Text => {
                    std::mem::swap(now, next);
                    changed = true;
                }
                Made::Json => {
                    out.push_str(next);
                    return true;
                }
                Made::Unchanged => {}
                Made::Nothing => return false,
            }
        }
        let text = if changed { now } else { text };
        if text.is_empty() {
            return false;
        }
        write(text, kind, out);
        true
    }
}

impl Step {
    fn run(&self, text: &str, out: &mut String) -> Made {
        let changed = |changed: bool| if changed { Made::Text } else { Made::Unchanged };
        match self {
            Self::Read(reading) => match reading.convert(text, out) {
                true => Made::Text,
                false => Made::Nothing,
            },
            Self::StripPrefix(prefixes) => {
                let mut rests = prefixes
                    .iter()
                    .filter_map(|prefix| text.strip_prefix(prefix.as_str()));
                changed(rests.next().is_some_and(|rest| append(rest, out)))
            }
            Self::StripSuffix(suffixes) => {
                let mut rests = suffixes
                    .iter()
                    .filter_map(|suffix| text.strip_suffix(suffix.as_str()));
                changed(rests.next().is_some_and(|rest| append(rest, out)))
            }
            Self::Remove(characters) => {
                out.extend(text.chars().filter(|c| !characters.contains(*c)));
                Made::Text
            }
            Self::Replace(pattern, with) => {
                let mut end = 0;
                for found in pattern.find_iter(text) {
                    out.push_str(&text[end..found.start()]);
                    out.push_str(with);
                    end = found.end();
                }
                out.push_str(&text[end..]);
                Made::Text
            }
            Self::Table(table) => match table.get(text) {
                None => Made::Unchanged,
                Some(None) => Made::Nothing,
                Some(Some(value)) => {
                    out.push_str(value);
                    match table.json {
                        true => Made::Json,
                        false => Made::Text,
                    }
                }
            },
            Self::Quantity(quantity) => json(quantity.convert(text, out)),
            Self::Clock => json(clock_seconds(text, out)),
            Self::Moment(moments) => json(moments.iter().any(|moment| moment.convert(text, out))),
        }
    }
}

impl Table {
    /// Writes the values as the JSON texts of a field.
    pub(super) fn end_with(&mut self, kind: Kind) {
        let values = self.values.iter_mut().map(|(_, value)| value);
        for value in values.chain(&mut self.otherwise).flatten() {
            let text = std::mem::take(value);
            write(&text, kind, value);
        }
        self.json = true;
    }

    fn get(&self, text: &str) -> Option<Option<&str>> {
        let found = self
            .values
            .binary_search_by(|(known, _)| known.as_str().cmp(text));
        let found = found.ok().map(|place| &self.values[place].1);
        found.or(self.otherwise.as_ref()).map(Option::as_deref)
    }
}

/// Appends a text as the JSON text of a field.
pub(super) fn write(text: &str, kind: Kind, out: &mut String) {
    match is_token(text, kind) {
        true => out.push_str(text),
        false => quote(text, out),
    }
}

/// Whether a text is JSON without quotes around it, and should be.
fn is_token(text: &str, kind: Kind) -> bool {
    match kind {
        Kind::Whole(_) => {
            let digits = text.len() < WHOLE_DIGITS_MAX && text.bytes().all(|b| b.is_ascii_digit());
            digits && (text == "0" || !text.starts_with('0'))
        }
        Kind::Truth => matches!(text, "true" | "false"),
        _ => false,
    }
}

fn append(text: &str, out: &mut String) -> bool {
    out.push_str(text);
    true
}

fn json(converted: bool) -> Made {
    if converted {
        Made::Json
    } else {
        Made::Unchanged
    }
}
