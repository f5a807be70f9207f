//! What a line may be doing, and what is said of it (behaviour: State of a line).

use crate::support::scenario::{FRIEND, Scenario, call, crowd, day, days, usual};
use churnwatch::model::{Body, ComplaintCategory, Day, Effect, Fact, Msisdn, Signal};

const ONE: &str = "13900000001";

/// Calls and data sessions of one subscriber among thirty who call as usual and use data twice a day.
fn one(overrides: &str, to: &str, used: impl Fn(Day) -> (u32, u32)) -> Scenario {
    let mut scenario = Scenario::new(overrides);
    let people = crowd(30);
    for on in days("2026-01-10", to).map(Day) {
        let calls = |who: &str, on: Day| {
            if who == ONE {
                used(on).0
            } else {
                usual(who, on)
            }
        };
        scenario.live(&people, on.0..=on.0, calls);
        for who in &people {
            let sessions = if who == ONE { used(on).1 } else { 2 };
            for minute in 0..sessions {
                let body = Body::Data {
                    volume_bytes: 1 << 20,
                    session: None,
                };
                scenario.event(who, &format!("{on} 20:{:02}", 10 + minute), body);
            }
        }
    }
    scenario
}

/// The signals of falls of the one, and of nobody else.
fn falls(scenario: &Scenario) -> Vec<&Signal> {
    let signals = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Signal(signal) => Some(&**signal),
        _ => None,
    });
    let falls = ["usage_drop", "zero_usage_days"];
    let signals = signals.filter(|signal| falls.contains(&&*signal.trigger));
    let signals: Vec<&Signal> = signals.collect();
    assert!(signals.iter().all(|signal| signal.msisdn.as_str() == ONE));
    signals
}

fn said(scenario: &Scenario) -> Vec<String> {
    let tell = |signal: &&Signal| {
        let on = scenario.lines(
            [Effect::Signal(Box::new(Signal::clone(signal)))].iter(),
            ONE,
        );
        on[0][..10].to_owned() + " " + &signal.trigger
    };
    falls(scenario).iter().map(tell).collect()
}

#[test]
fn a_fall_is_reported_once_however_long_it_lasts() {
    let fell = day("2026-03-01");
    let scenario = one("", "2026-06-10", |on| {
        let share = if on < fell { 3 } else { 1 };
        (usual(ONE, on) * share / 3, share)
    });
    let said = said(&scenario);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].ends_with("usage_drop"), "{said:?}");
    let expired = scenario.published(ONE);
    assert!(expired.last().is_some_and(|last| last.ends_with("expired")));
}

#[test]
fn a_drop_that_becomes_a_stop_is_told_in_a_revision() {
    let (fell, stopped) = (day("2026-03-01"), day("2026-03-20"));
    let used = |on: Day| match on {
        on if on >= stopped => (0, 0),
        on if on >= fell => (usual(ONE, on) / 3, 1),
        on => (usual(ONE, on), 3),
    };
    let scenario = one("", "2026-03-30", used);
    let [drop, stop] = &said(&scenario)[..] else {
        panic!("{:?}", said(&scenario));
    };
    assert!(drop.ends_with("usage_drop"), "{drop}");
    assert!(stop.ends_with("zero_usage_days"), "{stop}");
    assert!(stop.as_str() >= "2026-03-23", "{stop}");
    let task = scenario.last_task(ONE);
    assert_eq!(task.signals.len(), 2);
    let told = &task.signals[1].text.en;
    assert!(told.starts_with("Use has stopped"), "{told}");
    // As long as the second report must wait, there is none.
    let later = one("line_state.deeper_days = 40", "2026-03-30", used);
    assert_eq!(said(&later).len(), 1);
}

#[test]
fn who_uses_the_line_again_has_recovered_and_may_fall_again() {
    let silent = |on: Day| (day("2026-03-01")..day("2026-03-08")).contains(&on);
    let again = |on: Day| (day("2026-04-05")..day("2026-04-12")).contains(&on);
    let scenario = one("", "2026-04-12", |on| match silent(on) || again(on) {
        true => (0, 0),
        false => (usual(ONE, on), 2),
    });
    let lines = scenario.published(ONE);
    let back = lines.iter().find(|line| line.contains("closed"));
    let back = back.unwrap();
    // The 8th closes on the morning after.
    assert_eq!(back, "2026-03-09 08:00 task 2 closed: usage_recovered");
    let said = said(&scenario);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|line| line.ends_with("zero_usage_days")));
}

