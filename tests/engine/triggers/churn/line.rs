//! The line: calls that go elsewhere, and calls that drop.

use super::{MARKETING, ONE, called_by, days_pass};
use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, crowd, day, days, usual};
use churnwatch::model::{Body, CallOutcome, Day, ForwardAction, Number, Stage};

fn forward(action: ForwardAction, other: &str) -> Body<'static> {
    Body::CallForward {
        other: Number::from_digits(other.as_bytes()),
        action,
    }
}

const ON: ForwardAction = ForwardAction::Activate;
const OFF: ForwardAction = ForwardAction::Deactivate;
const SEEN: ForwardAction = ForwardAction::Forwarded;

/// S4 case 2: long-term forwarding.
#[test]
fn two_weeks_of_forwarding_fire_and_its_end_closes_the_task() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", forward(ON, FRIEND));
    days_pass(&mut scenario, "2026-02-01", "2026-02-19");
    assert_eq!(scenario.last_task(ONE).stage, Stage::Decline);
    scenario.event(ONE, "2026-02-20 07:00", forward(OFF, FRIEND));
    days_pass(&mut scenario, "2026-02-20", "2026-03-20");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-15 08:00 call_forwarding 0.50",
            "2026-02-15 08:00 task 1 open: small early due 2026-02-18 09:00",
            "2026-02-20 07:00 task 2 closed: forwarding_ended",
        ]
    );
}

#[test]
fn where_the_calls_go_decides_how_much_it_weighs() {
    for (to, strength) in [
        (FRIEND, "0.50"),
        ("10086", "0.50"),
        (HOTLINE, "0.80"),
        (MARKETING, "0.80"),
        ("", "0.80"),
    ] {
        let mut scenario = Scenario::new("");
        scenario.event(ONE, "2026-02-01 10:00", forward(ON, to));
        days_pass(&mut scenario, "2026-02-01", "2026-02-15");
        let expected = format!("2026-02-15 08:00 call_forwarding {strength}");
        assert_eq!(scenario.published(ONE)[0], expected, "to {to:?}");
    }
}

#[test]
fn thirteen_days_of_forwarding_are_a_holiday() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", forward(ON, FRIEND));
    days_pass(&mut scenario, "2026-02-01", "2026-02-13");
    scenario.event(ONE, "2026-02-14 07:00", forward(OFF, FRIEND));
    // Set up once more, it begins anew.
    scenario.event(ONE, "2026-02-15 07:00", forward(ON, FRIEND));
    days_pass(&mut scenario, "2026-02-15", "2026-02-27");
    assert_eq!(scenario.total(), 0);
}

#[test]
fn forwarding_that_was_set_up_unseen_shows_by_its_calls() {
    let mut scenario = Scenario::new("");
    for on in days("2026-02-01", "2026-02-20").map(Day) {
        if [1, 8, 15].contains(&(on.0 - day("2026-01-31").0)) {
            scenario.event(ONE, &format!("{on} 07:00"), forward(SEEN, FRIEND));
        }
        days_pass(&mut scenario, &on.to_string(), &on.to_string());
    }
    days_pass(&mut scenario, "2026-02-21", "2026-03-01");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-15 07:00 call_forwarding 0.50",
            "2026-02-15 07:00 task 1 open: small early due 2026-02-18 09:00",
            // Eight days after the last one.
            "2026-02-24 08:00 task 2 closed: forwarding_ended",
        ]
    );
}

#[test]
fn single_forwarded_calls_are_no_forwarding() {
    let mut scenario = Scenario::new("");
    for on in ["2026-02-01", "2026-02-09", "2026-02-17", "2026-02-25"] {
        scenario.event(ONE, &format!("{on} 07:00"), forward(SEEN, FRIEND));
        let last = (day(on) + 7).to_string();
        days_pass(&mut scenario, on, &last);
    }
    assert_eq!(scenario.total(), 0);
}

#[test]
fn what_ended_it_counts_however_late_it_came() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", forward(ON, FRIEND));
    days_pass(&mut scenario, "2026-02-01", "2026-02-11");
    scenario.event(ONE, "2026-02-05 10:00", forward(OFF, FRIEND));
    // It was set up before it ended: this changes nothing.
    scenario.event(ONE, "2026-02-03 10:00", forward(ON, FRIEND));
    days_pass(&mut scenario, "2026-02-12", "2026-02-28");
    assert_eq!(scenario.total(), 0);
}

#[test]
fn forwarding_that_goes_on_is_spoken_of_again_after_thirty_days() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", forward(ON, FRIEND));
    days_pass(&mut scenario, "2026-02-01", "2026-02-20");
    // Over to a competitor: stronger, so it is said at once.
    scenario.event(ONE, "2026-02-21 07:00", forward(ON, HOTLINE));
    days_pass(&mut scenario, "2026-02-21", "2026-03-20");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-15 08:00 call_forwarding 0.50",
            "2026-02-15 08:00 task 1 open: small early due 2026-02-18 09:00",
            "2026-02-21 07:00 call_forwarding 0.80 (task_open)",
            "2026-03-17 08:00 task 2 closed: expired",
            "2026-03-17 08:00 call_forwarding 0.80",
            "2026-03-17 08:00 task 1 open: small early due 2026-03-20 09:00",
        ]
    );
}

