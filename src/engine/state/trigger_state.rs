//! What a trigger keeps of a subscriber from one look to the next. A dense trigger has a state for every subscriber; a
//! sparse one only where it has something to keep.

use crate::engine::codec::{Encoded, Problem, Reader, Writer, encoded};
use crate::model::Day;

/// What may come of a firing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiringKind {
    /// May open a task.
    Full,
    /// Seen again within the cool-down: raises the strength, opens nothing.
    Repeat,
    /// Feeds the score; only service care without a counter-offer may follow.
    CareOnly,
}

/// Dense triggers: the first so many of the registry.
pub const DENSE: usize = 3;

/// What one trigger keeps of one subscriber, in 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TriggerState {
    /// A running figure of the trigger's own.
    pub level: f32,
    /// Days since 1999-12-31 of the last full firing; 0 for never.
    fired_on: u16,
    /// Strength of the last firing in 255ths.
    strength: u8,
    /// Marks or counts of the trigger's own.
    pub note: u8,
}

encoded!(TriggerState {
    level,
    fired_on,
    strength,
    note,
});

fn in_255ths(strength: f64) -> u8 {
    (strength * 255.0) as u8
}

/// 1999-12-31.
const DAY_ZERO: Day = Day(10_956);

impl TriggerState {
    /// The level as a whole number of at most 24 bits, which a float of 32 holds exactly.
    pub fn number(&self) -> u32 {
        self.level as u32
    }

    /// Makes the level a whole number of at most 24 bits.
    pub fn set_number(&mut self, number: u32) {
        self.level = number as f32;
    }

    /// The level as a day; 1970-01-01 if none was kept. Every day of the calendar fits into 24 bits.
    pub fn kept_day(&self) -> Day {
        Day(self.level as i32)
    }

    /// The same; nothing if none was kept.
    pub fn pending_day(&self) -> Option<Day> {
        Some(self.kept_day()).filter(|day| *day > Day(0))
    }

    /// Makes the level a day.
    pub fn keep_day(&mut self, day: Day) {
        self.level = day.0 as f32;
    }

    /// Day of the last full firing.
    pub fn fired_on(&self) -> Option<Day> {
        (self.fired_on > 0).then(|| DAY_ZERO + i32::from(self.fired_on))
    }

    /// Whether a day lies within so many days of the last firing.
    pub fn cooling(&self, day: Day, cooldown_days: u16) -> bool {
        let since = |fired: Day| day.since(fired) < i32::from(cooldown_days);
        self.fired_on().is_some_and(since)
    }

    /// Strength of the last firing, 0..1.
    pub fn strength(&self) -> f64 {
        f64::from(self.strength) / 255.0
    }

    /// What a firing of some strength would be: one in full, or within the cool-down a repeat if it is stronger than the last
    /// one, and otherwise nothing.
    pub fn news(&self, strength: f64, day: Day, cooldown_days: u16) -> Option<FiringKind> {
        if !self.cooling(day, cooldown_days) {
            Some(FiringKind::Full)
        } else if in_255ths(strength) > self.strength {
            Some(FiringKind::Repeat)
        } else {
            None
        }
    }

    /// Notes a firing. A repeat raises the strength while the cool-down runs on.
    pub fn note_firing(&mut self, kind: FiringKind, strength: f64, day: Day) {
        let strength = in_255ths(strength);
        if kind == FiringKind::Repeat {
            self.strength = self.strength.max(strength);
            return;
        }
        self.strength = strength;
        self.fired_on = day.since(DAY_ZERO).clamp(1, i32::from(u16::MAX)) as u16;
    }
}

/// The states of sparse triggers for one subscriber, in the order of the registry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparseStates(Vec<(u8, TriggerState)>);

impl Encoded for SparseStates {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        Encoded::get(from).map(Self)
    }
}

impl SparseStates {
    /// The state of the trigger at a place of the registry; an untouched one if there is none.
    pub fn get(&self, place: usize) -> TriggerState {
        let found = self.find(place);
        found
            .ok()
            .and_then(|at| self.0.get(at))
            .map_or_else(TriggerState::default, |(_, state)| *state)
    }

    /// Keeps a state; an untouched one takes no space.
    pub fn set(&mut self, place: usize, state: TriggerState) {
        match (self.find(place), state == TriggerState::default()) {
            (Ok(at), true) => drop(self.0.remove(at)),
            (Ok(at), false) => self.0[at].1 = state,
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (place as u8, state)),
        }
    }

    /// Moves every state to the place that `to` names for its old one. A state without a new place, or with one before
    /// `least`, is dropped.
    pub fn move_to(&mut self, to: &[Option<usize>], least: usize) {
        for (place, state) in std::mem::take(&mut self.0) {
            let new = to.get(usize::from(place)).copied().flatten();
            if let Some(new) = new.filter(|new| *new >= least) {
                self.set(new, state);
            }
        }
    }

    fn find(&self, place: usize) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&place, |(known, _)| usize::from(*known))
    }
}

/// All trigger states of one subscriber.
#[derive(Debug, Clone, Copy)]
pub struct TriggerStates<'a> {
    /// Of dense triggers.
    pub dense: &'a [TriggerState; DENSE],
    /// Of sparse triggers, if there are any.
    pub sparse: Option<&'a SparseStates>,
}

impl TriggerStates<'_> {
    /// The state of the trigger at a place of the registry.
    pub fn get(&self, place: usize) -> TriggerState {
        let dense = self.dense.get(place).copied();
        dense.unwrap_or_else(|| {
            self.sparse
                .map_or_else(TriggerState::default, |sparse| sparse.get(place))
        })
    }

    /// The states that were ever touched, with their places, in the order of the registry.
    pub fn touched(&self) -> impl Iterator<Item = (usize, TriggerState)> {
        let dense = self.dense.iter().copied().enumerate();
        let sparse = self.sparse.map_or(&[][..], |sparse| &sparse.0).iter();
        let sparse = sparse.map(|(place, state)| (usize::from(*place), *state));
        dense.chain(sparse.filter(|(place, _)| *place >= DENSE))
    }
}
