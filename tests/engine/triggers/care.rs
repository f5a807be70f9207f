//! Care and growth: which occasions are noticed, when, and what comes of them (behaviour: Care and growth triggers).

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, day, days, invoice, profile};
use churnwatch::model::{Effect, Money, Profile};

const ONE: &str = "13900000001";
/// Time of every profile: it is known when the day closes, the morning after.
const EVENING: &str = "21:00";

/// The date of a profile, and what it says.
type Told<'a> = (&'a str, &'a dyn Fn(&mut Profile<'static>));

/// Subscribers in ordinary use, in which one subscriber's profile is stated on some days.
fn told<'a>(rules: &str, (from, to): (&str, &str), profiles: &[Told<'a>]) -> Scenario {
    let mut scenario = Scenario::new(rules);
    for on in days(from, to) {
        scenario.live(&crowd(3), on..=on, |_, _| 2);
        for (date, change) in profiles.iter().filter(|(date, _)| day(date).0 == on) {
            scenario.event(ONE, &format!("{date} {EVENING}"), profile(change));
        }
    }
    scenario
}

/// The signals of a trigger about [`ONE`]: day, and what is said.
fn signals(scenario: &Scenario, trigger: &str) -> Vec<String> {
    let lines = scenario.published(ONE).into_iter();
    let named = lines.filter(|line| line.contains(trigger));
    named.map(|line| line[..10].to_owned()).collect()
}

/// What was said in English, in order.
fn sentences(scenario: &Scenario) -> Vec<String> {
    let texts = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Signal(signal) => Some(signal.text.en.clone()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_new_customer_is_welcomed_the_morning_after() {
    let scenario = told(
        "",
        ("2026-03-03", "2026-03-20"),
        &[("2026-03-03", &|p| p.activated_on = Some(day("2026-03-03")))],
    );
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-04 08:00 welcome 0.40",
            "2026-03-04 08:00 task 1 open: small early due 2026-03-07 09:00",
        ]
    );
    assert_eq!(sentences(&scenario), ["New customer since 2026-03-03"]);
}

#[test]
fn who_is_no_new_customer_is_not_welcomed() {
    let activated =
        |on: &'static str| move |p: &mut Profile<'static>| p.activated_on = Some(day(on));
    let days = ("2026-03-02", "2026-03-20");
    for (case, at, on, welcomed) in [
        ("told within the week", "2026-03-09", "2026-03-03", 1),
        ("told too late", "2026-03-12", "2026-03-03", 0),
        ("starts next week", "2026-03-03", "2026-03-10", 1),
        ("starts next month", "2026-03-03", "2026-04-10", 0),
        ("was there before", "2026-03-03", "2024-03-03", 0),
    ] {
        // Usage begins on the day: a line that was used before is not new.
        let mut scenario = Scenario::new("");
        for date in crate::support::scenario::days(days.0, days.1) {
            scenario.live(&crowd(4)[1..], date..=date, |_, _| 2);
            if date == day(at).0 {
                scenario.event(ONE, &format!("{at} {EVENING}"), profile(activated(on)));
            }
        }
        assert_eq!(scenario.signals("welcome"), welcomed, "{case}");
    }
    let used = told("", days, &[("2026-03-09", &activated("2026-03-07"))]);
    assert_eq!(used.signals("welcome"), 0, "in use before its first day");
}

#[test]
fn a_new_owner_of_the_number_is_welcomed_again_and_a_corrected_date_is_not() {
    let scenario = told(
        "",
        ("2026-03-03", "2026-03-20"),
        &[
            ("2026-03-03", &|p| p.activated_on = Some(day("2026-03-03"))),
            ("2026-03-06", &|p| p.activated_on = Some(day("2026-03-02"))),
        ],
    );
    assert_eq!(signals(&scenario, "welcome"), ["2026-03-04"]);
}

