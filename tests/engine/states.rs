//! States that are sent again (behaviour: Outcome of a record): the same record id, another time, other content.

use crate::support::scenario::{AT_ONCE, EVENT_CLOCK};
use churnwatch::decode::{DecodeSettings, Decoded, Decoder};
use churnwatch::engine::Shard;
use churnwatch::model::{Effect, Msisdn, Outcome, Source};

const ONE: &str = "8613900000001";
const APPLIED: Outcome = Outcome::Applied { late: false };

/// A shard that is told JSON, and what it said.
struct Told {
    decoder: Decoder,
    shard: Shard,
    effects: Vec<Effect>,
    records: i64,
}

impl Told {
    fn new() -> Self {
        let (rules, _) = crate::support::rules::rules(&[EVENT_CLOCK, AT_ONCE]);
        Self {
            decoder: Decoder::new(DecodeSettings::default()).unwrap(),
            shard: Shard::new(rules),
            effects: Vec::new(),
            records: 0,
        }
    }

    /// A record of [`ONE`] under an id, at a time of 2026-03.
    fn record(&mut self, kind: &str, id: &str, at: &str, rest: &str) -> Outcome {
        self.tell(&format!(
            r#"{{"record_type":"{kind}","record_id":"{id}","msisdn":"{ONE}","event_timestamp":"2026-03-{at}:00+08:00",{rest}}}"#
        ))
    }

    fn tell(&mut self, json: &str) -> Outcome {
        self.records += 1;
        let source = Source {
            topic: "states".into(),
            partition: 0,
            offset: self.records,
        };
        match self.decoder.decode(json.as_bytes()).unwrap() {
            Decoded::Event(event, _) => self.shard.apply(&event, &source, &mut self.effects),
            Decoded::Progress { .. } => panic!("no event"),
        }
    }

    fn standing(&self) -> Vec<String> {
        let described = self.shard.describe(&Msisdn::new(ONE).unwrap());
        described.unwrap().standing
    }

    fn opted_out(&self) -> bool {
        self.standing()
            .iter()
            .any(|line| line == "wants no marketing")
    }

    fn task(&self) -> String {
        let mut tasks = self.effects.iter().rev().filter_map(|effect| match effect {
            Effect::Task(task) => Some(task),
            _ => None,
        });
        let task = tasks.next().unwrap();
        let outcome = task.outcome.map_or("none", |outcome| outcome.name());
        format!("{} {outcome}", task.status.name())
    }
}

