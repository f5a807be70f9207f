//! Growth: who uses more than the plan holds, and who has a new handset (behaviour: Care and growth triggers).

use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, crowd, day, days, profile, usual};
use churnwatch::model::{Body, CallOutcome, Day, Direction, Effect, Invoice, Money, Number, Plan};

const ONE: &str = "13900000001";

/// The signals of a trigger: day and strength.
fn signals(scenario: &Scenario, trigger: &str) -> Vec<String> {
    let lines = scenario.published(ONE).into_iter();
    let named = lines.filter(|line| line[17..].starts_with(trigger));
    let short = |line: String| format!("{} {}", &line[..10], &line[18 + trigger.len()..]);
    named.map(short).collect()
}

/// What was said in English, in order.
fn sentences(scenario: &Scenario) -> Vec<String> {
    let texts = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Signal(signal) => Some(signal.text.en.clone()),
        _ => None,
    });
    texts.collect()
}

/// Billed on the 5th for the month before: `(plan fee, amount, worth of the usage)` in yuan, from December on.
fn billed(rules: &str, invoices: &[(i64, i64, i64)], fee_now: Option<i64>) -> Scenario {
    let mut scenario = Scenario::new(rules);
    if let Some(fee) = fee_now {
        let plan = Plan {
            monthly_fee: Some(Money(fee * 100)),
            ..Plan::default()
        };
        scenario.event(ONE, "2026-01-01 07:00", profile(|p| p.plan = Some(plan)));
    }
    for (index, (plan_fee, amount, usage_value)) in (1..).zip(invoices) {
        let month = Day::from_ymd(2026, index, 1).unwrap();
        let first_day = |month: Day, back| Day::from_ymd(2026, back, 1).unwrap_or(month - 31);
        let invoice = Invoice {
            period: first_day(month, index - 1),
            amount: Money(amount * 100),
            plan_fee: Some(Money(plan_fee * 100)),
            usage_value: Some(Money(usage_value * 100)),
            document: 0,
            corrects: None,
            overage: Some(Money::ZERO),
            due_on: Some(month + 24),
        };
        scenario.live(&crowd(3), month.0..=month.0 + 4, |_, _| 2);
        let on = (month + 4).to_string();
        scenario.event(ONE, &format!("{on} 21:00"), Body::Invoice(invoice));
        scenario.event(
            ONE,
            &format!("{on} 21:30"),
            Body::Payment {
                amount: Money(amount * 100),
            },
        );
        scenario.live(&crowd(3), month.0 + 5..=month.0 + 27, |_, _| 2);
    }
    scenario
}

#[test]
fn three_invoices_beyond_the_plan_are_a_case_for_a_larger_one() {
    for (case, invoices, fee_now, expected) in [
        // S4 case 4: a 189 plan that costs about 200 every month.
        (
            "S4 case 4",
            &[(189, 199, 199), (189, 204, 204), (189, 200, 200)][..],
            None,
            vec!["2026-03-06 0.51"],
        ),
        (
            "within five per cent",
            &[(189, 198, 198), (189, 204, 204), (189, 204, 204)],
            None,
            vec![],
        ),
        (
            "exactly five per cent",
            &[(100, 105, 105), (100, 105, 105), (100, 105, 105)],
            None,
            vec!["2026-03-06 0.50"],
        ),
        (
            "twice the fee",
            &[(100, 200, 90), (100, 200, 90), (100, 200, 90)],
            None,
            vec!["2026-03-06 1.00"],
        ),
        (
            "worth more than is billed",
            &[(100, 100, 130), (100, 100, 130), (100, 100, 130)],
            None,
            vec!["2026-03-06 0.63"],
        ),
        (
            "a tenth more, but of a small plan",
            &[(19, 20, 20), (19, 20, 20), (10, 11, 11)],
            None,
            vec![],
        ),
        (
            "one in between is within",
            &[
                (100, 130, 100),
                (100, 130, 100),
                (100, 100, 100),
                (100, 130, 100),
                (100, 130, 100),
            ],
            None,
            vec![],
        ),
        (
            "a month without a plan",
            &[(100, 130, 100), (0, 130, 0), (100, 130, 100)],
            None,
            vec![],
        ),
        (
            "once a quarter",
            &[(100, 130, 100); 5],
            None,
            vec!["2026-03-06 0.63"],
        ),
        (
            "and again after it",
            &[(100, 130, 100); 6],
            None,
            vec!["2026-03-06 0.63", "2026-06-04 0.63"],
        ),
        (
            "the plan was enlarged since",
            &[(100, 130, 100); 3],
            Some(150),
            vec![],
        ),
    ] {
        let scenario = billed("", invoices, fee_now);
        assert_eq!(signals(&scenario, "plan_overuse"), expected, "{case}");
    }
    let scenario = billed("", &[(100, 130, 100); 3], None);
    assert_eq!(
        sentences(&scenario),
        ["3 invoices in a row beyond the plan: 130.00 on average, the plan costs 100.00"]
    );
    let task = scenario.last_task(ONE);
    assert_eq!(
        (task.purpose.name(), task.severity.name()),
        ("grow", "early")
    );
}

