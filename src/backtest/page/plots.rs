use super::html::escape;
use super::svg::{Look, Series, bars, key, share_against_burden};
use crate::backtest::bootstrap::FEW;
use crate::backtest::report::{AS_GIVEN, Curve, PAIR, Point, Report, SIMPLE_RULES, TOGETHER};
use std::collections::BTreeSet;

/// Colours of the sets of rules; further ones repeat them with other markers.
const COLOURS: [&str; 4] = ["--series-1", "--series-2", "--series-3", "--series-4"];

pub fn look_of_rules(index: usize) -> Look {
    Look {
        colour: COLOURS[index % COLOURS.len()],
        marker: index / COLOURS.len() % 4,
        dashed: false,
    }
}

impl Report {
    /// Recall against false alarms for each kind of churn.
    pub(super) fn frontier_plots(&self) -> String {
        let curves: Vec<&Curve> = self.frontier.iter().collect();
        let kinds: BTreeSet<&str> = curves
            .iter()
            .flat_map(|curve| &curve.points)
            .flat_map(|point| point.kinds.keys().map(String::as_str))
            .collect();
        if kinds.is_empty() {
            return String::new();
        }
        let looks = self.looks(&curves);
        let figure = |kind: &str, days: u32| {
            let place = |point: &Point| {
                let found = point.kinds.get(kind)?;
                let (share, onsets) = match days {
                    14 => (found.recall_14d, found.onsets_14d),
                    _ => (found.recall_30d, found.onsets_30d),
                };
                let share = share.filter(|_| onsets >= FEW)?;
                let tip = format!(
                    "{} false alarms, {} % of {onsets} found within {days} days",
                    tenths(point.false_alarms_per_1000_30d),
                    tenths(100.0 * share)
                );
                Some((point.false_alarms_per_1000_30d, share, tip))
            };
            let burden = "false alarms per 1,000 subscribers and 30 days";
            let what = format!("Recall within {days} days");
            let any = curves
                .iter()
                .flat_map(|curve| &curve.points)
                .any(|point| place(point).is_some());
            let picture = match any {
                true => plot(&curves, &looks, place, burden, &what),
                false => format!("<p class=\"soft\">Fewer than {FEW} onsets: too few.</p>"),
            };
            let kind = escape(kind);
            format!("<figure>{picture}<figcaption>{kind}, within {days} days</figcaption></figure>")
        };
        let figures: String = kinds
            .iter()
            .flat_map(|kind| [14, 30].map(|days| figure(kind, days)))
            .collect();
        format!(
            "<h2>The frontier</h2>\n<p>What a burden of false alarms buys, for each kind of churn. A line is one rule at several \
             thresholds: {}, and each simple rule at its own; single points are rules as they are. Regular subscribers.</p>\n{}\n\
             <div class=\"plots\">{figures}</div>",
            escape(PAIR),
            legend(&curves, &looks)
        )
    }

    /// Precision against burden.
    pub(super) fn burden_plot(&self) -> String {
        let simple = |curve: &&Curve| curve.rules == SIMPLE_RULES;
        let curves: Vec<&Curve> = self
            .curves
            .iter()
            .chain(self.frontier.iter().filter(simple))
            .collect();
        let looks = self.looks(&curves);
        let place = |point: &Point| {
            let (burden, share) = (point.alarms_per_1000_30d, point.precision);
            let tip = format!(
                "{} alarms, {} % right",
                tenths(burden),
                tenths(100.0 * share)
            );
            Some((burden, share, tip))
        };
        let burden = "alarms per 1,000 subscribers and 30 days";
        let picture = plot(&curves, &looks, place, burden, "Precision");
        format!(
            "<h2>Precision against burden</h2>\n<p>For our rules the threshold is the churn score of the alarm (the last point is \
             the rules as they are); each simple rule has one threshold. Regular subscribers.</p>\n\
             <div class=\"plots\"><figure>{picture}<figcaption>Precision: the share of alarms that are right</figcaption></figure>\
             </div>\n{}",
            legend(&curves, &looks)
        )
    }

    fn looks(&self, curves: &[&Curve]) -> Vec<Look> {
        let mut simple_rules = 0;
        let look = |curve: &&Curve| match self.rules.iter().position(|r| r.name == curve.rules) {
            // One colour for each set of rules; another marker for the other stream, and for a single point.
            Some(index) => Look {
                marker: usize::from(curve.trigger == TOGETHER || curve.threshold == AS_GIVEN),
                ..look_of_rules(index)
            },
            None => {
                simple_rules += 1;
                Look {
                    colour: "--simple-rule",
                    marker: (simple_rules - 1) % 4,
                    dashed: true,
                }
            }
        };
        curves.iter().map(look).collect()
    }

    pub(super) fn lead_plot(&self) -> String {
        let ours = self.leads.iter().filter(|leads| leads.trigger == TOGETHER);
        let series: Vec<_> = ours
            .enumerate()
            .map(|(index, leads)| {
                let colour = look_of_rules(index).colour;
                (leads.rules.clone(), colour, leads.alarms.clone())
            })
            .collect();
        let Some(leads) = self.leads.first() else {
            return String::new();
        };
        let mut labels: Vec<String> = leads.bins_days.iter().map(i32::to_string).collect();
        let first = leads.bins_days.first().copied().unwrap_or_default();
        labels.insert(0, format!("<{first}"));
        let x_name = "days from the first alarm to the leaving (each bin from here up)";
        let picture = bars(&series, &labels, x_name, "First alarms");
        let legend: String = series
            .iter()
            .enumerate()
            .map(|(index, (name, _, _))| {
                format!("<li>{}{}</li>", key(look_of_rules(index)), escape(name))
            })
            .collect();
        format!(
            "<h2>Lead time</h2>\n<p>Days from the first alarm of any trigger to the leaving, for subscribers who left and had an \
             alarm. Below 0 the alarm came after the leaving; an offer needs 3 days.</p>\n<div class=\"plots\"><figure>{picture}\
             <figcaption>Number of first alarms</figcaption></figure></div>\n<ul class=\"legend\">{legend}</ul>"
        )
    }
}

/// Curves with their points where `place` puts them, each with what a reader sees who points at it.
fn plot(
    curves: &[&Curve],
    looks: &[Look],
    place: impl Fn(&Point) -> Option<(f64, f64, String)>,
    burden: &str,
    what: &str,
) -> String {
    let series = curves.iter().zip(looks).map(|(curve, look)| {
        let point = |point: &Point| {
            let (x, y, tip) = place(point)?;
            let tip = match curve.threshold.as_str() {
                AS_GIVEN => format!("{}: {tip}", name(curve)),
                threshold => format!("{}, {threshold} {:.2}: {tip}", name(curve), point.cut),
            };
            Some((x, y, tip))
        };
        Series {
            look: *look,
            points: curve.points.iter().filter_map(point).collect(),
        }
    });
    let series: Vec<Series> = series.collect();
    share_against_burden(&series, burden, what)
}

fn legend(curves: &[&Curve], looks: &[Look]) -> String {
    let entries: String = curves
        .iter()
        .zip(looks)
        .map(|(curve, look)| format!("<li>{}{}</li>", key(*look), escape(&name(curve))))
        .collect();
    format!("<ul class=\"legend\">{entries}</ul>")
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

fn name(curve: &Curve) -> String {
    match (curve.rules == SIMPLE_RULES, curve.threshold.as_str()) {
        (true, _) => curve.trigger.clone(),
        (false, AS_GIVEN) => format!("{} as they are", curve.rules),
        (false, threshold) => format!("{}: {} by {threshold}", curve.rules, curve.trigger),
    }
}
