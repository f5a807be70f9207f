//! Hand-made people and alarms, and what the parts of a backtest make of them.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::aftermath::{Aftermath, aftermath};
use super::alarms::{Alarm, cool_down};
use super::bootstrap::Chance;
use super::cohort::{Cohort, Verdict};
use super::labels::{Label, Labels};
use super::line_days::LineDays;
use super::recording::{Departure, Recording};
use super::reliability;
use super::roster::Roster;
use super::scores::{WeightedTriggers, sample};
use super::simple_rules::{self, SimpleRule};
use super::statistics::{Statistic, statistics};
use super::usage::UsageColumns;
use crate::model::{Calendar, Counts, Day, Msisdn, Timestamp};

/// 2026-01-05, a Monday.
const START: Day = Day(20_458);
const DAYS: i32 = 120;

pub(super) fn calendar() -> Calendar {
    Calendar::new("Asia/Shanghai").unwrap()
}

/// Subscribers with so many calls on each day.
pub(super) fn recording(calls: &[&dyn Fn(i32) -> u32]) -> Recording {
    let (mut roster, mut usage) = (Roster::default(), UsageColumns::default());
    for (number, calls) in calls.iter().enumerate() {
        let msisdn = Msisdn::new(&format!("138001380{number:02}")).unwrap();
        let subscriber = roster.number(&msisdn);
        for day in 0..DAYS {
            (0..calls(day)).for_each(|_| usage.count(subscriber, START + day, false));
        }
    }
    Recording {
        counts: Counts::default(),
        rows: usage.into_rows(roster.len(), START + (DAYS - 1)),
        machines: vec![false; roster.len()],
        roster,
        runs: Vec::new(),
        outcomes: Vec::new(),
        departures: Vec::new(),
        lines: LineDays::default(),
    }
}

pub(super) fn labels(recording: &Recording, lines: &[&str]) -> Labels {
    let calendar = calendar();
    let read = |line: &&str| Label::read(line.as_bytes(), &calendar, Msisdn::new).unwrap();
    let labels: Vec<Label> = lines.iter().map(read).collect();
    Labels::of_truth(&labels, &recording.roster, &calendar)
}

/// An alarm of the first subscriber at the close of a day.
fn alarm(judged: i32) -> Alarm {
    let calendar = calendar();
    let midnight = calendar.start_of(START + judged + 1);
    Alarm {
        subscriber: 0,
        seen_at: Timestamp(midnight.0 - 1),
        raised_at: midnight.plus_hours(3),
        day: START + judged,
        score: 1.0,
        fall: 0.9,
        burden: true,
    }
}

/// Judged days of the first subscriber's alarms, counted from the start.
fn days(alarms: &[Alarm]) -> Vec<i32> {
    alarms.iter().map(|a| a.day.since(START)).collect()
}

const CHURN: &str = r#"{"msisdn":"13800138000","class":"churn","kind":"drop","from":"2026-03-06","left_at":"2026-05-01"}"#;

#[test]
fn an_onset_ends_the_cool_down() {
    let recording = recording(&[&|_| 2]);
    let calendar = calendar();
    let before = [30, 40, 59, 60, 75].map(alarm);
    let nothing = labels(&recording, &[]);
    let cohort = Cohort::new(&recording, &nothing, &calendar, 28);
    assert_eq!(days(&cool_down(&cohort, before.to_vec())), [30, 60]);
    // The onset is on day 60, so that the alarm of day 59 rests on nothing of it.
    let churn = labels(&recording, &[CHURN]);
    let cohort = Cohort::new(&recording, &churn, &calendar, 28);
    assert_eq!(days(&cool_down(&cohort, before.to_vec())), [30, 60]);
    let before = [30, 45, 65, 75].map(alarm);
    assert_eq!(days(&cool_down(&cohort, before.to_vec())), [30, 65]);
    let before = [50, 65, 75].map(alarm);
    assert_eq!(days(&cool_down(&cohort, before.to_vec())), [50, 65]);
}

#[test]
fn alarms_are_false_before_found_in_and_late_after_an_episode() {
    let recording = recording(&[&|_| 2]);
    let calendar = calendar();
    let stop = r#"{"msisdn":"13800138000","class":"churn","kind":"stop","from":"2026-03-06","left_at":"2026-03-06"}"#;
    for (line, expected) in [
        // The episode lasts from day 60 to day 116.
        (
            CHURN,
            [
                Verdict::False,
                Verdict::Found,
                Verdict::Found,
                Verdict::Late,
            ],
        ),
        // Leaving at once is still found within 30 days of the onset.
        (
            stop,
            [Verdict::False, Verdict::Found, Verdict::Late, Verdict::Late],
        ),
    ] {
        let labels = labels(&recording, &[line]);
        let cohort = Cohort::new(&recording, &labels, &calendar, 28);
        let verdict = |judged| {
            let alarm = alarm(judged);
            cohort.verdict(0, alarm.seen_at, alarm.day)
        };
        assert_eq!([59, 60, 100, 117].map(verdict), expected, "{line}");
        assert_eq!(verdict(90), Verdict::Found);
        let person = cohort.person(0).unwrap();
        assert_eq!(person.from, Some(START + 28));
        assert_eq!(cohort.sound_days(person, START, cohort.last), 60 - 28);
        assert_eq!(cohort.judged_days(person), 120 - 28);
    }
}

