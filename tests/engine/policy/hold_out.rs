//! Those held out go the same way as the others up to the task, and both are followed alike (behaviour: What tasks achieve).

use super::budget::{FOURTEEN, Morning, THREE, debtor, debtors, morning};
use super::{CANCEL, ONE, hotline};
use crate::support::scenario::{HOTLINE, Scenario, call, crowd, days, profile};
use churnwatch::engine::Groups;
use churnwatch::model::{Body, Effect, Followed, Msisdn, Suppression, SuspensionReason, Tier};
use std::collections::BTreeSet;

const HALF: &str = "policy.hold_out = { share = 0.5, salt = 'spring' }";
const HELD_OUT: Option<Suppression> = Some(Suppression::HoldOut);
const OVER_BUDGET: Option<Suppression> = Some(Suppression::OverBudget);

/// Which debtors are held out: nothing stands in the way of what is urgent but that.
fn held_out() -> BTreeSet<i64> {
    let is_held_out = |yuan: &i64| {
        let mut scenario = Scenario::new(HALF);
        scenario.event(&debtor(*yuan), "2026-02-02 10:00", call(HOTLINE));
        matches!(&scenario.effects[..], [Effect::Signal(signal)] if signal.suppressed == HELD_OUT)
    };
    FOURTEEN.into_iter().filter(is_held_out).collect()
}

#[test]
fn those_held_out_are_ranked_with_the_others_and_take_no_places() {
    let held_out = held_out();
    assert!((3..=11).contains(&held_out.len()), "{held_out:?}");
    let mut scenario = debtors(&format!("{THREE}\n{HALF}"), &FOURTEEN);
    let mut best: Vec<i64> = FOURTEEN.into_iter().rev().collect();
    let mut said: BTreeSet<i64> = BTreeSet::new();
    for date in ["2026-02-26", "2026-02-27", "2026-02-28"] {
        let with_task: Vec<i64> = best
            .iter()
            .copied()
            .filter(|it| !held_out.contains(it))
            .collect();
        let places: Vec<i64> = with_task.into_iter().take(3).collect();
        let Morning { opened, signals } = morning(&mut scenario, date);
        assert_eq!(opened, places, "{date}");
        let placed = |yuan: i64| match held_out.contains(&yuan) {
            true => places.last().is_none_or(|last| yuan > *last) || places.len() < 3,
            false => places.contains(&yuan),
        };
        // Each signal is published once, on the first morning with the reason of that morning.
        let expected = best.iter().filter(|yuan| said.insert(**yuan)).map(|yuan| {
            let why = match (placed(*yuan), held_out.contains(yuan)) {
                (true, true) => HELD_OUT,
                (true, false) => None,
                (false, _) => OVER_BUDGET,
            };
            (*yuan, why)
        });
        let expected: BTreeSet<_> = expected.collect();
        assert_eq!(
            signals.into_iter().collect::<BTreeSet<_>>(),
            expected,
            "{date}"
        );
        best.retain(|yuan| !placed(*yuan));
    }
    let uplift = scenario.shard.rollup().uplift;
    let groups = &uplift.regions[""][&("arrears".into(), Tier::Small)];
    let entered = [groups.with_task.entered, groups.held_out.entered];
    let waiting = |held: bool| {
        best.iter()
            .filter(|it| held_out.contains(it) == held)
            .count()
    };
    let all = [FOURTEEN.len() - held_out.len(), held_out.len()];
    assert_eq!(
        entered,
        [false, true].map(|held| (all[usize::from(held)] - waiting(held)) as u64)
    );
}

#[test]
fn what_would_raise_no_task_anyway_says_so_and_enters_nobody() {
    let rules = "policy.hold_out = { share = 1.0, salt = '' }\npolicy.score.task_at = { key = 1.0, ordinary = 1.0, small = 1.0 }";
    let mut scenario = debtors(rules, &[50]);
    let low = (50, Some(Suppression::LowScore));
    assert_eq!(morning(&mut scenario, "2026-02-26").signals, [low]);
    scenario.event(ONE, "2026-02-27 07:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-27 08:00", call(HOTLINE));
    let published = scenario.published(ONE);
    assert!(published[0].ends_with("(hold_out)"), "{published:?}");
    assert!(published[1].ends_with("(repeat)"), "{published:?}");
    let uplift = scenario.shard.rollup().uplift;
    let regions = uplift.regions.values().flatten();
    let groups: Vec<_> = regions
        .map(|((trigger, _), it)| (&**trigger, it.held_out.entered))
        .collect();
    assert_eq!(groups, [("competitor_hotline", 1)]);
}

