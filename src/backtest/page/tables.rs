use super::html::{Table, escape, name};
use super::{bounds, cases, percent, percent_bounds, plain, thousands};
use crate::backtest::bootstrap::FEW;
use crate::backtest::cohort::Scope;
use crate::backtest::exposure::USUAL;
use crate::backtest::measures::{
    ANY, DELAY_DATA_P50, DELAY_OPERATOR_P50, FALSE_RATE, FOUND_AFTER, FOUND_BEFORE, HARMLESS, LATE,
    LEAD_LEFT_OVER, LEAD_P50, LEAD_USE_OVER, NOT_KNOWN_RATE, PLACEBO_30, PRECISION, RECALL_14,
    RECALL_30, RECOVERED_RATE, STAYED_LOW_RATE,
};
use crate::backtest::report::{ALL_TIERS, PAIR, Report, Row, SIMPLE_RULES, TOGETHER};
use crate::model::Tier;

/// A figure with its interval behind it.
fn with_bounds(row: Option<&Row>, digits: usize) -> String {
    format!(
        "{} <small>{}</small>",
        plain(row, digits),
        bounds(row, digits)
    )
}

/// A share with what it rests on behind it.
fn percent_with_cases(row: Option<&Row>) -> String {
    format!("{} <small>{}</small>", percent(row), cases(row))
}

pub(super) fn percent_with_bounds(row: Option<&Row>) -> String {
    let enough = row.filter(|row| row.count >= FEW);
    let (bounds, cases) = (percent_bounds(enough), cases(row));
    format!(
        "{} <small>{bounds}</small><small>{cases}</small>",
        percent(row)
    )
}

/// Alarms, the false ones by what became of them, and precision.
fn burden<'r>(of: impl Fn(&str) -> Option<&'r Row>) -> [String; 6] {
    [
        of(PRECISION).map_or(0, |row| row.count).to_string(),
        with_bounds(of(FALSE_RATE), 1),
        plain(of(RECOVERED_RATE), 1),
        plain(of(STAYED_LOW_RATE), 1),
        plain(of(NOT_KNOWN_RATE), 1),
        percent_with_bounds(of(PRECISION)),
    ]
}

impl Report {
    pub(super) fn side_by_side(&self) -> String {
        let columns = [
            "Rule",
            "Alarms",
            "False alarms per 1,000 and 30 days",
            "Recovered",
            "Stayed low",
            "Not known yet",
            "Precision",
            "Precision, active",
            "Recall 14 days",
            "Recall 30 days",
            "Recall 30 days, active",
            "Placebo",
        ];
        let mut table = Table::new("Regular subscribers; small: 95 % intervals, n", &columns);
        for rules in &self.rules {
            table.group(&rules.name);
            for trigger in [PAIR, TOGETHER] {
                table.row(trigger, &self.comparison(&rules.name, trigger));
            }
        }
        table.group("Simple rules at equal burden: as many alarms, not as many false ones");
        let simple_rules = self.triggers_of(SIMPLE_RULES);
        let (equal, fixed): (Vec<&str>, Vec<&str>) = simple_rules
            .iter()
            .partition(|name| name.contains("equal_burden"));
        for trigger in equal {
            table.row(trigger, &self.comparison(SIMPLE_RULES, trigger));
        }
        table.group("Simple rules at their usual settings");
        for trigger in fixed {
            table.row(trigger, &self.comparison(SIMPLE_RULES, trigger));
        }
        format!("<h2>Side by side</h2>\n{}", table.end())
    }

    fn comparison(&self, rules: &str, trigger: &str) -> Vec<String> {
        let of = |scope, measure: &str| self.find(rules, trigger, scope, ANY, ALL_TIERS, measure);
        let regular = |measure: &str| of(Scope::Regular, measure);
        let rest = [
            percent_with_cases(of(Scope::Active, PRECISION)),
            percent_with_cases(regular(RECALL_14)),
            percent_with_bounds(regular(RECALL_30)),
            percent_with_cases(of(Scope::Active, RECALL_30)),
            percent_with_cases(regular(PLACEBO_30)),
        ];
        burden(regular).into_iter().chain(rest).collect()
    }

