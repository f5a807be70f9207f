//! Lines that behave like machines although nobody marked them (behaviour: Machines).

use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, crowd, day, days, profile, usual};
use churnwatch::model::{Body, Day, Direction, Msisdn, Number};

const ONE: &str = "13900000001";

/// A scenario of 30 subscribers in which one line makes so many calls a day, all others as many as usual.
fn one(rules: &str, from: &str, to: &str, calls: impl Fn(Day) -> u32) -> Scenario {
    let mut scenario = Scenario::new(rules);
    scenario.live(&crowd(30), days(from, to), |who, on| match who {
        ONE => calls(on),
        _ => usual(who, on),
    });
    scenario
}

fn standing(scenario: &Scenario) -> Vec<String> {
    let who = Msisdn::new(ONE).unwrap();
    scenario.shard.describe(&who).unwrap().standing
}

fn robots(scenario: &Scenario) -> u64 {
    scenario.shard.stats().machines
}

#[test]
fn three_busy_days_of_seven_make_a_machine_and_one_does_not() {
    let from = day("2026-02-01");
    for (case, busy, calls, expected) in [
        ("one busy day", &[10][..], 1000, 0),
        ("two", &[10, 11], 1000, 0),
        ("three in a row", &[10, 11, 12], 1000, 1),
        ("every other day", &[10, 12, 14], 1000, 1),
        ("one a week", &[3, 10, 17, 24], 1000, 0),
        ("exactly at the limit", &[10, 11, 12], 250, 1),
        (
            "a courier, day by day",
            &[10, 11, 12, 13, 14, 15, 16],
            180,
            0,
        ),
    ] {
        let scenario = one("", "2026-02-01", "2026-02-27", |on| {
            if busy.contains(&on.since(from)) {
                calls
            } else {
                6
            }
        });
        assert_eq!(robots(&scenario), expected, "{case}");
        assert_eq!(scenario.total(), 0, "{case}");
    }
}

#[test]
fn messages_count_as_calls_do() {
    let mut scenario = Scenario::new("robots.sent_a_day = 40");
    for on in days("2026-02-01", "2026-02-08").map(Day) {
        scenario.live(&crowd(5), on.0..=on.0, usual);
        for second in 0..40 {
            let at = churnwatch::model::Timestamp(
                scenario.time(&format!("{on} 20:30")).0 + second * 1000,
            );
            let message = Body::Message {
                direction: Direction::Outgoing,
                other: Number::from_digits(FRIEND.as_bytes()),
            };
            scenario.event_at(ONE, at, message);
        }
    }
    assert_eq!(robots(&scenario), 1);
}

#[test]
fn a_machine_that_falls_silent_or_calls_a_competitor_is_nobody_to_keep() {
    let mut scenario = one("", "2026-01-20", "2026-03-10", |on| match on {
        on if on < day("2026-02-20") => 300,
        _ => 0,
    });
    scenario.event(ONE, "2026-03-10 21:00", call(HOTLINE));
    assert_eq!(scenario.total(), 0);
    assert_eq!(robots(&scenario), 1, "silence makes no person of it");
    assert_eq!(
        standing(&scenario)[1..],
        ["behaves like a machine: no trigger looks at it before 14 more days of a person's use"]
    );
}

#[test]
fn after_two_weeks_of_a_persons_use_it_is_a_person_again_with_a_new_baseline() {
    let person_from = day("2026-02-20");
    let calls = move |on: Day| if on < person_from { 300 } else { 6 };
    let scenario = one("", "2026-01-20", "2026-03-05", calls);
    assert_eq!(robots(&scenario), 1);
    let scenario = one("", "2026-01-20", "2026-03-06", calls);
    assert_eq!((robots(&scenario), standing(&scenario).len()), (0, 1));
    // Sixty calls where there were three hundred are no drop; the silence of the person is one.
    let scenario = one("", "2026-01-20", "2026-04-20", |on| match on {
        on if on < day("2026-04-10") => calls(on),
        _ => 0,
    });
    assert_eq!(
        scenario.published(ONE)[0][..26],
        *"2026-04-16 08:00 zero_usag"
    );
    let relapse = one("", "2026-01-20", "2026-03-12", |on| match on {
        on if on == day("2026-03-01") => 300,
        on => calls(on),
    });
    assert_eq!(robots(&relapse), 1, "a busy day begins the count anew");
}

#[test]
fn unknown_days_prove_nothing() {
    // Everybody is silent on three days, so that nothing is known of them; the machine's calls then do not count.
    let outage = day("2026-03-03")..=day("2026-03-05");
    let mut scenario = Scenario::new("");
    scenario.live(
        &crowd(30),
        days("2026-01-20", "2026-03-20"),
        |who, on| match (who, outage.contains(&on)) {
            (ONE, true) => 300,
            (_, true) => 0,
            (who, false) => usual(who, on),
        },
    );
    assert_eq!(robots(&scenario), 0);
}

#[test]
fn the_calls_of_robots_excuse_nobody() {
    // Ten robots fall silent on a day on which the people go on: were they counted, the people would look too busy, and
    // on the days before too quiet.
    let people = crowd(40);
    let robot = |who: &str| who > people[29].as_str();
    let mut scenario = Scenario::new("");
    scenario.live(
        &people,
        days("2026-01-20", "2026-03-20"),
        |who, on| match who {
            who if robot(who) => {
                if on < day("2026-02-20") {
                    260
                } else {
                    0
                }
            }
            ONE if on > day("2026-03-01") => 0,
            who => usual(who, on),
        },
    );
    assert_eq!(robots(&scenario), 10);
    let accused: Vec<_> = people
        .iter()
        .filter(|who| !scenario.published(who).is_empty())
        .collect();
    assert_eq!(accused, [ONE]);
}

#[test]
fn a_new_owner_of_a_machines_number_is_a_person() {
    let mut scenario = one("", "2026-02-01", "2026-02-20", |_| 300);
    assert_eq!(robots(&scenario), 1);
    scenario.event(ONE, "2026-02-20 21:00", Body::Cancellation);
    let owner = profile(|p| p.activated_on = Some(day("2026-02-21")));
    scenario.event(ONE, "2026-02-21 07:00", owner);
    assert_eq!(robots(&scenario), 0);
}
