//! Whatever the bytes are, there is an error or a shard, and never a panic.

use crate::support::feeding::{Feeding, assembled, full, keys, played};
use crate::support::properties::{config, for_all};
use crate::support::streams::{SEED, Step, plans, rules_of};
use churnwatch::engine::{IMAGE_FORMAT, ImageError, ImageLoader, Rules, Section, Shard};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Damaged images in a run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 3_000;

/// What happens to an image on the way.
#[derive(Debug, Clone)]
enum Damage {
    /// A byte becomes another.
    Changed {
        at: usize,
        to: u8,
    },
    /// Bytes that may be a length or an index become the largest number.
    Large {
        at: usize,
    },
    Truncated {
        to: usize,
    },
    Extended {
        by: u8,
    },
    Lost,
    Moved {
        to: u32,
    },
    OfKind(u8),
    /// Its bytes become those of another section.
    Replaced {
        by: usize,
    },
}

fn damages() -> impl Strategy<Value = Vec<(usize, Damage)>> {
    let damage = prop_oneof![
        12 => (any::<usize>(), any::<u8>()).prop_map(|(at, to)| Damage::Changed { at, to }),
        3 => any::<usize>().prop_map(|at| Damage::Large { at }),
        2 => any::<usize>().prop_map(|to| Damage::Truncated { to }),
        1 => (1..9_u8).prop_map(|by| Damage::Extended { by }),
        1 => Just(Damage::Lost),
        1 => prop_oneof![0..5_u32, any::<u32>()].prop_map(|to| Damage::Moved { to }),
        1 => any::<u8>().prop_map(Damage::OfKind),
        1 => any::<usize>().prop_map(|by| Damage::Replaced { by }),
    ];
    prop::collection::vec((any::<usize>(), damage), 1..4)
}

fn damaged(sections: &[Section], damages: &[(usize, Damage)]) -> Vec<Section> {
    let mut sections = sections.to_vec();
    for (which, damage) in damages {
        if sections.is_empty() {
            break;
        }
        let which = which % sections.len();
        let section = &mut sections[which];
        let length = section.bytes.len().max(1);
        match damage {
            Damage::Changed { at, to } => {
                if let Some(byte) = section.bytes.get_mut(at % length) {
                    *byte = *to;
                }
            }
            Damage::Large { at } => {
                section
                    .bytes
                    .iter_mut()
                    .skip(at % length)
                    .take(4)
                    .for_each(|b| *b = 0xFF);
            }
            Damage::Truncated { to } => section.bytes.truncate(to % length),
            Damage::Extended { by } => section.bytes.extend(std::iter::repeat_n(0, (*by).into())),
            Damage::Lost => {
                sections.remove(which);
            }
            Damage::Moved { to } => section.index = *to,
            Damage::OfKind(kind) => section.kind = kind % 12,
            Damage::Replaced { by } => {
                let by = by % sections.len();
                sections[which].bytes = sections[by].bytes.clone();
            }
        }
    }
    sections
}

/// A shard with some of everything, vacant slots among it, its rules, its image, and what comes next.
fn subject() -> (Arc<Rules>, Vec<Section>, Vec<Step>) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    loop {
        let plan = plans().new_tree(&mut runner).unwrap().current();
        let (rules, _) = rules_of(&plan);
        let (steps, _) = played(&rules, &plan);
        let mut feeding = Feeding::new(Shard::new(rules.clone()));
        for (index, step) in steps.iter().enumerate() {
            feeding.step(step);
            // Candidates wait for an hour of the day only.
            if index < steps.len() / 2 || index % 16 > 0 || plan.people.len() <= 10 {
                continue;
            }
            let sections = full(feeding.shard.image());
            let mut kinds = (1..=11).filter(|kind| *kind != 7);
            if kinds.all(|kind| sections.iter().any(|s| s.kind == kind))
                && keys(&sections).contains(&0)
                && !keys(&sections)[..2].contains(&0)
                && feeding.shard.stats().open_tasks > 3
            {
                let rest = steps[index + 1..].iter().take(1_500).cloned().collect();
                return (rules, sections, rest);
            }
        }
    }
}

#[test]
fn damaged_images_are_refused_or_make_a_shard_that_works() {
    let (rules, sections, rest) = subject();
    let (refused, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_all(&config(CASES, SEED), damages, |damages| {
        let sections = damaged(&sections, &damages);
        match assembled(&sections, &rules) {
            Err(error) => {
                assert!(error.to_string().len() > 10);
                refused.fetch_add(1, Relaxed);
            }
            Ok(shard) => {
                taken.fetch_add(1, Relaxed);
                let mut feeding = Feeding::new(shard);
                rest.iter().for_each(|step| feeding.step(step));
                feeding.shard.sweep(usize::MAX, &mut feeding.effects);
                let sections = full(feeding.shard.image());
                let again = assembled(&sections, &rules);
                assert_eq!(again.err(), None);
            }
        }
        Ok(())
    });
    let (refused, taken) = (refused.into_inner(), taken.into_inner());
    assert!(
        refused > 20 && taken > 20,
        "{refused} refused, {taken} taken"
    );
}

#[test]
fn what_is_wrong_is_named() {
    let (rules, sections, _) = subject();
    let error = |change: &dyn Fn(&mut Vec<Section>)| {
        let mut sections = sections.clone();
        change(&mut sections);
        assembled(&sections, &rules).err().unwrap().to_string()
    };
    let of = |sections: &[Section], kind: u8| sections.iter().position(|s| s.kind == kind).unwrap();
    assert_eq!(error(&|all| all.clear()), "the image has no header");
    assert_eq!(
        error(&|all| drop(all.remove(0))),
        "state section 0 comes before the header"
    );
    assert_eq!(error(&|all| drop(all.remove(1))), "the image has no state");
    assert_eq!(
        error(&|all| all[0].kind = 13),
        "section kind 13 is not known"
    );
    assert_eq!(
        error(&|all| {
            let at = of(all, 6);
            all[at].bytes.pop();
        }),
        "subscribers section 0 is cut short"
    );
    assert_eq!(
        error(&|all| {
            let at = of(all, 6);
            all[at].index = 3;
        }),
        "subscribers section 3 comes without the one before it"
    );
    assert_eq!(
        error(&|all| all.retain(|s| s.kind != 5)),
        "the image has not as many accounts as its header states"
    );
    assert_eq!(
        error(&|all| {
            // The second subscriber gets the key of the first.
            let at = of(all, 6);
            all[at].bytes.copy_within(1..9, 9);
        }),
        "the image has a subscriber twice"
    );
    assert_eq!(
        error(&|all| {
            // The first subscriber is nobody any more, but all else is still there.
            let at = of(all, 6);
            all[at].bytes[1..9].fill(0);
        }),
        "subscribers section 0 still has something of a subscriber who was erased"
    );
    let mut newer = ImageLoader::new(IMAGE_FORMAT + 1);
    assert_eq!(
        newer.add(1, 0, &[]),
        Err(ImageError::Format(IMAGE_FORMAT + 1))
    );
    assert_eq!(
        ImageError::Format(9).to_string(),
        format!("image format 9 is not known; this version reads format {IMAGE_FORMAT}")
    );
}
