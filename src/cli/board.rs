use super::failure::Failure;
use super::signals;
use crate::board::{self, Board};
use crate::config::Config;
use crate::engine::settings::ClockKind;
use clap::Args;
use std::path::PathBuf;
use tracing::info;

/// Show tasks to people, who take and answer them
///
/// Serves pages on which account managers see, take and answer retention tasks, and leads see how the work stands. It reads
/// the tasks of all detectors from their topic, and sends what people did to the feedback topic and to a topic of its own.
/// Runs until SIGTERM or SIGINT (Ctrl-C). [board] of the configuration says who may use it and where it listens.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct BoardCommand {
    /// Configuration file; without one, the defaults and the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print a new token for a user, with what the configuration keeps of it, and end
    #[arg(long)]
    new_token: bool,
}

const AFTER_HELP: &str = "\
Examples:
  churnwatch board --config churnwatch.toml
  churnwatch board --new-token";

impl BoardCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.new_token {
            let token = board::secret().map_err(Failure::Failed)?;
            println!(
                "token         {token}\ntoken_sha256  {}",
                board::hash(&token)
            );
            return Ok(());
        }
        let config = Config::load(self.config.as_deref())?;
        let (runtime, mut signals) = signals::begin(&config)?;
        let by_events = config.rules.window.clock == ClockKind::Event;
        let board = Board::start(&config, by_events);
        let board = board.map_err(|error| Failure::Failed(error.to_string()))?;
        let address = board.address();
        info!(%address, "the board is at http://{address}/");
        let address = board.metrics_address();
        info!("its metrics are at http://{address}/metrics");
        runtime.block_on(signals.next());
        drop(board);
        info!("ended");
        Ok(())
    }
}
