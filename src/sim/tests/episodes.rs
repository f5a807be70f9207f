//! The ground truth against the records: every churn path and every confounder happens, at sane times, and shows.

use super::{Arrived, clean, happened, live, parse, scenario};
use crate::model::{Calendar, Day, Timestamp};
use crate::sim::{City, CityConfig, Class, Detail, Kind, Truth};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = Timestamp::DAY_MS;

/// Every subscriber's records by moment, and the ground truth.
struct History {
    lives: BTreeMap<u64, Vec<(Timestamp, Value)>>,
    truth: Vec<Truth>,
    city: City,
    end: Timestamp,
}

/// Much happens in it, and it lives through the students' summer holidays.
fn history() -> History {
    const DAYS: u32 = 90;
    let eventful = "outage.on_days = []\nlines.sim_bank_share = 1\n[churn]\nscale = 8\n\
         [events]\nport_curiosity_rate = 20\ncancel_curiosity_rate = 20\nsubstitution_rate = 20\n\
         bill_shock_rate = 20\nforwarding_rate = 30\n[absence]\nlost_handset_rate = 30\n\
         [billing]\nlate_share = 0.03\nsuspended_paid_share = 0.03\n";
    let config = CityConfig {
        scenario: scenario(eventful),
        start: Day::parse("2026-05-18").unwrap(),
        ..clean(500, DAYS, 8)
    };
    let (events, city) = live(config);
    let calendar = city.calendar();
    History {
        lives: by_subscriber(&events),
        truth: city.truth(),
        end: calendar.start_of(city.config().start + DAYS as i32),
        city,
    }
}

fn by_subscriber(events: &[Arrived]) -> BTreeMap<u64, Vec<(Timestamp, Value)>> {
    let mut lives: BTreeMap<u64, Vec<(Timestamp, Value)>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.key.is_some()) {
        let record = parse(event);
        let number = event.key.as_deref().unwrap().parse().unwrap();
        lives
            .entry(number)
            .or_default()
            .push((happened(&record), record));
    }
    lives
}

fn is_usage(record: &Value) -> bool {
    let usage = ["mo_call", "mt_call", "mo_sms", "mt_sms", "data"];
    usage.contains(&record["record_type"].as_str().unwrap())
}

impl History {
    fn life(&self, line: &Truth) -> &[(Timestamp, Value)] {
        &self.lives[&line.msisdn.unwrap()]
    }

    fn of(&self, kind: Kind) -> Vec<&Truth> {
        let lines = self.truth.iter().filter(|line| line.kind == kind);
        let lines: Vec<&Truth> = lines.collect();
        assert!(!lines.is_empty(), "{kind:?} never happens");
        lines
    }

    /// Records of a type from one moment to before another.
    fn count(&self, line: &Truth, name: &str, from: Timestamp, to: Timestamp) -> usize {
        let within = |at: Timestamp| at >= from && at < to;
        let life = self.life(line).iter();
        life.filter(|(at, record)| within(*at) && record["record_type"] == name)
            .count()
    }

    fn usage(&self, line: &Truth, from: Timestamp, to: Timestamp) -> usize {
        let within = |at: Timestamp| at >= from && at < to;
        let life = self.life(line).iter();
        life.filter(|(at, record)| within(*at) && is_usage(record))
            .count()
    }

    /// Whether a record of that type was made at the moment the line begins.
    fn has(&self, line: &Truth, name: &str, test: impl Fn(&Value) -> bool) -> bool {
        self.life(line)
            .iter()
            .any(|(at, record)| *at == line.from && record["record_type"] == name && test(record))
    }
}

fn detail(line: &Truth, name: &str) -> Option<Detail> {
    let found = line.details.iter().find(|(key, _)| *key == name);
    found.map(|(_, detail)| *detail)
}

fn day_of(line: &Truth, name: &str) -> Option<Day> {
    match detail(line, name) {
        Some(Detail::On(day)) => Some(day),
        _ => None,
    }
}

