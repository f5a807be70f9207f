//! Lines of JSON, read without quoting what they hold.

use crate::model::Timestamp;
use serde::Deserialize;

/// A line that is no task or no ground truth.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AnswerError(String);

/// Reads a line of JSON; `what` it should be is for the error.
pub fn parse_line<'a, T: Deserialize<'a>>(line: &'a [u8], what: &str) -> Result<T, AnswerError> {
    let line = serde_json::from_slice(line);
    // Not the error's own words: they could quote a number.
    line.map_err(|error| {
        let column = error.column();
        AnswerError(format!("not {what}: stops making sense at column {column}"))
    })
}

/// Reads a field's moment.
pub fn parse_time(field: &str, text: &str) -> Result<Timestamp, AnswerError> {
    let moment: Result<jiff::Timestamp, _> = text.parse();
    let moment = moment.map_err(|_| AnswerError(format!("`{field}` is not RFC 3339")))?;
    Ok(Timestamp(moment.as_millisecond()))
}