    /// Recall within 30 days by trigger and path, the darker the better.
    pub(super) fn heat_maps(&self) -> String {
        let kinds: Vec<&str> = self.labels.churn.keys().map(String::as_str).collect();
        if kinds.is_empty() {
            return String::new();
        }
        let sets = self.rules.iter().map(|rules| rules.name.as_str());
        let maps: String = sets
            .chain(std::iter::once(SIMPLE_RULES))
            .map(|rules| {
                let head: String = kinds
                    .iter()
                    .map(|kind| format!("<th scope=\"col\">{}</th>", escape(kind)))
                    .collect();
                let rows: String = self
                    .triggers_of(rules)
                    .into_iter()
                    .map(|trigger| {
                        let cells: String = kinds
                            .iter()
                            .map(|kind| self.heat(rules, trigger, kind))
                            .collect();
                        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", name(trigger))
                    })
                    .collect();
                format!(
                    "<h3>{}</h3><div class=\"scroll\"><table class=\"heat\"><thead><tr><th scope=\"col\">Trigger</th>{head}</tr>\
                     </thead><tbody>{rows}</tbody></table></div>",
                    escape(rules)
                )
            })
            .collect();
        format!(
            "<h2>What is found, by path</h2>\n<p>Recall within 30 days of the onset, the number of onsets, and the median delay \
             in data days / operator's days. Regular subscribers.</p>\n{maps}"
        )
    }

    fn heat(&self, rules: &str, trigger: &str, kind: &str) -> String {
        let of =
            |measure: &str| self.find(rules, trigger, Scope::Regular, kind, ALL_TIERS, measure);
        let row = of(RECALL_30);
        let Some((share, onsets)) = row.and_then(|row| Some((row.value?, row.count))) else {
            return "<td>–</td>".to_owned();
        };
        if onsets < FEW {
            return format!("<td>too few<small>n {onsets}</small></td>");
        }
        let percent = format!("{:.0}", 100.0 * share);
        let class = if share >= 0.85 { " class=\"dark\"" } else { "" };
        let delay = match (of(DELAY_DATA_P50), of(DELAY_OPERATOR_P50)) {
            (Some(data), Some(raised)) if data.count >= FEW => {
                let (data, raised) = (plain(Some(data), 0), plain(Some(raised), 0));
                format!("<small>{data} / {raised} d</small>")
            }
            _ => String::new(),
        };
        format!(
            "<td{class} style=\"background:color-mix(in srgb,var(--accent) {percent}%,var(--panel))\">\
             {percent} %<small>n {onsets}</small>{delay}</td>"
        )
    }

    pub(super) fn by_trigger(&self) -> String {
        let columns = [
            "Trigger",
            "Alarms",
            "False alarms per 1,000 and 30 days",
            "Precision",
            "Found before the leaving",
            "Found after it",
            "Late",
            "Recall 14 days",
            "Recall 30 days",
            "Placebo",
            "Lead to last use, median",
            "over 72 h",
            "Lead to leaving, median",
            "over 72 h",
        ];
        let mut table = Table::new("Regular subscribers", &columns);
        for rules in &self.rules {
            table.group(&rules.name);
            for trigger in self.triggers_of(&rules.name) {
                let of = |measure: &str| self.of_regular(&rules.name, trigger, measure);
                let hours = |measure: &str| match of(measure) {
                    Some(row) if row.count < FEW => "too few".to_owned(),
                    Some(row) => format!("{} h", plain(Some(row), 0)),
                    None => "–".to_owned(),
                };
                let cells = [
                    of(PRECISION).map_or(0, |row| row.count).to_string(),
                    with_bounds(of(FALSE_RATE), 1),
                    percent_with_bounds(of(PRECISION)),
                    percent(of(FOUND_BEFORE)),
                    percent(of(FOUND_AFTER)),
                    percent(of(LATE)),
                    percent_with_cases(of(RECALL_14)),
                    percent_with_bounds(of(RECALL_30)),
                    percent_with_cases(of(PLACEBO_30)),
                    hours("lead_to_last_use_hours_p50"),
                    percent_with_cases(of(LEAD_USE_OVER)),
                    hours(LEAD_P50),
                    percent_with_cases(of(LEAD_LEFT_OVER)),
                ];
                table.row(trigger, &cells);
            }
        }
        format!("<h2>By trigger</h2>\n{}", table.end())
    }

