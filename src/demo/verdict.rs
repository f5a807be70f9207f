use super::scale::WARM_UP_DAYS;
use super::state::grouped;
use crate::model::plural;
use crate::sim::Hindsight;
use std::fmt::Write;

/// Whether the churn tasks were right, in a few sentences.
pub fn sentence(seen: &Hindsight) -> String {
    if seen.left == 0 && seen.tasks.all == 0 {
        return format!(
            "It ended too early to say whether the churn tasks are right: only those after the first {WARM_UP_DAYS} days count.\n"
        );
    }
    let mut text = format!(
        "Was it right? After the warm-up {} {} left",
        grouped(seen.left),
        plural(seen.left, "subscriber", "subscribers")
    );
    let (before, after) = (&seen.days_before, &seen.days_after);
    let found = before.len() + after.len();
    // Writing to a string cannot fail.
    let _ = match (seen.left, found) {
        (0, _) => writeln!(text, "."),
        (_, 0) => writeln!(text, "; none of them was found."),
        _ => writeln!(
            text,
            ": {found} {} found, {} before leaving{} and {} soon afterwards{}.",
            plural(found, "was", "were"),
            before.len(),
            mean(before),
            after.len(),
            mean(after)
        ),
    };
    let (tasks, serious) = (seen.tasks, seen.serious);
    let _ = writeln!(
        text,
        "{} of {} churn {} were about somebody who did not mean to leave; of the {} at risk or worse, {} {}.",
        grouped(tasks.wrong),
        grouped(tasks.all),
        plural(tasks.all, "task", "tasks"),
        grouped(serious.all),
        grouped(serious.wrong),
        plural(serious.wrong, "was", "were")
    );
    text
}

/// The mean number of days, if there are any.
fn mean(days: &[f64]) -> String {
    if days.is_empty() {
        return String::new();
    }
    let mean = days.iter().sum::<f64>() / days.len() as f64;
    let shown = format!("{mean:.0}");
    let noun = plural(shown.parse::<u64>().unwrap_or_default(), "day", "days");
    format!(" ({shown} {noun} on average)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_plain_english() {
        let mut seen = Hindsight::default();
        assert!(sentence(&seen).contains("too early"));
        seen.left = 4;
        (seen.tasks.all, seen.tasks.wrong) = (9, 5);
        (seen.serious.all, seen.serious.wrong) = (4, 1);
        assert_eq!(
            sentence(&seen),
            "Was it right? After the warm-up 4 subscribers left; none of them was found.\n\
             5 of 9 churn tasks were about somebody who did not mean to leave; of the 4 at risk or worse, 1 was.\n"
        );
        seen.days_before = vec![8.0, 10.0];
        seen.days_after = vec![1.2];
        assert!(sentence(&seen).contains(
            ": 3 were found, 2 before leaving (9 days on average) and 1 soon afterwards (1 day on average)."
        ));
    }
}
