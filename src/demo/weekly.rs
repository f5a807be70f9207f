//! Lines for a reader without a terminal: some ten a simulated week.

use super::state::{TaskLine, ViewState, grouped, short, warm_up};
use std::collections::BTreeMap;

/// Days between two reports.
const WEEK: u32 = 7;
/// Churn tasks in a report, the most likely to leave first.
const TASKS: usize = 7;

/// What has changed since the last report.
#[derive(Default)]
pub struct Weekly {
    begun: bool,
    /// The day of the last report.
    reported: u32,
    changed: BTreeMap<String, TaskLine>,
}

impl Weekly {
    /// Takes note of changed tasks, and returns what there is to say: something at the start, and after every week.
    pub fn lines(&mut self, state: &ViewState, changed: &[TaskLine]) -> String {
        if !self.begun {
            self.begun = true;
            return format!("{}\n", warm_up());
        }
        let new = changed
            .iter()
            .map(|task| (task.task_id.clone(), task.clone()));
        self.changed.extend(new);
        if state.warming_up() || state.day < self.reported + WEEK {
            return String::new();
        }
        self.reported = state.day;
        let mut tasks: Vec<TaskLine> = std::mem::take(&mut self.changed).into_values().collect();
        tasks.sort_by(|one, other| other.score.total_cmp(&one.score));
        let heads = [head(state), format!("  {}\n", state.care_line())];
        heads
            .into_iter()
            .chain(tasks.iter().take(TASKS).map(task_line))
            .collect()
    }
}

fn head(state: &ViewState) -> String {
    let standings = state.standings();
    let standings = standings
        .iter()
        .map(|(name, n)| format!(", {} {name}", grouped(*n)));
    format!(
        "{}  day {} of {}: {} events; churn tasks: {} opened{}\n",
        state.date,
        state.day,
        state.days,
        grouped(state.events),
        grouped(state.churn_opened),
        standings.collect::<String>()
    )
}

fn task_line(task: &TaskLine) -> String {
    format!(
        "  {} {:<8} {} {}: {}\n",
        short(&task.changed_at),
        task.severity,
        task.subscriber,
        task.change,
        task.reason
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_a_week_are_enough() {
        let mut weekly = Weekly::default();
        let mut state = ViewState {
            days: 60,
            ..ViewState::default()
        };
        let mut lines = Vec::new();
        for day in 1..=60 {
            state.day = day;
            let tasks = (0..20).map(|number| TaskLine {
                task_id: format!("{day}-{number}"),
                score: f64::from(number),
                ..TaskLine::default()
            });
            let text = weekly.lines(&state, &tasks.collect::<Vec<_>>());
            lines.extend(text.lines().map(str::to_owned));
        }
        // The sentence at the start, and after the warm-up one report a week: days 29, 36, 43, 50, 57.
        assert_eq!(lines.len(), 1 + 5 * (2 + TASKS), "{lines:#?}");
    }
}
