use crate::model::{Day, Timestamp};

/// Whether the engine can have had anything on a day: none yet, or 1970 to 2243, more than the calendar has.
pub fn is_possible(day: Day) -> bool {
    day == Day::MIN || (0..=100_000).contains(&day.0)
}

/// Whether a clock of the engine can show a time: none yet, or 1970 to 2199. With a later one, days beyond the calendar
/// would be closed for ever.
pub fn is_possible_time(at: Timestamp) -> bool {
    const YEAR_2200: i64 = 7_258_118_400_000;
    at == Timestamp::MIN || (0..YEAR_2200).contains(&at.0)
}
