//! What a day is, when it ends, and what is known of it (behaviour: Day close).

use crate::support::scenario::{FRIEND, Scenario, behind, call, crowd, day, days, payment, usual};
use churnwatch::model::{Day, Feed, Inputs, Outcome, Reject, Timestamp};

const APPLIED: Outcome = Outcome::Applied { late: false };
const LATE: Outcome = Outcome::Applied { late: true };

/// Three subscribers call a friend: enough to move the watermark.
fn three(scenario: &mut Scenario, at: &str) {
    for who in crowd(3) {
        scenario.event(&who, at, call(FRIEND));
    }
}

fn unknown_days(scenario: &Scenario) -> u64 {
    scenario.shard.stats().outage_days[Feed::Cdr as usize]
}

#[test]
fn a_day_closes_three_hours_into_the_next() {
    let mut scenario = Scenario::new("");
    three(&mut scenario, "2026-02-01 10:00");
    assert_eq!(
        scenario.closed(),
        "2026-01-31",
        "the first day is the first to close"
    );
    three(&mut scenario, "2026-02-02 02:59");
    assert_eq!(scenario.closed(), "2026-01-31");
    three(&mut scenario, "2026-02-02 03:00");
    assert_eq!(scenario.closed(), "2026-02-01");
    three(&mut scenario, "2026-02-05 02:00");
    assert_eq!(
        scenario.closed(),
        "2026-02-03",
        "days without any record close too"
    );
}

#[test]
fn an_idle_feed_holds_back_for_twelve_hours() {
    let mut scenario = Scenario::new("");
    three(&mut scenario, "2026-02-02 10:00");
    for who in crowd(3) {
        scenario.event(&who, "2026-02-02 19:00", payment(50));
    }
    three(&mut scenario, "2026-02-03 07:00");
    assert_eq!(
        scenario.closed(),
        "2026-02-01",
        "billing may still say something of the 2nd"
    );
    three(&mut scenario, "2026-02-03 07:01");
    assert_eq!(scenario.closed(), "2026-02-02");
}

#[test]
fn when_all_feeds_are_idle_the_clock_closes_days() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    scenario.tick("2026-02-01 10:00", Inputs::default());
    three(&mut scenario, "2026-02-01 10:00");
    scenario.tick("2026-02-02 11:59", Inputs::default());
    assert_eq!(scenario.closed(), "2026-01-31");
    scenario.tick("2026-02-02 12:00", Inputs::default());
    assert_eq!(scenario.closed(), "2026-02-01");
    scenario.tick("2026-02-06 00:00", Inputs::default());
    assert_eq!(scenario.closed(), "2026-02-04");
    assert_eq!(scenario.clock(), "2026-02-06 00:00");
    assert_eq!(scenario.watermark(Feed::Cdr), "2026-02-01 10:00");
}

#[test]
fn over_files_silence_closes_nothing_but_the_end_does() {
    let mut scenario = Scenario::new("");
    three(&mut scenario, "2026-02-01 10:00");
    scenario.tick("2026-02-09 12:00", Inputs::default());
    assert_eq!(scenario.closed(), "2026-01-31");
    assert_eq!(scenario.clock(), "2026-02-01 10:00");
    scenario.finish();
    assert_eq!(scenario.closed(), "2026-02-01");
}

#[test]
fn the_clock_never_goes_back() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    scenario.tick("2026-02-02 12:00", Inputs::default());
    scenario.tick("2026-02-01 12:00", Inputs::default());
    assert_eq!(scenario.clock(), "2026-02-02 12:00");
}

#[test]
fn a_backlog_is_not_silence() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    scenario.tick("2026-02-10 08:00", behind(Feed::Cdr));
    three(&mut scenario, "2026-02-01 10:00");
    scenario.tick("2026-02-10 13:00", behind(Feed::Cdr));
    assert_eq!(
        scenario.closed(),
        "2026-01-31",
        "days after their ends, by the clock"
    );
    three(&mut scenario, "2026-02-03 03:00");
    assert_eq!(
        scenario.closed(),
        "2026-02-02",
        "only the watermark closes days"
    );
    // The other feed is far ahead, and waits.
    for who in crowd(3) {
        scenario.event(&who, "2026-02-10 12:00", payment(50));
    }
    assert_eq!(scenario.closed(), "2026-02-02");
    scenario.tick("2026-02-10 14:00", Inputs::default());
    assert_eq!(
        scenario.closed(),
        "2026-02-09",
        "read to its end, it is silence"
    );
}

