//! Pictures as SVG. Colours are in the style sheet.

use crate::board::store::TrendDay;
use crate::board::task::{Channel, History};
use crate::board::words::Language;
use maud::{Markup, html};

const WIDTH: f64 = 700.0;
const HEIGHT: f64 = 120.0;
/// Room for the scale at the left, and for dates below.
const LEFT: f64 = 34.0;
const BELOW: f64 = 18.0;

/// Daily use of a line, a picture for each channel; `fired` is the day of the signal.
pub(super) fn history(history: &History, fired: jiff::civil::Date, language: Language) -> Markup {
    html! {
        @for channel in &history.channels { (channel_of(history.from, channel, fired, language)) }
        p.legend {
            span.key-seen { (language.say("seen")) }
            span.key-expected { (language.say("expected")) }
            span.key-unknown { (language.say("unknown_day")) }
            span.key-fired { (language.say("fired")) }
        }
    }
}

fn channel_of(
    from: jiff::civil::Date,
    channel: &Channel,
    fired: jiff::civil::Date,
    language: Language,
) -> Markup {
    let days = channel.seen.len().max(channel.expected.len()).max(1);
    let most = channel
        .seen
        .iter()
        .chain(&channel.expected)
        .flatten()
        .fold(1.0_f64, |most, n| most.max(*n));
    let step = (WIDTH - LEFT) / days as f64;
    let x = |day: usize| LEFT + step * day as f64;
    let y = |events: f64| HEIGHT * (1.0 - events / most);
    let date = |day: usize| {
        from.checked_add(jiff::Span::new().days(day as i64))
            .unwrap_or(from)
    };
    let expected = channel.expected.iter().enumerate();
    let line: Vec<String> = expected
        .filter_map(|(day, events)| {
            Some(format!("{:.1},{:.1}", x(day) + step / 2.0, y((*events)?)))
        })
        .collect();
    let name = language.word("channel", channel.name);
    let seen: f64 = channel.seen.iter().flatten().sum();
    let expected: f64 = channel.expected.iter().flatten().sum();
    let sums = [
        name,
        &days.to_string(),
        &format!("{seen:.0}"),
        &format!("{expected:.0}"),
    ];
    let said = language.fill("chart", &sums);
    html! {
        figure.chart {
            figcaption { (name) }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + BELOW) } role="img" aria-label=(said) {
                text.axis x=(LEFT - 4.0) y="10" text-anchor="end" { (format!("{most:.0}")) }
                text.axis x=(LEFT - 4.0) y=(HEIGHT) text-anchor="end" { "0" }
                line.base x1=(LEFT) x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                @for (day, events) in channel.seen.iter().enumerate() {
                    @match events {
                        Some(events) => rect.seen x=(format!("{:.1}", x(day) + 1.0)) width=(format!("{:.1}", step - 2.0))
                            y=(format!("{:.1}", y(*events))) height=(format!("{:.1}", HEIGHT - y(*events)))
                            { title { (date(day)) ": " (events) } },
                        None => rect.unknown x=(format!("{:.1}", x(day))) width=(format!("{step:.1}")) y="0" height=(HEIGHT)
                            { title { (date(day)) ": " (language.say("unknown_day")) } },
                    }
                }
                polyline.expected points=(line.join(" ")) {}
                @for day in (0..days).filter(|day| date(*day) == fired || (*day + 1 == days && date(*day) < fired)) {
                    line.fired x1=(format!("{:.1}", x(day) + step)) x2=(format!("{:.1}", x(day) + step)) y1="0" y2=(HEIGHT) {}
                }
                @for day in (0..days).step_by(7) {
                    text.axis x=(format!("{:.1}", x(day))) y=(HEIGHT + 14.0) { (date(day).strftime("%m-%d").to_string()) }
                }
            }
        }
    }
}

/// Signals, tasks and what became of them by day.
pub(super) fn trend(days: &[TrendDay], language: Language) -> Markup {
    type Figure = fn(&TrendDay) -> u64;
    let rows: [(&str, Figure); 5] = [
        ("signals", |day| day.signals),
        ("over_budget", |day| day.over_budget),
        ("opened", |day| day.opened),
        ("saved", |day| day.saved),
        ("lost", |day| day.lost),
    ];
    let date = |day: i32| {
        let epoch = jiff::civil::date(1970, 1, 1);
        epoch
            .checked_add(jiff::Span::new().days(i64::from(day)))
            .unwrap_or(epoch)
    };
    html! {
        @for (name, figure) in rows {
            (bars(name, &days.iter().map(|day| (date(day.day), figure(day))).collect::<Vec<_>>(), language))
        }
    }
}

fn bars(name: &str, days: &[(jiff::civil::Date, u64)], language: Language) -> Markup {
    let most = days.iter().map(|day| day.1).max().unwrap_or(0).max(1) as f64;
    let height = 56.0;
    let step = (WIDTH - LEFT) / days.len().max(1) as f64;
    let sum: u64 = days.iter().map(|day| day.1).sum();
    let title = language.word("trend", name);
    html! {
        figure.chart.small {
            figcaption { (title) " " strong { (sum) } }
            svg viewBox={ "0 0 " (WIDTH) " " (height + BELOW) } role="img" aria-label={ (title) ": " (sum) } {
                text.axis x=(LEFT - 4.0) y="10" text-anchor="end" { (most) }
                line.base x1=(LEFT) x2=(WIDTH) y1=(height) y2=(height) {}
                @for (index, (date, count)) in days.iter().enumerate() {
                    rect.{ "seen trend-" (name) } x=(format!("{:.1}", LEFT + step * index as f64 + 1.0))
                        width=(format!("{:.1}", (step - 2.0).max(0.5)))
                        y=(format!("{:.1}", height * (1.0 - *count as f64 / most)))
                        height=(format!("{:.1}", height * *count as f64 / most)) { title { (date) ": " (count) } }
                    @if index % 7 == 0 {
                        text.axis x=(format!("{:.1}", LEFT + step * index as f64)) y=(height + 14.0) { (date.strftime("%m-%d").to_string()) }
                    }
                }
            }
        }
    }
}
