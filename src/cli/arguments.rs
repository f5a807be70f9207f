//! What several commands make of their arguments.

use super::failure::Failure;
use super::terminal::tell;
use crate::config::Config;
use crate::files::{claim, expand};
use crate::model::{Day, Timestamp};
use memchr::memmem;
use std::ffi::OsString;
use std::path::Path;
use toml::Table;

/// A configuration, or the defaults, under the environment. The clock follows the events, whatever the file says.
pub(super) fn load_offline(path: Option<&Path>) -> Result<Config, Failure> {
    let clock = (
        OsString::from("CHURNWATCH_WINDOW__CLOCK"),
        OsString::from("event"),
    );
    Ok(Config::load_with(path, std::env::vars_os().chain([clock]))?)
}

/// The effective keys of a configuration that decide what becomes of a record.
pub(super) fn effective(config: &Config) -> Result<Table, Failure> {
    let table = config.ruleset().text.parse();
    table.map_err(|error: toml::de::Error| Failure::Failed(error.to_string()))
}

/// The event files behind inputs. What is found with them and holds no events, such as the output of an earlier run, is
/// named and passed over.
pub(super) fn event_files(inputs: &[String]) -> Result<Vec<String>, Failure> {
    let is_event = |line: &[u8]| memmem::find(line, br#""record_type""#).is_some();
    let found = expand(inputs, is_event)?;
    for stranger in &found.strangers {
        tell!("{stranger}: passed over, as none of its first lines is an event");
    }
    match found.files.is_empty() {
        true => Err(Failure::Failed(
            "none of the inputs holds events".to_owned(),
        )),
        false => Ok(found.files),
    }
}

/// Refuses outputs, by the options that name them, that would destroy an input, each other, or what is there already.
pub(super) fn claim_outputs<'a>(
    inputs: impl IntoIterator<Item = &'a str>,
    outputs: &[(&str, Option<&str>)],
    force: bool,
) -> Result<(), Failure> {
    let inputs: Vec<&str> = inputs.into_iter().collect();
    let named = outputs.iter();
    let named: Vec<_> = named
        .filter_map(|(option, path)| path.map(|path| (*option, path)))
        .collect();
    claim(&inputs, &named, force).map_err(Failure::Usage)
}

/// A time for `--now`.
pub(super) fn parse_now(text: &str) -> Result<Timestamp, String> {
    let moment = text.parse::<jiff::Timestamp>();
    let moment = moment.map_err(|_| "must be RFC 3339, such as 2026-03-09T14:05:00+08:00")?;
    Ok(Timestamp(moment.as_millisecond()))
}

/// A day for `--start`.
pub(super) fn parse_day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "not a date like 2026-03-02".to_owned())
}
