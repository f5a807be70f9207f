//! The report as a page for a browser: one file, without scripts and without anything to fetch.

mod html;
mod plots;
mod reliability;
mod signs;
mod svg;
mod tables;
mod tasks;
mod win_back;

use super::bootstrap::FEW;
use super::labels;
use super::measures::{
    DELAY_DATA_P50, DELAY_OPERATOR_P50, FALSE_RATE, FOREWARNED, FOUND_AFTER, FOUND_BEFORE,
    NOT_KNOWN_RATE, PLACEBO_30, RECALL_30, RECOVERED_RATE, STAYED_LOW_RATE, WARNED,
};
use super::report::{PAIR, Report, Row, RulesSummary, TOGETHER};
use html::escape;

impl Report {
    /// The report as a page.
    pub fn page(&self) -> String {
        let sections = [
            self.intro(),
            self.tiles(),
            self.side_by_side(),
            self.frontier_plots(),
            self.burden_plot(),
            self.lead_plot(),
            self.reliability_plots(),
            self.heat_maps(),
            self.by_trigger(),
            self.by_channel(),
            self.by_tier(),
            self.by_task(),
            self.by_sign(),
            self.by_win_back(),
            self.by_harmless(),
            self.by_statistic(),
            definitions(),
        ];
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Backtest {} to {}</title>\n<style>\n{}</style>\n</head>\n<body>\n{}\n</body>\n</html>\n",
            escape(&self.data.first_day),
            escape(&self.data.last_day),
            include_str!("style.css"),
            sections.join("\n")
        )
    }

    fn intro(&self) -> String {
        let data = &self.data;
        let mut labels = format!("Who left: {}.", escape(self.labels.origin.words()));
        for note in labels::notes(self.labels.unknown, self.labels.repeated) {
            labels += &format!(" {}.", escape(&note));
        }
        let rules: Vec<String> = self
            .rules
            .iter()
            .map(|rules| format!("{} ({})", escape(&rules.name), escape(&rules.version)))
            .collect();
        format!(
            "<h1>Backtest</h1>\n<p class=\"soft\">{} to {}: {} records of {} subscribers, {} of them regular, {} machines. \
             {labels} Rules: {}. Every subscriber's first {} days do not count.</p>",
            escape(&data.first_day),
            escape(&data.last_day),
            thousands(data.records.records),
            thousands(data.subscribers as u64),
            thousands(data.regular as u64),
            thousands(data.machines as u64),
            rules.join(", "),
            self.settings.warmup_days
        )
    }

    /// The figures that matter first.
    fn tiles(&self) -> String {
        self.rules
            .iter()
            .map(|rules| self.tiles_of(rules))
            .collect()
    }

    fn tiles_of(&self, rules: &RulesSummary) -> String {
        let of = |trigger: &str, measure: &str| self.of_regular(&rules.name, trigger, measure);
        let rate = |measure, what| {
            let row = of(PAIR, measure);
            let days = match cases(row) {
                n if n.is_empty() => n,
                n => format!("{n} subscriber-days"),
            };
            (plain(row, 1), what, bounds(row, 1), days)
        };
        let share = |trigger, measure, what| {
            let row = of(trigger, measure);
            (percent(row), what, percent_bounds(row), cases(row))
        };
        let days = |measure, what| {
            let row = of(PAIR, measure);
            let value = match row {
                Some(row) if row.count < FEW => "too few".to_owned(),
                row => plain(row, 0),
            };
            (value, what, String::new(), cases(row))
        };
        let tiles = [
            rate(
                FALSE_RATE,
                "false alarms per 1,000 subscribers and 30 days, which are the next three together:",
            ),
            rate(RECOVERED_RATE, "after which use came back within 14 days"),
            rate(STAYED_LOW_RATE, "after which use stayed low"),
            rate(NOT_KNOWN_RATE, "of which that is not known yet"),
            share(
                PAIR,
                FOUND_BEFORE,
                "of the alarms are right and came before the leaving",
            ),
            share(
                PAIR,
                FOUND_AFTER,
                "of the alarms are right, but came after the leaving, within 30 days of the onset",
            ),
            share(
                PAIR,
                RECALL_30,
                "of the onsets are found within 30 days, before the leaving or after it",
            ),
            share(
                PAIR,
                WARNED,
                "of those who left had an alarm before they left",
            ),
            days(
                DELAY_DATA_P50,
                "days from the onset to the last day that the alarm had seen, median",
            ),
            days(
                DELAY_OPERATOR_P50,
                "days from the onset to the day on which it was raised, median",
            ),
            share(
                TOGETHER,
                FOREWARNED,
                "of those who left had an alarm more than 72 hours before, by any trigger",
            ),
            share(
                PAIR,
                PLACEBO_30,
                "of onsets would be found by chance (placebo)",
            ),
        ];
        let tiles: String = tiles
            .iter()
            .map(|(value, what, bounds, cases)| {
                let small = [*what, bounds, cases].map(|text| format!("<small>{text}</small>"));
                format!("<li><b>{value}</b>{}</li>", small.concat())
            })
            .collect();
        format!(
            "<p><strong>{}</strong>, regular subscribers; {} where no trigger is named.</p>\n<ul class=\"tiles\">{tiles}</ul>",
            escape(&rules.name),
            escape(PAIR)
        )
    }
}

