//! Small plots as inline SVG, drawn in the page's own colours.

use super::html::escape;
use std::fmt::Write;

/// One series of a plot of points.
pub struct Series {
    /// How it looks.
    pub look: Look,
    /// Position, and what a reader sees who points at it.
    pub points: Vec<(f64, f64, String)>,
}

/// Colour and marker.
#[derive(Clone, Copy)]
pub struct Look {
    /// Name of the colour in the style sheet.
    pub colour: &'static str,
    /// Marker: 0 disc, 1 square, 2 triangle, 3 cross.
    pub marker: usize,
    /// Whether the line is broken.
    pub dashed: bool,
}

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 42.0;

/// Where ticks of a logarithmic axis may stand, within each decade.
const MARKS: [f64; 3] = [1.0, 2.0, 5.0];

/// A share (0..1) against a burden on a logarithmic axis.
pub fn share_against_burden(series: &[Series], x_name: &str, y_name: &str) -> String {
    let xs = series
        .iter()
        .flat_map(|s| &s.points)
        .map(|p| p.0)
        .filter(|x| *x > 0.0);
    let low = xs.clone().fold(f64::INFINITY, f64::min);
    let high = xs.fold(0.0, f64::max);
    if high <= 0.0 {
        return "<p class=\"soft\">There were no alarms to draw.</p>".to_owned();
    }
    let (low, high) = (low / 1.2, high * 1.2);
    let span = libm::log(high / low);
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * libm::log(value / low) / span;
    let y = |share: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share);
    let mut svg = frame(x_name, y_name);
    for step in 0..=5 {
        let share = f64::from(step) / 5.0;
        grid_line(&mut svg, y(share), &format!("{:.0} %", 100.0 * share));
    }
    let mut decade = 1e-3;
    while decade <= high {
        for tick in MARKS.map(|mark| mark * decade) {
            if (low..=high).contains(&tick) {
                x_tick(&mut svg, x(tick), &tick.to_string());
            }
        }
        decade *= 10.0;
    }
    for series in series {
        let drawn = series.points.iter().filter(|p| p.0 > 0.0);
        let places: Vec<(f64, f64)> = drawn.clone().map(|p| (x(p.0), y(p.1))).collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let dash = if series.look.dashed {
            " stroke-dasharray=\"4 3\""
        } else {
            ""
        };
        let _ = write!(
            svg,
            "<polyline fill=\"none\" stroke=\"var({})\" stroke-width=\"2\"{dash} points=\"{}\"/>",
            series.look.colour,
            path.join(" ")
        );
        for ((x, y), point) in places.into_iter().zip(drawn) {
            let _ = write!(
                svg,
                "<g>{}<title>{}</title></g>",
                marker(series.look, x, y),
                escape(&point.2)
            );
        }
    }
    svg + "</svg>"
}

/// Counts in bins, side by side for each series. The labels stand under the bins.
pub fn bars(
    series: &[(String, &'static str, Vec<u64>)],
    labels: &[String],
    x_name: &str,
    y_name: &str,
) -> String {
    let most = series.iter().flat_map(|s| &s.2).copied().max();
    let Some(most) = most.filter(|most| *most > 0) else {
        return "<p class=\"soft\">Nobody who left was alarmed.</p>".to_owned();
    };
    let step = nice_step(most as f64 / 4.0);
    let top = step * libm::ceil(most as f64 / step);
    let y = |count: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - count / top);
    let mut svg = frame(x_name, y_name);
    let mut tick = 0.0;
    while tick <= top {
        grid_line(&mut svg, y(tick), &format!("{tick}"));
        tick += step;
    }
    let slot = (WIDTH - LEFT - RIGHT) / labels.len().max(1) as f64;
    let width = (slot - 4.0) / series.len().max(1) as f64;
    for (bin, label) in labels.iter().enumerate() {
        let left = LEFT + slot * bin as f64;
        x_tick(&mut svg, left + slot / 2.0, label);
        for (place, (name, colour, counts)) in series.iter().enumerate() {
            let count = counts.get(bin).copied().unwrap_or_default();
            let (from, high) = (y(count as f64), y(0.0) - y(count as f64));
            let left = left + 2.0 + width * place as f64;
            let _ = write!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{from:.1}\" width=\"{:.1}\" height=\"{high:.1}\" rx=\"2\" fill=\"var({colour})\">\
                 <title>{}: {count} at {} days</title></rect>",
                (width - 1.0).max(1.0),
                escape(name),
                escape(label)
            );
        }
    }
    svg + "</svg>"
}

/// What was seen of a probability.
pub struct Place {
    /// The probability.
    pub predicted: f64,
    /// The share seen.
    pub seen: f64,
    /// Its interval.
    pub bounds: (f64, f64),
    /// What a reader sees who points at it.
    pub tip: String,
}

