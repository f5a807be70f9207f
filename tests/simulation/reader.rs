//! Reading stretches of partitions again.

use super::faults::Step;
use super::scheduler::Scheduler;
use super::world::ProcessId;
use churnwatch::kafka::link::{Front, Reader};
use churnwatch::kafka::{ConsumedRecord, Fault, Span, StoredRecord};
use std::rc::Rc;
use std::time::Duration;

/// Reads stretches for one process.
pub struct SimReader<'a> {
    scheduler: Rc<Scheduler<'a>>,
    slot: usize,
    process: ProcessId,
    stretches: Vec<Stretch>,
}

struct Stretch {
    span: Span,
    /// Offset of the next record, or where to look for it.
    next: i64,
    front: Option<Rc<StoredRecord>>,
}

impl<'a> SimReader<'a> {
    pub fn new(
        scheduler: Rc<Scheduler<'a>>,
        slot: usize,
        process: ProcessId,
        spans: &[Span],
    ) -> Self {
        let stretch = |span: &Span| Stretch {
            span: *span,
            next: span.from,
            front: None,
        };
        Self {
            scheduler,
            slot,
            process,
            stretches: spans.iter().map(stretch).collect(),
        }
    }

    /// Looks for the next record of a stretch. Returns whether it is known what comes next.
    fn look(&mut self, span: usize) -> Result<bool, Fault> {
        let world = &mut *self.scheduler.world.borrow_mut();
        let late = world.outage || world.dice.chance(30);
        let Stretch { span, next, front } = &mut self.stretches[span];
        if front.is_some() || *next >= span.to {
            return Ok(true);
        }
        let log = &world.logs[&span.at];
        if *next < log.start() {
            let name = &world.names[span.at.topic];
            let partition = span.at.partition;
            let gone =
                format!("topic {name} partition {partition}: offset {next} is not there any more");
            // A journal is trimmed all the time; inputs are not.
            let journal = span.at.topic == world.topics.journal();
            return Err(if journal {
                Fault::Restart(gone)
            } else {
                Fault::Halt(gone)
            });
        }
        if late {
            return Ok(false);
        }
        // What is not stable yet will be, when its transaction ends.
        let end = span.to.min(log.stable_end());
        let found = (*next..end).find_map(|offset| Some((offset, log.visible(offset)?)));
        *next = found.map_or(end, |(offset, _)| offset);
        *front = found.map(|(_, record)| Rc::clone(record));
        Ok(found.is_some() || *next >= span.to)
    }
}

impl Reader for SimReader<'_> {
    fn front(&mut self, span: usize, wait: Duration) -> Result<Front<'_>, Fault> {
        self.scheduler
            .step(self.slot, self.process, Step::Restore)?;
        if !self.look(span)? {
            self.scheduler.pass(wait.as_millis() as i64);
            self.scheduler.alive(self.process)?;
            return Ok(Front::Pending);
        }
        let Stretch { span, next, front } = &self.stretches[span];
        Ok(match front {
            Some(record) => Front::Record(ConsumedRecord::of(span.at, *next, record)),
            None => Front::Done,
        })
    }

    fn pass(&mut self, span: usize) {
        let stretch = &mut self.stretches[span];
        if stretch.front.take().is_some() {
            stretch.next += 1;
        }
    }
}
