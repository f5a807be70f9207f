//! Images: a shard's state as bytes, and a shard of the bytes that goes on as if nothing had happened.

mod bytes;
mod format;

use crate::support::feeding::{self, Feeding, assembled, full, played};
use crate::support::streams::random::Random;
use crate::support::streams::{Step, for_all_plans};
use churnwatch::engine::{Image, PageEpoch, Section, Shard};
use churnwatch::model::{Body, CallOutcome, Day, Direction, Event, Msisdn, Number};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

/// Streams in a run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 60;

fn same<T: PartialEq + ?Sized>(what: &str, a: &T, b: &T) -> Result<(), String> {
    match a == b {
        true => Ok(()),
        false => Err(format!("other {what}")),
    }
}

#[test]
fn a_shard_of_an_image_goes_on_as_the_one_it_was_taken_of() {
    let (cut, sweeping, said) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    for_all_plans(CASES, |plan| {
        let rules = feeding::rules_of(&plan);
        let (steps, whole) = played(&rules, &plan);
        let mut random = Random::new(plan.seed);
        let mut feeding = Feeding::new(Shard::new(rules.clone()));
        for (index, step) in steps.iter().enumerate() {
            if random.below(steps.len() as i64) < 3 {
                let sections = full(feeding.shard.image());
                let restored = assembled(&sections, &rules).map_err(|e| e.to_string())?;
                let (was, is) = (&feeding.shard, &restored);
                same(
                    "fingerprint when restored",
                    &was.fingerprint(),
                    &is.fingerprint(),
                )?;
                same("counts", was.counts(), is.counts())?;
                feeding.shard = restored;
                cut.fetch_add(1, Relaxed);
                let mut probe = assembled(&sections, &rules).unwrap();
                sweeping.fetch_add(usize::from(probe.sweep(0, &mut Vec::new())), Relaxed);
            }
            feeding.step(step);
            let print = feeding.shard.fingerprint();
            same("fingerprint", &print, &whole.fingerprints[index])?;
        }
        said.fetch_add(feeding.effects.len(), Relaxed);
        same("outcomes", &feeding.outcomes, &whole.outcomes)?;
        same("effects", &feeding.effects, &whole.effects)?;
        same(
            "sections at the end",
            &full(feeding.shard.image()),
            &whole.sections,
        )
    });
    let (cut, sweeping, said) = (
        cut.load(Relaxed),
        sweeping.load(Relaxed),
        said.load(Relaxed),
    );
    assert!(cut > 100, "only {cut} images");
    assert!(sweeping > 5, "only {sweeping} images within a sweep");
    assert!(said > 100, "only {said} things were said");
}

#[test]
fn what_changed_since_an_image_makes_it_the_later_one() {
    let spared = AtomicUsize::new(0);
    for_all_plans(CASES / 2, |plan| {
        let rules = feeding::rules_of(&plan);
        let (steps, _) = played(&rules, &plan);
        let mut random = Random::new(plan.seed);
        let mut feeding = Feeding::new(Shard::new(rules.clone()));
        let mut parts: Vec<Section> = Vec::new();
        let mut mark: Option<PageEpoch> = None;
        for step in &steps {
            feeding.step(step);
            if random.below(steps.len() as i64) >= 6 {
                continue;
            }
            let image = feeding.shard.image();
            let (next, share) = (image.epoch(), mark.map(|mark| image.changed_since(mark)));
            let changed: Vec<_> = image.sections(mark).collect();
            let whole = full(feeding.shard.image());
            let pages =
                |sections: &[Section]| sections.iter().filter(|s| (4..8).contains(&s.kind)).count();
            let (some, all) = (pages(&changed), pages(&whole));
            if let Some(share) = share.filter(|_| all > 0) {
                same(
                    "share of changed pages",
                    &share,
                    &(some as f64 / all as f64),
                )?;
                spared.fetch_add(all - some, Relaxed);
            }
            parts.extend(changed);
            let mut shard = assembled(&parts, &rules).map_err(|error| error.to_string())?;
            same("sections", &full(shard.image()), &whole)?;
            mark = Some(next);
        }
        Ok(())
    });
    assert!(
        spared.load(Relaxed) > 10,
        "only {} pages were spared",
        spared.load(Relaxed)
    );
}

#[test]
fn an_image_stays_as_it_was_while_its_shard_goes_on() {
    for_all_plans(CASES / 4, |plan| {
        let rules = feeding::rules_of(&plan);
        let (steps, _) = played(&rules, &plan);
        let half = steps.len() / 2;
        let mut feeding = Feeding::new(Shard::new(rules));
        steps[..half].iter().for_each(|step| feeding.step(step));
        let at_once = full(feeding.shard.image());
        let kept: Image = feeding.shard.image();
        let mut under_way = feeding.shard.image().sections(None);
        let first = under_way.next();
        steps[half..].iter().for_each(|step| feeding.step(step));
        same("image", &full(kept), &at_once)?;
        let rest: Vec<_> = first.into_iter().chain(under_way).collect();
        same("image being written", &rest, &at_once)
    });
}

