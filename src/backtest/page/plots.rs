use super::html::escape;
use super::svg::{Look, Series, bars, key, share_against_burden};
use crate::backtest::report::{Curve, Point, Report, SIMPLE_RULES, TOGETHER};

/// Colours of the sets of rules; further ones repeat them with other markers.
const COLOURS: [&str; 4] = ["--series-1", "--series-2", "--series-3", "--series-4"];

fn look_of_rules(index: usize) -> Look {
    Look {
        colour: COLOURS[index % COLOURS.len()],
        marker: index / COLOURS.len() % 4,
        dashed: false,
    }
}

impl Report {
    pub(super) fn burden_plots(&self) -> String {
        let looks = self.looks();
        let precision = self.plot(&looks, |point| point.precision, "Precision");
        let recall = self.plot(&looks, |point| point.recall_30d, "Recall within 30 days");
        let legend: String = self
            .curves
            .iter()
            .zip(&looks)
            .map(|(curve, look)| format!("<li>{}{}</li>", key(*look), escape(&name(curve))))
            .collect();
        format!(
            "<h2>Against burden</h2>\n<p>What more alarms buy. For our rules the threshold is the churn score of the alarm (the last \
             point is the rules as they are); each simple rule has one threshold. Regular subscribers.</p>\n\
             <div class=\"plots\"><figure>{precision}<figcaption>Precision: the share of alarms that are right</figcaption></figure>\
             <figure>{recall}<figcaption>Recall: the share of onsets found within 30 days</figcaption></figure></div>\n\
             <ul class=\"legend\">{legend}</ul>"
        )
    }

    fn looks(&self) -> Vec<Look> {
        let mut simple_rules = 0;
        let look = |curve: &Curve| match self.rules.iter().position(|r| r.name == curve.rules) {
            // One colour for each set of rules, one marker for each stream.
            Some(index) => Look {
                marker: usize::from(curve.trigger == TOGETHER),
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
        self.curves.iter().map(look).collect()
    }

    fn plot(&self, looks: &[Look], share: impl Fn(&Point) -> f64, what: &str) -> String {
        let series = self.curves.iter().zip(looks).map(|(curve, look)| {
            let point = |point: &Point| {
                let tip = format!(
                    "{}, cut {:.2}: {:.1} alarms, precision {:.1} %, recall {:.1} %",
                    name(curve),
                    point.cut,
                    point.alarms_per_1000_30d,
                    100.0 * point.precision,
                    100.0 * point.recall_30d
                );
                (point.alarms_per_1000_30d, share(point), tip)
            };
            Series {
                look: *look,
                points: curve.points.iter().map(point).collect(),
            }
        });
        let series: Vec<Series> = series.collect();
        let burden = "alarms per 1,000 subscribers and 30 days";
        share_against_burden(&series, burden, what)
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

fn name(curve: &Curve) -> String {
    match curve.rules == SIMPLE_RULES {
        true => curve.trigger.clone(),
        false => format!("{}: {}", curve.rules, curve.trigger),
    }
}
