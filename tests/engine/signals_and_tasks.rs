//! Who is accused of what, when, and what task comes of it (behaviour: Triggers, From signals to tasks).

use crate::support::scenario::{
    FRIEND, HOTLINE, MACHINE, NOT_PURSUED, Scenario, call, crowd, day, days, invoice, outcome,
    payment, profile, usual,
};
use churnwatch::model::{Body, Day, Effect, OutcomeResult, Profile, Segment, SuspensionReason};

const ONE: &str = "13900000001";
const SUSPENDED: Body<'static> = Body::Suspension(SuspensionReason::Arrears);

/// A scenario of 30 subscribers in which one subscriber uses the line as told, and all others as usual.
fn one_among_usual(from: &str, to: &str, calls: impl Fn(Day) -> u32) -> Scenario {
    let mut scenario = Scenario::new("");
    scenario.live(&crowd(30), days(from, to), |who, on| match who {
        ONE => calls(on),
        _ => usual(who, on),
    });
    scenario
}

#[test]
fn a_holiday_accuses_nobody() {
    for share in [0, 1, 3] {
        let mut scenario = Scenario::new("");
        let holiday = day("2026-02-16")..=day("2026-02-22");
        scenario.live(
            &crowd(30),
            days("2026-01-01", "2026-03-10"),
            |who, on| match holiday.contains(&on) {
                true => usual(who, on) * share / 10,
                false => usual(who, on),
            },
        );
        assert_eq!(scenario.total(), 0, "with {share}0 % of the usual calls");
    }
}

#[test]
fn meters_that_keep_no_holiday_do_not_make_people_suspects() {
    let mut scenario = Scenario::new("");
    let people = crowd(60);
    let meter = |who: &str| who > people[29].as_str();
    for who in people.iter().filter(|who| meter(who)) {
        scenario.event(who, "2026-01-01 07:00", profile(|p| p.flags = MACHINE));
    }
    let holiday = day("2026-02-16")..=day("2026-02-22");
    scenario.live(
        &people,
        days("2026-01-01", "2026-03-10"),
        |who, on| match on {
            _ if meter(who) => 24,
            on if holiday.contains(&on) => usual(who, on) / 4,
            on => usual(who, on),
        },
    );
    assert_eq!(scenario.total(), 0);
}

#[test]
fn heavy_users_alarm_on_the_fourth_silent_day_and_light_ones_later() {
    let last = day("2026-02-28");
    let quiet_after = |calls: u32| move |on: Day| if on <= last { calls } else { 0 };
    let heavy = one_among_usual("2026-01-20", "2026-03-16", quiet_after(12));
    let light = one_among_usual("2026-01-20", "2026-03-25", quiet_after(1));
    assert_eq!(
        heavy.published(ONE)[0],
        "2026-03-05 08:00 zero_usage_days 0.84"
    );
    assert_eq!(
        light.published(ONE),
        [
            "2026-03-12 08:00 zero_usage_days 0.81",
            "2026-03-12 08:00 task 1 open: small at_risk due 2026-03-15 09:00",
        ]
    );
}

#[test]
fn one_silence_one_signal_and_returning_closes_the_task() {
    let silent = day("2026-03-01")..=day("2026-03-07");
    let scenario = one_among_usual("2026-01-20", "2026-03-16", |on| {
        if silent.contains(&on) { 0 } else { 9 }
    });
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-05 08:00 zero_usage_days 0.81",
            "2026-03-05 08:00 task 1 open: small at_risk due 2026-03-08 09:00",
            "2026-03-09 08:00 task 2 closed: usage_recovered",
        ]
    );
    assert_eq!(scenario.total(), 3, "of nobody else anything");
}

#[test]
fn a_lasting_fall_is_a_drop_and_its_end_closes_the_task() {
    let fall = day("2026-03-01")..=day("2026-03-21");
    let scenario = one_among_usual("2026-01-20", "2026-04-20", |on| {
        if fall.contains(&on) { 2 } else { 9 }
    });
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-05 08:00 usage_drop 0.58",
            "2026-03-05 08:00 task 1 open: small early due 2026-03-08 09:00",
            "2026-03-24 08:00 task 2 closed: usage_recovered",
        ]
    );
    assert_eq!(scenario.total(), 3, "of nobody else anything");
}

#[test]
fn a_week_of_travel_is_no_drop() {
    let away = day("2026-03-01")..=day("2026-03-09");
    let scenario = one_among_usual("2026-01-20", "2026-04-20", |on| {
        if away.contains(&on) { 1 } else { 9 }
    });
    assert_eq!(scenario.total(), 0);
}

