//! The smallest process that is worth a world: it copies every input record, exactly once.
//!
//! It proves the world, and not itself: right as it is, no fault may hurt it; with any of its [`Mistake`]s, some seed
//! must show the damage. It does by journal and offsets what a worker does, without state, snapshots or time.

use super::link::SimLink;
use super::slot::{Process, ProcessContext};
use churnwatch::kafka::link::{Attempt, Front, Link, Reader, Receipt};
use churnwatch::kafka::{Fault, Item, Outbound, Rebalance, Span, TopicPartition};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a copy worker may get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Nothing.
    None,
    /// After a commit of unknown outcome it sends everything again.
    SendsAgain,
    /// It takes an unknown outcome for a good one.
    TrustsTheUnknown,
    /// It takes partitions over from what can be read of their journals at once.
    ReadsToTheStableEnd,
    /// It keeps its state when partitions are lost, and goes on with it when they come back.
    KeepsLostState,
    /// It commits records and offsets in two transactions.
    CommitsTwice,
}

impl Mistake {
    /// Every mistake there is.
    pub const ALL: [Self; 5] = [
        Self::SendsAgain,
        Self::TrustsTheUnknown,
        Self::ReadsToTheStableEnd,
        Self::KeepsLostState,
        Self::CommitsTwice,
    ];
}

/// Where copies go.
pub const COPIES: &str = "copies";
/// The copy worker's journal.
pub const JOURNAL: &str = "journal";

/// One process.
pub struct CopyWorker<'a> {
    link: SimLink<'a>,
    names: Vec<String>,
    mistake: Mistake,
    writer: u64,
    shards: BTreeMap<i32, Shard>,
    copies: Vec<Outbound>,
    /// A commit failed: nothing new is taken until it is through.
    held: bool,
    doubt: bool,
    stop: Cell<bool>,
}

/// One partition number.
#[derive(Debug, Clone, Default)]
struct Shard {
    seq: u64,
    /// By topic.
    next: Vec<i64>,
    /// Offset behind the last entry known.
    journal_end: i64,
    moved: bool,
}

impl<'a> CopyWorker<'a> {
    pub fn new(context: ProcessContext<'a>, names: Vec<String>, mistake: Mistake) -> Self {
        Self {
            link: context.link,
            names,
            mistake,
            writer: context.start as u64,
            shards: BTreeMap::new(),
            copies: Vec::new(),
            held: false,
            doubt: false,
            stop: Cell::new(false),
        }
    }

    fn assigned(&mut self, places: &[TopicPartition]) -> Result<(), Fault> {
        let committed = self.link.committed(places)?;
        for place in places.iter().filter(|place| place.topic == 0) {
            let kept = self.mistake == Mistake::KeepsLostState
                && self.shards.contains_key(&place.partition);
            if !kept {
                let shard = self.restore(place.partition)?;
                self.shards.insert(place.partition, shard);
            }
        }
        self.shards
            .retain(|partition, _| places.iter().any(|place| place.partition == *partition));
        let next = |place: &TopicPartition| self.shards[&place.partition].next[place.topic];
        for (place, offset) in committed {
            if self.mistake == Mistake::None && next(&place) != offset.unwrap_or(0) {
                // Between the two questions somebody else has committed: these partitions are not ours any more.
                return Err(Fault::Restart("journal and offsets differ".to_owned()));
            }
        }
        let starts: Vec<_> = places.iter().map(|place| (*place, next(place))).collect();
        self.link.assign(&starts)
    }

    /// Reads a journal to its end.
    fn restore(&mut self, partition: i32) -> Result<Shard, Fault> {
        let mut shard = Shard {
            next: vec![0; self.names.len()],
            ..Shard::default()
        };
        let bounds = self.link.journal_bounds(partition)?;
        shard.journal_end = bounds.end;
        self.read(partition, bounds.start, bounds.end, |seq, _, next| {
            shard.seq = seq;
            shard.next = next;
        })?;
        Ok(shard)
    }

    fn read(
        &mut self,
        partition: i32,
        from: i64,
        to: i64,
        mut entry: impl FnMut(u64, u64, Vec<i64>),
    ) -> Result<(), Fault> {
        let at = TopicPartition {
            topic: self.names.len(),
            partition,
        };
        let mut reader = self.link.reader(&[Span { at, from, to }])?;
        loop {
            match reader.front(0, Duration::from_millis(50))? {
                Front::Done => return Ok(()),
                Front::Pending if self.mistake == Mistake::ReadsToTheStableEnd => return Ok(()),
                Front::Pending => continue,
                Front::Record(record) => {
                    let text = str::from_utf8(record.value().unwrap_or_default()).unwrap();
                    let numbers: Vec<i64> = text.split(' ').map(|n| n.parse().unwrap()).collect();
                    entry(numbers[0] as u64, numbers[1] as u64, numbers[2..].to_vec());
                }
            }
            reader.pass(0);
        }
    }

