use super::failure::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask a process to end.
pub(super) struct Signals {
    term: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Handles them from now on; needs a tokio runtime.
    pub(super) fn new() -> Result<Self, Failure> {
        let handle = |kind| {
            signal(kind).map_err(|error| Failure::Failed(format!("cannot handle signals: {error}")))
        };
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
