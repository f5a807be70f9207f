//! What people order: as often as the scenario says, and without changing anything else.

use super::{Arrived, clean, live, parse, scenario};
use crate::model::Timestamp;
use crate::sim::{City, CityConfig, Class, Detail, Kind, Truth};
use std::collections::BTreeMap;

const NO_ORDERS: &str = "[orders]\nnew_plan_share = 0\nupgrade_rate = 0\ndowngrade_rate = 0\n\
     cancel_rate = 0\nnew_service_rate = 0\nleaving_share = 0\n";

fn is_order(event: &Arrived) -> bool {
    let value = event.value.as_deref().unwrap_or_default();
    String::from_utf8_lossy(value).contains(r#""record_type":"service_order""#)
}

/// Orders by kind and whether they are dearer, cheaper or neither.
fn by_kind(events: &[Arrived]) -> BTreeMap<(String, &'static str), u32> {
    let mut kinds = BTreeMap::new();
    for event in events.iter().filter(|event| is_order(event)) {
        let record = parse(event);
        let fee = |name: &str| {
            let value = &record[name];
            let text = value.as_str().map_or(value.to_string(), str::to_owned);
            text.parse::<f64>().unwrap()
        };
        let (before, after) = (fee("monthly_fee_before"), fee("monthly_fee_after"));
        let direction = match after > before {
            true => "dearer",
            false => "cheaper",
        };
        let kind = record["kind"].as_str().unwrap().to_owned();
        *kinds.entry((kind, direction)).or_default() += 1;
    }
    kinds
}

#[test]
fn all_other_records_are_the_same_without_orders() {
    // A tombstone does not tell what it is of.
    let city = |orders: &str| {
        let text = format!("churn.scale = 8\nfaults.tombstone_share = 0\n{orders}");
        live(CityConfig {
            scenario: scenario(&text),
            ..CityConfig::new(400, 60, 21)
        })
    };
    let (mut events, with) = city("orders.leaving_share = 0.5\n");
    let orders = events.iter().filter(|event| is_order(event)).count();
    assert!(orders > 50, "{orders}");
    events.retain(|event| !is_order(event));
    let (without, silent) = city(NO_ORDERS);
    assert!(without.iter().all(|event| !is_order(event)));
    assert!(events == without, "another record changed");
    let others = |city: &City| {
        let mut truth = city.truth();
        truth.retain(|line| line.kind != Kind::Downgrade);
        truth
    };
    assert_eq!(others(&with), others(&silent));
}

#[test]
fn people_order_as_often_as_the_scenario_says() {
    let text = "churn.scale = 0\nevents.new_plan_rate = 40\nlines.joining_share = 0\nlines.machine_share = 0\n\
         lines.robot_share = 0\nabsence.travel_rate = 0\nabsence.hospital_rate = 0\nlines.second_sim_share = 0\n\
         contracts.contract_share = 0\n[orders]\nupgrade_rate = 30\ndowngrade_rate = 20\ncancel_rate = 40\nnew_service_rate = 50\n";
    let (events, city) = live(CityConfig {
        scenario: scenario(text),
        ..clean(600, 90, 22)
    });
    let kinds = by_kind(&events);
    let count = |names: &[&str], direction| -> u32 {
        let found = names
            .iter()
            .filter_map(|name| kinds.get(&((*name).to_owned(), direction)));
        found.sum()
    };
    // 1,800 times 30 days; some are suspended or ill.
    let about = |found: u32, rate: f64| {
        let expected = rate * 1.8;
        let off = f64::from(found) - expected;
        assert!(
            off.abs() < 4.0 * expected.sqrt(),
            "{found}, not {expected}: {kinds:?}"
        );
    };
    about(count(&["bundle", "broadband"], "cheaper"), 20.0);
    about(count(&["cancel_service"], "cheaper"), 40.0);
    // Three of ten new services are a bundle or broadband as well.
    about(count(&["bundle", "broadband"], "dearer"), 30.0 + 15.0);
    about(count(&["value_added", "second_line"], "dearer"), 35.0);
    // Every change of tariff is an order, in the same direction.
    let changes = |larger: bool| {
        let truth = city.truth();
        let changes = truth.iter().filter(|line| {
            line.kind == Kind::NewPlan && line.details.contains(&("larger", Detail::Is(larger)))
        });
        changes.count() as u32
    };
    for (larger, direction) in [(true, "dearer"), (false, "cheaper")] {
        let (told, made) = (count(&["plan_change"], direction), changes(larger));
        assert!(
            made > 15 && told <= made && told * 10 > made * 9,
            "{told} of {made}"
        );
    }
}

#[test]
fn some_who_leave_pay_less_before() {
    let text = format!("churn.scale = 10\n{NO_ORDERS}")
        .replace("leaving_share = 0", "leaving_share = 0.5");
    let (events, city) = live(CityConfig {
        scenario: scenario(&text),
        ..clean(1_000, 80, 23)
    });
    let truth = city.truth();
    let left = |line: &&Truth| line.kind.class() == Class::Churn && line.left_at.is_some();
    let leavers: Vec<&Truth> = truth.iter().filter(left).collect();
    let notes: Vec<&Truth> = truth
        .iter()
        .filter(|line| line.kind == Kind::Downgrade)
        .collect();
    let orders = events.iter().filter(|event| is_order(event)).count();
    assert_eq!(orders, notes.len());
    let mut warned = 0;
    for leaver in &leavers {
        let left_at = leaver.left_at.unwrap();
        let own = notes
            .iter()
            .filter(|note| note.msisdn == leaver.msisdn && note.from <= left_at);
        let Some(note) = own.max_by_key(|note| note.from) else {
            continue;
        };
        let before = ("before", Detail::Name(leaver.kind.name()));
        if note.details.contains(&before) {
            // Of those in arrears the line is suspended weeks before they are lost.
            let suspended = leaver.kind == Kind::Arrears;
            assert!(
                suspended || left_at.0 - note.from.0 <= 43 * Timestamp::DAY_MS,
                "{note:?}"
            );
            warned += 1;
        }
    }
    let share = f64::from(warned) / leavers.len() as f64;
    assert!(
        leavers.len() > 300 && (0.42..0.58).contains(&share),
        "{share} of {}",
        leavers.len()
    );
    // Nobody pays less before having made up his mind.
    for line in leavers.iter().filter(|line| line.kind == Kind::Drop) {
        let own = notes.iter().filter(|note| note.msisdn == line.msisdn);
        let of_drop = own.filter(|note| note.details.contains(&("before", Detail::Name("drop"))));
        assert!(of_drop.into_iter().all(|note| note.from >= line.from));
    }
}
