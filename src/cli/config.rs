use super::failure::Failure;
use super::terminal::print;
use clap::Args;

/// Print every configuration key with its default and its explanation
///
/// The output is a valid configuration file. A file of your own states only what differs from it.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Config {}

const AFTER_HELP: &str = "\
Examples:
  churnwatch config                        read it
  churnwatch config > churnwatch.toml      start a file of your own

The environment goes over the file: CHURNWATCH_WINDOW__DAYS=42 sets `days` of [window].";

impl Config {
    pub(super) fn run(self) -> Result<(), Failure> {
        print(&crate::config::reference())
    }
}
