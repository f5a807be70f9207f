//! Images of other programs: older ones, and ones with other triggers.

use crate::support::feeding::{Feeding, assembled, assembled_of, full, keys};
use churnwatch::engine::{IMAGE_FORMAT, Rules, Section, Shard};
use churnwatch::model::{
    Body, CallOutcome, ComplaintCategory, Day, Direction, Effect, Event, ForwardAction, GroupAlert,
    GroupCovered, GroupMember, Inputs, Invoice, MemberSignal, Money, Msisdn, Number, Occasion,
    OutcomeResult, Profile, ProfileGroup, Segment, Severity, SuspensionReason, TaskOutcome,
    Timestamp,
};
use std::path::Path;
use std::sync::Arc;

use crate::support::streams::Step;

/// An image of [`village`] under rules on trial. `UPDATE_GOLDEN=1` writes it only where there is none.
const GOLDEN: &str = "tests/golden/image-v7.bin";
/// Of the shard in it.
const FINGERPRINT: u64 = 10_565_858_209_579_122_296;

/// Their slots are vacant in the end.
const ERASED: [i32; 3] = [2, 33, 34];

/// A small shard with some of everything, in the middle of a day's close.
fn village(rules: &Arc<Rules>) -> Shard {
    let mut village = Feeding::new(Shard::new(rules.clone()));
    let (first, calendar) = (Day::parse("2026-03-02").unwrap(), &rules.calendar);
    let mut records = 0;
    let mut say = |village: &mut Feeding, who: &str, at: Timestamp, body: Body<'static>| {
        records += 1;
        village.step(&Step::Tick(at, Inputs::default()));
        village.step(&Step::Event(Event {
            msisdn: Msisdn::new(who).unwrap(),
            at,
            record: 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(records),
            visited: None,
            body,
        }));
    };
    for day in 0..40 {
        let at = |hour| calendar.at_hour(first + day, hour);
        for person in 0..80 {
            let who = match person {
                0..6 => format!("pseudonym-{person}"),
                _ => format!("13{person:09}"),
            };
            if day == 0 && person % 4 == 0 {
                say(&mut village, &who, at(2), profile(first, person));
            }
            if day == 3 && person % 10 == 0 {
                say(
                    &mut village,
                    &who,
                    at(3),
                    invoice(first, 2_000 + i64::from(person)),
                );
            }
            if day == 20 && person == 20 {
                let body = Body::Suspension(SuspensionReason::Arrears);
                say(&mut village, &who, at(4), body);
            }
            if day == 30 && person % 13 == 5 {
                let body = Body::Complaint {
                    category: ComplaintCategory::Billing,
                    resolved: false,
                    satisfaction: Some(1),
                };
                say(&mut village, &who, at(5), body);
            }
            if day == 12 && person == 9 {
                let body = Body::CallForward {
                    other: Number::from_digits(b"10010"),
                    action: ForwardAction::Activate,
                };
                say(&mut village, &who, at(5), body);
            }
            if day == 34 && [8, 16, 24].contains(&person) {
                say(&mut village, &who, at(5), member_signal(person));
            }
            if day == 35 && person == 8 {
                say(&mut village, &who, at(5), alert(&who, at(5)));
            }
            if day == 35 && person == 16 {
                say(&mut village, &who, at(5), covered("13000000008", at(5)));
            }
            if day == 35 && person % 32 == 3 {
                let task = village.effects.iter().find_map(|effect| match effect {
                    Effect::Task(task) if task.msisdn.as_str() == who => Some(&task.task_id),
                    _ => None,
                });
                let outcome = Body::TaskOutcome(TaskOutcome {
                    task_id: task.unwrap().clone().into(),
                    result: Some(OutcomeResult::Refused),
                    stated_reason: None,
                    confirmed_reason: None,
                    do_not_contact: person == 35,
                });
                say(&mut village, &who, at(6), outcome);
            }
            if day >= 36 && ERASED.contains(&person) {
                if day == 36 {
                    let request = "a-request".into();
                    say(&mut village, &who, at(7), Body::Erase { request });
                }
                continue;
            }
            let gone = day > 28 && person % 16 == 1;
            for call in 0..if gone { 0 } else { 2 + (person + day) % 3 } {
                let body = if call == 1 {
                    data(person, day)
                } else {
                    calling("13712345678")
                };
                say(&mut village, &who, at(8 + call as u8), body);
            }
            if day == 33 && person % 16 == 3 {
                say(&mut village, &who, at(15), calling("10010"));
            }
        }
        village.step(&Step::Sweep(usize::MAX));
    }
    // The early ones of the next morning close the last day.
    for person in 70..80 {
        let at = calendar.at_hour(first + 40, 8);
        say(
            &mut village,
            &format!("13{person:09}"),
            at,
            calling("13712345678"),
        );
    }
    village.step(&Step::Sweep(30));
    village.shard
}

