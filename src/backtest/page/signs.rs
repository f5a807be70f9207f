use super::html::Table;
use crate::backtest::report::Report;

impl Report {
    /// What each sign of the churn score says of who leaves.
    pub(super) fn by_sign(&self) -> String {
        let columns = [
            "Trigger",
            "Alarms",
            "Left within 30 days",
            "Lift",
            "Leavers with it within 30 days before",
            "Weight",
        ];
        let mut table = Table::new(
            "Everybody who had not left; in brackets: 95 % intervals. Lift: how many times as many leave within 30 days as of everybody",
            &columns,
        );
        for of_rules in &self.signs {
            table.group(&of_rules.rules);
            for sign in &of_rules.signs {
                let lift = sign
                    .lift
                    .map_or("–".to_owned(), |lift| format!("{lift:.1}"));
                let cells = [
                    sign.alarms.to_string(),
                    sign.left.text(sign.alarms, 3),
                    lift,
                    sign.leavers.text(of_rules.leavers, 2),
                    format!("{:.2}", sign.weight),
                ];
                table.row(sign.trigger, &cells);
            }
        }
        format!("<h2>Signs of the churn score</h2>\n{}", table.end())
    }
}
