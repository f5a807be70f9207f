//! A lane under a clock of the tests.

use super::alert::tests::alert;
use super::bucket::Bucket;
use super::lane::{Answer, Item, Lane, Pace, Report};
use crate::config::Config;
use std::collections::BTreeSet;
use std::sync::Arc;

fn pace(single: bool, limit: Option<(u32, u32)>) -> Pace {
    Pace {
        single,
        bucket: limit.map(|(per_minute, burst)| Bucket::new(per_minute, burst)),
        daily: None,
    }
}

fn lane(pace: Pace) -> Lane {
    Lane::new(pace, &Config::embedded().unwrap().board.alerts)
}

fn item(ticket: u64, since: i64) -> Item {
    Item {
        ticket,
        alert: Arc::new(alert(ticket as u32)),
        since,
        is_noted: false,
    }
}

fn busy() -> Answer {
    Answer::Busy("status 503".into(), None)
}

fn failed(reports: &[Report]) -> Vec<u64> {
    let ticket = |report: &Report| match report {
        Report::Failed(ticket, _) => Some(*ticket),
        _ => None,
    };
    reports.iter().filter_map(ticket).collect()
}

#[test]
fn five_hundred_in_a_minute_lose_nothing_at_a_bot_of_twenty_a_minute() {
    let mut lane = lane(pace(false, Some((20, 5))));
    let (mut told, mut sent) = (BTreeSet::new(), Vec::new());
    let mut digest = 0;
    for now in (0..120_000).step_by(20) {
        if now < 60_000 && now % 120 == 0 {
            lane.push(item(now as u64 / 120, now), now);
        }
        while let Some(packet) = lane.next(now) {
            sent.push(now);
            digest = digest.max(packet.items.len());
            for report in lane.answered(packet, Answer::Taken, now, 0.5) {
                let Report::Delivered(tickets) = report else {
                    panic!("{report:?}")
                };
                for ticket in tickets {
                    assert!(told.insert(ticket), "{ticket} is said twice");
                }
            }
        }
    }
    assert_eq!(told.len(), 500);
    for first in &sent {
        let within = sent
            .iter()
            .filter(|at| (*first..first + 60_000).contains(at));
        assert!(within.count() <= 20);
    }
    assert!(digest > 20, "the largest digest has {digest}");
    assert_eq!(lane.len(), 0);
}

#[test]
fn a_receiver_that_takes_nothing_is_tried_less_and_less_and_loses_nothing() {
    let mut lane = lane(pace(true, None));
    for ticket in 0..20 {
        lane.push(item(ticket, 0), 0);
    }
    let mut first: Vec<_> = std::iter::from_fn(|| lane.next(0)).collect();
    assert_eq!(first.len(), 8, "several at a time");
    for packet in first.drain(..) {
        assert!(failed(&lane.answered(packet, busy(), 0, 0.5)).is_empty());
    }
    assert!(lane.is_failing() && lane.len() == 20);
    let mut tries = Vec::new();
    let mut now = 0;
    while tries.len() < 5 {
        now = lane.wake(now).max(now + 1);
        if let Some(packet) = lane.next(now) {
            assert!(lane.next(now).is_none(), "one at a time while it fails");
            tries.push(now);
            lane.answered(packet, busy(), now, 0.5);
        }
    }
    assert!(
        tries.windows(3).all(|at| at[2] - at[1] >= at[1] - at[0]),
        "{tries:?}"
    );
    now = lane.wake(now);
    let mut delivered = 0;
    while let Some(packet) = lane.next(now) {
        delivered += packet.items.len();
        lane.answered(packet, Answer::Taken, now, 0.5);
    }
    assert_eq!((delivered, lane.len()), (20, 0));
}

#[test]
fn pauses_differ_so_that_receivers_are_not_asked_all_at_once() {
    let pause = |dice| {
        let mut lane = lane(pace(true, None));
        lane.push(item(1, 0), 0);
        let packet = lane.next(0).unwrap();
        lane.answered(packet, busy(), 0, dice);
        lane.wake(0)
    };
    assert_eq!((pause(0.0), pause(0.5), pause(1.0)), (4_000, 5_000, 6_000));
}

