//! The scenes that every detector is judged by, whatever its tuning: who must be found, and who must be left in peace.

use crate::support::scenario::{Scenario, crowd, day, days, usual};
use churnwatch::model::{Body, Day, Effect, Purpose};
use std::collections::BTreeSet;

const ONE: &str = "13900000001";

/// Calls and data sessions of one subscriber on a day.
type Use = (u32, u32);

/// Thirty subscribers with calls and some sessions a day, one of whom uses the line as told. On some days the mediation
/// delivers next to nothing.
fn scenario(from: &str, to: &str, down: &[&str], one: impl Fn(Day) -> Use) -> Scenario {
    let mut scenario = Scenario::new("");
    let people = crowd(30);
    let down: Vec<Day> = down.iter().map(|date| day(date)).collect();
    let used = |who: &str, on: Day| match who {
        _ if down.contains(&on) => (0, 0),
        ONE => one(on),
        who => (usual(who, on), 1 + usual(who, on) % 3),
    };
    for on in days(from, to).map(Day) {
        scenario.live(&people, on.0..=on.0, |who, on| used(who, on).0);
        for who in &people {
            for minute in 0..used(who, on).1 {
                let session = Body::Data {
                    volume_bytes: 20 << 20,
                    session: None,
                };
                scenario.event(who, &format!("{on} 20:{:02}", 10 + minute), session);
            }
        }
    }
    scenario
}

/// The first churn task of a subscriber: local date and trigger.
fn first_task(scenario: &Scenario, who: &str) -> Option<(String, String)> {
    scenario.effects.iter().find_map(|effect| match effect {
        Effect::Task(task) if task.msisdn.as_str() == who && task.purpose == Purpose::Churn => {
            let line = scenario
                .published(who)
                .into_iter()
                .find(|line| line.contains("task 1 open"))?;
            Some((line[..10].to_owned(), task.signals[0].trigger.to_string()))
        }
        _ => None,
    })
}

/// Everybody who was taken for a churner.
fn accused(scenario: &Scenario) -> Vec<&str> {
    let people = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Signal(signal) => {
            (signal.purpose == Purpose::Churn).then_some(signal.msisdn.as_str())
        }
        Effect::Task(task) => (task.purpose == Purpose::Churn).then_some(task.msisdn.as_str()),
        Effect::Shadow(_) | Effect::Erased(_) | Effect::Group(_) => None,
    });
    people.collect::<BTreeSet<_>>().into_iter().collect()
}

#[test]
fn three_silent_days_of_a_heavy_caller() {
    let last = day("2026-02-28");
    for (case, used) in [("calls", (14, 0)), ("data", (0, 14)), ("both", (7, 7))] {
        let scenario = scenario("2026-01-10", "2026-03-06", &[], |on| match on <= last {
            true => used,
            false => (0, 0),
        });
        let (on, trigger) = first_task(&scenario, ONE).unwrap();
        // The third silent day is 3 March; it closes the morning after. Use as even as this may tell a day earlier.
        assert!(
            ("2026-03-03"..="2026-03-04").contains(&on.as_str()),
            "{case}: {on}"
        );
        assert_eq!(trigger, "zero_usage_days", "{case}");
        assert_eq!(accused(&scenario), [ONE], "{case}");
    }
}

#[test]
fn a_light_users_quiet_week() {
    let away = day("2026-03-01")..=day("2026-03-07");
    for (case, every_days) in [
        ("every other day", 2),
        ("twice a week", 3),
        ("once a week", 7),
    ] {
        let scenario = scenario("2026-01-10", "2026-03-20", &[], |on| {
            let quiet = away.contains(&on) || on.0 % every_days != 0;
            if quiet { (0, 0) } else { (1, 0) }
        });
        assert_eq!(accused(&scenario), [""; 0], "{case}");
    }
}

#[test]
fn mediation_down_on_the_14th() {
    let down = ["2026-03-14"];
    let everybody = scenario("2026-01-10", "2026-03-20", &down, |on| (usual(ONE, on), 2));
    assert_eq!(accused(&everybody), [""; 0], "nobody was silent");
    let away = |days: i32| {
        move |on: Day| match (day("2026-03-13")..day("2026-03-13") + days).contains(&on) {
            true => (0, 0),
            false => (12, 2),
        }
    };
    // The 13th, an unknown day, the 15th: two silent days, not three.
    let weekend = scenario("2026-01-10", "2026-03-20", &down, away(3));
    assert_eq!(accused(&weekend), [""; 0]);
    for (down, expected) in [(&[][..], "2026-03-16"), (&down[..], "2026-03-17")] {
        let gone = scenario("2026-01-10", "2026-03-20", down, away(30));
        assert_eq!(
            first_task(&gone, ONE).unwrap().0,
            expected,
            "down on {down:?}"
        );
        assert_eq!(accused(&gone), [ONE]);
    }
}

#[test]
fn voice_moved_to_data() {
    let moved = day("2026-02-20");
    let substitutes = scenario("2026-01-10", "2026-03-31", &[], |on| match on < moved {
        true => (usual(ONE, on), 4),
        false => (0, 4 + usual(ONE, on)),
    });
    assert_eq!(accused(&substitutes), [""; 0]);
    // The same end of calls, with no more data than before, is a fall.
    let falls = scenario("2026-01-10", "2026-04-20", &[], |on| match on < moved {
        true => (2 * usual(ONE, on), 1),
        false => (0, 1),
    });
    let (_, trigger) = first_task(&falls, ONE).unwrap();
    assert_eq!(trigger, "usage_drop");
}

#[test]
fn holiday_everyone_drops() {
    // Calls of the week of the Spring Festival fall to a third; one line stops for good on its third day.
    let festival = day("2026-02-16")..=day("2026-02-22");
    let stops = day("2026-02-18");
    let people = crowd(30);
    let mut scenario = Scenario::new("");
    scenario.live(
        &people,
        days("2026-01-01", "2026-03-10"),
        |who, on| match who {
            ONE if on >= stops => 0,
            who if festival.contains(&on) => usual(who, on) / 3,
            who => usual(who, on),
        },
    );
    assert_eq!(accused(&scenario), [ONE]);
}