#[test]
fn regular_subscribers_are_seen_for_a_month_and_use_the_line_daily() {
    let mut recording = recording(&[
        &|_| 1,
        &|day| u32::from(day % 2 == 0),
        &|day| u32::from(day < 29) * 5,
        &|day| u32::from(day < 30) * 5,
        &|_| 9,
        &|_| 0,
    ]);
    recording.machines[4] = true;
    let labels = labels(&recording, &[]);
    let calendar = calendar();
    let cohort = Cohort::new(&recording, &labels, &calendar, 28);
    let regular: Vec<bool> = cohort.people.iter().map(|p| p.regular).collect();
    assert_eq!(regular, [true, false, false, true, false, false]);
    assert_eq!(cohort.people[5].from, None);
    assert!(cohort.active_on(3, START + 31) && !cohort.active_on(3, START + 32));
}

#[test]
fn simple_rules_count_as_they_say() {
    // Ten calls a day, two from day 60 on. The week is below half of the month before once five of its days are low (30 of
    // 70 calls; four leave 38), and below 30 % once all seven are (14; six leave 22).
    let falls = |day: i32| if day < 60 { 10 } else { 2 };
    let rests = |day: i32| u32::from(!(70..74).contains(&day));
    let recording = recording(&[&falls, &rests]);
    let nothing = labels(&recording, &[]);
    let calendar = calendar();
    let cohort = Cohort::new(&recording, &nothing, &calendar, 28);
    let of = |alarms: Vec<Alarm>, who: u32| {
        let mine = alarms.into_iter().filter(|a| a.subscriber == who);
        days(&mine.collect::<Vec<_>>())
    };
    assert_eq!(of(SimpleRule::WeekVoice(0.5).alarms(&cohort), 0), [64]);
    assert_eq!(of(SimpleRule::WeekAll(0.3).alarms(&cohort), 0), [66]);
    assert_eq!(of(SimpleRule::ZeroDays(3).alarms(&cohort), 1), [72]);
    assert_eq!(of(SimpleRule::ZeroDays(4).alarms(&cohort), 1), [73]);
    assert!(of(SimpleRule::ZeroDays(5).alarms(&cohort), 1).is_empty());
    assert_eq!(
        SimpleRule::WeekVoice(0.5).name(),
        "week_below_50_percent_voice"
    );
}

#[test]
fn simple_rules_are_set_to_the_same_burden() {
    // Fifty people fall silent for three days, each on another day; every week has one call less than the one before.
    let people: Vec<Box<dyn Fn(i32) -> u32>> = (0..50)
        .map(|who| -> Box<dyn Fn(i32) -> u32> {
            Box::new(move |day| match day - 50 - who % 25 {
                0..3 => 0,
                _ => 3 + (day * (who + 3) % 5) as u32,
            })
        })
        .collect();
    let people: Vec<&dyn Fn(i32) -> u32> = people.iter().map(|p| &**p).collect();
    let recording = recording(&people);
    let nothing = labels(&recording, &[]);
    let calendar = calendar();
    let cohort = Cohort::new(&recording, &nothing, &calendar, 28);
    assert_eq!(
        simple_rules::burden(&cohort, &SimpleRule::ZeroDays(3).alarms(&cohort)),
        50
    );
    let mut chance = Chance::new(1, 3);
    let (days, alarms) = simple_rules::zero_days_thinned(&cohort, 20, &mut chance);
    assert_eq!((days, simple_rules::burden(&cohort, &alarms)), (3, 20));
    let random = simple_rules::random(&cohort, 60, &mut chance);
    assert_eq!(random.len(), 60);
    for pair in random.windows(2) {
        let apart = pair[1].day.since(pair[0].day) >= 30;
        assert!(pair[0].subscriber < pair[1].subscriber || apart, "{pair:?}");
    }
    let (rule, alarms) = simple_rules::at_equal_burden(&cohort, 30, SimpleRule::WeekAll);
    let burden = simple_rules::burden(&cohort, &alarms);
    assert!((30..60).contains(&burden), "{rule:?} {burden}");
}

