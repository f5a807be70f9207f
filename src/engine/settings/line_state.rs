use super::ByTier;
use serde::Deserialize;

/// What a line may be doing, as an operator would call it (behaviour: State of a line).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum LineState {
    /// It is used as always.
    Normal,
    /// A quieter stretch of some weeks.
    Drift,
    /// Practically off, and usually back within days.
    ShortAbsence,
    /// The same for longer.
    LongAbsence,
    /// Use has fallen at one time, and stays low.
    Drop,
    /// It is used no more.
    Stop,
    /// Use is on the way down.
    Decay,
    /// Hardly anything is left, for longer than anybody is away.
    Trickle,
}

impl LineState {
    /// Every state, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Normal,
        Self::Drift,
        Self::ShortAbsence,
        Self::LongAbsence,
        Self::Drop,
        Self::Stop,
        Self::Decay,
        Self::Trickle,
    ];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();
    /// Those that do not end by themselves.
    pub const FALLS: [Self; 4] = [Self::Drop, Self::Stop, Self::Decay, Self::Trickle];
    /// How many have a use of their own: all but normal, and absences and a trickle share one.
    pub const LEVELS: usize = 5;

    /// The name used in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Drift => "drift",
            Self::ShortAbsence => "short_absence",
            Self::LongAbsence => "long_absence",
            Self::Drop => "drop",
            Self::Stop => "stop",
            Self::Decay => "decay",
            Self::Trickle => "trickle",
        }
    }

    /// The place of the state's use among the levels; nothing for normal use.
    pub const fn level(self) -> Option<usize> {
        match self {
            Self::Normal => None,
            Self::Drift => Some(0),
            Self::ShortAbsence | Self::LongAbsence | Self::Trickle => Some(1),
            Self::Drop => Some(2),
            Self::Stop => Some(3),
            Self::Decay => Some(4),
        }
    }
}

/// How the state of a line is judged (behaviour: State of a line).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "Section")]
pub struct LineStateRules {
    /// Fewest known days for a judgement.
    pub known_days_min: u16,
    /// Fewest expected events a day for a report.
    pub expected_min: f64,
    /// Variance of the expectation's relative error.
    pub uncertainty: f64,
    /// The share of the days of an absence on which the phone is off altogether.
    pub absence_silent: f64,
    /// Fewest known days without use for the report of a stop.
    pub silent_days_min: u16,
    /// A stop is reported at least so many days after a drop.
    pub deeper_days: u16,
    /// A fall is over when its probability is below this.
    pub cleared_below: f64,
    /// The probability from which on a fall is reported.
    pub threshold: FallThreshold,
    /// The share of the expected use that is left, by channel and level.
    pub left: [[f64; LineState::LEVELS]; 2],
    /// Its binary logarithm.
    pub left_log2: [[f64; LineState::LEVELS]; 2],
    /// The probabilities of moving on an ordinary day.
    pub moves: Moves,
    /// Those on a day on which the customer has given cause for worry.
    pub worried_moves: Moves,
    /// Days for which such a cause counts.
    pub worry_days: u16,
}

/// The probability a day of moving from one state to another; that of staying is among them.
pub type Moves = [[f64; LineState::COUNT]; LineState::COUNT];

/// The probability from which on a fall is reported, by the trigger that reports it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FallThreshold {
    /// A drop or a decay.
    pub usage_drop: ByTier<f64>,
    /// A stop.
    pub zero_usage_days: ByTier<f64>,
}

/// `[line_state]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    known_days_min: u16,
    expected_min: f64,
    uncertainty: f64,
    absence_silent: f64,
    silent_days_min: u16,
    deeper_days: u16,
    cleared_below: f64,
    worry_factor: f64,
    worry_days: u16,
    threshold: FallThreshold,
    voice: Left,
    data: Left,
    onset: ByState,
    back: ByState,
    turns: Turns,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Left {
    drift: f64,
    absence: f64,
    drop: f64,
    stop: f64,
    decay: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByState {
    drift: f64,
    short_absence: f64,
    long_absence: f64,
    drop: f64,
    stop: f64,
    decay: f64,
    trickle: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turns {
    absence_to_stop: f64,
    drop_to_stop: f64,
    stop_to_drop: f64,
    decay_to_drop: f64,
}

impl Left {
    fn levels(&self) -> [f64; LineState::LEVELS] {
        [self.drift, self.absence, self.drop, self.stop, self.decay]
    }
}

impl From<Section> for LineStateRules {
    fn from(section: Section) -> Self {
        let left = [section.voice.levels(), section.data.levels()];
        Self {
            known_days_min: section.known_days_min,
            expected_min: section.expected_min,
            uncertainty: section.uncertainty,
            absence_silent: section.absence_silent,
            silent_days_min: section.silent_days_min,
            deeper_days: section.deeper_days,
            cleared_below: section.cleared_below,
            threshold: section.threshold,
            left,
            left_log2: left.map(|levels| levels.map(libm::log2)),
            moves: moves(&section, 1.0),
            worried_moves: moves(&section, section.worry_factor),
            worry_days: section.worry_days,
        }
    }
}

/// The probabilities of moving, with those of staying on the diagonal and the onset of falls times a factor. The ranges of
/// the keys keep them from 0 to 1.
fn moves(section: &Section, falls: f64) -> Moves {
    use LineState::{Decay, Drift, Drop, LongAbsence, Normal, ShortAbsence, Stop, Trickle};
    let (onset, back, turns) = (&section.onset, &section.back, &section.turns);
    let mut moves = Moves::default();
    let mut set = |from: LineState, to: LineState, p: f64| moves[from as usize][to as usize] = p;
    set(Normal, Drift, onset.drift);
    for from in [Normal, Drift] {
        set(from, ShortAbsence, onset.short_absence);
        set(from, LongAbsence, onset.long_absence);
        set(from, Drop, falls * onset.drop);
        set(from, Stop, falls * onset.stop);
        set(from, Decay, falls * onset.decay);
        set(from, Trickle, falls * onset.trickle);
    }
    set(Drift, Normal, back.drift);
    set(ShortAbsence, Normal, back.short_absence);
    set(LongAbsence, Normal, back.long_absence);
    set(Drop, Normal, back.drop);
    set(Stop, Normal, back.stop);
    set(Decay, Normal, back.decay);
    set(Trickle, Normal, back.trickle);
    set(ShortAbsence, Stop, turns.absence_to_stop);
    set(LongAbsence, Stop, turns.absence_to_stop);
    set(Drop, Stop, turns.drop_to_stop);
    set(Stop, Drop, turns.stop_to_drop);
    set(Decay, Drop, turns.decay_to_drop);
    for state in LineState::ALL.map(|state| state as usize) {
        let leaves: f64 = moves[state].iter().sum();
        moves[state][state] = 1.0 - leaves;
    }
    moves
}