#[test]
fn a_lagging_feed_without_any_record_holds_everything_back() {
    let mut scenario = Scenario::new("");
    scenario.tick("2026-12-31 00:00", behind(Feed::Billing));
    three(&mut scenario, "2026-02-01 10:00");
    three(&mut scenario, "2026-02-08 10:00");
    assert_eq!(scenario.closed(), "2026-01-31");
    scenario.tick("2026-12-31 00:00", Inputs::default());
    assert_eq!(scenario.closed(), "2026-02-07");
}

#[test]
fn three_subscribers_enter_a_day() {
    let mut scenario = Scenario::new("");
    let people = crowd(25);
    scenario.live(&people, days("2026-02-01", "2026-02-01"), |_, _| 2);
    for (who, at) in people.iter().zip(["2026-02-02 05:00", "2026-02-02 06:00"]) {
        scenario.event(who, at, call(FRIEND));
        scenario.event(who, "2026-02-02 07:00", call(FRIEND));
    }
    assert!(scenario.watermark(Feed::Cdr).starts_with("2026-02-01"));
    scenario.event(&people[2], "2026-02-02 04:00", call(FRIEND));
    assert_eq!(scenario.watermark(Feed::Cdr), "2026-02-02 04:00");
    assert_eq!(scenario.closed(), "2026-02-01");
}

#[test]
fn a_single_wild_record_moves_nothing() {
    for size in [3, 25] {
        let mut scenario = Scenario::new("");
        let people = crowd(size);
        scenario.live(&people, days("2026-02-01", "2026-02-03"), |_, _| 3);
        let before = (
            scenario.closed(),
            scenario.clock(),
            scenario.watermark(Feed::Cdr),
        );
        for at in ["2026-02-03 23:59", "2026-02-04 05:00", "2026-02-20 10:00"] {
            assert_eq!(scenario.event(&people[0], at, call(FRIEND)), APPLIED);
        }
        let after = (
            scenario.closed(),
            scenario.clock(),
            scenario.watermark(Feed::Cdr),
        );
        assert_eq!(before, after, "of {size}");
        // Everybody else goes on as before: none is late, none expired.
        let outcome = scenario.event(&people[1], "2026-02-03 20:30", call(FRIEND));
        assert_eq!(outcome, APPLIED);
    }
}

#[test]
fn an_outage_across_midnight_accuses_nobody() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    let people = crowd(30);
    // The line breaks in the evening of 1 March and is mended on the morning of the 3rd.
    let calls = |who: &str, on: Day| match on.to_string().as_str() {
        "2026-03-01" => usual(who, on) * 2 / 3,
        "2026-03-02" => 0,
        _ => usual(who, on),
    };
    scenario.live_by_the_clock(&people, days("2026-01-20", "2026-03-10"), calls);
    assert_eq!(scenario.closed(), "2026-03-09");
    assert_eq!(unknown_days(&scenario), 1);
    assert_eq!(scenario.total(), 0);
}

#[test]
fn two_weeks_without_the_feed_accuse_nobody() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    let people = crowd(30);
    let down = day("2026-03-02")..=day("2026-03-15");
    scenario.live_by_the_clock(&people, days("2026-01-20", "2026-04-10"), |who, on| {
        if down.contains(&on) {
            0
        } else {
            usual(who, on)
        }
    });
    // After three of them it could be for good: they are known, and say nothing about a single subscriber.
    assert_eq!((unknown_days(&scenario), scenario.total()), (3, 0));
}

#[test]
fn an_unknown_day_is_no_day_of_a_silence() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    let people = crowd(30);
    let quiet = &people[0];
    // The last call is on 28 February; 2 March is unknown, so the sixth silent day is 7 March.
    let calls = |who: &str, on: Day| match on {
        on if on == day("2026-03-02") => 0,
        on if who == quiet && on > day("2026-02-28") => 0,
        _ => usual(who, on),
    };
    scenario.live_by_the_clock(&people, days("2026-01-20", "2026-03-09"), calls);
    let said = scenario.published(quiet);
    assert_eq!(said[0], "2026-03-08 08:00 zero_usage_days 0.84");
    assert_eq!(scenario.signals("zero_usage_days"), 1);
}