#[test]
fn alarms_after_a_recorded_leaving_cost_no_work() {
    let silent = |day: i32| u32::from(day < 60);
    let mut recording = recording(&[&silent, &silent]);
    recording.departures.push(Departure {
        subscriber: 1,
        at: calendar().start_of(START + 61),
        port_out: false,
    });
    let nothing = labels(&recording, &[]);
    let calendar = calendar();
    let cohort = Cohort::new(&recording, &nothing, &calendar, 28);
    let burden: Vec<bool> = SimpleRule::ZeroDays(3)
        .alarms(&cohort)
        .iter()
        .map(|alarm| alarm.burden)
        .collect();
    assert_eq!(burden, [true, false]);
}

#[test]
fn a_false_alarm_is_a_mistake_if_use_comes_back() {
    // Ten calls a day; from day 50 on so many, and from day `back` on so many.
    let of = |low: u32, back: i32, then: u32, judged: i32| {
        let calls = move |day: i32| match day {
            ..50 => 10,
            day if day < back => low,
            _ => then,
        };
        let recording = recording(&[&calls]);
        let (nothing, calendar) = (labels(&recording, &[]), calendar());
        let cohort = Cohort::new(&recording, &nothing, &calendar, 28);
        aftermath(&cohort, &alarm(judged))
    };
    use Aftermath::{NotKnownYet, Recovered, StayedLow};
    // Silent for good, or back within the 14 days after day 52, for the whole of a week or for five days of one at full use.
    assert_eq!(of(0, 120, 0, 52), StayedLow);
    assert_eq!(of(0, 60, 10, 52), Recovered);
    assert_eq!(of(0, 62, 10, 52), Recovered);
    assert_eq!(of(0, 63, 10, 52), StayedLow);
    // Back at six calls of ten is back, at five is not; nor is a fall to a third that was never more.
    assert_eq!(of(0, 58, 6, 52), Recovered);
    assert_eq!(of(0, 58, 5, 52), StayedLow);
    assert_eq!(of(3, 120, 3, 60), StayedLow);
    // A late alarm compares with the time before the fall, too.
    assert_eq!(of(3, 120, 3, 70), StayedLow);
    assert_eq!(of(3, 72, 7, 70), Recovered);
    // The data end with day 119.
    assert_eq!(of(0, 120, 0, 105), StayedLow);
    assert_eq!(of(0, 120, 0, 106), NotKnownYet);
}

#[test]
fn statistics_are_those_of_the_counts() {
    // Two calls a day, four days of silence from day 40, five from day 80.
    let rests = |day: i32| match day {
        40..44 | 80..85 => 0,
        _ => 2,
    };
    // Silent from day 50 for good: the silence is no part of its span, but it never came back.
    let stops = |day: i32| if day < 50 { 2 } else { 0 };
    let recording = recording(&[&rests, &stops, &|day| u32::from(day < 10)]);
    let nothing = labels(&recording, &[]);
    let calendar = calendar();
    let found = statistics(&Cohort::new(&recording, &nothing, &calendar, 28));
    let value = |name: &str| {
        let named = |s: &&Statistic| s.name.starts_with(name);
        let statistic = found.iter().find(named);
        statistic.unwrap_or_else(|| panic!("no {name}")).value
    };
    assert_eq!(found[0].count, 2);
    let silent = 9.0 / 120.0 / 2.0;
    assert!((value("silent days, share").unwrap() - silent).abs() < 1e-12);
    assert_eq!(value("silent days with data"), Some(0.0));
    let runs = 2.0 * 30_000.0 / 170.0;
    assert_eq!(value("silent runs of 3 days"), Some(runs));
    assert_eq!(value("silent runs of 5 days"), Some(runs / 2.0));
    assert_eq!(value("silent runs of 7 days"), Some(0.0));
    // The silence of day 80 began too late to say anything, and two runs are too few to print.
    assert!(found.iter().all(|statistic| statistic.printed().is_none()));
    assert_eq!(value("P(comes back | silent 3 days)"), Some(0.5));
    assert_eq!(value("P(comes back | silent 7 days)"), Some(0.0));
}