#[test]
fn birthdays_come_every_year_and_leap_days_on_the_first_of_march() {
    let born = |month: u8, of_month: u8| {
        move |p: &mut Profile<'static>| p.birthday = Some((month, of_month))
    };
    for (birthday, rules, expected) in [
        ((3, 10), "", vec!["2026-03-09"]),
        (
            (3, 10),
            "triggers.birthday.lead_days = 0",
            vec!["2026-03-10"],
        ),
        (
            (3, 10),
            "triggers.birthday.lead_days = 7",
            vec!["2026-03-03"],
        ),
        ((2, 29), "", vec!["2026-02-28"]),
        (
            (3, 31),
            "triggers.birthday.lead_days = 30",
            vec!["2026-03-01"],
        ),
        // Known from 21 February on, eight days before the reminder was due: made up for at once.
        (
            (3, 1),
            "triggers.birthday.lead_days = 30",
            vec!["2026-02-22"],
        ),
        ((2, 20), "", vec![]),
        ((4, 9), "", vec![]),
    ] {
        let born = born(birthday.0, birthday.1);
        let scenario = told(
            rules,
            ("2026-02-20", "2026-04-05"),
            &[("2026-02-21", &born)],
        );
        assert_eq!(
            signals(&scenario, "birthday"),
            expected,
            "{birthday:?} {rules}"
        );
    }
    let leap = born(2, 29);
    let scenario = told("", ("2028-02-20", "2029-03-05"), &[("2028-02-21", &leap)]);
    assert_eq!(signals(&scenario, "birthday"), ["2028-02-28", "2029-02-28"]);
    assert_eq!(
        sentences(&scenario)[..1],
        ["The customer's birthday is on 2028-02-29"]
    );
}

#[test]
fn a_birthday_task_closes_when_the_day_is_past() {
    let scenario = told(
        "",
        ("2026-03-02", "2026-03-20"),
        &[("2026-03-03", &|p| p.birthday = Some((3, 6)))],
    );
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-05 08:00 birthday 0.50",
            "2026-03-05 08:00 task 1 open: ordinary early due 2026-03-07 09:00",
            "2026-03-10 08:00 task 2 closed: occasion_over",
        ]
    );
}

#[test]
fn a_corrected_birthday_is_not_greeted_twice() {
    let scenario = told(
        "",
        ("2026-03-02", "2026-04-20"),
        &[
            ("2026-03-03", &|p| p.birthday = Some((3, 6))),
            ("2026-03-07", &|p| p.birthday = Some((4, 6))),
        ],
    );
    assert_eq!(signals(&scenario, "birthday"), ["2026-03-05"]);
}

#[test]
fn every_completed_year_is_an_anniversary() {
    for (activated, rules, expected) in [
        ("2020-03-10", "", vec!["2026-03-10"]),
        ("2025-03-10", "", vec!["2026-03-10"]),
        ("2026-03-05", "", vec![]),
        ("2024-02-29", "", vec!["2026-03-01"]),
        (
            "2025-03-31",
            "triggers.anniversary.lead_days = 3",
            vec!["2026-03-28"],
        ),
        ("2025-03-10", "triggers.anniversary.years_min = 2", vec![]),
    ] {
        let activated = |p: &mut Profile<'static>| p.activated_on = Some(day(activated));
        let scenario = told(
            rules,
            ("2026-02-20", "2026-04-05"),
            &[("2026-02-20", &activated)],
        );
        assert_eq!(signals(&scenario, "anniversary"), expected);
    }
    let scenario = told(
        "",
        ("2026-03-08", "2026-03-12"),
        &[("2026-03-08", &|p| {
            p.activated_on = Some(day("2021-03-10"));
        })],
    );
    assert_eq!(sentences(&scenario), ["With us for 5 years on 2026-03-10"]);
}

#[test]
fn daylight_saving_moves_no_occasion() {
    // Clocks change in the nights to 29 March and 25 October 2026.
    for (birthday, eve) in [
        ((3, 29), "2026-03-28"),
        ((3, 30), "2026-03-29"),
        ((10, 26), "2026-10-25"),
    ] {
        let born = |p: &mut Profile<'static>| p.birthday = Some(birthday);
        let scenario = told(
            "window.time_zone = \"Europe/Berlin\"",
            ("2026-03-20", "2026-10-30"),
            &[("2026-03-20", &born)],
        );
        assert_eq!(signals(&scenario, "birthday"), [eve]);
    }
}

