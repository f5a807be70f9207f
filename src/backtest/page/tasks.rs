use super::html::Table;
use super::plain;
use super::tables::percent_with_bounds;
use crate::backtest::cohort::Scope;
use crate::backtest::measures::ANY;
use crate::backtest::report::{ALL_TIERS, Report, TOGETHER};
use crate::backtest::workload::{
    MANAGER_MEAN, MANAGER_MOST, PER_1000, PER_DAY, REACHED, REACHED_72, TASK_PRECISION,
};
use crate::model::Tier;

impl Report {
    /// What the tasks cost, and whom they reach in time.
    pub(super) fn by_task(&self) -> String {
        let columns = [
            "Tier",
            "Tasks",
            "Tasks a day",
            "Tasks per 1,000 and 30 days",
            "Precision: opened after an onset and before the leaving",
            "Leavers reached before they left",
            "more than 72 h before",
            "Tasks per account manager and day",
            "Most on one day",
        ];
        let mut table = Table::new("Churn tasks of everybody, after the warm-up", &columns);
        for rules in &self.rules {
            table.group(&rules.name);
            for tier in std::iter::once(ALL_TIERS).chain(Tier::ALL.map(Tier::name)) {
                let of = |measure: &str| {
                    self.find(&rules.name, TOGETHER, Scope::All, ANY, tier, measure)
                };
                let cells = [
                    of(PER_DAY).map_or(0, |row| row.count).to_string(),
                    plain(of(PER_DAY), 2),
                    plain(of(PER_1000), 1),
                    percent_with_bounds(of(TASK_PRECISION)),
                    percent_with_bounds(of(REACHED)),
                    percent_with_bounds(of(REACHED_72)),
                    plain(of(MANAGER_MEAN), 3),
                    plain(of(MANAGER_MOST), 0),
                ];
                table.row(tier, &cells);
            }
        }
        format!("<h2>Tasks</h2>\n{}", table.end())
    }
}
