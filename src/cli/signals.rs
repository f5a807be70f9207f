use super::failure::Failure;
use crate::config::Config;
use crate::runtime::clock;
use crate::telemetry::logging;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Begins a process that runs until it is told to end: it has a log from now on, and handles signals, so that not even its
/// start is cut short by one.
pub(super) fn begin(config: &Config) -> Result<(Runtime, Signals), Failure> {
    logging::init(&config.log, clock::now).map_err(|error| Failure::Usage(error.to_string()))?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot handle signals: {error}")))?;
    let signals = runtime.block_on(async { Signals::new() })?;
    Ok((runtime, signals))
}

/// Handles a signal from now on; needs a tokio runtime.
pub(super) fn handle(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::Failed(format!("cannot handle signals: {error}")))
}

/// The signals that ask a process to end.
pub(super) struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Handles them from now on; needs a tokio runtime.
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {
            term: handle(SignalKind::terminate())?,
            interrupt: handle(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one and gives its name.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