#[test]
fn dates_that_lapse_are_told_a_month_and_a_week_ahead() {
    let dates = ("2026-02-01", "2026-04-20");
    let points =
        |on: &'static str| move |p: &mut Profile<'static>| p.points_expire_on = Some(day(on));
    let lapse = points("2026-04-01");
    let scenario = told("", dates, &[("2026-02-01", &lapse)]);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-02 08:00 points_expiry 0.50",
            "2026-03-02 08:00 task 1 open: ordinary early due 2026-03-04 09:00",
            "2026-03-25 08:00 points_expiry 0.50 (task_open)",
            "2026-04-01 08:00 task 2 closed: expired",
        ]
    );
    assert_eq!(
        sentences(&scenario),
        [
            "Loyalty points lapse on 2026-04-01 (days left on 2026-03-02: 30)",
            "Loyalty points lapse on 2026-04-01 (days left on 2026-03-25: 7)"
        ]
    );
    for (case, profiles, expected) in [
        (
            "put off before the first reminder",
            vec![("2026-02-01", "2026-04-01"), ("2026-03-01", "2027-04-01")],
            vec![],
        ),
        (
            "put off before the second",
            vec![("2026-02-01", "2026-04-01"), ("2026-03-10", "2027-04-01")],
            vec!["2026-03-02"],
        ),
        (
            "known when it is nearly too late",
            vec![("2026-03-27", "2026-04-01")],
            vec!["2026-03-28"],
        ),
        (
            "the last day of a month, every month",
            vec![
                ("2026-02-01", "2026-02-28"),
                ("2026-03-01", "2026-03-31"),
                ("2026-04-01", "2026-04-30"),
            ],
            vec![
                "2026-02-02",
                "2026-02-21",
                "2026-03-07",
                "2026-03-24",
                "2026-04-07",
            ],
        ),
        ("already lapsed", vec![("2026-02-10", "2026-02-09")], vec![]),
    ] {
        let changes: Vec<_> = profiles.iter().map(|(at, on)| (*at, points(on))).collect();
        let changes: Vec<Told<'_>> = changes.iter().map(|(at, on)| (*at, on as _)).collect();
        let scenario = told("", dates, &changes);
        assert_eq!(signals(&scenario, "points_expiry"), expected, "{case}");
    }
}

#[test]
fn an_offer_that_is_prolonged_closes_its_task() {
    let scenario = told(
        "",
        ("2026-03-01", "2026-03-20"),
        &[
            ("2026-03-01", &|p| {
                p.offer_expires_on = Some(day("2026-03-25"))
            }),
            ("2026-03-05", &|p| {
                p.offer_expires_on = Some(day("2027-03-25"))
            }),
        ],
    );
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-02 08:00 offer_expiry 0.50",
            "2026-03-02 08:00 task 1 open: ordinary early due 2026-03-04 09:00",
            "2026-03-06 08:00 task 2 closed: occasion_over",
        ]
    );
}

/// Known of the subscriber: brand, first day of service, what is spent a month in yuan.
fn rated(p: &mut Profile<'static>, since: &str, spend: i64) {
    p.brand = Some("gotone".into());
    p.activated_on = Some(day(since));
    p.avg_monthly_spend = Some(Money(spend * 100));
}