fn forever() -> Timestamp {
    Timestamp(i64::MAX)
}

#[test]
fn everything_happens_and_in_order() {
    let history = history();
    let kinds: BTreeSet<&str> = history.truth.iter().map(|line| line.kind.name()).collect();
    let expected = [
        "arrears",
        "bill_shock",
        "call_forwarding",
        "cancel_curiosity",
        "cancel_enquiry",
        "competitor_hotline",
        "competitor_marketing",
        "complaint",
        "data_growth",
        "decay",
        "downgrade",
        "drop",
        "holiday_week",
        "hospital",
        "late_payment",
        "lost_handset",
        "machine",
        "new_handset",
        "new_plan",
        "over_planned",
        "poor_coverage",
        "port_curiosity",
        "port_out",
        "port_out_application",
        "port_out_enquiry",
        "second_sim",
        "sim_bank",
        "single_complaint",
        "stop",
        "student_holiday",
        "substitution",
        "suspension_paid",
        "travel",
        "unasked_charge",
        "under_planned",
        "unpaid_invoice",
        "wrong_number",
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
    for line in &history.truth {
        assert!(line.from < history.end, "{line:?}");
        for at in [line.last_use_at, line.left_at, line.until]
            .into_iter()
            .flatten()
        {
            assert!(line.from <= at && at < history.end, "{line:?}");
        }
        let (class, left) = (line.kind.class(), line.left_at.is_some());
        assert!(class == Class::Churn || !left && line.last_use_at.is_none());
        if let (Some(last), Some(left)) = (line.last_use_at, line.left_at) {
            assert!(last <= left, "{line:?}");
        }
    }
}

#[test]
fn visitors_come_and_go_home() {
    let config = CityConfig {
        scenario: scenario(
            "[lines]\nvisitor_share = 0.5\nvisitor_days = [5, 9]\njoining_after_days = 10.0\n",
        ),
        ..clean(200, 60, 8)
    };
    let (events, city) = live(config);
    let lives = by_subscriber(&events);
    let truth = city.truth();
    let visitors: Vec<&Truth> = truth.iter().filter(|l| l.kind == Kind::Visitor).collect();
    assert!(visitors.len() > 60, "{}", visitors.len());
    for line in visitors {
        let life = &lives[&line.msisdn.unwrap()];
        let used: Vec<Timestamp> = life
            .iter()
            .filter(|(_, record)| is_usage(record))
            .map(|(at, _)| *at)
            .collect();
        let last = used.iter().max().copied().unwrap_or(Timestamp::MIN);
        assert!(last < line.from, "{line:?}");
        let first = used.iter().min().copied().unwrap_or(line.from);
        assert!(line.from.since_ms(first) < 10 * DAY_MS, "{line:?}");
    }
}

#[test]
fn the_last_use_is_the_last_and_leaving_is_for_good() {
    let history = history();
    let churn = history
        .truth
        .iter()
        .filter(|line| line.kind.class() == Class::Churn);
    let mut gone: BTreeMap<&str, u32> = BTreeMap::new();
    for line in churn {
        if let Some(last) = line.last_use_at {
            assert_eq!(
                history.usage(line, Timestamp(last.0 + 1), forever()),
                0,
                "{line:?}"
            );
            assert_eq!(
                history.usage(line, last, Timestamp(last.0 + 1)),
                1,
                "{line:?}"
            );
            *gone.entry(line.kind.name()).or_default() += 1;
        }
        if let Some(left) = line.left_at {
            assert_eq!(history.usage(line, left, forever()), 0, "{line:?}");
        }
    }
    for (kind, least) in [
        ("stop", 50),
        ("drop", 5),
        ("decay", 5),
        ("port_out", 10),
        ("complaint", 10),
        ("arrears", 3),
    ] {
        assert!(gone[kind] >= least, "{gone:?}");
    }
}

#[test]
fn churn_paths_leave_their_traces() {
    let history = history();
    for line in history.of(Kind::Stop) {
        assert_eq!(Some(line.from), line.last_use_at.or(Some(line.from)));
        assert!(day_of(line, "decided_on").is_some());
    }
    for line in history.of(Kind::PortOut) {
        let Some(left) = line.left_at else { continue };
        let applied = history.count(line, "port_out_application", line.from, left);
        assert_eq!(applied, 1, "{line:?}");
        let cancelled = history.count(line, "cancellation", left, Timestamp(left.0 + 1));
        assert_eq!(cancelled, 1, "{line:?}");
    }
    for line in history.of(Kind::Complaint) {
        // Where the last use lies before it, the onset does too.
        if line.last_use_at == Some(line.from) {
            continue;
        }
        assert!(history.has(line, "complaint", |r| r["resolution"] == "open"
            || r["satisfaction"].as_u64() <= Some(2)));
    }
    falls(&history, Kind::Drop, 0..14, 0.2..0.5);
    falls(&history, Kind::Decay, 15..30, 0.2..0.7);
    falls(&history, Kind::PortOut, 0..4, 0.75..1.25);
    let arrears = history.of(Kind::Arrears);
    for line in arrears {
        unpaid_until(&history, line, None);
    }
}

/// What is used some days after the onset is a share of what was used before, taken together.
fn falls(history: &History, kind: Kind, days: std::ops::Range<i64>, share: std::ops::Range<f64>) {
    let (mut before, mut after) = (0.0, 0.0);
    let length = days.end - days.start;
    for line in history.of(kind) {
        let at = |day: i64| Timestamp(line.from.0 + day * DAY_MS);
        let earliest = history
            .city
            .calendar()
            .start_of(history.city.config().start);
        if at(-14) < earliest || at(days.end) > history.end {
            continue;
        }
        before += history.usage(line, at(-14), line.from) as f64 / 14.0;
        after += history.usage(line, at(days.start), at(days.end)) as f64 / length as f64;
    }
    let found = after / before;
    assert!(
        share.contains(&found),
        "{kind:?}: {before} a day before, {after} after"
    );
}

/// The invoice exists; nothing is paid from its due date to the day of payment, and then it is.
fn unpaid_until(history: &History, line: &Truth, paid_on: Option<Day>) {
    let calendar: &Calendar = history.city.calendar();
    let due_on = day_of(line, "due_on").unwrap().to_string();
    let invoices = history.life(line).iter();
    let invoices = invoices.filter(|(_, record)| record["due_on"] == due_on.as_str());
    assert_eq!(invoices.count(), 1, "{line:?}");
    let from = calendar.start_of(day_of(line, "due_on").unwrap().next());
    let until = paid_on.map_or(forever(), |day| calendar.start_of(day));
    assert_eq!(history.count(line, "payment", from, until), 0, "{line:?}");
    if let Some(day) = paid_on.filter(|day| calendar.start_of(*day) < history.end) {
        let (from, to) = (calendar.start_of(day), calendar.start_of(day.next()));
        assert!(history.count(line, "payment", from, to) > 0, "{line:?}");
    }
}

#[test]
fn silences_are_silent_and_end() {
    let history = history();
    let mut returned = 0;
    for kind in [
        Kind::Travel,
        Kind::Hospital,
        Kind::SecondSim,
        Kind::StudentHoliday,
        Kind::LostHandset,
    ] {
        for line in history.of(kind) {
            let until = line.until.unwrap_or(history.end);
            assert_eq!(history.usage(line, line.from, until), 0, "{line:?}");
            returned += history.usage(line, until, forever()).min(1);
        }
    }
    assert!(returned > 50, "{returned}");
    // After a lost handset there is another one.
    let mut handsets = 0;
    for line in history.of(Kind::LostHandset) {
        let Some(until) = line.until else { continue };
        let imei = |from: Timestamp, to: Timestamp| -> BTreeSet<&str> {
            let life = history.life(line).iter();
            life.filter(|(at, _)| (from..to).contains(at))
                .filter_map(|(_, record)| record["imei"].as_str())
                .collect()
        };
        let span = 3 * DAY_MS;
        let (before, after) = (
            imei(Timestamp(line.from.0 - span), line.from),
            imei(until, Timestamp(until.0 + span)),
        );
        if before.len() == 1 && after.len() == 1 {
            assert_ne!(before, after, "{line:?}");
            handsets += 1;
        }
    }
    assert!(handsets > 5, "{handsets}");
}

#[test]
fn confounders_and_notes_are_in_the_records() {
    let history = history();
    let competitor = |r: &Value| {
        let other = r["other_number"].as_str().unwrap();
        ["10000", "10010", "10099"].contains(&other)
    };
    for kind in [Kind::CompetitorHotline, Kind::WrongNumber] {
        for line in history.of(kind) {
            let asked = history.has(line, "mo_call", competitor);
            assert!(asked || history.has(line, "mo_sms", competitor), "{line:?}");
        }
    }
    for line in history.of(Kind::CompetitorMarketing) {
        let answered = |r: &Value| {
            ["10001", "10016"].contains(&r["other_number"].as_str().unwrap())
                && r["cause_for_termination"] == "normal_release"
        };
        let called = history.has(line, "mt_call", answered);
        assert!(called || history.has(line, "competitor_contact", |_| true));
    }
    for (kind, subject) in [
        (Kind::PortCuriosity, "port_out"),
        (Kind::PortOutEnquiry, "port_out"),
        (Kind::CancelCuriosity, "cancel"),
        (Kind::CancelEnquiry, "cancel"),
    ] {
        for line in history.of(kind) {
            assert!(history.has(line, "enquiry", |r| r["subject"] == subject));
        }
    }
    for line in history.of(Kind::UnaskedCharge) {
        assert!(history.has(line, "charge", |r| r["subscribed_by_customer"] == false));
    }
    for line in history.of(Kind::CallForwarding) {
        assert!(history.has(line, "call_forward", |r| r["action"] == "activate"));
    }
    let forwarded = |line: &&Truth| {
        let life = history.life(line).iter();
        life.filter(|(_, r)| r["record_type"] == "call_forward" && r["action"].is_null())
            .count()
    };
    assert!(
        history
            .of(Kind::CallForwarding)
            .iter()
            .map(forwarded)
            .sum::<usize>()
            > 10
    );
    for kind in [Kind::LatePayment, Kind::SuspensionPaid] {
        for line in history.of(kind) {
            let paid_on = day_of(line, "paid_on");
            assert!(paid_on.is_some());
            unpaid_until(&history, line, paid_on);
        }
    }
    for line in history.of(Kind::SuspensionPaid) {
        let suspended = history.count(line, "suspension", line.from, history.end);
        let back = history.count(line, "reactivation", line.from, history.end);
        assert!(
            back <= suspended && (line.until.is_none() || back > 0),
            "{line:?}"
        );
    }
    let shocks = history.of(Kind::BillShock);
    for line in shocks {
        let day = Timestamp(line.from.0 + DAY_MS);
        assert_eq!(
            history.count(line, "invoice", line.from, day),
            1,
            "{line:?}"
        );
    }
    substitution_shifts(&history);
}

/// Calls and messages fall, data rises.
fn substitution_shifts(history: &History) {
    let (mut voice, mut data) = ([0.0; 2], [0.0; 2]);
    for line in history.of(Kind::Substitution) {
        let at = |day: i64| Timestamp(line.from.0 + day * DAY_MS);
        if at(28) > history.end {
            continue;
        }
        for (half, from) in [(0, at(-14)), (1, at(14))] {
            let to = Timestamp(from.0 + 14 * DAY_MS);
            let sessions = history.count(line, "data", from, to);
            data[half] += sessions as f64;
            voice[half] += (history.usage(line, from, to) - sessions) as f64;
        }
    }
    assert!(voice[1] < 0.6 * voice[0], "{voice:?}");
    assert!(data[1] > 1.2 * data[0], "{data:?}");
}
