//! The report as a page for a browser: one file, without scripts and without anything to fetch.

mod html;
mod plots;
mod svg;
mod tables;

use super::labels::Origin;
use super::measures::{FALSE_RATE, FOREWARNED, LEAD_LEFT_OVER, PLACEBO_30, PRECISION, RECALL_30};
use super::report::{PAIR, Report, Row, TOGETHER};
use html::escape;

impl Report {
    /// The report as a page.
    pub fn page(&self) -> String {
        let sections = [
            self.intro(),
            self.tiles(),
            self.side_by_side(),
            self.burden_plots(),
            self.lead_plot(),
            self.heat_maps(),
            self.by_trigger(),
            self.by_tier(),
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
        let labels = match self.labels.origin {
            Origin::Truth => "Labels come from the truth file.",
            Origin::Outcomes => {
                "There is no truth file: task outcomes, cancellations and port-out applications tell who left, and the \
                 onset is taken to lie 30 days before."
            }
        };
        let unknown = match self.labels.unknown {
            0 => String::new(),
            n => format!(" {n} labels name subscribers without any record and were not used."),
        };
        let rules: Vec<String> = self
            .rules
            .iter()
            .map(|rules| format!("{} ({})", escape(&rules.name), escape(&rules.version)))
            .collect();
        format!(
            "<h1>Backtest</h1>\n<p class=\"soft\">{} to {}: {} records of {} subscribers, {} of them regular, {} machines. \
             {labels}{unknown} Rules: {}. Every subscriber's first {} days do not count.</p>",
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

    /// The figures that matter first, of the first rules.
    fn tiles(&self) -> String {
        let Some(rules) = self.rules.first() else {
            return String::new();
        };
        let of = |trigger: &str, measure: &str| self.of_regular(&rules.name, trigger, measure);
        let tiles = [
            (
                plain(of(PAIR, FALSE_RATE), 1),
                "false alarms per 1,000 subscribers and 30 days",
                bounds(of(PAIR, FALSE_RATE), 1),
            ),
            (
                percent(of(PAIR, PRECISION)),
                "of the alarms are right",
                percent_bounds(of(PAIR, PRECISION)),
            ),
            (
                percent(of(PAIR, RECALL_30)),
                "of the onsets are found within 30 days",
                percent_bounds(of(PAIR, RECALL_30)),
            ),
            (
                plain(of(PAIR, "delay_days_p50"), 0),
                "days from onset to alarm, median",
                String::new(),
            ),
            (
                percent(of(TOGETHER, FOREWARNED)),
                "of those who left had an alarm more than 72 hours before, by any trigger",
                percent_bounds(of(TOGETHER, FOREWARNED)),
            ),
            (
                percent(of(TOGETHER, LEAD_LEFT_OVER)),
                "of the first alarms of those who left came more than 72 hours before",
                percent_bounds(of(TOGETHER, LEAD_LEFT_OVER)),
            ),
            (
                percent(of(PAIR, PLACEBO_30)),
                "of onsets would be found by chance (placebo)",
                String::new(),
            ),
        ];
        let tiles: String = tiles
            .iter()
            .map(|(value, what, bounds)| {
                format!("<li><b>{value}</b><small>{what}</small><small>{bounds}</small></li>")
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

fn percent(row: Option<&Row>) -> String {
    let value = row.and_then(|row| row.value);
    value.map_or("–".to_owned(), |value| format!("{:.1} %", 100.0 * value))
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
             the leaving. False: it lies before any onset, so also during a harmless episode. Precision is found / all.",
        ),
        (
            "False alarms per 1,000 subscribers and 30 days",
            "Over the days of subscribers before an onset, after the warm-up.",
        ),
        (
            "Delay, recall within 14 or 30 days",
            "Delay: days from the onset to the basis of the first alarm, the median over the onsets that were ever found; \
             the alarm on three silent days has a delay of 3. Recall: the share of onsets with a delay of at most 14 or 30 \
             days; onsets too close to the end of the data are left out.",
        ),
        (
            "Lead time",
            "From the first alarm after an onset to the leaving, or to the last real use; negative if the alarm came later.",
        ),
        (
            "Regular, active, all",
            "Regular: an event a day on average between first and last use, 30 days or more, and no machine. Active: alarms \
             and onsets of subscribers who had used the line within the three days before. All: everybody.",
        ),
        (
            "Placebo",
            "The same alarms compared with the same onsets of other, randomly drawn subscribers.",
        ),
        (
            "Simple rules, equal burden",
            "The rules that people build first. At equal burden the threshold is set so that the rule raises as many alarms \
             on regular subscribers as the first rules' usage_drop+zero_usage_days; where the threshold has steps, alarms of \
             the last step are dropped at random.",
        ),
        (
            "Intervals",
            "95 % of the values that come out when whole subscribers are drawn anew, with replacement.",
        ),
    ];
    let terms: String = terms
        .iter()
        .map(|(term, text)| format!("<dt>{term}</dt><dd>{text}</dd>"))
        .collect();
    format!("<h2>What the figures mean</h2>\n<dl>{terms}</dl>")
}