#[test]
fn use_that_comes_back_low_after_a_stop_is_no_recovery() {
    let (stopped, back) = (day("2026-03-01"), day("2026-03-15"));
    let closed = |left: u32| {
        let scenario = one("", "2026-03-30", |on| match on {
            on if on < stopped => (9, 3),
            on if on < back => (0, 0),
            _ => (9 * left / 3, left),
        });
        assert_eq!(said(&scenario).len(), 1);
        let lines = scenario.published(ONE);
        lines.iter().any(|line| line.ends_with("usage_recovered"))
    };
    assert!(!closed(1));
    assert!(closed(3));
}

#[test]
fn a_phone_that_is_off_for_two_days_is_no_stop() {
    let off = |on: Day| [day("2026-03-01"), day("2026-03-02")].contains(&on);
    for calls in [6, 12, 40] {
        let scenario = one("", "2026-03-10", |on| match off(on) {
            true => (0, 0),
            false => (calls, calls),
        });
        assert_eq!(said(&scenario), [""; 0], "{calls} a day");
    }
}

#[test]
fn what_is_left_of_a_line_for_too_long_is_a_fall() {
    // Calls end, and a session a day goes on, as where a phone lies in a drawer.
    let ended = day("2026-03-01");
    let scenario = one("", "2026-05-10", |on| match on < ended {
        true => (2 * usual(ONE, on), 3),
        false => (0, 1),
    });
    let [fall] = falls(&scenario)[..] else {
        panic!("{:?}", said(&scenario));
    };
    assert!(
        fall.text.en.starts_with("Hardly any use has been left"),
        "{}",
        fall.text.en
    );
    assert_eq!(fall.trigger, "usage_drop");
}

#[test]
fn a_signal_shows_what_is_believed_and_the_last_days() {
    let (stopped, down) = (day("2026-03-05"), day("2026-02-20"));
    let mut scenario = Scenario::new("");
    scenario.live(
        &crowd(30),
        days("2026-01-10", "2026-03-11"),
        |who, on| match who {
            _ if on == down => 0,
            ONE if on >= stopped => 0,
            who => usual(who, on),
        },
    );
    let signal = falls(&scenario)[0];
    let fact = |name: &str| {
        let facts = &signal.evidence.facts;
        facts
            .iter()
            .find(|(known, _)| known == name)
            .unwrap()
            .1
            .clone()
    };
    let p = |name: &str| match fact(name) {
        Fact::Measure(p) => p,
        other => panic!("{other:?}"),
    };
    let states = [
        "p_normal",
        "p_drift",
        "p_short_absence",
        "p_long_absence",
        "p_drop",
        "p_stop",
        "p_decay",
        "p_trickle",
    ];
    let sum: f64 = states.into_iter().map(p).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    assert!(p("p_stop") > 0.5);
    assert_eq!(fact("since"), Fact::Date(stopped));
    let series = |name: &str| match fact(name) {
        Fact::Series(days) => days,
        other => panic!("{other:?}"),
    };
    let Fact::Date(from) = fact("history_from") else {
        panic!("no date");
    };
    let (seen, expected) = (series("voice_seen"), series("voice_expected"));
    assert_eq!(
        [seen.len(), expected.len(), series("data_seen").len()],
        [35; 3]
    );
    for (on, (seen, expected)) in (from.0..).map(Day).zip(seen.into_iter().zip(expected)) {
        let calls = if on < stopped {
            usual(ONE, on) as f32
        } else {
            0.0
        };
        assert_eq!(seen, (on != down).then_some(calls), "{on}");
        assert!(expected.is_some_and(|calls| calls < 10.0), "{on}");
    }
}

