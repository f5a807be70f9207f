//! What the volume of everybody says of a day, and what becomes of a volume that stays strange (behaviour: Outage guard).

use crate::support::scenario::{FRIEND, Scenario, call, crowd, day, days, usual};
use churnwatch::model::{Body, Day, Feed, Timestamp};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Calls and data sessions of a subscriber on a day.
type Use = [u32; 2];

/// Everybody's usual day: 12 to 36 of either.
fn busy(who: &str, on: Day) -> Use {
    [usual(who, on) * 4, usual(who, on + 400) * 4]
}

/// A share of them, in percent.
fn part(of: Use, percent: u32) -> Use {
    of.map(|events| (events * percent + 50) / 100)
}

/// Everybody's calls and sessions in order of time, from 08:00 to 20:00.
fn live(
    scenario: &mut Scenario,
    people: &[String],
    days: RangeInclusive<i32>,
    events: impl Fn(&str, Day) -> Use,
) {
    for on in days.map(Day) {
        let morning = scenario.time(&format!("{on} 08:00")).0;
        let mut records = Vec::new();
        for (index, who) in people.iter().enumerate() {
            for (channel, events) in events(who, on).into_iter().enumerate() {
                for event in 0..i64::from(events) {
                    let after = event * 12 * Timestamp::HOUR_MS / i64::from(events);
                    records.push((morning + after, index, channel));
                }
            }
        }
        records.sort();
        for (at, index, channel) in records {
            let body = match channel {
                0 => call(FRIEND),
                _ => Body::Data {
                    volume_bytes: 1 << 20,
                    session: None,
                },
            };
            scenario.event_at(&people[index], Timestamp(at), body);
        }
    }
}

fn unknown_days(scenario: &Scenario) -> u64 {
    scenario.shard.stats().outage_days[Feed::Cdr as usize]
}

/// The people of whom anything was said.
fn spoken_of<'a>(scenario: &Scenario, people: &'a [String]) -> BTreeSet<&'a str> {
    let said = people
        .iter()
        .filter(|who| !scenario.published(who).is_empty());
    said.map(String::as_str).collect()
}

const NOBODY: [&str; 0] = [];

/// Usual until the end of February, then as `later` says, to the end of April; from 10 April on the first is silent.
fn changed(people: &[String], later: impl Fn(&str, Day) -> Use) -> Scenario {
    let mut scenario = Scenario::new("");
    live(
        &mut scenario,
        people,
        days("2026-01-01", "2026-04-30"),
        |who, on| match on {
            on if on < day("2026-03-01") => busy(who, on),
            on if on >= day("2026-04-10") && who == people[0] => [0, 0],
            on => later(who, on),
        },
    );
    scenario
}

#[test]
fn a_lasting_fall_is_learnt_and_then_everybody_is_judged_again() {
    let people = crowd(40);
    let scenario = changed(&people, |who, on| part(busy(who, on), 16));
    assert_eq!(unknown_days(&scenario), 3);
    assert_eq!(spoken_of(&scenario, &people), [people[0].as_str()].into());
    let first = &scenario.published(&people[0])[0];
    assert!(first < &"2026-04-16".to_owned(), "{first}");
}

#[test]
fn a_fall_to_a_half_accuses_nobody_either() {
    let people = crowd(40);
    let scenario = changed(&people, |who, on| part(busy(who, on), 50));
    assert_eq!(unknown_days(&scenario), 0);
    assert_eq!(spoken_of(&scenario, &people), [people[0].as_str()].into());
}

#[test]
fn subscribers_who_leave_together_are_no_silences() {
    for stay in [10, 35] {
        let people = crowd(70);
        let scenario = changed(&people, |who, on| {
            match people[..stay].iter().any(|p| p == who) {
                true => busy(who, on),
                false => [0, 0],
            }
        });
        let unknown = if stay == 10 { 3 } else { 0 };
        assert_eq!(unknown_days(&scenario), unknown);
        assert_eq!(
            spoken_of(&scenario, &people),
            [people[0].as_str()].into(),
            "{stay} stay"
        );
    }
}