#[test]
fn what_a_feed_delivers_after_its_recovery_is_late_and_corrects_the_day() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    let people = crowd(30);
    let missing = |who: &str, on: Day| match on {
        on if on == day("2026-03-02") => 0,
        _ => usual(who, on),
    };
    scenario.live_by_the_clock(&people, days("2026-01-20", "2026-03-03"), missing);
    assert_eq!(scenario.closed(), "2026-03-02");
    for who in &people {
        for hour in 8..12 {
            let at = format!("2026-03-02 {hour:02}:00");
            assert_eq!(scenario.event(who, &at, call(FRIEND)), LATE);
        }
        let window = scenario.window(who);
        let of = |on: &str| window.iter().find(|(d, _)| *d == day(on)).unwrap().1;
        assert_eq!(of("2026-03-02").outgoing, 4);
        assert_eq!(
            u32::from(of("2026-03-01").outgoing),
            usual(who, day("2026-03-01"))
        );
    }
    assert_eq!(
        (unknown_days(&scenario), scenario.total()),
        (1, 0),
        "nothing is re-opened"
    );
    assert_eq!(scenario.shard.counts().late, 120);
}

#[test]
fn a_day_the_mediation_calls_incomplete_is_waited_for_and_then_unknown() {
    let mut scenario = Scenario::new("");
    three(&mut scenario, "2026-02-01 10:00");
    assert_eq!(
        scenario.progress(Feed::Cdr, "2026-02-01 18:00"),
        Outcome::Ignored
    );
    three(&mut scenario, "2026-02-02 11:59");
    assert_eq!(scenario.closed(), "2026-01-31", "the mediation has more");
    scenario.progress(Feed::Cdr, "2026-02-02 00:00");
    assert_eq!(
        (scenario.closed(), unknown_days(&scenario)),
        ("2026-02-01".to_owned(), 0)
    );
    three(&mut scenario, "2026-02-03 11:59");
    assert_eq!(scenario.closed(), "2026-02-01");
    three(&mut scenario, "2026-02-03 12:00");
    assert_eq!(
        (scenario.closed(), unknown_days(&scenario)),
        ("2026-02-02".to_owned(), 1)
    );
}

#[test]
fn a_statement_moves_the_watermark_by_itself() {
    let mut scenario = Scenario::new("");
    three(&mut scenario, "2026-02-01 10:00");
    scenario.progress(Feed::Cdr, "2026-02-04 03:00");
    assert_eq!(scenario.watermark(Feed::Cdr), "2026-02-04 03:00");
    assert_eq!(
        (scenario.closed(), unknown_days(&scenario)),
        ("2026-02-03".to_owned(), 0)
    );
}

#[test]
fn a_statement_far_ahead_of_every_record_is_refused() {
    let unfounded = Outcome::Rejected(Reject::UnfoundedStatement);
    let mut scenario = Scenario::new("");
    let feeds = [Feed::Cdr, Feed::Service];
    for feed in feeds {
        let before = scenario.progress(feed, "2026-06-01 00:00");
        assert_eq!(before, Outcome::Ignored, "nothing is known yet");
    }
    three(&mut scenario, "2026-02-01 10:00");
    assert_eq!(scenario.clock(), "2026-02-01 10:00");
    for feed in feeds {
        for far in ["2026-02-08 10:01", "2026-06-01 00:00", "2026-12-31 00:00"] {
            assert_eq!(scenario.progress(feed, far), unfounded, "{far}");
        }
    }
    assert_eq!(
        (scenario.closed(), scenario.clock()),
        ("2026-01-31".into(), "2026-02-01 10:00".into())
    );
    // A feed that is silent and says so, day by day or after a week.
    for until in ["2026-02-02 00:00", "2026-02-08 00:00", "2026-02-15 00:00"] {
        assert_eq!(scenario.progress(Feed::Service, until), Outcome::Ignored);
    }
    assert_eq!(scenario.watermark(Feed::Service), "2026-02-15 00:00");
    assert_eq!(
        scenario.progress(Feed::Cdr, "2026-02-22 00:00"),
        Outcome::Ignored
    );
    assert!(scenario.shard.counts().conserved());
}

