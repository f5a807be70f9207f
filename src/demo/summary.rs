use super::feeder::Fed;
use super::state::{ViewState, grouped};
use super::verdict;
use crate::model::{Counts, plural};
use std::time::Duration;

/// What there was, in figures, and whether the tasks were right.
pub fn text(state: &ViewState, counts: &Counts, fed: &Fed, took: Duration) -> String {
    let row = |name: &str, count: u64| format!("  {name:<26}{:>14}\n", grouped(count));
    let mut text = format!(
        "{} {} of {} {} in {:.0} s\n",
        state.day,
        plural(state.day, "day", "days"),
        grouped(state.city.into()),
        plural(state.city, "subscriber", "subscribers"),
        took.as_secs_f64()
    );
    for (name, count) in [
        ("records sent", fed.sent),
        ("records in", counts.records),
        ("  applied", counts.applied),
        ("  duplicate", counts.duplicate),
        ("  expired", counts.expired),
        ("  ignored", counts.ignored),
        ("  dead-lettered", counts.dead_lettered),
    ] {
        text += &row(name, count);
    }
    text += "churn signals, also those that raised no task\n";
    text.extend(state.signals.iter().map(|(name, count)| row(name, *count)));
    text += &row("churn tasks opened", state.churn_opened)[2..];
    text.extend(
        state
            .standings()
            .into_iter()
            .map(|(name, count)| row(name, count)),
    );
    text += &format!("{}\n", state.care_line());
    text + &verdict::sentence(&fed.hindsight)
}
