//! A list's address.

use super::answer::{App, Problem};
use crate::board::store::Filter;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use std::collections::BTreeMap;

/// Digits of a number that may be looked for.
const DIGITS: usize = 4;

/// Beside a filter: a number in full was looked for, so the address must not stay as it is.
pub(super) const SHORTENED: &str = "shortened";

/// A list's address, as axum reads it.
pub(super) type FilterQuery = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// The filter of an address. Empty fields, which forms send, are none; `page` counts from 0.
pub(super) fn filter_of(
    app: &App,
    query: FilterQuery,
) -> Result<(Filter, BTreeMap<String, String>), Problem> {
    let sent = query
        .map_err(|rejection| Problem::Bad(rejection.body_text()))?
        .0;
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in sent {
        match fields.get_mut(&name) {
            // A form sends each column that is ticked as a field of its own.
            Some(columns) if name == "columns" => *columns += &format!(",{value}"),
            _ => {
                fields.insert(name, value);
            }
        }
    }
    let mut others = BTreeMap::new();
    for other in [
        "page", "rows", "since", "made", "ids", "step", "language", "none",
    ] {
        if let Some((name, value)) = fields.remove_entry(other) {
            others.insert(name, value);
        }
    }
    fields.retain(|name, value| !value.is_empty() && name != "csrf");
    let text = serde_urlencoded::to_string(&fields).unwrap_or_default();
    let mut filter: Filter =
        serde_urlencoded::from_str(&text).map_err(|error| Problem::Bad(error.to_string()))?;
    if shorten(&mut filter.q) {
        others.insert(SHORTENED.to_owned(), String::new());
    }
    if filter.days > 0 {
        filter.closed_since = app.day_began(filter.days);
    }
    Ok((filter, others))
}

/// Of a number only the last four digits are looked for, and kept: longer ones would let a number be guessed digit by
/// digit, and would stand in views and in the audit. Returns whether there were more.
fn shorten(q: &mut String) -> bool {
    let plain = |letter: &char| !letter.is_whitespace() && !"+-()".contains(*letter);
    let digits: String = q.chars().filter(plain).collect();
    if digits.len() >= DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        *q = digits[digits.len() - DIGITS..].to_owned();
        return digits.len() > DIGITS;
    }
    *q = q.trim().to_ascii_lowercase();
    false
}

/// The filter of the part of an address behind the question mark.
pub(super) fn filter_of_text(app: &App, query: &str) -> Result<Filter, Problem> {
    let fields = serde_urlencoded::from_str(query).unwrap_or_default();
    filter_of(app, Ok(Query(fields))).map(|(filter, _)| filter)
}