#[test]
fn a_further_star_is_worth_a_word() {
    // Gotone is worth 50 points, two years of service 150, more than 80 yuan a month 100.
    let (low, high) = (60, 100);
    for (case, profiles, expected) in [
        (
            "nothing changes",
            vec![("2026-03-02", "2023-06-01", low)],
            vec![],
        ),
        (
            "the third year completes: 250 and 300 points",
            vec![("2026-03-02", "2023-03-10", low)],
            vec!["2026-03-11 2 3"],
        ),
        (
            "more is spent: 250 and 300 points",
            vec![
                ("2026-03-02", "2023-06-01", low),
                ("2026-03-06", "2023-06-01", high),
            ],
            vec!["2026-03-07 2 3"],
        ),
        (
            "spend goes up and down",
            vec![
                ("2026-03-02", "2023-06-01", low),
                ("2026-03-06", "2023-06-01", high),
                ("2026-03-08", "2023-06-01", low),
                ("2026-03-12", "2023-06-01", high),
            ],
            vec!["2026-03-07 2 3"],
        ),
        (
            "and further up",
            vec![
                ("2026-03-02", "2023-06-01", low),
                ("2026-03-06", "2023-06-01", high),
                ("2026-03-12", "2020-06-01", high),
            ],
            vec!["2026-03-07 2 3", "2026-03-13 3 4"],
        ),
    ] {
        let changes: Vec<_> = profiles
            .iter()
            .map(|(at, since, spend)| (*at, |p: &mut Profile<'static>| rated(p, since, *spend)))
            .collect();
        let changes: Vec<Told<'_>> = changes
            .iter()
            .map(|(at, change)| (*at, change as _))
            .collect();
        let rules = "triggers.anniversary.years_min = 50";
        let scenario = told(rules, ("2026-03-02", "2026-03-25"), &changes);
        let stars = scenario.effects.iter().filter_map(|effect| match effect {
            Effect::Signal(signal) => {
                let (before, now) = (signal.evidence.expected, signal.evidence.observed);
                Some(format!("{before} {now}"))
            }
            _ => None,
        });
        let days = signals(&scenario, "star_upgrade").into_iter();
        let rises: Vec<_> = days
            .zip(stars)
            .map(|(on, stars)| format!("{on} {stars}"))
            .collect();
        assert_eq!(rises, expected, "{case}");
    }
}

#[test]
fn learning_what_a_customer_spends_is_no_further_star() {
    let mut scenario = Scenario::new("");
    scenario.live(&crowd(3), days("2026-03-02", "2026-03-04"), |_, _| 2);
    scenario.event(
        ONE,
        "2026-03-04 21:00",
        profile(|p| p.brand = Some("gotone".into())),
    );
    scenario.live(&crowd(3), days("2026-03-05", "2026-03-06"), |_, _| 2);
    scenario.event(
        ONE,
        "2026-03-06 21:00",
        invoice("2026-02-01", "2026-03-20", 300),
    );
    scenario.live(&crowd(3), days("2026-03-07", "2026-03-09"), |_, _| 2);
    assert_eq!(scenario.signals("star_upgrade"), 0);
    assert_eq!(scenario.total(), 0);
}

#[test]
fn care_gives_way_to_keeping_the_customer() {
    let mut scenario = told(
        "",
        ("2026-03-02", "2026-03-06"),
        &[("2026-03-03", &|p| {
            p.birthday = Some((3, 7));
            p.offer_expires_on = Some(day("2026-03-17"));
        })],
    );
    scenario.event(ONE, "2026-03-06 21:00", call(HOTLINE));
    scenario.live(&crowd(3), days("2026-03-07", "2026-03-12"), |_, _| 2);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-04 08:00 offer_expiry 0.50",
            "2026-03-04 08:00 task 1 open: ordinary early due 2026-03-06 09:00",
            "2026-03-06 08:00 birthday 0.50",
            "2026-03-06 08:00 task 2 updated: ordinary early due 2026-03-06 09:00",
            "2026-03-06 21:00 competitor_hotline 0.60",
            "2026-03-06 21:00 task 3 closed: superseded",
            "2026-03-06 21:00 task 1 open: ordinary early due 2026-03-09 09:00",
            // Nobody acts upon it, and it goes up the ladder.
            "2026-03-09 14:00 task 2 escalated: ordinary early due 2026-03-09 09:00",
            "2026-03-10 14:00 task 3 escalated: ordinary early due 2026-03-09 09:00",
            "2026-03-11 14:00 task 4 escalated: ordinary early due 2026-03-09 09:00",
        ]
    );
}

#[test]
fn the_playbook_of_care_answers_the_occasion() {
    let scenario = told(
        "",
        ("2026-03-02", "2026-03-06"),
        &[("2026-03-03", &|p| {
            p.birthday = Some((3, 6));
        })],
    );
    assert_eq!(scenario.steps(ONE), ["Wish a happy birthday; sell nothing"]);
}