    fn revoked(&mut self, lost: bool) -> Result<(), Fault> {
        if !lost {
            self.commit()?;
        }
        self.copies.clear();
        (self.held, self.doubt) = (false, false);
        if self.mistake != Mistake::KeepsLostState {
            self.shards.clear();
        }
        self.link.unassign()
    }

    fn take(&mut self) {
        self.link.receive(50, Duration::from_millis(50));
        for item in self.link.items() {
            let Item::Record(record) = item else { continue };
            let shard = self.shards.get_mut(&record.at.partition).unwrap();
            shard.next[record.at.topic] = record.offset + 1;
            shard.moved = true;
            let place = format!("{}/{}", record.at.topic, record.at.partition);
            self.copies.push(Outbound {
                topic: COPIES.into(),
                partition: None,
                value: Some(format!("{place}/{}", record.offset).into_bytes()),
                key: Some(place.into_bytes()),
                headers: Vec::new(),
                timestamp_ms: None,
            });
        }
        self.link.clear();
    }

    fn commit(&mut self) -> Result<(), Fault> {
        if self.doubt && !self.resolve()? {
            return Ok(());
        }
        let moved: Vec<i32> = self.moved();
        if moved.is_empty() {
            self.held = false;
            return Ok(());
        }
        let mut offsets = Vec::new();
        let mut outbound = self.copies.clone();
        for partition in &moved {
            let shard = &self.shards[partition];
            let next = (0..).zip(&shard.next);
            offsets.extend(next.map(|(topic, next)| {
                (
                    TopicPartition {
                        topic,
                        partition: *partition,
                    },
                    *next,
                )
            }));
            let next: Vec<String> = shard.next.iter().map(i64::to_string).collect();
            let entry = format!("{} {} {}", shard.seq + 1, self.writer, next.join(" "));
            outbound.push(Outbound {
                topic: JOURNAL.into(),
                partition: Some(*partition),
                key: None,
                value: Some(entry.into_bytes()),
                headers: Vec::new(),
                timestamp_ms: None,
            });
        }
        if self.mistake == Mistake::CommitsTwice {
            let copies = std::mem::take(&mut self.copies);
            outbound.drain(..copies.len());
            if !matches!(self.link.commit(&copies, &[])?, Attempt::Committed(_)) {
                self.copies = copies;
                self.held = true;
                return Ok(());
            }
        }
        match self.link.commit(&outbound, &offsets)? {
            Attempt::Committed(receipt) => self.settle(&receipt, &outbound),
            Attempt::Unknown(_) if self.mistake == Mistake::TrustsTheUnknown => {
                self.settle(&Receipt::default(), &outbound);
            }
            Attempt::Unknown(_) => {
                self.held = true;
                self.doubt = self.mistake != Mistake::SendsAgain;
            }
            Attempt::Again(_) | Attempt::Membership(_) => self.held = true,
            Attempt::TooLarge(_) => return Err(Fault::Halt("too large".to_owned())),
        }
        Ok(())
    }

    fn moved(&self) -> Vec<i32> {
        let moved = self.shards.iter().filter(|(_, shard)| shard.moved);
        moved.map(|(partition, _)| *partition).collect()
    }

    /// Finds out what became of a commit. Returns whether it is known.
    fn resolve(&mut self) -> Result<bool, Fault> {
        if self.link.fence()?.is_err() {
            return Ok(false);
        }
        let mut found = false;
        for partition in self.moved() {
            let Shard {
                seq, journal_end, ..
            } = self.shards[&partition];
            let end = match self.link.journal_bounds(partition) {
                Err(Fault::Restart(_)) => return Ok(false),
                bounds => bounds?.end,
            };
            let ours = (seq + 1, self.writer);
            self.read(partition, journal_end, end, |seq, writer, _| {
                found |= (seq, writer) == ours
            })?;
        }
        self.doubt = false;
        if found {
            self.settle(&Receipt::default(), &[]);
        }
        Ok(true)
    }

    /// What was to be committed is.
    fn settle(&mut self, receipt: &Receipt, outbound: &[Outbound]) {
        for (partition, shard) in self.shards.iter_mut().filter(|(_, shard)| shard.moved) {
            shard.moved = false;
            shard.seq += 1;
            let mut placed = receipt.placed.iter();
            let own = placed.find(|(index, _)| outbound[*index].partition == Some(*partition));
            shard.journal_end = own.map_or(shard.journal_end, |(_, offset)| offset + 1);
        }
        self.copies.clear();
        self.held = false;
    }
}

impl Process for CopyWorker<'_> {
    fn turn(&mut self) -> Result<bool, Fault> {
        match self.link.serve()? {
            Some(Rebalance::Assigned(places)) => self.assigned(&places)?,
            Some(Rebalance::Revoked { lost }) => self.revoked(lost)?,
            None if self.held => self.link.wait(Duration::from_millis(100)),
            None if self.stop.get() => {}
            None => self.take(),
        }
        self.commit()?;
        Ok(!self.stop.get() || self.held)
    }

    fn ask_to_stop(&self) {
        self.stop.set(true);
    }
}
