//! Reading the raw field values of a record as what its type says they are.

use super::time;
use super::wire::{Field, Fields, invalid};
use crate::model::{Day, Money, Reject, Timestamp};
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Longest name, brand or identifier, in characters.
const TEXT_CHARS_MAX: usize = 128;
const REGION_LEVELS_MAX: usize = 8;

/// Values by the name records use for them.
pub(super) type Choices<T> = [(&'static str, T)];

/// The error for a field the record type must have.
pub(super) fn required<T>(field: Field, value: Option<T>) -> Result<T, Reject> {
    value.ok_or(Reject::MissingField(field.name()))
}

impl<'a> Fields<'a> {
    /// A string of any length.
    pub(super) fn string(&self, field: Field) -> Result<Option<Cow<'a, str>>, Reject> {
        let Some(raw) = self.raw(field) else {
            return Ok(None);
        };
        let Some(inner) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else {
            return Err(invalid(field, "must be a string"));
        };
        if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
            return Ok(Some(Cow::Borrowed(inner)));
        }
        match serde_json::from_str(raw) {
            Ok(text) => Ok(Some(Cow::Owned(text))),
            Err(_) => Err(invalid(
                field,
                "holds an escape that stands for no character",
            )),
        }
    }

    /// A string of at most [`TEXT_CHARS_MAX`] characters; an empty one counts as absent.
    pub(super) fn text(&self, field: Field) -> Result<Option<Cow<'a, str>>, Reject> {
        self.text_within(field, TEXT_CHARS_MAX)
    }

    /// A string of at most so many characters; an empty one counts as absent.
    pub(super) fn text_within(
        &self,
        field: Field,
        chars_max: usize,
    ) -> Result<Option<Cow<'a, str>>, Reject> {
        let text = self.string(field)?.filter(|text| !text.is_empty());
        match text {
            Some(text) if !fits(&text, chars_max) => Err(invalid(
                field,
                format!("is longer than {chars_max} characters"),
            )),
            text => Ok(text),
        }
    }

    /// An identifier: a text, or an integer of any size.
    pub(super) fn identifier(&self, field: Field) -> Result<Option<Cow<'a, str>>, Reject> {
        match self.raw(field) {
            Some(raw) if is_integer(whole(raw)) && fits(raw, TEXT_CHARS_MAX) => {
                Ok(Some(Cow::Borrowed(whole(raw))))
            }
            Some(raw) if raw.starts_with('"') => match self.text(field)? {
                None => Err(invalid(field, "is empty")),
                text => Ok(text),
            },
            Some(_) => Err(invalid(
                field,
                "must be a string or an integer of 1 to 128 characters",
            )),
            None => Ok(None),
        }
    }

    /// A string that is one of a fixed list.
    pub(super) fn choice<T: Copy>(
        &self,
        field: Field,
        choices: &Choices<T>,
    ) -> Result<Option<T>, Reject> {
        let Some(text) = self.string(field)? else {
            return Ok(None);
        };
        match choices.iter().find(|(name, _)| *name == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(not_one_of(field, choices)),
        }
    }

    /// An integer within bounds; `60.0` is one, `6e1` is not.
    pub(super) fn integer(
        &self,
        field: Field,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Reject> {
        let Some(raw) = self.raw(field) else {
            return Ok(None);
        };
        match whole(raw).parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(invalid(
                field,
                format!(
                    "must be an integer from {} to {}",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, field: Field) -> Result<Option<bool>, Reject> {
        match self.raw(field) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(invalid(field, "must be true or false")),
        }
    }

    /// A decimal amount, as a number or a string, read from its digits.
    pub(super) fn money(&self, field: Field) -> Result<Option<Money>, Reject> {
        let amount = match self.raw(field) {
            None => return Ok(None),
            Some(raw) if raw.starts_with('"') => self.string(field)?.unwrap_or_default(),
            Some(raw) => Cow::Borrowed(raw),
        };
        match Money::parse(&amount) {
            Ok(money) => Ok(Some(money)),
            Err(error) => Err(invalid(field, error.to_string())),
        }
    }

    /// A local day.
    pub(super) fn date(&self, field: Field) -> Result<Option<Day>, Reject> {
        self.parsed(field, time::date, "must be a date YYYY-MM-DD")
    }

    /// The first day of a month.
    pub(super) fn month(&self, field: Field) -> Result<Option<Day>, Reject> {
        self.parsed(field, time::month, "must be a month YYYY-MM")
    }

    /// Month and day of month.
    pub(super) fn month_day(&self, field: Field) -> Result<Option<(u8, u8)>, Reject> {
        self.parsed(field, time::month_day, "must be a day of the year MM-DD")
    }

    /// A moment: RFC 3339 or integer Unix milliseconds. Its plausibility is the caller's to judge.
    pub(super) fn timestamp(&self, field: Field) -> Result<Option<Timestamp>, Reject> {
        let at = match self.raw(field) {
            None => return Ok(None),
            Some(raw) if raw.starts_with('"') => {
                self.string(field)?.and_then(|text| time::rfc3339(&text))
            }
            Some(raw) => whole(raw).parse().ok().map(Timestamp),
        };
        match at {
            Some(at) => Ok(Some(at)),
            None => Err(invalid(
                field,
                "must be RFC 3339 with an offset, such as 2026-03-01T08:00:00+08:00, or integer Unix milliseconds",
            )),
        }
    }

    /// A list of region names, the widest first.
    pub(super) fn region(&self, field: Field) -> Result<Vec<Cow<'a, str>>, Reject> {
        let Some(names) = self.list(field)? else {
            return Ok(Vec::new());
        };
        let short = names.iter().all(|name| fits(name, TEXT_CHARS_MAX));
        if names.len() > REGION_LEVELS_MAX || !short {
            return Err(invalid(
                field,
                "must have at most 8 levels of at most 128 characters",
            ));
        }
        Ok(names)
    }

    /// A list whose entries are each one of a fixed list.
    pub(super) fn choices<T: Copy>(
        &self,
        field: Field,
        choices: &Choices<T>,
    ) -> Result<Vec<T>, Reject> {
        let find = |entry: Cow<'_, str>| {
            let choice = choices.iter().find(|(name, _)| *name == entry);
            choice
                .map(|(_, value)| *value)
                .ok_or_else(|| not_one_of(field, choices))
        };
        let entries = self.list(field)?.unwrap_or_default();
        entries.into_iter().map(find).collect()
    }

    fn list(&self, field: Field) -> Result<Option<Vec<Cow<'a, str>>>, Reject> {
        /// Serde borrows a `Cow` only inside a struct that asks for it.
        #[derive(Deserialize)]
        struct Entry<'a>(#[serde(borrow)] Cow<'a, str>);

        let Some(raw) = self.raw(field) else {
            return Ok(None);
        };
        match serde_json::from_str::<Vec<Entry<'a>>>(raw) {
            Ok(entries) => Ok(Some(entries.into_iter().map(|Entry(text)| text).collect())),
            Err(_) => Err(invalid(field, "must be a list of strings")),
        }
    }

    fn parsed<T>(
        &self,
        field: Field,
        parse: fn(&str) -> Option<T>,
        problem: &'static str,
    ) -> Result<Option<T>, Reject> {
        match self.raw(field) {
            None => Ok(None),
            Some(_) => match self.string(field)?.and_then(|text| parse(&text)) {
                Some(value) => Ok(Some(value)),
                None => Err(invalid(field, problem)),
            },
        }
    }
}

fn fits(text: &str, chars_max: usize) -> bool {
    text.len() <= chars_max || text.chars().count() <= chars_max
}

/// The digits before a fraction that is zero; tools that know only floating point write integers so.
fn whole(raw: &str) -> &str {
    match raw.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b == b'0') => whole,
        _ => raw,
    }
}

/// Whether a JSON value is an integer without fraction and exponent.
fn is_integer(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn not_one_of<T>(field: Field, choices: &Choices<T>) -> Reject {
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    invalid(field, format!("must be one of {}", names.join(", ")))
}
