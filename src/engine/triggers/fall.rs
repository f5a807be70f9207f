//! A fall of a line's use, which `usage_drop` and `zero_usage_days` report between them (behaviour: State of a line).

use super::trigger::Firing;
use super::view::DayView;
use crate::engine::settings::LineState;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::line_state::{DayEvidence, LineBelief, LineReading, Report, fall};
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{CloseReason, Day, Evidence, Fact, Text, Tier};
use std::borrow::Cow;

/// How far off the stored levels may be: a call every other day is half an event a day.
const TIE: f64 = 1e-3;
/// Days of use that a signal shows, at most.
const HISTORY_DAYS: i32 = 35;
/// The note of a trigger's state: a fall was reported and lasts.
const REPORTED: u8 = 1;
/// Then the line was barred.
const BARRED: u8 = 2;

/// Takes the closed day into what is believed of the line, and settles whether a fall is to be reported.
pub fn read(
    belief: &mut LineBelief,
    view: &DayView<'_>,
    tier: impl FnOnce() -> Tier,
) -> LineReading {
    let rules = view.line_state_rules;
    if view.is_barred() {
        belief.bar();
    }
    let quiet = |belief: &LineBelief, evidence| LineReading {
        report: belief.report(),
        evidence,
        ..LineReading::default()
    };
    if view.known_days < rules.known_days_min || !view.is_comparable() {
        return quiet(belief, None);
    }
    let evidence = evidence(view, view.day);
    let probabilities = belief.observe(&evidence, view.worried, rules);
    let of = |state: LineState| probabilities[state as usize];
    let fall = fall(&probabilities);
    if fall < rules.cleared_below {
        belief.clear();
        return quiet(belief, Some(evidence));
    }
    let report = match of(LineState::Stop) >= 0.5 * fall {
        true => Report::Stop,
        false => Report::Drop,
    };
    let silent = report != Report::Stop || is_silent(view, rules.silent_days_min);
    let level: f64 = view.comparable(view.day).map(|c| view.level(c)).sum();
    let mut news = None;
    if level >= rules.expected_min - TIE && silent && belief.is_news(report, view.day, rules) {
        let threshold = match report {
            Report::Stop => &rules.threshold.zero_usage_days,
            _ => &rules.threshold.usage_drop,
        };
        news = Some(threshold.of(tier())).filter(|least| fall >= *least);
    }
    if news.is_some() {
        belief.reported(report, view.day);
    }
    LineReading {
        probabilities,
        report: belief.report(),
        news,
        evidence: Some(evidence),
    }
}

/// Whether the last known days, at least so many, were without any use.
fn is_silent(view: &DayView<'_>, days: u16) -> bool {
    let mut last = known_days(view).take(usize::from(days));
    last.all(|day| !view.window.day(day).active())
}

/// What the use of a day says, in the channels that are comparable.
fn evidence(view: &DayView<'_>, day: Day) -> DayEvidence {
    let mut evidence = DayEvidence::default();
    for channel in view.comparable(day) {
        let expected = view.expected(channel, day);
        if DayEvidence::says(expected) {
            let events = f64::from(view.observed(channel, day));
            let k = view.dispersion(channel);
            evidence.add(channel as usize, events, expected, k, view.line_state_rules);
        }
    }
    evidence
}

/// What a trigger that reports falls in one way makes of the day; `strength` is that of a fall that is just likely enough.
pub fn on_day(
    report: Report,
    strength: f64,
    view: &DayView<'_>,
    state: &mut TriggerState,
) -> Option<Firing> {
    let reading = view.line;
    state.note = match reading.report {
        Report::None => 0,
        Report::Drop | Report::Stop => REPORTED,
        Report::Barred => BARRED,
    };
    let threshold = reading.news.filter(|_| reading.report == report)?;
    Some(firing(view, threshold, strength))
}

/// Use is back before the close of a day has shown it.
pub fn end(state: &mut TriggerState) {
    state.note = 0;
}

/// Why the reason of a fall is gone, if it is.
pub fn recovered(state: &TriggerState) -> Option<CloseReason> {
    match state.note {
        0 => Some(CloseReason::UsageRecovered),
        BARRED => Some(CloseReason::LineBarred),
        _ => None,
    }
}

/// What a state means, in plain words.
pub fn describe(state: &TriggerState) -> String {
    match state.note {
        0 => "no fall of use that was reported and lasts",
        BARRED => "a fall of use was reported, then the line was barred",
        _ => "a fall of use was reported and lasts",
    }
    .to_owned()
}

fn firing(view: &DayView<'_>, threshold: f64, strength: f64) -> Firing {
    let of = |state: LineState| view.line.probabilities[state as usize];
    let likelier = |a: LineState, b: LineState| if of(b) > of(a) { b } else { a };
    let state = LineState::FALLS.into_iter().reduce(likelier);
    let state = state.unwrap_or(LineState::Stop);
    let fall = fall(&view.line.probabilities);
    let run = Run::of(state, view);
    let surplus = ((fall - threshold) / (1.0 - threshold)).clamp(0.0, 1.0);
    let per_day = 1.0 / f64::from(run.days.max(1));
    let likely = LineState::ALL.map(|state| {
        let name = Cow::from(format!("p_{}", state.name()));
        (name, Fact::Measure(of(state)))
    });
    let mut facts = Vec::from(likely);
    facts.push(("since".into(), Fact::Date(run.since)));
    facts.extend(history(view));
    Firing {
        kind: FiringKind::Full,
        strength: strength + (1.0 - strength) * surplus,
        text: text(state, [of(state), fall], &run),
        evidence: Evidence {
            observed: run.observed * per_day,
            expected: run.expected * per_day,
            unit: "events_per_day".into(),
            window_days: run.days,
            threshold,
            facts,
            source: None,
        },
    }
}

