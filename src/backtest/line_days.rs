//! What days say of lines: how likely their use is in each state. The hazards of `[line_state]` are fitted to it.

use super::roster::Roster;
use crate::engine::LineDay;
use crate::engine::settings::LineState;
use crate::model::Day;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// The days of lines, for a sample of the lines once there are too many.
#[derive(Debug, Default)]
pub struct LineDays {
    lines: BTreeMap<u32, Vec<KnownDay>>,
    /// One line in 2 to this power is kept.
    halvings: u32,
}

/// A day of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownDay {
    /// The day.
    pub day: Day,
    /// How likely its use is in each state, as eighths of a bit behind the likeliest; nothing where the line was barred.
    pub likelihoods: Option<[u8; LineState::COUNT]>,
}

/// The most lines that are kept: 16 bytes a day each.
const LINES_MAX: usize = 20_000;

impl LineDays {
    /// Keeps a day, if its line belongs to the sample. Which lines do follows from their numbers alone.
    pub fn add(&mut self, roster: &mut Roster, day: &LineDay) {
        if !self.samples(day.msisdn.as_bytes()) {
            return;
        }
        let known = KnownDay {
            day: day.day,
            likelihoods: day.likelihoods,
        };
        let line = roster.number(&day.msisdn);
        self.lines.entry(line).or_default().push(known);
        while self.lines.len() > LINES_MAX {
            self.halvings += 1;
            let mut lines = std::mem::take(&mut self.lines);
            let msisdn = |line: &u32| roster.names().get(*line as usize);
            lines.retain(|line, _| msisdn(line).is_some_and(|name| self.samples(name.as_bytes())));
            self.lines = lines;
        }
    }

    fn samples(&self, msisdn: &[u8]) -> bool {
        xxh3_64(msisdn).trailing_zeros() >= self.halvings
    }

    /// Every line of the sample by its number in the roster, with its days in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[KnownDay])> {
        let lines = self.lines.iter();
        lines.map(|(line, days)| (*line, days.as_slice()))
    }

    /// One line in so many is kept.
    pub fn one_in(&self) -> u64 {
        1 << self.halvings
    }
}