#[test]
fn a_day_of_ordinary_use_speaks_against_a_drop() {
    let fall = day("2026-03-01")..=day("2026-03-21");
    let drops = |ordinary: &str| {
        let scenario = one_among_usual("2026-01-20", "2026-03-21", |on| match on {
            on if on == day(ordinary) => 9,
            on if fall.contains(&on) => 2,
            _ => 9,
        });
        let said = scenario.published(ONE);
        said.into_iter().find(|line| line.contains("usage_drop"))
    };
    let (without, with) = (drops("2026-02-28"), drops("2026-03-04"));
    assert!(without.is_some() && with.is_some());
    assert!(with > without, "{with:?} after {without:?}");
}

#[test]
fn the_fourth_call_to_a_hotline_says_nothing() {
    let mut scenario = Scenario::new("");
    for hour in 10..14 {
        scenario.event(ONE, &format!("2026-02-01 {hour}:00"), call(HOTLINE));
    }
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-01 10:00 competitor_hotline 0.60",
            "2026-02-01 10:00 task 1 open: small early due 2026-02-04 10:00",
            "2026-02-01 11:00 competitor_hotline 0.80",
            "2026-02-01 11:00 task 2 updated: small at_risk due 2026-02-04 10:00",
            "2026-02-01 12:00 competitor_hotline 1.00 (task_open)",
        ]
    );
}

#[test]
fn after_the_cool_down_a_hotline_call_is_news() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-07 10:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-08 10:00", call(HOTLINE));
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-01 10:00 competitor_hotline 0.60",
            "2026-02-01 10:00 task 1 open: small early due 2026-02-04 10:00",
            "2026-02-07 10:00 competitor_hotline 0.80 (task_open)",
            "2026-02-08 10:00 competitor_hotline 0.60 (task_open)",
        ]
    );
}

#[test]
fn own_numbers_and_incoming_calls_are_no_competitor() {
    let mut scenario = Scenario::new("");
    for number in [FRIEND, "10086", "10085", "1001", "100100"] {
        scenario.event(ONE, "2026-02-01 10:00", call(number));
    }
    assert_eq!(scenario.total(), 0);
}

#[test]
fn old_news_fires_no_immediate_trigger() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-05 10:00", call(FRIEND));
    scenario.event(ONE, "2026-02-03 09:59", call(HOTLINE));
    assert_eq!(scenario.total(), 0);
    scenario.event(ONE, "2026-02-03 10:00", call(HOTLINE));
    assert_eq!(scenario.published(ONE).len(), 2);
}

/// A subscriber with a bill, due on 10 February; days pass until the end of March.
fn billed(pays: impl Fn(&mut Scenario, Day)) -> Scenario {
    let mut scenario = Scenario::new("");
    let people = crowd(3);
    scenario.event(
        ONE,
        "2026-01-31 10:00",
        invoice("2026-01-01", "2026-02-10", 80),
    );
    for on in days("2026-02-01", "2026-03-31").map(Day) {
        scenario.live(&people, on.0..=on.0, |_, _| 2);
        pays(&mut scenario, on);
    }
    scenario
}

#[test]
fn a_bill_fires_fifteen_days_after_it_was_due_and_again_after_thirty() {
    let scenario = billed(|_, _| {});
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 08:00 task 1 open: small early due 2026-03-01 09:00",
            "2026-03-28 08:00 task 2 closed: expired",
            "2026-03-28 08:00 arrears 0.60",
            "2026-03-28 08:00 task 1 open: small early due 2026-03-31 09:00",
        ]
    );
}

#[test]
fn a_bill_paid_in_time_says_nothing() {
    let scenario = billed(|scenario, on| {
        if on == day("2026-02-24") {
            scenario.event(ONE, "2026-02-24 22:00", payment(80));
        }
    });
    assert_eq!(scenario.total(), 0);
}

#[test]
fn paying_part_changes_nothing_and_the_rest_closes_the_task() {
    let scenario = billed(|scenario, on| {
        if on == day("2026-03-01") {
            scenario.event(ONE, "2026-03-01 22:00", payment(50));
        }
        if on == day("2026-03-05") {
            scenario.event(ONE, "2026-03-05 22:00", payment(30));
        }
    });
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 08:00 task 1 open: small early due 2026-03-01 09:00",
            "2026-03-06 08:00 task 2 closed: arrears_paid",
        ]
    );
}

#[test]
fn after_ninety_days_of_suspension_the_subscriber_has_churned() {
    let mut scenario = Scenario::new("policy.task_days = 200");
    let people = crowd(4);
    scenario.event(ONE, "2026-02-01 10:00", SUSPENDED);
    scenario.live(&people[1..], days("2026-02-01", "2026-05-10"), |_, _| 2);
    scenario.event(ONE, "2026-05-10 21:00", call(HOTLINE));
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-01 10:00 arrears 0.90",
            "2026-02-01 10:00 task 1 open: small at_risk due 2026-02-04 10:00",
            "2026-05-03 08:00 task 2 closed: churned",
            "2026-05-10 21:00 competitor_hotline 0.60 (churned)",
        ]
    );
}

