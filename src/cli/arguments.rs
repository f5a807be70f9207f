//! What several commands make of their arguments.

use super::failure::Failure;
use super::terminal::tell;
use crate::config::Config;
use crate::decode::{Layouts, READY, is_native};
use crate::files::{claim, expand};
use crate::model::{Day, Timestamp};
use clap::Args;
use std::ffi::OsString;
use std::path::Path;
use toml::{Table, Value};

/// Which layouts the records of files have.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct LayoutArgs {
    /// How records of other systems are brought into form: a layout's file, or the name of one that comes with the program;
    /// may be given several times [default: decode.layouts of the configuration]
    #[arg(long = "layout", value_name = "NAME|FILE")]
    names: Vec<String>,
}

impl LayoutArgs {
    /// Refuses names of nothing.
    fn check(&self) -> Result<(), Failure> {
        let is_ready = |name: &str| READY.iter().any(|(ready, _)| *ready == name);
        let mut unknown = self
            .names
            .iter()
            .filter(|name| !is_ready(name) && !Path::new(name).exists());
        match unknown.next() {
            None => Ok(()),
            Some(name) => {
                let ready: Vec<&str> = READY.iter().map(|(ready, _)| *ready).collect();
                Err(Failure::Usage(format!(
                    "--layout {name}: there is no such file, and no layout of this name comes with the program; those that do are {}",
                    ready.join(", ")
                )))
            }
        }
    }

    /// As settings over those of a file.
    fn overlay(&self) -> Option<(OsString, OsString)> {
        let names = self.names.iter().map(|name| Value::from(name.as_str()));
        let names = Value::Array(names.collect()).to_string();
        let stated = !self.names.is_empty();
        stated.then(|| ("CHURNWATCH_DECODE__LAYOUTS".into(), names.into()))
    }

    /// A configuration, or the defaults, under the environment.
    pub(super) fn load(&self, path: Option<&Path>) -> Result<Config, Failure> {
        self.check()?;
        let environment = std::env::vars_os().chain(self.overlay());
        Ok(Config::load_with(path, environment)?)
    }

    /// The same, with a clock that follows the events, whatever the file says.
    pub(super) fn load_offline(&self, path: Option<&Path>) -> Result<Config, Failure> {
        self.check()?;
        let clock = ("CHURNWATCH_WINDOW__CLOCK".into(), "event".into());
        let environment = std::env::vars_os().chain(self.overlay()).chain([clock]);
        Ok(Config::load_with(path, environment)?)
    }
}

/// The effective keys of a configuration that decide what becomes of a record.
pub(super) fn effective(config: &Config) -> Result<Table, Failure> {
    let table = config.ruleset().text.parse();
    table.map_err(|error: toml::de::Error| Failure::Failed(error.to_string()))
}

/// The event files behind inputs. What is found with them and holds no events, such as the output of an earlier run, is
/// named and passed over.
pub(super) fn event_files(inputs: &[String], layouts: &Layouts) -> Result<Vec<String>, Failure> {
    let is_event =
        |path: &str, line: &[u8]| is_native(line) || layouts.of_file(path, line).name().is_some();
    let found = expand(inputs, is_event)?;
    for stranger in &found.strangers {
        match layouts.is_empty() {
            true => tell!("{stranger}: passed over, as none of its first lines is an event"),
            false => tell!(
                "{stranger}: passed over, as none of its first lines is an event, and none of the layouts {} fits",
                layouts.names().join(", ")
            ),
        }
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

/// A time for `--now` and `--before`.
pub(super) fn parse_moment(text: &str) -> Result<Timestamp, String> {
    let rule = "must be RFC 3339 with an offset, such as 2026-03-09T14:05:00+08:00";
    Timestamp::parse(text).ok_or_else(|| rule.to_owned())
}

/// A day for `--start`.
pub(super) fn parse_day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "not a date like 2026-03-02".to_owned())
}
