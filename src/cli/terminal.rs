//! Output for a person at a terminal.

use super::failure::Failure;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use ratatui::crossterm::terminal;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Columns of text for a reader without a terminal.
const COLUMNS: usize = 100;

/// Writes to stdout. A reader that has seen enough, such as `head`, is no failure.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Columns of the terminal that stdout is; [`COLUMNS`] elsewhere.
pub(super) fn columns() -> usize {
    let size = io::stdout().is_terminal().then(terminal::size);
    size.and_then(Result::ok)
        .map_or(COLUMNS, |(columns, _)| columns.into())
}

/// Writes a line to standard error. Perhaps nobody reads it, which is no reason to stop.
macro_rules! tell {
    ($($line:tt)*) => {{
        let mut stderr = std::io::stderr().lock();
        let _ = std::io::Write::write_fmt(&mut stderr, format_args!("{}\n", format_args!($($line)*)));
    }};
}
pub(super) use tell;

/// Tells of bytes of a file that were passed over, if there are any.
pub(super) fn tell_of_loss(path: &str, bytes: u64) {
    if bytes > 0 {
        let bytes = HumanCount(bytes);
        tell!("{path}: {bytes} bytes behind a damaged record were passed over");
    }
}

/// Progress through files, in bytes. Hidden when standard error is no terminal, and without an end for standard input.
pub(super) fn byte_bar(paths: &[impl AsRef<Path>]) -> ProgressBar {
    let length = |path| {
        let metadata = std::fs::metadata(path).ok();
        metadata.filter(std::fs::Metadata::is_file).map(|m| m.len())
    };
    let length: Option<u64> = paths.iter().map(length).sum();
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{bar:30} {percent:>3} %  {msg}  {elapsed}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}"),
    };
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Progress through simulated days. Hidden when standard error is no terminal.
pub(super) fn day_bar(days: u32) -> ProgressBar {
    let template = "{bar:30} day {pos}/{len}  {msg}  {elapsed}, {eta} left";
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(u64::from(days)).with_style(style)
}