fn profile(first: Day, person: i32) -> Body<'static> {
    Body::Profile(Box::new(Profile {
        brand: Some(["gotone", "mzone"][person as usize / 4 % 2].into()),
        activated_on: Some(first - 100 * person),
        segment: if person == 8 {
            Segment::Group
        } else {
            Segment::Consumer
        },
        vip: person == 12,
        account_manager: (person == 12).then(|| "manager-1".into()),
        group: (person % 8 == 0).then(|| ProfileGroup {
            id: "G-1".into(),
            manager: Some("group-manager".into()),
            size: Some(12),
        }),
        region: vec!["HQ".into(), "Guangdong".into(), "Shenzhen".into()],
        avg_monthly_spend: Some(Money(100 * i64::from(person))),
        contract_end_on: (person % 8 == 0).then(|| first + 60),
        birthday: (person % 12 == 0).then_some((4, 1)),
        points_expire_on: match person {
            16 => Some(first + 50),
            4 | 28 => Some(first + 70),
            _ => None,
        },
        ..Profile::default()
    }))
}

/// What shards tell each other of the group of [`profile`].
fn member_signal(person: i32) -> Body<'static> {
    Body::MemberSignal(Box::new(MemberSignal {
        group: "G-1".into(),
        occasion: Some(Occasion::Leaving),
        partition: 0,
        head_count: Some(12),
        value: Money(100 * i64::from(person)),
        score: 250_000,
        severity: Severity::AtRisk,
        triggers: vec!["arrears".into()],
    }))
}

fn alert(who: &str, at: Timestamp) -> Body<'static> {
    Body::GroupAlert(Box::new(GroupAlert {
        group: "G-1".into(),
        occasion: Occasion::Leaving,
        members: vec![GroupMember {
            msisdn: Msisdn::new(who).unwrap(),
            severity: Severity::Critical,
            triggers: vec!["arrears".into()],
        }],
        more: 2,
        head_count: Some(12),
        until: at.plus_hours(24 * 14),
    }))
}

fn covered(lead: &str, at: Timestamp) -> Body<'static> {
    Body::GroupCovered(Box::new(GroupCovered {
        group: "G-1".into(),
        occasion: Occasion::Leaving,
        lead: Msisdn::new(lead).unwrap(),
        until: at.plus_hours(24 * 14),
    }))
}

fn invoice(first: Day, fen: i64) -> Body<'static> {
    Body::Invoice(Invoice {
        period: first - 30,
        amount: Money(fen),
        plan_fee: Some(Money(fen)),
        usage_value: Some(Money::ZERO),
        document: 0,
        corrects: None,
        overage: Some(Money::ZERO),
        due_on: Some(first + 10),
    })
}

fn calling(other: &str) -> Body<'static> {
    Body::Call {
        direction: Direction::Outgoing,
        other: Number::from_digits(other.as_bytes()),
        duration_seconds: 75,
        outcome: CallOutcome::Normal,
        handset: None,
    }
}

fn data(person: i32, day: i32) -> Body<'static> {
    Body::Data {
        volume_bytes: 700_000 * (1 + (person as u64 * 31 + day as u64) % 9),
        session: None,
    }
}