#[test]
fn who_is_back_before_the_ranking_is_not_asked() {
    let silent = |returns: bool| {
        let mut scenario = Scenario::new("policy.budget.collect_minutes = 60");
        let people = crowd(30);
        scenario.live(
            &people,
            days("2026-01-20", "2026-03-04"),
            |who, on| match who {
                ONE if on >= day("2026-03-01") => 0,
                ONE => 9,
                who => usual(who, on),
            },
        );
        let others = |scenario: &mut Scenario, at: &str| {
            for who in &people[1..5] {
                scenario.event(who, at, call(FRIEND));
            }
        };
        others(&mut scenario, "2026-03-05 08:00");
        for minute in 0..if returns { 7 } else { 0 } {
            scenario.event(ONE, &format!("2026-03-05 08:1{minute}"), call(FRIEND));
        }
        others(&mut scenario, "2026-03-05 09:30");
        scenario.published(ONE)
    };
    assert_eq!(
        silent(true),
        ["2026-03-05 08:00 zero_usage_days 0.81 (recovered)"]
    );
    let asked = silent(false);
    assert_eq!(asked[0], "2026-03-05 08:00 zero_usage_days 0.81");
    assert!(asked[1].contains("task 1 open"), "{asked:?}");
}

/// What is expected of the one on an average day, calls and data sessions together.
fn expected(scenario: &Scenario) -> f64 {
    let who = Msisdn::new(ONE).unwrap();
    let known = scenario.shard.describe(&who).unwrap();
    known
        .baselines
        .values()
        .map(|channel| channel.events_per_day)
        .sum()
}

#[test]
fn who_was_away_is_expected_to_use_the_line_as_before() {
    let away = |on: Day| (day("2026-03-01")..day("2026-03-15")).contains(&on);
    let after = |overrides: &str| {
        let scenario = one(overrides, "2026-03-24", |on| match away(on) {
            // A call now and then, as from abroad.
            true => (on.0 as u32 % 4 / 3, 0),
            false => (9, 3),
        });
        expected(&scenario)
    };
    let (spared, learnt) = (after(""), after("baseline.absence_below = 0"));
    assert!(spared > 11.0 && learnt < 9.5, "{spared} {learnt}");
}

#[test]
fn little_use_that_lasts_becomes_ordinary() {
    let fell = day("2026-03-01");
    let left = |calls: u32, to: &str| {
        let scenario = one("", to, |on| match on < fell {
            true => (9, 3),
            false => (calls, 0),
        });
        expected(&scenario)
    };
    for calls in [0, 1] {
        let (soon, late) = (left(calls, "2026-03-26"), left(calls, "2026-07-20"));
        assert!(soon > 11.0, "{calls}: {soon}");
        assert!(late < 2.5, "{calls}: {late}");
    }
}

#[test]
fn after_a_complaint_a_fall_is_believed_sooner() {
    let fell = day("2026-03-01");
    // Nobody gets a task, and the complaint counts nevertheless.
    let reported = |complaint: &str, overrides: &str| {
        let held_out = format!("policy.hold_out.share = 1.0\n{overrides}");
        let mut scenario = Scenario::new(&held_out);
        let people = crowd(30);
        for on in days("2026-01-10", "2026-03-20").map(Day) {
            if complaint == on.to_string() {
                let complaint = Body::Complaint {
                    category: ComplaintCategory::Network,
                    resolved: false,
                    satisfaction: None,
                };
                scenario.event(ONE, &format!("{on} 07:00"), complaint);
            }
            scenario.live(&people, on.0..=on.0, |who, on| match who {
                ONE if on >= fell => 3,
                ONE => 9,
                who => usual(who, on),
            });
        }
        said(&scenario)
    };
    let of = |complaint: &str| reported(complaint, "");
    let usual = of("");
    let [sooner, usual_day] = [of("2026-02-26"), usual.clone()].map(|said| said[0].clone());
    assert!(sooner < usual_day, "{sooner} {usual_day}");
    assert_eq!(of("2026-02-01"), usual);
    assert_eq!(reported("2026-02-26", "line_state.worry_factor = 1"), usual);
    assert_eq!(reported("2026-02-26", "line_state.worry_days = 0"), usual);
}