    /// Subscribers who use data, and those who only call and write.
    pub(super) fn by_channel(&self) -> String {
        let columns = [
            "Subscribers",
            "Alarms",
            "False alarms per 1,000 and 30 days",
            "Recovered",
            "Stayed low",
            "Not known yet",
            "Precision",
            "Recall 14 days",
            "Recall 30 days",
        ];
        let caption = format!("{PAIR}; regular subscribers");
        let mut table = Table::new(&caption, &columns);
        for rules in &self.rules {
            table.group(&rules.name);
            let without = self.data.regular - self.data.with_data;
            for (name, scope, people) in [
                ("with data", Scope::WithData, self.data.with_data),
                ("without data", Scope::WithoutData, without),
            ] {
                let of =
                    |measure: &str| self.find(&rules.name, PAIR, scope, ANY, ALL_TIERS, measure);
                let found = [
                    percent_with_cases(of(RECALL_14)),
                    percent_with_bounds(of(RECALL_30)),
                ];
                let cells: Vec<String> = burden(of).into_iter().chain(found).collect();
                table.row(&format!("{name} ({people})"), &cells);
            }
        }
        format!("<h2>With and without data</h2>\n{}", table.end())
    }

    pub(super) fn by_tier(&self) -> String {
        let columns = [
            "Tier",
            "Alarms",
            "False alarms per 1,000 and 30 days",
            "Precision",
            "Recall 14 days",
            "Recall 30 days",
        ];
        let mut table = Table::new("All triggers together; regular subscribers", &columns);
        for rules in &self.rules {
            table.group(&rules.name);
            for tier in Tier::ALL.map(Tier::name) {
                let regular = |measure: &str| {
                    self.find(&rules.name, TOGETHER, Scope::Regular, ANY, tier, measure)
                };
                let cells = [
                    regular(PRECISION).map_or(0, |row| row.count).to_string(),
                    with_bounds(regular(FALSE_RATE), 1),
                    percent_with_bounds(regular(PRECISION)),
                    percent_with_cases(regular(RECALL_14)),
                    percent_with_bounds(regular(RECALL_30)),
                ];
                table.row(tier, &cells);
            }
        }
        format!("<h2>By tier</h2>\n{}", table.end())
    }

    /// What was alarmed that should not be, and what a bad day does.
    pub(super) fn by_harmless(&self) -> String {
        if self.labels.harmless.is_empty() && self.labels.city.is_empty() {
            return String::new();
        }
        let mut columns = vec!["Kind"];
        columns.extend(self.rules.iter().map(|rules| rules.name.as_str()));
        let zero_days: Vec<&str> = self
            .triggers_of(SIMPLE_RULES)
            .into_iter()
            .filter(|name| name.contains("equal_burden"))
            .collect();
        columns.extend(&zero_days);
        let mut table = Table::new(
            "usage_drop+zero_usage_days of each set of rules, and the simple rules at equal burden; regular subscribers",
            &columns,
        );
        let ours = self.rules.iter().map(|rules| (rules.name.as_str(), PAIR));
        let simple_rules = zero_days.iter().map(|name| (SIMPLE_RULES, *name));
        let sources: Vec<(&str, &str)> = ours.chain(simple_rules).collect();
        table.group("Share of harmless episodes with an alarm within 30 days");
        for kind in self.labels.harmless.keys() {
            let cells: Vec<String> = sources
                .iter()
                .map(|(rules, trigger)| {
                    let scope = Scope::Regular;
                    percent_with_cases(self.find(rules, trigger, scope, kind, ALL_TIERS, HARMLESS))
                })
                .collect();
            table.row(kind, &cells);
        }
        if !self.labels.city.is_empty() {
            table.group(
                "False alarms per 1,000 subscribers and 30 days, on its days and the seven after",
            );
            let kinds = self.labels.city.iter().map(|(kind, _, _)| kind.as_str());
            let mut kinds: Vec<&str> = kinds.collect();
            kinds.sort_unstable();
            kinds.dedup();
            for kind in std::iter::once(USUAL).chain(kinds) {
                let cells: Vec<String> = sources
                    .iter()
                    .map(|(rules, trigger)| {
                        let scope = Scope::Regular;
                        with_bounds(
                            self.find(rules, trigger, scope, kind, ALL_TIERS, FALSE_RATE),
                            1,
                        )
                    })
                    .collect();
                table.row(kind, &cells);
            }
        }
        format!("<h2>What is harmless</h2>\n{}", table.end())
    }

    pub(super) fn by_statistic(&self) -> String {
        let columns = [
            "Users with a call or message a day",
            "Here",
            "n",
            "Real people",
        ];
        let caption =
            "Real people: call and message logs of several hundred people over 75 to 270 days";
        let mut table = Table::new(caption, &columns);
        for statistic in &self.statistics {
            let value = statistic.printed().unwrap_or("–".to_owned());
            let cells = [value, thousands(statistic.count), escape(statistic.real)];
            table.row(&statistic.name, &cells);
        }
        format!(
            "<h2>How irregular the people are</h2>\n<p>A population milder than real people flatters every detector.</p>\n{}",
            table.end()
        )
    }
}