#[test]
fn other_rules_are_adopted_alike_by_a_running_shard_and_by_an_image() {
    let rerung = AtomicUsize::new(0);
    for_all_plans(CASES / 2, |plan| {
        let rules = feeding::rules_of(&plan);
        let days = match rules.window.days {
            28 => 63,
            _ => 28,
        };
        let other = feeding::rules_with_days(&plan, days);
        let (steps, _) = played(&rules, &plan);
        let half = steps.len() / 2;
        let mut running = Feeding::new(Shard::new(rules.clone()));
        steps[..half].iter().for_each(|step| running.step(step));
        let before = feeding::windows(&running.shard, &steps);
        let mark = running.shard.image().epoch();
        let sections = full(running.shard.image());
        running.shard.adopt(other.clone());
        let after = feeding::windows(&running.shard, &steps);
        let shorter = usize::from(days.min(rules.window.days));
        for (before, after) in before.iter().zip(&after) {
            let newest = |days: &[_]| days[days.len().saturating_sub(shorter)..].to_vec();
            same("newest days", &newest(before), &newest(after))?;
            rerung.fetch_add(usize::from(!before.is_empty()), Relaxed);
        }
        same("number of subscribers", &before.len(), &after.len())?;
        let mut restored = Feeding::new(assembled(&sections, &other).unwrap());
        let changed: Vec<_> = running.shard.image().sections(Some(mark)).collect();
        same(
            "sections",
            &full(restored.shard.image()),
            &full(running.shard.image()),
        )?;
        // All subscribers' pages changed, so that what is restored of parts has the new length.
        let parts: Vec<_> = sections.into_iter().chain(changed).collect();
        let mut of_parts = assembled(&parts, &other).map_err(|error| error.to_string())?;
        same(
            "parts",
            &full(of_parts.image()),
            &full(restored.shard.image()),
        )?;
        let said = running.effects.len();
        for step in &steps[half..] {
            running.step(step);
            restored.step(step);
        }
        same("effects", &restored.effects[..], &running.effects[said..])?;
        same(
            "fingerprint",
            &running.shard.fingerprint(),
            &restored.shard.fingerprint(),
        )
    });
    assert!(
        rerung.load(Relaxed) > 100,
        "only {} windows",
        rerung.load(Relaxed)
    );
}

#[test]
fn of_a_large_shard_only_what_changed_is_written_again() {
    let (rules, _) = crate::support::rules::rules(&["window.clock = \"event\""]);
    let mut feeding = Feeding::new(Shard::new(rules.clone()));
    let name = |number: u32| match number % 2 {
        0 => format!("user-{number}"),
        _ => format!("139{number:08}"),
    };
    let mut at = rules.calendar.at_hour(Day::parse("2026-03-02").unwrap(), 8);
    let mut say = |feeding: &mut Feeding, number: u32, body: Body<'static>| {
        at.0 += 1;
        feeding.step(&Step::Event(Event {
            msisdn: Msisdn::new(&name(number)).unwrap(),
            at,
            record: at.0 as u64,
            visited: None,
            body,
        }));
    };
    let hotline = || Body::Call {
        direction: Direction::Outgoing,
        other: Number::from_digits(b"10010"),
        duration_seconds: 60,
        outcome: CallOutcome::Normal,
        handset: None,
    };
    let count = |sections: &[Section], kind: u8| sections.iter().filter(|s| s.kind == kind).count();
    let counts = |sections: &[Section]| [3, 4, 5, 6].map(|kind| count(sections, kind));

    (0..6_400).for_each(|number| say(&mut feeding, number, Body::CompetitorContact));
    (0..300).for_each(|number| say(&mut feeding, number, hotline()));
    let image = feeding.shard.image();
    let (first, subscribers) = (image.epoch(), image.subscribers());
    // Written by another thread, while the shard goes on.
    let writer = thread::spawn(move || full(image));
    (0..100).for_each(|number| say(&mut feeding, number, Body::Cancellation));
    (6_400..6_410).for_each(|number| say(&mut feeding, number, hotline()));
    let mut parts = writer.join().unwrap();
    assert_eq!((subscribers, counts(&parts)), (6_400, [2, 100, 200, 200]));

    let image = feeding.shard.image();
    assert_eq!(image.changed_since(first), 11.0 / 503.0);
    assert!(image.epoch() > first);
    let changed: Vec<_> = image.sections(Some(first)).collect();
    // 210 tasks are left; four pages of the cancelled, one of the new.
    assert_eq!(counts(&changed), [1, 1, 5, 5]);
    parts.extend(changed);
    let mut restored = assembled(&parts, &rules).unwrap();
    assert_eq!(restored.stats().open_tasks, 210);
    assert!(full(restored.image()) == full(feeding.shard.image()));
    assert_eq!(restored.fingerprint(), feeding.shard.fingerprint());
}