#[test]
fn what_a_receiver_says_of_the_time_is_kept() {
    let mut lane = lane(pace(true, None));
    lane.push(item(1, 0), 0);
    let packet = lane.next(0).unwrap();
    lane.answered(
        packet,
        Answer::Busy("status 429".into(), Some(3_600_000)),
        0,
        0.5,
    );
    assert!(lane.next(3_599_999).is_none());
    assert!(lane.next(3_600_000).is_some());
}

#[test]
fn a_message_that_is_refused_holds_no_other_one_back() {
    let mut lane = lane(pace(true, None));
    lane.push(item(1, 0), 0);
    lane.push(item(2, 0), 0);
    let (one, two) = (lane.next(0).unwrap(), lane.next(0).unwrap());
    lane.answered(one, Answer::Refused("status 400".into()), 0, 0.5);
    assert_eq!(
        lane.answered(two, Answer::Taken, 0, 0.5),
        [Report::Delivered(vec![2])]
    );
    assert!(lane.next(4_999).is_none());
    assert_eq!(lane.next(5_000).unwrap().items[0].ticket, 1);
}

#[test]
fn what_was_tried_for_too_long_fails_and_only_by_an_attempt() {
    const HOUR: i64 = 3_600_000;
    let mut lane = lane(pace(false, None));
    lane.push(item(1, 0), 0);
    lane.push(item(2, 20 * HOUR), 20 * HOUR);
    let now = 40 * HOUR;
    assert!(failed(&lane.look(now)).is_empty());
    let packet = lane.next(now).unwrap();
    let reports = lane.answered(packet, busy(), now, 0.5);
    assert_eq!(failed(&reports), [1], "{reports:?}");
    assert_eq!(lane.len(), 1);
}

#[test]
fn a_receiver_that_is_gone_gets_nothing_more() {
    let mut lane = lane(pace(true, None));
    (1..=3).for_each(|ticket| lane.push(item(ticket, 0), 0));
    let packet = lane.next(0).unwrap();
    let reports = lane.answered(packet, Answer::Gone, 0, 0.5);
    assert!(reports.contains(&Report::Gone));
    assert_eq!(failed(&reports).len(), 3);
    lane.push(item(4, 0), 0);
    assert!(lane.next(i64::MAX / 2).is_none());
    assert_eq!(failed(&lane.look(0)), [4]);
    lane.set_gone(false);
    lane.push(item(5, 0), 0);
    assert!(lane.next(1).is_some());
}

#[test]
fn what_waits_for_long_is_noted_once_and_too_much_fails() {
    let mut lane = lane(pace(true, None));
    lane.push(item(1, 0), 0);
    let packet = lane.next(0).unwrap();
    lane.answered(packet, busy(), 0, 0.5);
    assert!(lane.look(20_000).is_empty());
    assert_eq!(lane.look(20_001), [Report::Late(1)]);
    assert!(lane.look(30_000).is_empty());
    for ticket in 2..=10_001 {
        lane.push(item(ticket, 30_000), 30_000);
    }
    assert_eq!(failed(&lane.look(30_000)), [1]);
}

#[test]
fn what_was_forgotten_does_not_come_back() {
    let mut lane = lane(pace(true, None));
    lane.push(item(1, 0), 0);
    let packet = lane.next(0).unwrap();
    lane.clear();
    lane.answered(packet, busy(), 0, 0.5);
    assert_eq!(lane.len(), 0);
}

#[test]
fn daily_mail_waits_for_its_hour_and_holds_all() {
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    let eight: super::lane::Slots =
        Arc::new(|now| (now - 8 * HOUR).div_euclid(DAY) * DAY + 32 * HOUR);
    let mut lane = lane(Pace {
        daily: Some(eight),
        ..pace(false, Some((1, 1)))
    });
    for ticket in 0..30 {
        lane.push(item(ticket, 10 * HOUR), 10 * HOUR);
    }
    assert_eq!(lane.look(10 * HOUR).len(), 30, "it is noted at once");
    assert_eq!(lane.wake(10 * HOUR), 32 * HOUR);
    assert!(lane.next(32 * HOUR - 1).is_none());
    let packet = lane.next(32 * HOUR).unwrap();
    assert_eq!(packet.items.len(), 30);
    lane.answered(packet, Answer::Taken, 32 * HOUR, 0.5);
    lane.push(item(31, 33 * HOUR), 33 * HOUR);
    assert_eq!(lane.wake(33 * HOUR), 56 * HOUR, "the next day");
}
