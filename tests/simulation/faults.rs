//! What goes wrong, where, and how often.

use super::dice::Dice;

/// A moment at which a process can be hit. `crash_at_every_step` goes through all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The loop asks the group for news.
    Serve,
    /// Partitions were given, and are about to be read.
    Assign,
    /// Partitions were taken, and are about to be given up.
    Unassign,
    /// The group's offsets are asked for.
    Committed,
    /// A journal or an input is read again.
    Restore,
    /// A producer is about to be connected, the first or one that replaces another.
    Fence,
    /// A transaction is about to begin.
    Produce,
    /// Some of its records were written.
    Produced,
    /// All of its records were written.
    SendOffsets,
    /// Its offsets were added.
    OffsetsSent,
    /// The request to commit is under way; it arrives whatever becomes of the sender.
    EndSent,
    /// The commit took effect; its sender has not heard of it.
    Ended,
    /// A snapshot is about to be written.
    Upload,
    /// A part of a snapshot's object was written.
    Uploading,
    /// The object is there; its manifest is not.
    Uploaded,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 15] = [
        Self::Serve,
        Self::Assign,
        Self::Unassign,
        Self::Committed,
        Self::Restore,
        Self::Fence,
        Self::Produce,
        Self::Produced,
        Self::SendOffsets,
        Self::OffsetsSent,
        Self::EndSent,
        Self::Ended,
        Self::Upload,
        Self::Uploading,
        Self::Uploaded,
    ];

    /// How much more often than the rates say a process is hit here: steps that are passed without end less, the rare
    /// and dangerous ones more.
    fn weight(self) -> f64 {
        match self {
            Self::Serve => 0.02,
            Self::Restore => 0.05,
            Self::EndSent | Self::Ended | Self::OffsetsSent => 3.0,
            Self::Uploading | Self::Uploaded | Self::Upload => 3.0,
            _ => 1.0,
        }
    }
}

/// What hits a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disruption {
    /// It is gone, as by `kill -9`.
    Crash,
    /// It stands still for so many milliseconds, its client's threads too, as by `SIGSTOP`.
    Stall(i64),
}

/// Faults in a thousand opportunities.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// A process is gone.
    pub crash: u32,
    /// A process stands still; one time in two for longer than its transaction or its session may last.
    pub stall: u32,
    /// A transaction is refused before it ends: the brokers do not take a record, or not the offsets.
    pub abort: u32,
    /// Nobody hears how a commit ended. One in three took effect, one never arrived, one arrives later.
    pub unknown: u32,
    /// A question is not answered.
    pub unanswered: u32,
    /// All brokers are away for some seconds, or the coordinators are loading; per second.
    pub outage: u32,
    /// The markers of a transaction are written late, one after the other.
    pub slow_markers: u32,
    /// An object cannot be written.
    pub put_fails: u32,
    /// An object of a snapshot is lost or has a bit flipped; per object written. Journals are not trimmed meanwhile.
    pub damage: u32,
    /// The brokers do not delete what they were asked to.
    pub trim_fails: u32,
}

impl Rates {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        crash: 0,
        stall: 0,
        abort: 0,
        unknown: 0,
        unanswered: 0,
        outage: 0,
        slow_markers: 0,
        put_fails: 0,
        damage: 0,
        trim_fails: 0,
    };
}

/// The faults of one world.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// By chance.
    pub rates: Rates,
    /// A disruption at the n-th time (from 0) that any process comes to a step.
    pub planned: Vec<(Step, u32, Disruption)>,
    /// How often each planned step was passed.
    passed: Vec<u32>,
    /// Nothing more goes wrong: the world is to come to rest.
    pub over: bool,
}

impl Faults {
    /// Faults by chance, and planned ones.
    pub fn new(rates: Rates, planned: Vec<(Step, u32, Disruption)>) -> Self {
        let passed = vec![0; planned.len()];
        Self {
            rates,
            planned,
            passed,
            over: false,
        }
    }

    /// Whether a fault that occurs at a rate occurs now.
    pub fn happens(&self, dice: &mut Dice, rate: fn(&Rates) -> u32) -> bool {
        !self.over && dice.chance(rate(&self.rates))
    }

    /// What hits a process that comes to a step.
    pub fn disruption(&mut self, dice: &mut Dice, step: Step) -> Option<Disruption> {
        for ((planned, turn, disruption), passed) in self.planned.iter().zip(&mut self.passed) {
            if *planned == step {
                *passed += 1;
                if *passed == turn + 1 {
                    return Some(*disruption);
                }
            }
        }
        if self.over {
            return None;
        }
        let mut hit = |rate: u32| {
            rate > 0 && dice.below(1_000_000) < (f64::from(rate) * 1_000.0 * step.weight()) as u64
        };
        let (crash, stall) = (hit(self.rates.crash), hit(self.rates.stall));
        if crash {
            Some(Disruption::Crash)
        } else if stall {
            let long = dice.chance(500);
            Some(Disruption::Stall(if long {
                dice.between(10_000, 70_000)
            } else {
                dice.between(50, 9_000)
            }))
        } else {
            None
        }
    }

    /// Whether all planned disruptions have come.
    pub fn spent(&self) -> bool {
        let mut planned = self.planned.iter().zip(&self.passed);
        planned.all(|((_, turn, _), passed)| passed > turn)
    }
}