fn text(state: LineState, [likely, fall]: [f64; 2], run: &Run) -> Text {
    let (zh, en) = match state {
        LineState::Stop => ("已停止使用", "Use has stopped"),
        LineState::Decay => ("使用逐步减少", "Use has been on the way down"),
        LineState::Trickle => ("长期仅有零星使用", "Hardly any use has been left"),
        _ => ("使用骤降且未恢复", "Use has been low"),
    };
    let [likely, fall] = [likely, fall].map(|p| format!("{:.0}", (100.0 * p).min(99.0)));
    let Run {
        since,
        days,
        observed,
        expected,
    } = run;
    let (all_zh, all_en) = match likely == fall {
        true => Default::default(),
        false => (
            format!("，各类持续下降合计{fall}%"),
            format!(", any lasting fall {fall} %"),
        ),
    };
    let plural = |of_one: bool| if of_one { "" } else { "s" };
    let (events, in_days) = (plural(*observed == 1.0), plural(*days == 1));
    Text {
        zh: format!(
            "{zh}，始于{since}（可能性{likely}%{all_zh}）：{days}天内使用{observed:.0}次，按平时应约{expected:.0}次"
        ),
        en: format!(
            "{en} since {since} ({likely} % likely{all_en}): {observed:.0} event{events} in {days} day{in_days}, \
             {expected:.0} expected"
        ),
    }
}

/// The days of a fall.
struct Run {
    since: Day,
    days: u16,
    observed: f64,
    expected: f64,
}

impl Run {
    /// The days up to the closed one that speak most for a state against normal use.
    fn of(state: LineState, view: &DayView<'_>) -> Self {
        let (mut best, mut so_far) = (f64::NEG_INFINITY, 0.0);
        let (mut days, mut observed, mut expected) = (0, 0.0, 0.0);
        let mut run = Self {
            since: view.day,
            days,
            observed,
            expected,
        };
        // A day says nothing on which only a channel is known that the line does not use.
        let says = |day: &Day| {
            let mut channels = view.comparable(*day);
            channels.any(|channel| DayEvidence::says(view.expected(channel, *day)))
        };
        for day in known_days(view).filter(says) {
            // What stopped was used before.
            let used = observed > 0.0 || view.window.day(day).active();
            if state == LineState::Stop && days > 0 && used {
                break;
            }
            days += 1;
            so_far += evidence(view, day).of(state);
            for channel in view.comparable(day) {
                observed += f64::from(view.observed(channel, day));
                expected += view.expected(channel, day);
            }
            if so_far >= best {
                best = so_far;
                run = Self {
                    since: day,
                    days,
                    observed,
                    expected,
                };
            }
        }
        run
    }
}

/// The comparable days of the window on which the subscriber was known, newest first.
fn known_days(view: &DayView<'_>) -> impl Iterator<Item = Day> {
    let days = (0..view.window.days()).map(|age| view.day - age);
    let comparable = days.filter(|day| view.comparable(*day).next().is_some());
    comparable.take(usize::from(view.known_days))
}

/// The last days by channel, as seen and as expected. A day on which the channel was unknown has nothing seen, and one
/// before the subscriber was known nothing expected.
fn history(view: &DayView<'_>) -> Vec<(Cow<'static, str>, Fact)> {
    let days = view.window.days().min(HISTORY_DAYS);
    let days = || (0..days).rev().map(|age| view.day - age);
    let oldest = known_days(view).last().unwrap_or(view.day);
    let mut facts = Vec::new();
    if let Some(first) = days().next() {
        facts.push(("history_from".into(), Fact::Date(first)));
    }
    for (channel, seen, expected) in [
        (UsageChannel::Voice, "voice_seen", "voice_expected"),
        (UsageChannel::Data, "data_seen", "data_expected"),
    ] {
        let known = |day: &Day| *day >= oldest && view.comparable(*day).any(|c| c == channel);
        let events = |day: Day| known(&day).then(|| view.observed(channel, day) as f32);
        let tenths = |day: Day| (10.0 * view.expected(channel, day)).round() as f32 / 10.0;
        facts.push((seen.into(), Fact::Series(days().map(events).collect())));
        let all = days().map(|day| (day >= oldest).then(|| tenths(day)));
        facts.push((expected.into(), Fact::Series(all.collect())));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_nothing_twice() {
        let run = |days, observed| Run {
            since: Day(20_000),
            days,
            observed,
            expected: 7.2,
        };
        let same = text(LineState::Stop, [0.713, 0.708], &run(4, 0.0));
        assert_eq!(
            same.en,
            "Use has stopped since 2024-10-04 (71 % likely): 0 events in 4 days, 7 expected"
        );
        assert_eq!(
            same.zh,
            "已停止使用，始于2024-10-04（可能性71%）：4天内使用0次，按平时应约7次"
        );
        let other = text(LineState::Drop, [0.5, 0.6], &run(1, 1.0));
        assert_eq!(
            other.en,
            "Use has been low since 2024-10-04 (50 % likely, any lasting fall 60 %): 1 event in 1 day, 7 expected"
        );
    }
}
