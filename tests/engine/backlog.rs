//! What is made of records that had waited for long (behaviour: Backlog).

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, days, invoice, profile, usual};
use churnwatch::model::Inputs;

const BACKLOG: Inputs = Inputs {
    caught_up: false,
    backlog: true,
    ..Inputs::DEFAULT
};

/// Four weeks of ordinary life, read in a few minutes of 30 March, with what some of them have told in between.
fn read_late(clock: &str, told: impl Fn(&mut Scenario, &str)) -> Scenario {
    let mut scenario = Scenario::new(&format!("window.clock = {clock:?}"));
    scenario.tick("2026-03-30 10:00", BACKLOG);
    let people = crowd(25);
    for day in days("2026-03-02", "2026-03-29") {
        let date = churnwatch::model::Day(day).to_string();
        scenario.live(&people, day..=day, usual);
        told(&mut scenario, &date);
    }
    scenario.tick("2026-03-30 10:02", Inputs::default());
    scenario
}

#[test]
fn what_was_over_opens_nothing_and_what_is_due_is_opened_as_of_now() {
    let people = crowd(25);
    let scenario = read_late("auto", |scenario, date| match date {
        "2026-03-02" => {
            let bill = invoice("2026-02-01", "2026-03-05", 100);
            scenario.event(&people[2], "2026-03-02 21:00", bill);
            let birthday = profile(|profile| profile.birthday = Some((3, 15)));
            scenario.event(&people[3], "2026-03-02 21:00", birthday);
        }
        "2026-03-10" => {
            scenario.event(&people[0], "2026-03-10 20:30", call(HOTLINE));
        }
        "2026-03-28" => {
            scenario.event(&people[1], "2026-03-28 20:30", call(HOTLINE));
        }
        _ => {}
    });
    assert_eq!(scenario.clock(), "2026-03-30 10:02");
    let published: Vec<Vec<String>> = people[..4]
        .iter()
        .map(|who| scenario.published(who))
        .collect();
    let expected = [
        vec!["2026-03-10 20:30 competitor_hotline 0.60 (backlog)"],
        vec![
            "2026-03-28 20:30 competitor_hotline 0.60",
            "2026-03-30 10:02 task 1 open: small early due 2026-03-31 20:30",
        ],
        vec![
            "2026-03-21 08:00 arrears 0.60",
            "2026-03-30 10:02 task 1 open: small early due 2026-04-02 10:02",
        ],
        vec!["2026-03-14 08:00 birthday 0.50 (backlog)"],
    ];
    assert_eq!(published, expected);
}

#[test]
fn by_the_clock_of_the_events_a_backlog_is_now() {
    let people = crowd(25);
    let scenario = read_late("event", |scenario, date| {
        if date == "2026-03-10" {
            scenario.event(&people[0], "2026-03-10 20:30", call(HOTLINE));
        }
    });
    let expected = [
        "2026-03-10 20:30 competitor_hotline 0.60",
        "2026-03-10 20:30 task 1 open: small early due 2026-03-13 20:30",
    ];
    assert_eq!(scenario.published(&people[0]), expected);
}
