use super::html::{Table, escape};
use crate::backtest::report::Report;

impl Report {
    /// Who of those who left was asked back.
    pub(super) fn by_win_back(&self) -> String {
        let columns = [
            "Tier",
            "Left",
            "With a plan",
            "With a task",
            "Days from the leaving to the first task, median",
            "Came back",
            "of them with a task",
            "Plans of lines that had not left",
        ];
        let mut table = Table::new(
            "Who left after the warm-up, by the labels; in brackets: 95 % intervals",
            &columns,
        );
        let mut reasons = String::new();
        for of_rules in &self.win_back {
            table.group(&of_rules.rules);
            for tier in &of_rules.tiers {
                let cells = [
                    tier.left.to_string(),
                    tier.planned.to_string(),
                    tier.with_task.text(tier.left, 2),
                    tier.days(),
                    tier.came_back.to_string(),
                    tier.came_back_with_task.to_string(),
                    tier.wrong.to_string(),
                ];
                table.row(tier.tier, &cells);
            }
            reasons += &format!(
                "<p class=\"soft\">{}, without a task: {}.</p>",
                escape(&of_rules.rules),
                of_rules.without_task().join(", ")
            );
        }
        format!("<h2>Winning back</h2>\n{}\n{reasons}", table.end())
    }
}