/// What was seen against what was predicted, with a line where the two are equal.
pub fn seen_against_predicted(series: &[(Look, Vec<Place>)], x_name: &str, y_name: &str) -> String {
    let places = || series.iter().flat_map(|(_, places)| places);
    let most = places().fold(0.0_f64, |most, place| {
        most.max(place.predicted).max(place.bounds.1)
    });
    if most <= 0.0 {
        return "<p class=\"soft\">Too few cases to draw.</p>".to_owned();
    }
    // In thousandths.
    let step = nice_step(200.0 * most) / 1_000.0;
    let top = step * libm::ceil(most / step);
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * value / top;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value / top);
    let mut svg = frame(x_name, y_name);
    for tick in 0..=libm::round(top / step) as u32 {
        let share = step * f64::from(tick);
        let label = format!("{} %", libm::round(1000.0 * share) / 10.0);
        grid_line(&mut svg, y(share), &label);
        x_tick(&mut svg, x(share), &label);
    }
    let _ = write!(
        svg,
        "<path class=\"axis\" stroke-dasharray=\"4 3\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
        x(0.0),
        y(0.0),
        x(top),
        y(top)
    );
    for (look, places) in series {
        for place in places {
            let (across, low, high) = (x(place.predicted), y(place.bounds.0), y(place.bounds.1));
            let _ = write!(
                svg,
                "<g><path stroke=\"var({})\" stroke-width=\"2\" d=\"M{across:.1} {low:.1}V{high:.1}\"/>{}<title>{}</title></g>",
                look.colour,
                marker(*look, across, y(place.seen)),
                escape(&place.tip)
            );
        }
    }
    svg + "</svg>"
}

/// A legend entry's picture.
pub fn key(look: Look) -> String {
    let dash = if look.dashed {
        " stroke-dasharray=\"4 3\""
    } else {
        ""
    };
    format!(
        "<svg viewBox=\"0 0 32 16\" aria-hidden=\"true\"><path d=\"M2 8H30\" stroke=\"var({})\" stroke-width=\"2\"{dash}/>{}</svg>",
        look.colour,
        marker(look, 16.0, 8.0)
    )
}

fn frame(x_name: &str, y_name: &str) -> String {
    let (bottom, middle) = (HEIGHT - BOTTOM, (LEFT + WIDTH - RIGHT) / 2.0);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{y} against {x}\">\
         <path class=\"axis\" d=\"M{LEFT} {bottom}H{}\"/>\
         <text class=\"strong\" text-anchor=\"middle\" x=\"{middle}\" y=\"{}\">{x}</text>",
        WIDTH - RIGHT,
        HEIGHT - 6.0,
        x = escape(x_name),
        y = escape(y_name)
    )
}

fn grid_line(svg: &mut String, y: f64, label: &str) {
    let _ = write!(
        svg,
        "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{}\"/><text text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{label}</text>",
        WIDTH - RIGHT,
        LEFT - 6.0,
        y + 4.0
    );
}

fn x_tick(svg: &mut String, x: f64, label: &str) {
    let _ = write!(
        svg,
        "<text text-anchor=\"middle\" x=\"{x:.1}\" y=\"{}\">{}</text>",
        HEIGHT - BOTTOM + 16.0,
        escape(label)
    );
}

fn marker(look: Look, x: f64, y: f64) -> String {
    let fill = format!(
        "fill=\"var({})\" stroke=\"var(--surface)\" stroke-width=\"1\"",
        look.colour
    );
    match look.marker {
        0 => format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" {fill}/>"),
        1 => {
            let (left, top) = (x - 3.5, y - 3.5);
            format!("<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"7\" height=\"7\" {fill}/>")
        }
        2 => format!("<path d=\"M{x:.1} {:.1}l4.5 8h-9z\" {fill}/>", y - 5.0),
        _ => format!(
            "<path d=\"M{:.1} {:.1}l8 8m0 -8l-8 8\" stroke=\"var({})\" stroke-width=\"2.5\"/>",
            x - 4.0,
            y - 4.0,
            look.colour
        ),
    }
}

/// The smallest of 1, 2, 5, 10, 20, ... that is not below a value.
fn nice_step(least: f64) -> f64 {
    let mut decade = 1.0;
    loop {
        for step in MARKS.map(|mark| mark * decade) {
            if step >= least || decade > 1e12 {
                return step;
            }
        }
        decade *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let steps = [0.3, 1.0, 1.5, 3.0, 5.1, 240.0].map(nice_step);
        assert_eq!(steps, [1.0, 1.0, 2.0, 5.0, 10.0, 500.0]);
    }

    #[test]
    fn names_are_escaped_and_nothing_is_fetched() {
        let series = Series {
            look: Look {
                colour: "--series-1",
                marker: 0,
                dashed: false,
            },
            points: vec![(10.0, 0.5, "<b>&".to_owned()), (0.0, 0.1, String::new())],
        };
        let svg = share_against_burden(&[series], "x<", "y");
        assert!(svg.contains("<title>&lt;b&gt;&amp;</title>") && svg.contains("x&lt;"));
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(!svg.contains("http") && !svg.contains("NaN"));
        assert!(share_against_burden(&[], "x", "y").contains("no alarms"));
        let drawn = bars(
            &[("s".to_owned(), "--series-1", vec![1, 4])],
            &["0".to_owned(), "1".to_owned()],
            "x",
            "y",
        );
        assert_eq!(drawn.matches("<rect").count(), 2);
    }
}