#[test]
fn an_invoice_within_the_plan_ends_the_matter() {
    let scenario = billed(
        "",
        &[
            (100, 130, 100),
            (100, 130, 100),
            (100, 130, 100),
            (100, 90, 90),
        ],
        None,
    );
    let said = scenario.published(ONE);
    assert_eq!(
        said[2..],
        ["2026-04-05 08:00 task 2 closed: expired"],
        "{said:?}"
    );
    let scenario = billed(
        "policy.task_days = 60",
        &[
            (100, 130, 100),
            (100, 130, 100),
            (100, 130, 100),
            (100, 90, 90),
        ],
        None,
    );
    assert_eq!(
        scenario.published(ONE)[2..],
        ["2026-04-06 08:00 task 2 closed: occasion_over"]
    );
}

/// A call from a handset.
fn call_from(handset: u16) -> Body<'static> {
    Body::Call {
        direction: Direction::Outgoing,
        other: Number::from_digits(FRIEND.as_bytes()),
        duration_seconds: 60,
        outcome: CallOutcome::Normal,
        handset: Some(u64::from(handset) << 48),
    }
}

#[test]
fn a_new_handset_is_noticed_when_the_old_one_stays_away() {
    // Two calls a day from the handsets told, day by day.
    for (case, handsets, expected) in [
        ("always the same", &[1; 14][..], vec![]),
        ("a new one", &[1, 1, 2, 2, 2, 2, 2], vec!["2026-03-06 0.40"]),
        ("a SIM lent for two days", &[1, 1, 2, 2, 1, 1, 1, 1], vec![]),
        (
            "two handsets in turn",
            &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2],
            vec![],
        ),
        (
            "one that was tried and given back",
            &[1, 2, 2, 1, 3, 3, 3, 3],
            vec!["2026-03-08 0.40"],
        ),
        ("two new ones", &[1, 2, 2, 3, 3, 3], vec!["2026-03-05 0.40"]),
        (
            "changed again within the quarter",
            &[1, 2, 2, 2, 2, 3, 3, 3, 3, 3],
            vec!["2026-03-05 0.40"],
        ),
        (
            "handsets not told",
            &[1, 0, 0, 0, 2, 0, 2, 0, 2],
            vec!["2026-03-09 0.40"],
        ),
    ] {
        let mut scenario = Scenario::new("");
        for (on, handset) in (day("2026-03-01").0..).map(Day).zip(handsets) {
            scenario.live(&crowd(4)[1..], on.0..=on.0, |_, _| 2);
            for time in ["20:30", "20:45"] {
                let call = match handset {
                    0 => call(FRIEND),
                    handset => call_from(*handset),
                };
                scenario.event(ONE, &format!("{on} {time}"), call);
            }
        }
        scenario.finish();
        assert_eq!(signals(&scenario, "terminal_change"), expected, "{case}");
    }
}

