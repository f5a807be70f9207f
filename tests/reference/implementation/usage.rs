//! A subscriber's call detail: every accepted record, counted anew at every question.

use churnwatch::model::{Body, CallOutcome, Day, Direction, Event};
use std::collections::BTreeMap;

pub const VOICE: usize = 0;
pub const DATA: usize = 1;
pub const CHANNELS: [usize; 2] = [VOICE, DATA];

/// Records among which a repeated one is recognised.
const REMEMBERED: usize = 8;
const MEBIBYTE: u128 = 1 << 20;

/// One local day as the engine should know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    pub outgoing: u64,
    pub incoming: u64,
    pub messages: u64,
    pub sessions: u64,
    pub dropped: u64,
    pub voice_seconds: u64,
    pub data_mebibytes: u64,
}

#[derive(Clone, Copy)]
enum Used {
    Call {
        outgoing: bool,
        seconds: u64,
        dropped: bool,
    },
    Message,
    Session {
        bytes: u64,
    },
    Nothing,
}

pub struct Usage {
    window_days: i32,
    /// In order of arrival.
    all: Vec<Used>,
    by_day: BTreeMap<Day, Vec<usize>>,
    identities: Vec<u64>,
}

impl Usage {
    pub fn new(window_days: u16) -> Self {
        Self {
            window_days: i32::from(window_days),
            all: Vec::new(),
            by_day: BTreeMap::new(),
            identities: Vec::new(),
        }
    }

    /// Whether the subscriber's own ring has left a day behind.
    pub fn too_old(&self, day: Day) -> bool {
        let newest = self.newest();
        newest.is_some_and(|newest| newest.0 - day.0 >= self.window_days)
    }

    /// The newest day with any record.
    pub fn newest(&self) -> Option<Day> {
        self.by_day.keys().next_back().copied()
    }

    pub fn repeated(&self, event: &Event<'_>) -> bool {
        let last = self.identities.iter().rev().take(REMEMBERED);
        last.copied().any(|seen| seen == identity(event))
    }

    pub fn take(&mut self, event: &Event<'_>, day: Day) {
        let used = match event.body {
            Body::Call {
                direction,
                duration_seconds,
                outcome,
                ..
            } => Used::Call {
                outgoing: direction == Direction::Outgoing,
                seconds: u64::from(duration_seconds),
                dropped: outcome == CallOutcome::Dropped,
            },
            Body::Message { .. } => Used::Message,
            Body::Data { volume_bytes, .. } => Used::Session {
                bytes: volume_bytes,
            },
            _ => Used::Nothing,
        };
        self.identities.push(identity(event));
        self.by_day.entry(day).or_default().push(self.all.len());
        self.all.push(used);
    }

    /// Forgets everything but which records were seen.
    pub fn forget(&mut self) {
        self.all.clear();
        self.by_day.clear();
    }

    /// Events of a channel on a day of the ring, held at the largest a bucket can count.
    pub fn events(&self, channel: usize, day: Day) -> u64 {
        if self.too_old(day) {
            return 0;
        }
        let counted = self.day(day);
        match channel {
            VOICE => counted.outgoing + counted.incoming + counted.messages,
            _ => counted.sessions,
        }
    }

    /// Calls both ways on a day of the ring, and how many of them dropped.
    pub fn calls(&self, day: Day) -> (u64, u64) {
        if self.too_old(day) {
            return (0, 0);
        }
        let counted = self.day(day);
        (counted.outgoing + counted.incoming, counted.dropped)
    }

    /// Outgoing calls and all messages on a day of the ring, held in the same way.
    pub fn sent(&self, day: Day) -> u64 {
        let counted = self.day(day);
        match self.too_old(day) {
            true => 0,
            false => counted.outgoing + counted.messages,
        }
    }

    /// Whether the subscriber did something of their own with the line.
    pub fn used(&self, day: Day) -> bool {
        let counted = self.day(day);
        !self.too_old(day) && (counted.outgoing > 0 || counted.sessions > 0)
    }

    pub fn active(&self, day: Day) -> bool {
        CHANNELS
            .iter()
            .any(|channel| self.events(*channel, day) > 0)
    }

    /// The first day ever with any usage.
    pub fn first_active(&self) -> Option<Day> {
        self.active_days().next()
    }

    /// The last day with any usage.
    pub fn last_active(&self) -> Option<Day> {
        self.active_days().next_back()
    }

    fn active_days(&self) -> impl DoubleEndedIterator<Item = Day> {
        let used = |indexes: &[usize]| {
            let mut used = indexes.iter().map(|index| self.all[*index]);
            used.any(|used| !matches!(used, Used::Nothing))
        };
        let days = self.by_day.iter();
        days.filter(move |(_, indexes)| used(indexes))
            .map(|(day, _)| *day)
    }

    /// The window: every day that is not older than the ring, oldest first; nothing before the first record.
    pub fn window(&self) -> Vec<(Day, Counted)> {
        let Some(newest) = self.by_day.keys().next_back() else {
            return Vec::new();
        };
        let days = (0..self.window_days).rev().map(|age| *newest - age);
        let count = |day| Counted {
            data_mebibytes: self.mebibytes(day),
            ..self.day(day)
        };
        days.map(|day| (day, count(day))).collect()
    }

    fn day(&self, day: Day) -> Counted {
        let mut counted = Counted::default();
        for index in self.by_day.get(&day).into_iter().flatten() {
            match self.all[*index] {
                Used::Call {
                    outgoing,
                    seconds,
                    dropped,
                } => {
                    counted.outgoing += u64::from(outgoing);
                    counted.incoming += u64::from(!outgoing);
                    counted.dropped += u64::from(dropped);
                    counted.voice_seconds += seconds;
                }
                Used::Message => counted.messages += 1,
                Used::Session { .. } => counted.sessions += 1,
                Used::Nothing => {}
            }
        }
        let held = |count: u64| count.min(u64::from(u8::MAX));
        Counted {
            outgoing: held(counted.outgoing),
            incoming: held(counted.incoming),
            messages: held(counted.messages),
            sessions: held(counted.sessions),
            dropped: held(counted.dropped),
            voice_seconds: counted.voice_seconds.min(u64::from(u16::MAX)),
            data_mebibytes: 0,
        }
    }

    /// The whole MiB a day's sessions completed, what earlier ones had left over included.
    pub fn mebibytes(&self, day: Day) -> u64 {
        let until = |index: usize| -> u128 {
            let bytes = self.all[..index].iter().map(|used| match used {
                Used::Session { bytes } => u128::from(*bytes),
                _ => 0,
            });
            bytes.sum::<u128>() / MEBIBYTE
        };
        let records = self.by_day.get(&day).into_iter().flatten();
        let whole: u128 = records.map(|i| until(i + 1) - until(*i)).sum();
        whole.min(u128::from(u16::MAX)) as u64
    }
}

fn identity(event: &Event<'_>) -> u64 {
    match event.body {
        Body::Data {
            session: Some(session),
            ..
        } => session,
        _ => event.record,
    }
}
