//! Reading the raw field values of a record as what its type says they are.

use super::faults::{FieldFault, Flaw};
use super::field::Field;
use super::time;
use super::wire::{Fields, invalid};
use crate::model::{Day, Money, Reject, Timestamp};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Longest name, brand or identifier, in characters.
const TEXT_CHARS_MAX: usize = 128;
/// Longest reason of an outcome, in characters: a name from a list, not the story of a talk.
const REASON_CHARS_MAX: usize = 64;
const REGION_LEVELS_MAX: usize = 8;

/// Values by the name records use for them.
pub(super) type Choices<T> = [(&'static str, T)];

/// A field's value, if it has one that can be used.
pub(super) type Read<T> = Result<Option<T>, Flaw>;

/// What people and systems write for true and false, in any case.
const BOOLEANS: &Choices<bool> = &[
    ("true", true),
    ("false", false),
    ("1", true),
    ("0", false),
    ("yes", true),
    ("no", false),
    ("y", true),
    ("n", false),
    ("t", true),
    ("f", false),
    ("on", true),
    ("off", false),
    ("是", true),
    ("否", false),
    ("ja", true),
    ("nein", false),
    ("tak", true),
    ("nie", false),
];

/// What systems write where nothing was said.
const NOTHING: [&str; 5] = ["", "null", "NULL", "\\N", "-"];

impl<'a> Fields<'a> {
    /// A field without which the record says nothing, or something false.
    ///
    /// # Errors
    /// `MissingField`, `RepeatedField` or `InvalidField`.
    pub(super) fn essential<T>(
        &self,
        field: Field,
        read: impl FnOnce(&Self, Field) -> Read<T>,
    ) -> Result<T, Reject> {
        if self.is_repeated(field) {
            return Err(Reject::RepeatedField(field.name()));
        }
        match read(self, field) {
            Ok(value) => value.ok_or_else(|| Reject::MissingField(field.name())),
            Err(Flaw::Unlisted) => Err(invalid(field, "is none of the known values")),
            Err(Flaw::Invalid(problem)) => Err(invalid(field, problem)),
            Err(Flaw::Amount(error)) => Err(invalid(field, error.to_string())),
        }
    }

    /// An essential field that is one of a fixed list.
    ///
    /// # Errors
    /// As [`Fields::essential`]; the reason lists what is allowed.
    pub(super) fn essential_choice<T: Copy>(
        &self,
        field: Field,
        choices: &Choices<T>,
    ) -> Result<T, Reject> {
        if matches!(self.choice(field, choices), Err(Flaw::Unlisted)) {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            return Err(invalid(
                field,
                format!("must be one of {}", names.join(", ")),
            ));
        }
        self.essential(field, |fields, field| fields.choice(field, choices))
    }

    /// A field that the record should have and can do without.
    pub(super) fn wanted<T>(
        &mut self,
        field: Field,
        read: impl FnOnce(&Self, Field) -> Read<T>,
    ) -> Option<T> {
        let value = self.optional(field, read);
        if value.is_none() && !self.faults.has(field) {
            self.faults.add(field, FieldFault::Missing);
        }
        value
    }

    /// A field that the record may have. One that cannot be used counts as absent.
    pub(super) fn optional<T>(
        &mut self,
        field: Field,
        read: impl FnOnce(&Self, Field) -> Read<T>,
    ) -> Option<T> {
        let value = match self.is_repeated(field) {
            true => Err(Flaw::Invalid("appears twice")),
            false => read(self, field),
        };
        value.unwrap_or_else(|flaw| {
            let fault = match flaw {
                Flaw::Unlisted => FieldFault::Unknown,
                Flaw::Invalid(_) | Flaw::Amount(_) => FieldFault::Invalid,
            };
            self.faults.add(field, fault);
            None
        })
    }

    /// Whether the customer refuses something. A refusal that cannot be read counts as one: consent is never assumed.
    pub(super) fn refusal(&mut self, field: Field) -> Option<bool> {
        let said = self.optional(field, Self::boolean);
        said.or(self.faults.has(field).then_some(true))
    }

    /// A string of any length.
    pub(super) fn string(&self, field: Field) -> Read<Cow<'a, str>> {
        match self.raw(field) {
            // Most of all decoding is reading short texts, so they are not searched for escapes twice.
            Some(raw) if !self.escaped => quoted(raw).map(|text| Some(Cow::Borrowed(text))),
            raw => raw.map(text_of).transpose(),
        }
    }

    /// A telephone number: a string, or the JSON number that some tools make of it.
    pub(super) fn phone(&self, field: Field) -> Read<Cow<'a, str>> {
        match self.raw(field) {
            Some(raw) if raw.starts_with(|c: char| c.is_ascii_digit()) => {
                Ok(Some(Cow::Borrowed(raw)))
            }
            _ => self.string(field),
        }
    }

    /// A string of at most [`TEXT_CHARS_MAX`] characters, without the blanks around it.
    pub(super) fn text(&self, field: Field) -> Read<Cow<'a, str>> {
        match self.string(field)? {
            Some(text) if !fits(&text, TEXT_CHARS_MAX) => {
                Err(Flaw::Invalid("is longer than 128 characters"))
            }
            text => Ok(text.and_then(trimmed)),
        }
    }

    /// The reason that an outcome states.
    pub(super) fn reason(&self, field: Field) -> Read<Cow<'a, str>> {
        match self.string(field)? {
            Some(text) if !fits(&text, REASON_CHARS_MAX) => {
                Err(Flaw::Invalid("is longer than 64 characters"))
            }
            text => Ok(text),
        }
    }

    /// An identifier: a text, or an integer of any size.
    pub(super) fn identifier(&self, field: Field) -> Read<Cow<'a, str>> {
        match self.raw(field) {
            Some(raw) if raw.starts_with('"') => self.text(field),
            Some(raw) if is_integer(whole(raw)) && fits(raw, TEXT_CHARS_MAX) => {
                Ok(Some(Cow::Borrowed(whole(raw))))
            }
            Some(_) => Err(Flaw::Invalid(
                "must be a string or an integer of 1 to 128 characters",
            )),
            None => Ok(None),
        }
    }

    /// A string that is one of a fixed list.
    pub(super) fn choice<T: Copy>(&self, field: Field, choices: &Choices<T>) -> Read<T> {
        let Some(text) = self.string(field)? else {
            return Ok(None);
        };
        find(&text, choices).map(Some)
    }

    /// An integer within bounds, as a number or a string; `60.0` is one, `6e1` is not.
    pub(super) fn integer(&self, field: Field, range: RangeInclusive<i64>) -> Read<i64> {
        let Some(raw) = self.raw(field) else {
            return Ok(None);
        };
        let number = match raw.parse() {
            Ok(number) => Some(number),
            Err(_) if raw.starts_with('"') => whole(text_of(raw)?.trim()).parse().ok(),
            Err(_) => whole(raw).parse().ok(),
        };
        let within = number.filter(|number| range.contains(number));
        let within = within.ok_or(Flaw::Invalid("must be an integer within its bounds"));
        within.map(Some)
    }

    /// `true` or `false`, or another word or digit for them.
    pub(super) fn boolean(&self, field: Field) -> Read<bool> {
        let written = match self.raw(field) {
            Some(raw) if raw.starts_with('"') => self.string(field)?,
            Some(raw) if raw.starts_with(['[', '{']) => {
                return Err(Flaw::Invalid("must be true or false"));
            }
            raw => raw.map(Cow::Borrowed),
        };
        let written = written.as_deref().map(|written| whole(written.trim()));
        let Some(written) = written.filter(|written| !NOTHING.contains(written)) else {
            return Ok(None);
        };
        let is_written = |name: &str| name.eq_ignore_ascii_case(written);
        let known = BOOLEANS.iter().find(|(name, _)| is_written(name));
        known.map(|(_, value)| Some(*value)).ok_or(Flaw::Unlisted)
    }

    /// A decimal amount, as a number or a string, read from its digits.
    pub(super) fn money(&self, field: Field) -> Read<Money> {
        let amount = match self.raw(field) {
            None => return Ok(None),
            Some(raw) if raw.starts_with('"') => self.string(field)?.unwrap_or_default(),
            Some(raw) => Cow::Borrowed(raw),
        };
        Money::parse(&amount).map(Some).map_err(Flaw::Amount)
    }

    /// A local day of a plausible year. A time of day behind it is left out.
    pub(super) fn date(&self, field: Field) -> Read<Day> {
        let Some(text) = self.string(field)? else {
            return Ok(None);
        };
        let text = text.trim();
        let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
        if date.is_empty() || time::NO_DATES.contains(&date) {
            return Ok(None);
        }
        let whole_date = time.is_empty() || time.starts_with(['T', 't', ' ']);
        let day = time::date(date).filter(|_| whole_date && is_plausible(field, date));
        day.map(Some).ok_or(Flaw::Invalid(
            "must be a date YYYY-MM-DD of a plausible year",
        ))
    }

    /// The first day of a month of a plausible year.
    pub(super) fn month(&self, field: Field) -> Read<Day> {
        let Some(text) = self.string(field)? else {
            return Ok(None);
        };
        let month = time::month(&text).filter(|_| is_plausible(field, &text));
        month
            .map(Some)
            .ok_or(Flaw::Invalid("must be a month YYYY-MM of a plausible year"))
    }

    /// Month and day of month; zeros mean none.
    pub(super) fn month_day(&self, field: Field) -> Read<(u8, u8)> {
        match self.string(field)? {
            Some(text) if text.trim() != time::NO_MONTH_DAY => time::month_day(text.trim())
                .map(Some)
                .ok_or(Flaw::Invalid("must be a day of the year MM-DD")),
            _ => Ok(None),
        }
    }

    /// A moment: RFC 3339 or integer Unix milliseconds. Its plausibility is the caller's to judge.
    pub(super) fn timestamp(&self, field: Field) -> Read<Timestamp> {
        let at = match self.raw(field) {
            None => return Ok(None),
            Some(raw) if raw.starts_with('"') => {
                let text = self.string(field)?.unwrap_or_default();
                let number = || text.trim().parse().ok().map(Timestamp);
                time::rfc3339(&text).or_else(number)
            }
            Some(raw) => whole(raw).parse().ok().map(Timestamp),
        };
        at.map(Some).ok_or(Flaw::Invalid(
            "must be RFC 3339 with an offset, such as 2026-03-01T08:00:00+08:00, or integer Unix milliseconds",
        ))
    }

    /// A list of region names, the widest first.
    pub(super) fn region(&self, field: Field) -> Read<Vec<Cow<'a, str>>> {
        let Some(entries) = self.list(field)? else {
            return Ok(None);
        };
        let names: Vec<_> = entries.into_iter().map(text_of).collect::<Result<_, _>>()?;
        let short = names.iter().all(|name| fits(name, TEXT_CHARS_MAX));
        if names.len() > REGION_LEVELS_MAX || !short {
            return Err(Flaw::Invalid(
                "must have at most 8 levels of at most 128 characters",
            ));
        }
        Ok(Some(names))
    }

    /// A list whose entries are each one of a fixed list; any others are left out.
    pub(super) fn choices<T: Copy>(&mut self, field: Field, choices: &Choices<T>) -> Vec<T> {
        let entries = match self.raw(field) {
            // One entry may be written without the list around it.
            Some(raw) if raw.starts_with('"') && !self.is_repeated(field) => vec![raw],
            _ => self.optional(field, Self::list).unwrap_or_default(),
        };
        let mut known = Vec::new();
        for entry in entries {
            let found = text_of(entry).and_then(|text| find(&text, choices));
            known.extend(self.optional(field, |_, _| found.map(Some)));
        }
        known
    }

    /// The JSON texts of a list's entries.
    fn list(&self, field: Field) -> Read<Vec<&'a str>> {
        let Some(raw) = self.raw(field) else {
            return Ok(None);
        };
        match serde_json::from_str::<Vec<&'a RawValue>>(raw) {
            Ok(entries) => Ok(Some(entries.into_iter().map(RawValue::get).collect())),
            Err(_) => Err(Flaw::Invalid("must be a list")),
        }
    }
}