#[test]
fn calls_that_come_late_bring_no_handset_forward() {
    let mut scenario = Scenario::new("");
    scenario.live(&crowd(3), days("2026-03-01", "2026-03-04"), |_, _| 2);
    scenario.event(ONE, "2026-03-04 20:30", call_from(1));
    for minute in 31..40 {
        scenario.event(ONE, &format!("2026-03-04 20:{minute}"), call_from(2));
        scenario.event(ONE, &format!("2026-03-03 20:{minute}"), call_from(2));
    }
    assert_eq!(scenario.total(), 0);
    scenario.event(ONE, "2026-03-07 20:30", call_from(2));
    scenario.finish();
    assert_eq!(
        sentences(&scenario),
        ["A new handset since 2026-03-04 (19 calls from it)"]
    );
}

/// A scenario of 30 subscribers, everybody with a session of so many MiB a day beside some calls.
fn streamed(rules: &str, to: &str, mebibytes: impl Fn(&str, Day) -> u64) -> Scenario {
    let mut scenario = Scenario::new(rules);
    let people = crowd(30);
    for on in days("2026-02-01", to) {
        scenario.live(&people, on..=on, usual);
        for who in &people {
            let session = Body::Data {
                volume_bytes: mebibytes(who, Day(on)) << 20,
                session: None,
            };
            scenario.event(who, &format!("{} 20:30", Day(on)), session);
        }
    }
    scenario
}

#[test]
fn twice_the_data_for_two_weeks_is_growth() {
    let since = |from: &'static str, more: u64| {
        move |who: &str, on: Day| match who == ONE && on >= day(from) {
            true => more,
            false => 300,
        }
    };
    let grown = streamed("", "2026-04-10", since("2026-03-10", 900));
    // The eighth day of three times as much is the first on which all of it is worth twice as much.
    assert_eq!(signals(&grown, "data_growth"), ["2026-03-18 0.56"]);
    assert_eq!(
        sentences(&grown),
        ["669 MiB of data a day in the last 13 days; 300 before"]
    );
    for (case, mebibytes) in [("half as much more", 450), ("less", 100)] {
        let scenario = streamed("", "2026-04-10", since("2026-03-10", mebibytes));
        assert_eq!(scenario.signals("data_growth"), 0, "{case}");
    }
    let film = streamed("", "2026-03-30", |who, on| {
        if who == ONE && on == day("2026-03-10") {
            30_000
        } else {
            300
        }
    });
    assert_eq!(film.signals("data_growth"), 0, "one film");
    let little = streamed("", "2026-03-30", |who, on| {
        if who == ONE && on >= day("2026-03-10") {
            30
        } else {
            3
        }
    });
    assert_eq!(little.signals("data_growth"), 0, "little by any measure");
}

#[test]
fn the_first_weeks_of_a_line_are_no_growth() {
    let mut scenario = Scenario::new("");
    let people = crowd(30);
    for on in days("2026-02-01", "2026-03-30") {
        scenario.live(&people, on..=on, usual);
        if on >= day("2026-02-20").0 {
            let session = Body::Data {
                volume_bytes: 500 << 20,
                session: None,
            };
            scenario.event("13800000099", &format!("{} 20:30", Day(on)), session);
        }
    }
    assert_eq!(scenario.signals("data_growth"), 0);
}

#[test]
fn growth_waits_while_the_customer_may_leave() {
    let mut scenario = Scenario::new("");
    let since = "2026-03-01";
    for on in days(since, "2026-03-08").map(Day) {
        scenario.live(&crowd(3), on.0..=on.0, |_, _| 2);
        if on == day("2026-03-02") {
            scenario.event(ONE, "2026-03-02 20:15", call(HOTLINE));
        }
        let handset = if on == day(since) { 1 } else { 2 };
        for time in ["20:30", "20:45"] {
            scenario.event(ONE, &format!("{on} {time}"), call_from(handset));
        }
    }
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-02 20:15 competitor_hotline 0.60",
            "2026-03-02 20:15 task 1 open: small early due 2026-03-05 20:15",
            "2026-03-05 20:30 terminal_change 0.40 (churn_task_open)",
        ]
    );
}
