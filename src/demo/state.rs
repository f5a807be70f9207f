use super::scale::WARM_UP_DAYS;
use std::collections::{BTreeMap, VecDeque};

/// What the live view shows.
#[derive(Debug, Clone, Default)]
pub struct ViewState {
    /// Subscribers of the city.
    pub city: u32,
    /// The simulated date.
    pub date: String,
    /// Simulated days so far.
    pub day: u32,
    /// Simulated days in all.
    pub days: u32,
    /// Records taken in.
    pub events: u64,
    /// Records a second over the last moments.
    pub events_per_second: u64,
    /// Of the applied, those for a closed day.
    pub late: u64,
    /// Records seen before.
    pub duplicates: u64,
    /// Records that could not be used.
    pub dead_lettered: u64,
    /// Days closed, on average over the partitions.
    pub days_closed: u64,
    /// Churn signals by trigger, those without a task among them.
    pub signals: BTreeMap<String, u64>,
    /// Churn tasks opened.
    pub churn_opened: u64,
    /// Churn tasks by how they stand: `open`, or why they were closed.
    pub churn: BTreeMap<String, u64>,
    /// Tasks of care and growth, by their first trigger.
    pub care: BTreeMap<String, u64>,
    /// Churn tasks, the latest change first, each once.
    pub tasks: VecDeque<TaskLine>,
    /// Where to look, by name.
    pub addresses: Vec<(&'static str, String)>,
    /// Something to know about the start.
    pub notice: Option<String>,
}

impl ViewState {
    /// Churn tasks by how they stand, the open ones first and the others by number.
    pub fn standings(&self) -> Vec<(&str, u64)> {
        let standings = self.churn.iter().filter(|(_, count)| **count > 0);
        let mut standings: Vec<(&str, u64)> = standings.map(|(name, n)| (&**name, *n)).collect();
        standings.sort_by_key(|(name, count)| (*name != OPEN, std::cmp::Reverse(*count)));
        standings
    }

    /// Whether the detector still learns what is usual.
    pub fn warming_up(&self) -> bool {
        self.day <= WARM_UP_DAYS
    }

    /// Care and growth in one line, the most frequent first.
    pub fn care_line(&self) -> String {
        let all: u64 = self.care.values().sum();
        let list = listed(&self.care).replace('_', " ");
        match all {
            0 => "care and growth: none".to_owned(),
            _ => format!("care and growth: {}, as {list}", grouped(all)),
        }
    }
}

/// What happens in the first weeks.
pub fn warm_up() -> String {
    format!(
        "The city lives through its first {WARM_UP_DAYS} days as fast as it can: the detector learns what is usual for each \
         subscriber."
    )
}

/// How an open task stands.
pub const OPEN: &str = "open";

/// Names with their counts, the highest first.
fn listed(counts: &BTreeMap<String, u64>) -> String {
    let mut counts: Vec<_> = counts.iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let parts = counts.into_iter().map(|(name, n)| format!("{name} {n}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// A date and time without the year.
pub fn short(moment: &str) -> &str {
    moment.get(5..).unwrap_or_default()
}

/// A churn task in plain words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskLine {
    /// Which task it is.
    pub task_id: String,
    /// `early`, `at risk`, `critical`, `lost`.
    pub severity: String,
    /// How likely the subscriber leaves.
    pub score: f64,
    /// When it last changed: local date and time.
    pub changed_at: String,
    /// Masked.
    pub subscriber: String,
    /// `key`, `ordinary`, `small`.
    pub tier: String,
    /// What the last change was: `new`, what was reported, or why it was closed.
    pub change: String,
    /// Who gets it.
    pub queue: String,
    /// Local date and time.
    pub due_at: String,
    /// The newest signal's sentence.
    pub reason: String,
}

/// 1234567 as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