/// Days on which others call, and ONE too if it uses the line.
fn live(scenario: &mut Scenario, from: &str, to: &str, uses: bool) {
    let all = crowd(4);
    let people = if uses { &all[..] } else { &all[1..] };
    scenario.live(people, days(from, to), |_, _| 2);
}

/// What is counted of ONE, who enters on 10 February, as stayed, left and dropped after 30 and 60 days: on 12 March and on
/// 11 April. The story is told of somebody with a task and of somebody held out, and is the same.
fn fates(story: impl Fn(&mut Scenario)) -> [(u64, u64, u64); 2] {
    let told = |share: &str| {
        let rules = format!("policy.hold_out = {{ share = {share}, salt = '' }}");
        let mut scenario = Scenario::new(&rules);
        let owner = profile(|p| p.customer = Some(7));
        scenario.event(ONE, "2026-02-01 07:00", owner);
        live(&mut scenario, "2026-02-01", "2026-02-09", true);
        hotline(&mut scenario, "2026-02-10 07:00");
        story(&mut scenario);
        let mut all = Groups::default();
        let rollup = scenario.shard.rollup();
        rollup
            .uplift
            .regions
            .values()
            .flatten()
            .for_each(|(_, groups)| all.add(groups));
        all
    };
    let fates = |followed: Followed| {
        assert_eq!(followed.entered, 1);
        followed.horizons.map(|it| (it.stayed, it.left, it.dropped))
    };
    let (with_task, held_out) = (told("1e-9"), told("1.0"));
    assert_eq!(
        [with_task.held_out, held_out.with_task],
        [Followed::default(); 2]
    );
    let same = fates(with_task.with_task);
    assert_eq!(fates(held_out.held_out), same);
    same
}

const STAYED: (u64, u64, u64) = (1, 0, 0);
const LEFT: (u64, u64, u64) = (0, 1, 0);
const DROPPED: (u64, u64, u64) = (0, 0, 1);
const UNFINISHED: (u64, u64, u64) = (0, 0, 0);

#[test]
fn whoever_goes_on_has_stayed_once_the_days_are_over() {
    let until = |date: &'static str| fates(move |it| live(it, "2026-02-10", date, true));
    assert_eq!(until("2026-03-12"), [UNFINISHED, UNFINISHED]);
    assert_eq!(until("2026-03-13"), [STAYED, UNFINISHED]);
    assert_eq!(until("2026-04-11"), [STAYED, UNFINISHED]);
    assert_eq!(until("2026-04-12"), [STAYED, STAYED]);
}

#[test]
fn whoever_cancels_has_left_unless_that_was_a_mistake() {
    let cancels = |before: &'static str, at: &'static str, after: &'static str| {
        fates(move |it| {
            live(it, "2026-02-10", before, true);
            it.event(ONE, at, Body::Cancellation);
            live(it, after, "2026-04-13", true);
        })
    };
    assert_eq!(
        cancels("2026-02-20", "2026-02-20 22:00", "2026-02-21"),
        [LEFT, LEFT]
    );
    // The day is over at midnight.
    assert_eq!(
        cancels("2026-03-12", "2026-03-12 23:00", "2026-03-13"),
        [LEFT, LEFT]
    );
    assert_eq!(
        cancels("2026-03-13", "2026-03-13 22:00", "2026-03-14"),
        [STAYED, LEFT]
    );
    let back = fates(|it| {
        live(it, "2026-02-10", "2026-02-20", true);
        it.event(ONE, "2026-02-20 22:00", Body::Cancellation);
        live(it, "2026-02-21", "2026-03-20", true);
        it.event(ONE, "2026-03-20 22:00", Body::Reactivation(None));
        live(it, "2026-03-21", "2026-04-13", true);
    });
    assert_eq!(back, [LEFT, STAYED]);
}

#[test]
fn a_silence_of_30_days_counts_as_left_until_it_ends() {
    let silent = |last: &'static str, first: &'static str, again: &'static str| {
        fates(move |it| {
            live(it, "2026-02-10", last, true);
            live(it, first, "2026-03-20", false);
            live(it, "2026-03-21", "2026-04-13", again == "returns");
        })
    };
    // The last use on 10 February is 30 days before 12 March.
    assert_eq!(
        silent("2026-02-10", "2026-02-11", "stays away"),
        [LEFT, LEFT]
    );
    assert_eq!(
        silent("2026-02-10", "2026-02-11", "returns"),
        [LEFT, STAYED]
    );
    assert_eq!(
        silent("2026-02-11", "2026-02-12", "stays away"),
        [STAYED, LEFT]
    );
    let at_rest = fates(|it| {
        live(it, "2026-02-10", "2026-02-11", true);
        it.event(
            ONE,
            "2026-02-11 22:00",
            Body::Suspension(SuspensionReason::Voluntary),
        );
        live(it, "2026-02-12", "2026-04-13", false);
    });
    assert_eq!(at_rest, [STAYED, STAYED]);
}