#[test]
fn real_time_supports_a_statement_once_everything_is_read() {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    scenario.tick("2026-06-01 00:00", behind(Feed::Cdr));
    three(&mut scenario, "2026-05-20 10:00");
    let until = "2026-05-31 20:00";
    let unfounded = Outcome::Rejected(Reject::UnfoundedStatement);
    assert_eq!(
        scenario.progress(Feed::Cdr, until),
        unfounded,
        "it may be a back-fill"
    );
    scenario.tick("2026-06-01 00:00", Inputs::default());
    assert_eq!(scenario.progress(Feed::Cdr, until), Outcome::Ignored);
}

/// Calls on each day of a subscriber's window, from the first with any.
fn ring(scenario: &Scenario, who: &str) -> Vec<String> {
    let window = scenario.window(who).into_iter();
    let used = window.skip_while(|(_, bucket)| bucket.outgoing == 0);
    used.map(|(day, bucket)| format!("{day}: {}", bucket.outgoing))
        .collect()
}

#[test]
fn the_leap_day_is_a_day() {
    let mut scenario = Scenario::new("");
    let people = crowd(3);
    scenario.live(&people, days("2024-02-28", "2024-03-01"), |_, on| {
        on.weekday() as u32
    });
    assert_eq!(
        ring(&scenario, &people[0]),
        ["2024-02-28: 2", "2024-02-29: 3", "2024-03-01: 4"]
    );
    scenario.finish();
    assert_eq!(
        (scenario.closed(), scenario.shard.stats().day_closes),
        ("2024-03-01".to_owned(), 3)
    );
}

#[test]
fn a_window_spans_month_and_year_ends() {
    let mut scenario = Scenario::new("");
    let people = crowd(3);
    scenario.live(&people, days("2025-11-20", "2026-01-02"), |_, on| {
        (on.0 % 3 + 1) as u32
    });
    let ring = ring(&scenario, &people[0]);
    assert_eq!((ring.len(), ring[0].as_str()), (35, "2025-11-29: 1"));
    let ends = [
        "2025-11-30: 2",
        "2025-12-01: 3",
        "2025-12-31: 3",
        "2026-01-01: 1",
    ];
    assert_eq!([1, 2, 32, 33].map(|at| ring[at].as_str()), ends);
    assert_eq!(scenario.closed(), "2026-01-01");
    let expired = scenario.event(&people[0], "2025-11-28 12:00", call(FRIEND));
    assert_eq!(expired, Outcome::Expired);
    let oldest = scenario.event(&people[0], "2025-11-29 12:00", call(FRIEND));
    assert_eq!(oldest, LATE);
}

#[test]
fn days_of_23_and_25_hours_are_days() {
    for (date, hours) in [("2026-03-29", 23), ("2026-10-25", 25)] {
        let mut scenario = Scenario::new("window.time_zone = \"Europe/Berlin\"");
        let people = crowd(3);
        let start = scenario.time(&format!("{date} 00:00")).0;
        let at = |hour: i64, minute: i64| Timestamp(start + (hour * 60 + minute) * 60_000);
        for who in &people {
            scenario.event_at(who, at(0, -1), call(FRIEND));
            for hour in 0..hours {
                scenario.event_at(who, at(hour, 30), call(FRIEND));
            }
            scenario.event_at(who, at(hours, 0), call(FRIEND));
        }
        let counts: Vec<u8> = scenario
            .window(&people[0])
            .iter()
            .map(|(_, b)| b.outgoing)
            .collect();
        assert_eq!(counts[counts.len() - 3..], [1, hours as u8, 1], "{date}");
        // It closes three hours after its own end.
        let before = day(date) - 1;
        assert_eq!(scenario.closed(), before.to_string());
        for (minute, closed) in [(-1, before), (0, day(date))] {
            for who in &people {
                scenario.event_at(who, at(hours + 3, minute), call(FRIEND));
            }
            assert_eq!(scenario.closed(), closed.to_string());
        }
    }
}