/// What a JSON string has between its quotes.
fn quoted(raw: &str) -> Result<&str, Flaw> {
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    inner.ok_or(Flaw::Invalid("must be a string"))
}

/// The text that a JSON string stands for.
fn text_of(raw: &str) -> Result<Cow<'_, str>, Flaw> {
    let inner = quoted(raw)?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw)
        .map(Cow::Owned)
        .map_err(|_| Flaw::Invalid("holds an escape that stands for no character"))
}

/// A text without the blanks around it, if anything is left.
#[inline]
fn trimmed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let holds_any = |text: &&str| !text.is_empty();
    match text {
        Cow::Borrowed(text) => Some(text.trim()).filter(holds_any).map(Cow::Borrowed),
        Cow::Owned(text) => {
            let text = Some(text.trim()).filter(holds_any)?;
            Some(Cow::Owned(text.to_owned()))
        }
    }
}

/// The value of that name, as it is spelt or as people spell it.
fn find<T: Copy>(text: &str, choices: &Choices<T>) -> Result<T, Flaw> {
    let known = choices.iter().find(|(name, _)| *name == text);
    let spelt = || choices.iter().find(|(name, _)| is_spelt(name, text.trim()));
    let known = known.or_else(spelt).map(|(_, value)| *value);
    known.ok_or(Flaw::Unlisted)
}

