use super::html::{Table, escape};
use super::plots::look_of_rules;
use super::svg::{Look, Place, key, seen_against_predicted};
use crate::backtest::bootstrap::FEW;
use crate::backtest::reliability::{Band, EITHER, FALL, FOUND, LEFT, Reliability, SCORE};
use crate::backtest::report::Report;

impl Report {
    /// Whether P and the churn score come true, as plots and tables.
    pub(super) fn reliability_plots(&self) -> String {
        let falls = self.predictions(
            FALL,
            &[FOUND, EITHER],
            "P of a fall at the alarm",
            "Alarms of the usage triggers by the P that they reported. P is the model's probability that the subscriber is \
             leaving or that use stays low, and true only as far as the hazards of line_state fit these people. Late alarms \
             and those of which it is not known yet are left out. Regular subscribers.",
        );
        let scores = self.predictions(
            SCORE,
            &[LEFT],
            "churn score",
            "The churn score of every subscriber every 30 days, without a signal and in ten parts of equal number with one, \
             beside the share that left within 30 days, which it is meant to be. Lift: that share over the base rate, the \
             share among all.",
        );
        format!("<h2>Do the probabilities come true?</h2>\n{falls}\n{scores}")
    }

    fn predictions(&self, what: &str, outcomes: &[&str], x_name: &str, text: &str) -> String {
        let of = self.reliability.iter().filter(|one| one.predicted == what);
        let of: Vec<&Reliability> = of.collect();
        let (mut drawn, mut legend, mut tables) = (Vec::new(), String::new(), String::new());
        for (index, one) in of.iter().enumerate() {
            for (marker, outcome) in outcomes.iter().enumerate() {
                let look = Look {
                    marker,
                    dashed: marker > 0,
                    ..look_of_rules(index)
                };
                let name = format!("{}: {}", one.rules, outcome.replace('_', " "));
                legend += &format!("<li>{}{}</li>", key(look), escape(&name));
                drawn.push((look, places(one, outcome)));
            }
            tables += &table(one);
        }
        let picture = seen_against_predicted(&drawn, x_name, "Share seen");
        format!(
            "<p>{text}</p>\n<div class=\"plots\"><figure>{picture}<figcaption>Share seen against what was predicted; on the \
             broken line the two are equal. Bars: exact 95 % intervals</figcaption></figure></div>\n\
             <ul class=\"legend\">{legend}</ul>\n{tables}"
        )
    }
}

/// The bands with enough cases.
fn places(of: &Reliability, outcome: &str) -> Vec<Place> {
    let at = of.outcomes.iter().position(|known| *known == outcome);
    let bands = of.bands.iter().filter(|band| band.count >= FEW);
    let place = |band: &Band| {
        let seen = band.seen.get(at?)?;
        Some(Place {
            predicted: band.mean?,
            seen: seen.share?,
            bounds: (seen.low, seen.high),
            tip: format!("{} of {} cases", seen.count, band.count),
        })
    };
    bands.filter_map(place).collect()
}

fn table(of: &Reliability) -> String {
    let names = of.outcomes.iter().map(|name| name.replace('_', " "));
    let names: Vec<String> = names.collect();
    let mut columns = vec!["From..to", "Cases", "Mean"];
    columns.extend(names.iter().map(String::as_str));
    let has_lift = of.predicted == SCORE;
    columns.extend(has_lift.then_some("Lift"));
    let mut table = Table::new(
        &format!("{}; in brackets: 95 % intervals", of.rules),
        &columns,
    );
    for band in &of.bands {
        let mut cells = vec![
            band.count.to_string(),
            band.mean
                .map_or("–".to_owned(), |mean| format!("{mean:.3}")),
        ];
        cells.extend(band.seen.iter().map(|seen| seen.text(band.count, 3)));
        let lift = of
            .lift(band)
            .map_or("–".to_owned(), |lift| format!("{lift:.1}"));
        cells.extend(has_lift.then_some(lift));
        table.row(&band.ends(3), &cells);
    }
    let sum = of.sum().map_or(String::new(), |sum| format!("All: {sum}."));
    let left_out = match of.predicted {
        FALL => format!(
            " Left out: {} late and {} of which it is not known yet.",
            of.late, of.not_known_yet
        ),
        _ => String::new(),
    };
    format!("{}<p class=\"soft\">{sum}{left_out}</p>", table.end())
}