const WINDOW: &str = "
    window = { clock = \"wall\", time_zone = \"Asia/Shanghai\", days = 35 }
    policy.hold_out = { share = 0.3, salt = \"village\" }
    policy.capacity.manager_per_day = 3
    policy.capacity.queue_per_day = 30
";

/// A small world of our own, whatever the defaults become.
fn rules() -> Arc<Rules> {
    crate::support::rules::rules(&[WINDOW]).0
}

fn split(mut file: &[u8]) -> Vec<Section> {
    let mut sections = Vec::new();
    while let Some((kind, rest)) = file.split_first() {
        let (index, rest) = rest.split_first_chunk().unwrap();
        let (length, rest) = rest.split_first_chunk().unwrap();
        let (bytes, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        sections.push(Section {
            kind: *kind,
            index: u32::from_le_bytes(*index),
            bytes: bytes.to_vec(),
        });
        file = rest;
    }
    sections
}

fn joined(sections: &[Section]) -> Vec<u8> {
    let mut file = Vec::new();
    for section in sections {
        file.push(section.kind);
        file.extend(section.index.to_le_bytes());
        file.extend((section.bytes.len() as u32).to_le_bytes());
        file.extend(&section.bytes);
    }
    file
}

#[test]
fn an_image_of_this_format_can_still_be_read_and_is_still_written_so() {
    let rules = crate::support::rules::with_shadow(&[WINDOW], &[]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !path.exists() {
        std::fs::write(&path, joined(&full(village(&rules).image()))).unwrap();
    }
    let sections = split(&std::fs::read(&path).unwrap());
    let mut shard = assembled_of(IMAGE_FORMAT, &sections, &rules).unwrap();
    let stats = shard.stats();
    assert_eq!((stats.subscribers, stats.day_closes), (77, 40));
    assert_eq!(shard.fingerprint(), FINGERPRINT);
    for kind in 1..=12 {
        let there = sections.iter().any(|section| section.kind == kind);
        assert!(there, "nothing of kind {kind} is in it");
    }
    let of = |who: &str| shard.describe(&Msisdn::new(who).unwrap());
    assert_eq!(of("13000000033"), None);
    assert_eq!(of("pseudonym-2"), None);
    assert!(of("pseudonym-5").is_some() && of("13000000035").is_some());
    assert!(full(shard.image()) == sections, "other bytes for the same");
    // The lowest of the vacant slots is the next one's.
    let mut feeding = Feeding::new(shard);
    let before = keys(&sections);
    assert_eq!((before.len(), before[2]), (80, 0));
    feeding.step(&Step::Event(Event {
        msisdn: Msisdn::new("13999999999").unwrap(),
        at: rules.calendar.at_hour(Day::parse("2026-04-11").unwrap(), 8),
        record: 1,
        visited: None,
        body: calling("13712345678"),
    }));
    let after = keys(&full(feeding.shard.image()));
    assert_eq!((after.len(), after[2]), (80, 113_999_999_999));
    assert_eq!(after[3..], before[3..]);
}

/// How the header looks to postcard.
type Header = (
    u16,
    u16,
    u16,
    Vec<String>,
    u16,
    u32,
    u32,
    u32,
    u32,
    u32,
    u32,
    u32,
    u32,
);

/// The same image with memories of every subscriber for other triggers: `order` names them, `None` one that there is no
/// more.
fn with_triggers(sections: &[Section], order: [Option<&str>; 3]) -> Vec<Section> {
    let mut sections = sections.to_vec();
    let mut header: Header = postcard::from_bytes(&sections[0].bytes).unwrap();
    assert_eq!(usize::from(header.4), order.len());
    let known: Vec<String> = header.3[..order.len()].to_vec();
    for (name, other) in header.3.iter_mut().zip(order) {
        *name = other.unwrap_or("retired").to_owned();
    }
    sections[0].bytes = postcard::to_stdvec(&header).unwrap();
    for section in sections.iter_mut().filter(|section| section.kind == 6) {
        let count = usize::from(section.bytes[0]);
        let start = 1 + count * COLUMNS;
        let end = start + count * MEMORY * known.len();
        let columns: Vec<_> = section.bytes[start..end].chunks(count * MEMORY).collect();
        let place = |name: &str| known.iter().position(|known| known == name).unwrap();
        let column = |name: &Option<&str>| match name {
            Some(name) => columns[place(name)].to_vec(),
            None => vec![0xAB; count * MEMORY],
        };
        let memories: Vec<u8> = order.iter().flat_map(column).collect();
        section.bytes.splice(start..end, memories);
    }
    sections
}

/// Bytes of a subscriber before the memories, and of a memory.
const COLUMNS: usize = 8 + 4 * 4 + 4 + 2 + 1 + 1 + 1 + 4 + 10 + 2 * 14 + 8 * 4 + 1;
const MEMORY: usize = 8;

#[test]
fn memories_go_to_the_triggers_of_their_names() {
    let rules = rules();
    let sections = full(village(&rules).image());
    let always = ["zero_usage_days", "usage_drop", "terminal_change"];
    let [silence, drop, handset] = always.map(Some);
    assert!(with_triggers(&sections, [silence, drop, handset]) == sections);

    let other = with_triggers(&sections, [drop, handset, silence]);
    let mut shard = assembled(&other, &rules).unwrap();
    assert!(full(shard.image()) == sections, "in another order");

    let older = with_triggers(&sections, [None, drop, handset]);
    let mut shard = assembled(&older, &rules).unwrap();
    let of = |sections: &[Section], place: usize| {
        let page = sections.iter().find(|section| section.kind == 6).unwrap();
        let count = usize::from(page.bytes[0]);
        let start = 1 + count * (COLUMNS + MEMORY * place);
        page.bytes[start..start + count * MEMORY].to_vec()
    };
    let restored = full(shard.image());
    for place in 0..2 {
        assert!(of(&sections, place).iter().any(|byte| *byte != 0));
    }
    assert!(
        of(&restored, 0).iter().all(|byte| *byte == 0),
        "a retired one"
    );
    assert_eq!(of(&restored, 1), of(&sections, 1));
}

#[test]
fn memories_of_rules_on_trial_go_to_the_triggers_of_their_names_too() {
    let rules = crate::support::rules::with_shadow(&[WINDOW], &[]);
    let sections = full(village(&rules).image());
    let of_trial = |sections: &[Section]| -> Vec<Section> {
        let of_trial = sections.iter().filter(|section| section.kind == 7);
        of_trial.cloned().collect()
    };
    // Every page of the village has something to remember.
    assert_eq!(of_trial(&sections).len(), 3);
    let always = ["zero_usage_days", "usage_drop", "terminal_change"];
    let [silence, drop, handset] = always.map(Some);
    let swapped = |sections: &[Section]| {
        let other = with_triggers(sections, [drop, silence, handset]);
        full(assembled(&other, &rules).unwrap().image())
    };
    let once = swapped(&sections);
    assert!(of_trial(&once) != of_trial(&sections));
    assert!(swapped(&once) == sections);
}
