use super::state::Worker;
use crate::journal::{self, JournalEntry};
use crate::kafka::{Fault, Front, Link, Reader, Span, TopicPartition};
use crate::runtime::clock::Stopwatch;
use crate::runtime::partition::JournalPosition;
use crate::runtime::restore::journal_record;
use std::time::Duration;

/// Wait for the journal's records.
const WAIT: Duration = Duration::from_millis(20);

impl<L: Link> Worker<'_, L> {
    /// The last entry that somebody has written to a journal behind a position in it.
    pub(super) fn journal_since(
        &mut self,
        number: i32,
        after: JournalPosition,
    ) -> Result<Option<JournalEntry>, Fault> {
        let bounds = self.ask(|link| link.journal_bounds(number))?;
        let at = TopicPartition {
            topic: self.setup.topics.journal(),
            partition: number,
        };
        let span = Span {
            at,
            from: after.next.max(bounds.start),
            to: bounds.end,
        };
        if span.from >= span.to {
            return Ok(None);
        }
        let mut reader = self.link.reader(&[span])?;
        let timeout = self.setup.config.run.transaction_timeout_seconds;
        // A transaction that is still open ends by itself in that time.
        let patience = Duration::from_secs(2 * u64::from(timeout) + 10);
        let watch = Stopwatch::start();
        let mut last = None;
        loop {
            match reader.front(0, WAIT)? {
                Front::Done => return Ok(last),
                Front::Record(record) => {
                    match journal_record(self.setup, &record)? {
                        journal::JournalRecord::Entry(entry) if entry.seq > after.seq => {
                            last = Some(entry);
                        }
                        _ => {}
                    }
                    reader.pass(0);
                }
                Front::Pending if watch.reached(patience) => {
                    return Err(Fault::Restart(format!(
                        "partition {number}: the end of the journal does not come"
                    )));
                }
                Front::Pending => {
                    self.health.beat();
                    self.link.wait(WAIT);
                }
            }
        }
    }
}