#[test]
fn an_outage_of_five_days_changes_nothing() {
    let people = crowd(40);
    let down = day("2026-03-01")..day("2026-03-06");
    let scenario = changed(&people, |who, on| match down.contains(&on) {
        true => part(busy(who, on), 2),
        false => busy(who, on),
    });
    assert_eq!(unknown_days(&scenario), 3);
    let said = scenario.published(&people[0]);
    assert_eq!(said[0], "2026-04-13 08:00 zero_usage_days 0.98");
    assert_eq!(spoken_of(&scenario, &people), [people[0].as_str()].into());
}

#[test]
fn levels_may_change_in_steps_and_back() {
    let people = crowd(40);
    let steps = |who: &str, on: Day| match on {
        on if on < day("2026-03-06") => part(busy(who, on), 40),
        on if on < day("2026-03-12") => part(busy(who, on), 16),
        _ => part(busy(who, on), 8),
    };
    let there_and_back = |who: &str, on: Day| match on {
        on if on < day("2026-03-25") => part(busy(who, on), 16),
        _ => busy(who, on),
    };
    assert_eq!(spoken_of(&changed(&people, steps), &people).len(), 1);
    assert_eq!(
        spoken_of(&changed(&people, there_and_back), &people).len(),
        1
    );
}

#[test]
fn an_outage_is_recognised_at_a_level_that_has_risen() {
    let people = crowd(40);
    let risen = |who: &str, on: Day| match on {
        on if on == day("2026-04-02") => busy(who, on),
        _ => part(busy(who, on), 500),
    };
    let scenario = changed(&people, risen);
    assert_eq!(unknown_days(&scenario), 1, "ordinary before the rise");
    assert_eq!(spoken_of(&scenario, &people), [people[0].as_str()].into());
}

#[test]
fn a_network_that_rests_at_weekends_has_no_outages() {
    let people = crowd(40);
    let holiday = day("2026-03-23");
    let down = day("2026-03-25");
    let office = |who: &str, on: Day| match on {
        on if on == down => [0, 0],
        on if on == holiday || on.weekday() >= 5 => part(busy(who, on), 10),
        on => busy(who, on),
    };
    let mut scenario = Scenario::new("");
    live(
        &mut scenario,
        &people,
        days("2026-01-01", "2026-02-28"),
        office,
    );
    let learning = unknown_days(&scenario);
    assert!(learning <= 5, "{learning}");
    live(
        &mut scenario,
        &people,
        days("2026-03-01", "2026-03-24"),
        office,
    );
    assert_eq!(
        unknown_days(&scenario),
        learning,
        "weekends and a holiday are known"
    );
    live(
        &mut scenario,
        &people,
        days("2026-03-25", "2026-04-09"),
        office,
    );
    assert_eq!(
        unknown_days(&scenario),
        learning + 1,
        "nothing at all is an outage"
    );
    assert_eq!(spoken_of(&scenario, &people), NOBODY.into());
    live(
        &mut scenario,
        &people,
        days("2026-04-10", "2026-04-30"),
        |who, on| {
            if who == people[0] {
                [0, 0]
            } else {
                office(who, on)
            }
        },
    );
    assert_eq!(spoken_of(&scenario, &people), [people[0].as_str()].into());
}

/// One channel stops for everybody for ten days; with it the first falls silent altogether, and the second, who uses only
/// the other channel; the third uses only the one that stops.
fn one_fails(failed: usize) -> Vec<String> {
    let people = crowd(40);
    let down = day("2026-03-01")..day("2026-03-11");
    let mut scenario = Scenario::new("");
    live(
        &mut scenario,
        &people,
        days("2026-01-01", "2026-03-20"),
        |who, on| {
            let mut events = busy(who, on);
            if who == people[1] {
                events[failed] = 0;
            }
            if who == people[2] {
                events[1 - failed] = 0;
            }
            if down.contains(&on) {
                events[failed] = 0;
                if who == people[0] || who == people[1] {
                    events = [0, 0];
                }
            }
            events
        },
    );
    assert_eq!(unknown_days(&scenario), 3);
    let accused = spoken_of(&scenario, &people);
    assert_eq!(accused, [people[0].as_str(), people[1].as_str()].into());
    let first = |who: &String| scenario.published(who)[0].clone();
    people[..2].iter().map(first).collect()
}

#[test]
fn what_stops_in_one_channel_leaves_the_other_to_judge_alone() {
    for failed in [0, 1] {
        for first in one_fails(failed) {
            assert!(first.contains("zero_usage_days"), "{first}");
            assert!(*first < *"2026-03-06", "{first}");
        }
    }
}