#[test]
fn a_number_that_was_applied_for_and_is_silent_for_a_week_is_elsewhere() {
    let ported = |last: &'static str, first: &'static str, withdrawn: bool| {
        fates(move |it| {
            live(it, "2026-02-10", "2026-02-20", true);
            it.event(ONE, "2026-02-20 22:00", Body::PortOutApplication);
            if withdrawn {
                it.event(ONE, "2026-02-20 23:00", Body::PortOutWithdrawn);
            }
            live(it, "2026-02-21", last, true);
            live(it, first, "2026-03-14", false);
            live(it, "2026-03-15", "2026-04-13", true);
        })
    };
    assert_eq!(ported("2026-03-05", "2026-03-06", false), [LEFT, STAYED]);
    assert_eq!(ported("2026-03-06", "2026-03-07", false), [STAYED, STAYED]);
    assert_eq!(ported("2026-03-05", "2026-03-06", true), [STAYED, STAYED]);
}

#[test]
fn nothing_is_learnt_of_whoever_is_erased_or_has_given_the_number_away() {
    let erased = fates(|it| {
        live(it, "2026-02-10", "2026-03-20", true);
        let request = "one".to_owned().into();
        it.event(ONE, "2026-03-20 22:00", Body::Erase { request });
        live(it, "2026-03-21", "2026-04-13", true);
    });
    assert_eq!(erased, [STAYED, DROPPED]);
    let given_away = fates(|it| {
        live(it, "2026-02-10", "2026-02-20", true);
        it.event(ONE, "2026-02-20 22:00", Body::Cancellation);
        let owner = profile(|p| {
            p.customer = Some(8);
            p.activated_on = Some(crate::support::scenario::day("2026-02-25"));
        });
        live(it, "2026-02-21", "2026-02-25", false);
        it.event(ONE, "2026-02-25 22:00", owner);
        live(it, "2026-02-26", "2026-04-13", true);
    });
    assert_eq!(given_away, [DROPPED, DROPPED]);
}

/// How many times ONE was followed, and how many of those dropped out, with a signal on 10 February and one more.
fn entries(share: [&str; 2], at: &str, from: &str, to: &str) -> [[u64; 2]; 2] {
    let rules = |share| {
        let rules = format!(
            "policy.hold_out = {{ share = {share}, salt = '' }}\ntriggers.cancel_enquiry.cooldown_days = 1"
        );
        crate::support::rules::rules(&[
            crate::support::scenario::EVENT_CLOCK,
            crate::support::scenario::AT_ONCE,
            &rules,
        ])
        .0
    };
    let mut scenario = Scenario::under(rules(share[0]));
    live(&mut scenario, "2026-02-01", "2026-02-09", true);
    scenario.event(ONE, "2026-02-10 07:00", CANCEL);
    live(&mut scenario, from, to, true);
    scenario.shard.adopt(rules(share[1]));
    scenario.event(ONE, at, CANCEL);
    let mut all = Groups::default();
    let rollup = scenario.shard.rollup();
    rollup
        .uplift
        .regions
        .values()
        .flatten()
        .for_each(|(_, groups)| all.add(groups));
    assert!(
        scenario
            .shard
            .describe(&Msisdn::new(ONE).unwrap())
            .is_some()
    );
    [all.with_task, all.held_out].map(|it| [it.entered, it.horizons[1].dropped])
}

#[test]
fn nobody_is_followed_again_within_a_year() {
    let until = |at: &str, to: &str| entries(["1.0", "1.0"], at, "2026-02-10", to);
    assert_eq!(until("2026-04-20 22:00", "2026-04-20"), [[0, 0], [1, 0]]);
    assert_eq!(until("2027-02-09 22:00", "2027-02-09"), [[0, 0], [1, 0]]);
    assert_eq!(until("2027-02-10 22:00", "2027-02-10"), [[0, 0], [2, 0]]);
}

#[test]
fn whoever_changes_over_to_the_other_group_drops_out() {
    let changes = |share| entries(share, "2026-03-20 22:00", "2026-02-10", "2026-03-20");
    assert_eq!(changes(["1.0", "1e-9"]), [[0, 0], [1, 1]]);
    assert_eq!(changes(["1e-9", "1.0"]), [[1, 1], [0, 0]]);
    assert_eq!(changes(["0.0", "1.0"]), [[0, 0], [1, 0]]);
}