#[test]
fn alarms_are_counted_by_their_probability_and_what_came_of_them() {
    // Thirty people fall silent for good on day 60: ten with a label, twenty without.
    let silent = |day: i32| 4 * u32::from(day < 60);
    let calls: Vec<&dyn Fn(i32) -> u32> = (0..30).map(|_| &silent as &dyn Fn(i32) -> u32).collect();
    let recording = recording(&calls);
    let line = |who: u32| {
        format!(
            r#"{{"msisdn":"138001380{who:02}","class":"churn","kind":"stop","from":"2026-03-06"}}"#
        )
    };
    let lines: Vec<String> = (0..10).map(line).collect();
    let labels = labels(
        &recording,
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let calendar = calendar();
    let cohort = Cohort::new(&recording, &labels, &calendar, 28);
    let of = |subscriber: u32, judged: i32, fall: f32| Alarm {
        subscriber,
        fall,
        ..alarm(judged)
    };
    let mut alarms: Vec<Alarm> = (0..30).map(|who| of(who, 63, 0.65)).collect();
    // Nothing is known yet of an alarm at the end of the data, and certainty belongs to the last band.
    alarms.extend([of(29, 118, 0.65), of(28, 63, 1.0)]);
    let found = reliability::of_falls(&cohort, "rules", &alarms);
    let counts: Vec<u64> = found.bands.iter().map(|band| band.count).collect();
    assert_eq!(counts, [0, 0, 0, 30, 0, 0, 1]);
    let band = &found.bands[3];
    assert!((band.mean.unwrap() - 0.65).abs() < 1e-6);
    assert_eq!(
        band.seen.iter().map(|seen| seen.count).collect::<Vec<_>>(),
        [10, 20, 30]
    );
    assert!((band.seen[0].low - 0.173).abs() < 1e-3 && (band.seen[0].high - 0.528).abs() < 1e-3);
    let mut text = String::new();
    found.write(&mut text).unwrap();
    assert!(
        text.contains("0.33 (0.17..0.53)") && text.contains("few"),
        "{text}"
    );
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
}

#[test]
fn who_leaves_within_the_horizon_is_asked_once_a_week() {
    let recording = recording(&[&|_| 2, &|day| u32::from(day < 80)]);
    let line = r#"{"msisdn":"13800138001","class":"churn","kind":"stop","from":"2026-03-26","left_at":"2026-03-26"}"#;
    let labels = labels(&recording, &[line]);
    let calendar = calendar();
    let cohort = Cohort::new(&recording, &labels, &calendar, 28);
    let weighted = WeightedTriggers::default();
    let mut seen = Vec::new();
    sample(&cohort, &[], &weighted, 7, |_, left| seen.push(left));
    // Days 28, 35, ... 84 of the first, as day 89 is the last with 30 days after it; days 28 to 77 of the second, who left on
    // day 80: within 30 days from day 50 on.
    let stays = [false; 9];
    let leaves = [false, false, false, false, true, true, true, true];
    assert_eq!(seen, [stays.as_slice(), leaves.as_slice()].concat());
}

#[test]
fn what_was_expected_stands_beside_what_was_seen() {
    // The alarm of day 60 is right, that of day 10 of the warm-up is not counted, and use came back after that of day 40.
    let recording = recording(&[&|_| 2]);
    let calendar = calendar();
    let churn = labels(&recording, &[CHURN]);
    let cohort = Cohort::new(&recording, &churn, &calendar, 28);
    let alarms = [10, 40, 60, 118].map(alarm);
    let of = reliability::of_falls(&cohort, "rules", &alarms);
    assert_eq!((of.total.count, of.late, of.not_known_yet), (2, 1, 0));
    let sum = of.sum().unwrap();
    assert!(
        sum.starts_with("expected 1.8 (0.900), seen 1 of 2: 0.500 (0.013..0.987)"),
        "{sum}"
    );
    assert!(of.comes_true());
    // Forty alarms with a P of .9, of which none is right.
    let false_ones = [40; 40].map(alarm);
    let of = reliability::of_falls(&cohort, "rules", &false_ones);
    assert!(!of.comes_true(), "{:?}", of.total);
    let lifts: Vec<_> = of.bands.iter().filter_map(|band| of.lift(band)).collect();
    assert!(lifts.is_empty(), "nothing was seen: {lifts:?}");
}

#[test]
fn equal_labels_count_once() {
    let recording = recording(&[&|_| 2]);
    let twice = labels(&recording, &[CHURN, CHURN]);
    assert_eq!((twice.churn.len(), twice.repeated), (1, 1));
    assert_eq!(
        twice.notes(),
        ["1 label equals another and was not counted again"]
    );
}

#[test]
fn a_task_comes_in_time_between_the_onset_and_the_leaving() {
    let recording = recording(&[&|_| 2]);
    let calendar = calendar();
    let churn = labels(&recording, &[CHURN]);
    let cohort = Cohort::new(&recording, &churn, &calendar, 28);
    // The episode lasts from day 60 to day 116. A close is raised three hours after its day.
    for (judged, hours) in [(59, None), (60, Some(55 * 24 - 3)), (116, None)] {
        let alarm = alarm(judged);
        let lead = cohort.hours_before_leaving(0, alarm.seen_at, alarm.raised_at);
        assert_eq!(lead, hours.map(f64::from), "{judged}");
        assert_eq!(
            cohort.in_time(0, alarm.seen_at, alarm.raised_at),
            hours.is_some()
        );
    }
    assert_eq!((cohort.leaving().len(), cohort.leavers().len()), (1, 1));
    // Of a warm-up that ends after the onset nothing is judged.
    let cohort = Cohort::new(&recording, &churn, &calendar, 80);
    assert!(cohort.leaving().is_empty());
}