fn plain(row: Option<&Row>, digits: usize) -> String {
    let value = row.and_then(|row| row.value);
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}

/// A share, if it rests on enough cases.
fn percent(row: Option<&Row>) -> String {
    match row.and_then(|row| Some((row.value?, row.count))) {
        Some((value, FEW..)) => format!("{:.1} %", 100.0 * value),
        Some(_) => "too few".to_owned(),
        None => "–".to_owned(),
    }
}

/// What a figure rests on.
fn cases(row: Option<&Row>) -> String {
    row.map_or(String::new(), |row| format!("n {}", thousands(row.count)))
}

fn bounds(row: Option<&Row>, digits: usize) -> String {
    match row.and_then(|row| Some((row.low?, row.high?))) {
        Some((low, high)) => format!("{low:.digits$} to {high:.digits$}"),
        None => String::new(),
    }
}

fn percent_bounds(row: Option<&Row>) -> String {
    match row.and_then(|row| Some((row.low?, row.high?))) {
        Some((low, high)) => format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high),
        None => String::new(),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn definitions() -> String {
    let terms = [
        (
            "Alarm",
            "A firing of a trigger, whatever the policy made of it; repeats do not count. After the record of \
             a cancellation or a port-out application it counts for recall only.",
        ),
        (
            "Basis of an alarm",
            "What the trigger had seen: one event, or a day up to its end. The alarm on a day is raised some hours after it.",
        ),
        (
            "Streams",
            "Each trigger by itself; usage_drop+zero_usage_days and together (all churn triggers) with a joint cool-down of \
             30 days, which an onset ends.",
        ),
        (
            "Found, late, false",
            "Found: the basis lies after an onset, and before the leaving or within 30 days of the onset. Late: it lies after \
             the leaving, and more than 30 days after the onset. False: it lies before any onset, so also during a harmless episode. Precision is found / all. \
             An alarm that is found is right; it came before the leaving if it was raised before, and else after it.",
        ),
        (
            "Tasks",
            "Churn tasks after the warm-up. One is right if it was opened after an onset and before the leaving; its precision \
             is the share of these. A leaver is reached with such a task.",
        ),
        (
            "False alarms per 1,000 subscribers and 30 days",
            "Over the days of subscribers before an onset, after the warm-up.",
        ),
        (
            "Recovered, stayed low, not known yet",
            "What became of a false alarm about use. Recovered: the mean of seven days in a row, all within the 14 days after \
             the alarm's day, is at least 60 % of the old level, which is the mean of the 28 days before the fall. Stayed low: \
             no such week. Not known yet: the data end before the 14 days are over.",
        ),
        (
            "Delay, recall within 14 or 30 days",
            "Delay in data days: from the onset to the last day that the first alarm had seen; the alarm on three silent days \
             has a delay of 3. In operator's days: from the onset to the day on which that alarm is raised, usually one more. \
             The median is over the onsets that were ever found. Recall: the share of onsets with a delay of at most 14 or 30 \
             data days; onsets too close to the end of the data are left out.",
        ),
        (
            "Lead time",
            "From the first alarm after an onset to the leaving, or to the last real use; negative if the alarm came later.",
        ),
        (
            "Regular, active, all",
            "Regular: an event a day on average between first and last use, 30 days or more, and no machine. Active: alarms \
             and onsets of subscribers who had used the line within the three days before. All: everybody. With data: regular, \
             with a data session a week or more on average.",
        ),
        (
            "Placebo",
            "The same alarms compared with the same onsets of other, randomly drawn subscribers.",
        ),
        (
            "Simple rules, equal burden",
            "The rules that people build first. At equal burden the threshold is set so that the rule raises as many alarms \
             on regular subscribers as the first rules' usage_drop+zero_usage_days, not as many false ones; where the threshold has steps, alarms of \
             the last step are dropped at random.",
        ),
        (
            "Intervals",
            "95 % of the values that come out when whole subscribers are drawn anew, with replacement. With fewer than 10 \
             cases on either side they are exact (Clopper-Pearson). n is what a share was taken from; below 20 it is too few \
             to print.",
        ),
    ];
    let terms: String = terms
        .iter()
        .map(|(term, text)| format!("<dt>{term}</dt><dd>{text}</dd>"))
        .collect();
    format!("<h2>What the figures mean</h2>\n<dl>{terms}</dl>")
}