#[test]
fn machines_say_nothing_whatever_they_do() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-01-20 07:00", profile(|p| p.flags = MACHINE));
    scenario.event(
        ONE,
        "2026-01-20 07:30",
        invoice("2025-12-01", "2026-01-25", 80),
    );
    scenario.live(
        &crowd(30),
        days("2026-01-20", "2026-03-10"),
        |who, on| match who {
            ONE if on > day("2026-02-28") => 0,
            who => usual(who, on),
        },
    );
    scenario.event(ONE, "2026-03-10 21:00", call(HOTLINE));
    scenario.event(ONE, "2026-03-10 21:00", SUSPENDED);
    assert_eq!(scenario.total(), 0);
}

#[test]
fn those_not_pursued_get_signals_and_no_task() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 09:00", profile(|p| p.flags = NOT_PURSUED));
    scenario.event(ONE, "2026-02-01 10:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-01 11:00", SUSPENDED);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-01 10:00 competitor_hotline 0.60 (not_pursued)",
            "2026-02-01 11:00 arrears 0.90 (not_pursued)",
        ]
    );
}

#[test]
fn the_tier_says_who_acts_and_by_when() {
    let task = |at: &str, change: fn(&mut Profile<'static>)| {
        let mut scenario = Scenario::new("");
        scenario.event(ONE, "2026-02-01 08:00", profile(change));
        scenario.event(ONE, at, call(HOTLINE));
        let (task, opened) = (
            scenario.last_task(ONE),
            scenario.published(ONE).pop().unwrap(),
        );
        (task.stars, task.assignee.queue, opened)
    };
    let expected =
        |stars: u8, queue: &str, opened: &str| (stars, queue.to_owned(), opened.to_owned());
    assert_eq!(
        task("2026-02-02 10:00", |p| p.activated_on =
            Some(day("2025-08-01"))),
        expected(
            0,
            "bulk-campaign",
            "2026-02-02 10:00 task 1 open: small early due 2026-02-05 10:00"
        )
    );
    // Six years of service are 300 points: three stars.
    assert_eq!(
        task("2026-02-02 10:00", |p| p.region =
            vec!["HQ".into(), "Shenzhen".into()]),
        expected(
            3,
            "outbound-calls/Shenzhen",
            "2026-02-02 10:00 task 1 open: ordinary early due 2026-02-04 10:00"
        )
    );
    // A company's line, at night: a day from nine o'clock on.
    assert_eq!(
        task("2026-02-02 22:00", |p| p.segment = Segment::Group),
        expected(
            3,
            "key-accounts",
            "2026-02-02 22:00 task 1 open: key early due 2026-02-04 09:00"
        )
    );
}

#[test]
fn an_outcome_closes_the_task_and_a_repeat_does_not_open_another() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", call(HOTLINE));
    for (at, result) in [
        ("2026-02-02 10:00", OutcomeResult::Unreachable),
        ("2026-02-02 11:00", OutcomeResult::Refused),
    ] {
        let outcome = outcome(&scenario.last_task(ONE), result);
        scenario.event(ONE, at, outcome);
    }
    scenario.event(ONE, "2026-02-03 10:00", call(HOTLINE));
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-01 10:00 competitor_hotline 0.60",
            "2026-02-01 10:00 task 1 open: small early due 2026-02-04 10:00",
            // Nobody was reached: it is tried again.
            "2026-02-02 10:00 task 2 updated: small early due 2026-02-04 10:00",
            "2026-02-02 11:00 task 3 closed: refused",
            "2026-02-03 10:00 competitor_hotline 0.80 (repeat)",
        ]
    );
}

#[test]
fn sentences_say_what_was_seen() {
    let silent = day("2026-03-01");
    let mut scenario = one_among_usual(
        "2026-01-20",
        "2026-03-05",
        |on| {
            if on < silent { 9 } else { 0 }
        },
    );
    scenario.event(ONE, "2026-03-05 21:00", call(HOTLINE));
    let texts = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Signal(signal) => Some((signal.text.zh.as_str(), signal.text.en.as_str())),
        _ => None,
    });
    let sentences = [
        (
            "已停止使用，始于2026-03-01（可能性51%）：4天内使用0次，按平时应约35次",
            "Use has stopped since 2026-03-01 (51 % likely): 0 events in 4 days, 35 expected",
        ),
        (
            "客户在7天内第1次联系竞争对手（unicom）的服务热线",
            "Contact no. 1 with the service hotline of a competitor (unicom) within 7 days",
        ),
    ];
    assert_eq!(texts.collect::<Vec<_>>(), sentences);
}
