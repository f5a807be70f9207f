//! `churnwatch inspect`: what is kept of the state, for people and programs to look at. Nothing is changed.

mod journal;
mod snapshots;
mod store;
mod subscriber;
mod text;

use super::failure::Failure;
use clap::{Args, Subcommand};

/// Look at what is kept of the state: snapshots, the journal, one subscriber
///
/// Changes nothing, joins no group, and may be used while `run` is running.
#[derive(Args)]
#[command(arg_required_else_help = true, after_help = AFTER_HELP)]
pub(super) struct Inspect {
    #[command(subcommand)]
    what: What,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch inspect snapshots --config churnwatch.toml        is every snapshot whole?
  churnwatch inspect journal --config churnwatch.toml --partition 0 --from 1200 --limit 20
  churnwatch inspect subscriber 13800138000 --config churnwatch.toml";

#[derive(Subcommand)]
enum What {
    Snapshots(snapshots::Snapshots),
    Journal(journal::Journal),
    Subscriber(subscriber::Subscriber),
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Snapshots(snapshots) => snapshots.run(),
            What::Journal(journal) => journal.run(),
            What::Subscriber(subscriber) => subscriber.run(),
        }
    }
}