#[test]
fn a_profile_sent_again_is_a_newer_state_unless_all_of_it_is_equal() {
    let mut told = Told::new();
    let (willing, unwilling) = (
        r#""vip":true,"marketing_opt_out":false"#,
        r#""vip":true,"marketing_opt_out":true"#,
    );
    assert_eq!(
        told.record("profile", "crm-1", "02T09:00", willing),
        APPLIED
    );
    assert_eq!(
        told.record("profile", "crm-1", "02T10:00", unwilling),
        APPLIED
    );
    assert!(told.opted_out());
    // Both again, as files come twice; in another order of fields, and with one that nobody reads.
    assert_eq!(
        told.record("profile", "crm-1", "02T09:00", willing),
        Outcome::Duplicate
    );
    let other = r#""marketing_opt_out":true,"exported_by":"crm","vip":true"#;
    assert_eq!(
        told.record("profile", "crm-1", "02T10:00", other),
        Outcome::Duplicate
    );
    // Late, and older than what is in force.
    assert_eq!(
        told.record("profile", "crm-1", "02T09:30", willing),
        APPLIED
    );
    assert!(told.opted_out());
    // Of the same moment: the one read last.
    assert_eq!(
        told.record("profile", "crm-1", "02T10:00", willing),
        APPLIED
    );
    assert!(!told.opted_out());
    // A profile that says nothing about it withdraws no refusal.
    told.record("profile", "crm-1", "02T11:00", unwilling);
    told.record("profile", "crm-1", "02T12:00", r#""vip":true"#);
    assert!(told.opted_out());
}

#[test]
fn events_under_the_same_id_are_the_same_event() {
    let mut told = Told::new();
    for (kind, rest) in [
        ("payment", r#""amount":5"#),
        ("competitor_contact", r#""reported_by":"staff""#),
    ] {
        assert_eq!(told.record(kind, "e-1", "02T09:00", rest), APPLIED);
        let again = told.record(kind, "e-1", "02T10:00", rest);
        assert_eq!(again, Outcome::Duplicate, "{kind}");
    }
}

#[test]
fn a_ticket_that_is_closed_under_its_own_id_closes_the_task() {
    let mut told = Told::new();
    let (open, settled) = (
        r#""category":"billing","resolution":"open""#,
        r#""category":"billing","resolution":"resolved","satisfaction":5"#,
    );
    told.record("complaint", "t-1", "02T09:00", open);
    assert_eq!(told.task(), "open none");
    assert_eq!(
        told.record("complaint", "t-1", "03T09:00", settled),
        APPLIED
    );
    told.record("enquiry", "e-1", "05T09:00", r#""subject":"bill""#);
    told.shard.finish(&mut told.effects);
    assert_eq!(told.task(), "closed none");
}

#[test]
fn a_ticket_that_was_changed_before_its_record_came_fires_nothing() {
    let mut told = Told::new();
    told.record(
        "complaint",
        "t-1",
        "03T09:00",
        r#""category":"network","resolution":"resolved""#,
    );
    told.record(
        "complaint",
        "t-1",
        "02T09:00",
        r#""category":"network","resolution":"open""#,
    );
    assert_eq!(told.effects, []);
}

#[test]
fn an_outcome_that_is_completed_under_its_own_id_counts_and_an_older_one_does_not_undo_it() {
    let mut told = Told::new();
    told.record("enquiry", "e-1", "02T09:00", r#""subject":"cancel""#);
    let id = told.effects.iter().find_map(|effect| match effect {
        Effect::Task(task) => Some(task.task_id.clone()),
        _ => None,
    });
    let id = id.unwrap();
    let mut report = |at: &str, result: &str| {
        let rest = format!(r#""task_id":"{id}","result":"{result}""#);
        let outcome = told.record("task_outcome", "o-1", at, &rest);
        (outcome, told.task())
    };
    assert_eq!(
        report("02T12:00", "unreachable"),
        (APPLIED, "updated unreachable".to_owned())
    );
    assert_eq!(
        report("02T14:00", "saved"),
        (APPLIED, "closed saved".to_owned())
    );
    assert_eq!(
        report("02T13:00", "reached"),
        (APPLIED, "closed saved".to_owned())
    );
    assert_eq!(
        report("02T14:00", "saved"),
        (Outcome::Duplicate, "closed saved".to_owned())
    );
    assert_eq!(
        report("02T15:00", "refused"),
        (APPLIED, "closed refused".to_owned())
    );
}

#[test]
fn an_invoice_that_is_corrected_under_its_own_id_takes_its_own_place() {
    let mut told = Told::new();
    let invoice = |amount: &str, number: &str| {
        format!(
            r#""period":"2026-02","amount":"{amount}","plan_fee":0,"usage_value":0,"overage":0,"due_on":"2026-03-20"{number}"#
        )
    };
    let owed = |told: &Told| {
        let described = told.shard.describe(&Msisdn::new(ONE).unwrap());
        described.unwrap().account.unwrap().owed
    };
    told.record("invoice", "i-1", "02T09:00", &invoice("100", ""));
    told.record("invoice", "i-1", "02T10:00", &invoice("90", ""));
    assert_eq!(owed(&told), "90.00");
    // A credit note, twice, under the number of what it is for; and a smaller one instead of it.
    let note = invoice("-30", r#","invoice_number":"i-1""#);
    told.record("invoice", "n-1", "02T11:00", &note);
    assert_eq!(
        told.record("invoice", "n-1", "02T11:00", &note),
        Outcome::Duplicate
    );
    assert_eq!(owed(&told), "60.00");
    told.record("invoice", "n-1", "02T12:00", &invoice("-10", ""));
    assert_eq!(owed(&told), "80.00");
    // Late: what the first invoice was.
    told.record("invoice", "i-1", "02T08:00", &invoice("100", ""));
    assert_eq!(owed(&told), "80.00");
    // The month billed anew.
    told.record(
        "invoice",
        "i-2",
        "03T09:00",
        &invoice("50", r#","invoice_number":"2026-77""#),
    );
    assert_eq!(owed(&told), "50.00");
}

#[test]
fn a_suspension_that_is_corrected_under_its_own_id_has_one_reason() {
    let mut told = Told::new();
    let mut suspend = |at: &str, reason: &str| {
        told.record("suspension", "s-1", at, &format!(r#""reason":"{reason}""#));
        told.standing().join(", ")
    };
    let arrears = "suspended for arrears since 2026-03-02";
    let voluntary = "barred since 2026-03-02 (voluntary): silence says nothing";
    assert_eq!(suspend("02T09:00", "arrears"), arrears);
    assert_eq!(suspend("02T10:00", "voluntary"), voluntary);
    assert_eq!(suspend("02T08:00", "arrears"), voluntary);
    assert_eq!(suspend("02T11:00", "arrears"), arrears);
}

#[test]
fn a_month_far_ahead_of_its_invoice_is_refused() {
    let mut told = Told::new();
    let mut bill = |period: &str| {
        let rest = format!(r#""period":"{period}","amount":"99.00""#);
        told.record("invoice", period, "02T09:00", &rest)
    };
    assert_eq!(bill("2026-05"), APPLIED);
    let Outcome::Rejected(reject) = bill("2098-12") else {
        panic!("not refused");
    };
    assert_eq!(
        reject.to_string(),
        "field `period` begins more than 62 days after event_timestamp"
    );
}