/// Whether a text is a name in any case, with blanks or hyphens for underscores.
fn is_spelt(name: &str, text: &str) -> bool {
    let same = |(name, text): (u8, u8)| match name {
        b'_' => matches!(text, b'_' | b'-' | b' '),
        _ => text.eq_ignore_ascii_case(&name),
    };
    name.len() == text.len() && name.bytes().zip(text.bytes()).all(same)
}

/// Whether a date that begins with its year can be meant.
fn is_plausible(field: Field, date: &str) -> bool {
    let first = match field {
        Field::ActivatedOn => time::FIRST_NETWORKS,
        _ => time::YEAR_MIN,
    };
    let year = date.get(..4).and_then(|year| year.parse().ok());
    year.is_some_and(|year| (first..=time::YEAR_MAX).contains(&year))
}

fn fits(text: &str, chars_max: usize) -> bool {
    text.len() <= chars_max || text.chars().count() <= chars_max
}

/// The digits before a fraction that is zero; tools that know only floating point write integers so.
fn whole(raw: &str) -> &str {
    let point = raw.bytes().position(|b| b == b'.');
    let parts = point.and_then(|point| raw.split_at_checked(point));
    match parts {
        Some((whole, fraction)) if fraction.bytes().skip(1).all(|b| b == b'0') => whole,
        _ => raw,
    }
}

/// Whether a JSON value is an integer without fraction and exponent.
fn is_integer(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}