/// A subscriber with so many calls and so many of them dropped, day by day from 1 February on, among three subscribers.
fn calls_of_one(days: &[(u32, u32)]) -> Scenario {
    let mut scenario = Scenario::new("");
    for (on, (calls, dropped)) in (day("2026-02-01").0..).map(Day).zip(days) {
        for call in 0..*calls {
            let outcome = match call < *dropped {
                true => CallOutcome::Dropped,
                false => CallOutcome::Normal,
            };
            scenario.event(
                ONE,
                &format!("{on} 07:{call:02}"),
                called_by(FRIEND, outcome),
            );
        }
        days_pass(&mut scenario, &on.to_string(), &on.to_string());
    }
    let last = (day("2026-02-01") + days.len() as i32).to_string();
    days_pass(&mut scenario, &last, &last);
    scenario
}

#[test]
fn more_dropped_calls_in_a_week_than_chance_would_give_are_poor_quality() {
    for (days, strength) in [
        // One in ten, which two in a hundred make of so few calls now and then.
        (&[(10, 1), (10, 1)][..], None),
        (&[(20, 3)], None),
        (&[(40, 5)], None),
        (&[(10, 2), (10, 2)], Some("1.00")),
        (&[(10, 2), (9, 2)], None),
        (&[(50, 5), (50, 5)], Some("0.40")),
        (&[(50, 5), (51, 5)], None),
        (&[(40, 6)], Some("0.70")),
        (&[(20, 20)], Some("1.00")),
        // A week and a day apart.
        (
            &[
                (10, 2),
                (0, 0),
                (0, 0),
                (0, 0),
                (0, 0),
                (0, 0),
                (0, 0),
                (10, 2),
            ],
            None,
        ),
        (
            &[(10, 2), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (10, 2)],
            Some("1.00"),
        ),
    ] {
        let said = calls_of_one(days).published(ONE);
        let first = said.iter().find(|line| line.contains("poor_quality"));
        let first = first.map(|line| line.rsplit(' ').next().unwrap());
        assert_eq!(first, strength, "{days:?}");
    }
}

#[test]
fn a_week_of_good_calls_closes_the_task() {
    let mut month = vec![(20, 4)];
    month.extend([(20, 0); 12]);
    let scenario = calls_of_one(&month);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 07:19 poor_quality 1.00",
            "2026-02-02 07:19 task 1 open: small early due 2026-02-05 09:00",
            // 4 of 100 by the 5th.
            "2026-02-06 07:19 task 2 closed: quality_recovered",
        ]
    );
}

#[test]
fn calls_that_stop_altogether_are_no_better_calls() {
    let mut month = vec![(20, 4)];
    month.extend([(1, 0); 20]);
    let scenario = calls_of_one(&month);
    let closed = scenario
        .published(ONE)
        .iter()
        .any(|line| line.contains("closed"));
    assert!(!closed, "{:?}", scenario.published(ONE));
}

#[test]
fn a_day_the_mediation_was_down_does_not_count_among_the_seven() {
    let last = |outage: bool| {
        let mut scenario = Scenario::new("");
        let people = crowd(40);
        scenario.live(&people, days("2026-01-01", "2026-02-05"), usual);
        // Two of ten drop, and seven days on two of ten again.
        for hour in 0..10 {
            let outcome = match hour < 2 {
                true => CallOutcome::Dropped,
                false => CallOutcome::Normal,
            };
            let at = format!("2026-02-05 21:{hour:02}");
            scenario.event("13999999999", &at, called_by(FRIEND, outcome));
        }
        scenario.live(
            &people,
            days("2026-02-06", "2026-02-11"),
            |who, on| match outage && on == day("2026-02-08") {
                true => u32::from(who == people[0]),
                false => usual(who, on),
            },
        );
        for hour in 0..10 {
            let outcome = match hour < 2 {
                true => CallOutcome::Dropped,
                false => CallOutcome::Normal,
            };
            let at = format!("2026-02-12 07:{hour:02}");
            scenario.event("13999999999", &at, called_by(FRIEND, outcome));
        }
        scenario.live(&people, days("2026-02-12", "2026-02-13"), usual);
        scenario.signals("poor_quality")
    };
    assert_eq!((last(false), last(true)), (0, 1));
}

#[test]
fn nothing_said_names_the_other_party() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", forward(ON, FRIEND));
    scenario.event(
        ONE,
        "2026-02-01 10:00",
        called_by(MARKETING, CallOutcome::Normal),
    );
    scenario.event(
        ONE,
        "2026-02-01 10:00",
        called_by(MARKETING, CallOutcome::Normal),
    );
    scenario.event(ONE, "2026-02-01 10:00", call(HOTLINE));
    days_pass(&mut scenario, "2026-02-01", "2026-02-15");
    let said = format!("{:?}", scenario.effects);
    assert!(
        scenario.signals("call_forwarding") == 1 && scenario.signals("competitor_marketing") == 1
    );
    for number in [FRIEND, MARKETING, HOTLINE] {
        assert!(!said.contains(number), "{number}");
    }
}
