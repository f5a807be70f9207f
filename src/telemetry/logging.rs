//! Logs on stderr: for people on a terminal, one JSON object a line elsewhere.

use super::troubles;
use crate::config::{LogFormat, LogSettings};
use crate::model::Timestamp;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// The environment variable that goes over `log.level`.
const VARIABLE: &str = "RUST_LOG";

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `RUST_LOG` or `log.level` is no filter.
    #[error(
        "{origin} is not a log filter: {error}; write such as \"info,churnwatch::kafka=debug\""
    )]
    Filter {
        /// Which of the two.
        origin: &'static str,
        /// What is wrong with it.
        error: ParseError,
    },
    /// The process logs already.
    #[error("logging was started twice")]
    Twice,
}

/// Starts logging for the whole process. `clock` is wall time, for troubles that come again.
///
/// # Errors
/// If the filter is none, or logging has been started before.
pub fn init(settings: &LogSettings, clock: fn() -> Timestamp) -> Result<(), LogError> {
    let filter = filter(settings, std::env::var(VARIABLE).ok())?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match settings.format {
        LogFormat::Pretty => logs.try_init(),
        LogFormat::Auto if std::io::stderr().is_terminal() => logs.try_init(),
        LogFormat::Auto | LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
    started.map_err(|_| LogError::Twice)?;
    troubles::set_clock(clock);
    Ok(())
}

fn filter(settings: &LogSettings, variable: Option<String>) -> Result<EnvFilter, LogError> {
    let (origin, text) = match variable.filter(|text| !text.trim().is_empty()) {
        Some(text) => (VARIABLE, text),
        None => ("log.level", settings.level.clone()),
    };
    EnvFilter::builder()
        .parse(text)
        .map_err(|error| LogError::Filter { origin, error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_goes_over_the_setting() {
        let settings = LogSettings {
            format: LogFormat::Auto,
            level: "warn".into(),
        };
        let shown = |variable: Option<&str>| {
            filter(&settings, variable.map(str::to_owned)).map(|filter| filter.to_string())
        };
        assert_eq!(shown(None).unwrap(), "warn");
        assert_eq!(shown(Some(" ")).unwrap(), "warn");
        assert_eq!(shown(Some("churnwatch=debug")).unwrap(), "churnwatch=debug");
        let error = shown(Some("churnwatch=loud")).unwrap_err().to_string();
        assert!(error.starts_with("RUST_LOG is not a log filter"), "{error}");
    }
}
