use super::clock::Stopwatch;
use crate::config::RunSettings;
use crate::health::Health;
use std::time::Duration;

/// Ends a process whose worker hangs in a call of the Kafka client. Started again, the process goes on from its
/// journal, and other members of the group need not wait for it.
///
/// Every call has a time-out of its own, so this is only for faults of the client.
pub struct Watchdog {
    /// Since when a worker has counted as stalled.
    stalled: Option<Stopwatch>,
    patience: Duration,
}

impl Watchdog {
    /// Waits for longer than the slowest of all turns of a worker, in which it may wait for several transactions.
    pub fn new(run: &RunSettings) -> Self {
        Self {
            stalled: None,
            patience: Duration::from_secs(4 * u64::from(run.transaction_timeout_seconds)),
        }
    }

    /// Looks at the workers. Returns why the process should end, if it should.
    pub fn look(&mut self, health: &Health) -> Option<String> {
        let stalled = health.stalled();
        if stalled.is_empty() {
            self.stalled = None;
            return None;
        }
        let since = self.stalled.get_or_insert_with(Stopwatch::start);
        since.reached(self.patience).then(|| {
            format!(
                "{}: a call of the Kafka client does not return; ending the process, which goes on from its journal when \
                 it is started again",
                stalled.join("; ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::runtime::clock;

    #[test]
    fn a_worker_that_hangs_ends_the_process_and_one_that_is_slow_does_not() {
        let run = Config::embedded().unwrap().run;
        let seconds = |seconds: u64| clock::simulate(Some(1_000_000 + seconds * 1000));
        seconds(0);
        let health = Health::new(1, 60, clock::monotonic_ms);
        let worker = &health.workers()[0];
        let mut watchdog = Watchdog::new(&run);
        seconds(61);
        assert_eq!(watchdog.look(&health), None);
        worker.beat();
        seconds(110);
        assert_eq!(watchdog.look(&health), None, "it was slow");
        seconds(122);
        assert_eq!(watchdog.look(&health), None);
        seconds(162);
        let reason = watchdog.look(&health).unwrap();
        assert!(
            reason.starts_with("worker 0 has shown no sign of life for 101 s"),
            "{reason}"
        );
        clock::simulate(None);
    }
}
