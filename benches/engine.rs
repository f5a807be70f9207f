//! How fast the engine applies events and closes days. Run with `cargo bench --bench engine`.
#![allow(missing_docs, clippy::unwrap_used)]

use churnwatch::config::Config;
use churnwatch::decode::Decoded;
use churnwatch::engine::{IMAGE_FORMAT, ImageLoader, Rules, Section, Shard};
use churnwatch::model::{
    Body, CallOutcome, Day, Direction, Effect, Event, Feed, Inputs, Msisdn, Number, Profile,
    Source, Timestamp,
};
use churnwatch::sim::{City, CityConfig};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use std::cell::RefCell;
use std::sync::Arc;

/// Events of a simulated city for `apply`.
const EVENTS: usize = 500_000;
/// Subscribers of an image.
const SUBSCRIBERS: u32 = 100_000;
/// Events of subscribers who do not fit in the cache, an operator's number in one shard.
const COLD_EVENTS: u32 = 4_000_000;

fn main() {
    divan::main();
}

fn config() -> Config {
    Config::from_toml_str("window.clock = \"event\"", "bench").unwrap()
}

fn shard(rules: &Arc<Rules>) -> Shard {
    let mut shard = Shard::new(Arc::clone(rules));
    shard.tick(
        Timestamp(4_000_000_000_000),
        Inputs::default(),
        &mut Vec::new(),
    );
    shard
}

fn source() -> Source {
    Source {
        topic: "bench".into(),
        partition: 0,
        offset: 0,
    }
}

/// The limit: going over the decoded events and touching each.
#[divan::bench(sample_count = 10)]
fn limit_iterate(bencher: Bencher<'_, '_>) {
    let events = city_events();
    bencher
        .counter(ItemsCount::new(events.len()))
        .bench_local(|| {
            events
                .iter()
                .fold(0i64, |sum, event| sum.wrapping_add(black_box(event).at.0))
        });
}

/// A city's first days into an empty shard, day closes included.
#[divan::bench(sample_count = 10)]
fn apply(bencher: Bencher<'_, '_>) {
    let events = city_events();
    let (rules, source) = (config().rules, source());
    bencher
        .counter(ItemsCount::new(events.len()))
        .with_inputs(|| shard(&rules))
        .bench_local_values(|mut shard| {
            let mut effects: Vec<Effect> = Vec::new();
            for event in events {
                shard.apply(event, &source, &mut effects);
                shard.sweep(usize::MAX, &mut effects);
                effects.clear();
            }
            shard
        });
}

/// Calls of subscribers in no order, who do not fit in the cache; all of them are known, and the day stays open.
#[divan::bench(sample_count = 5, sample_size = 1, args = [100_000, 1_000_000, 10_000_000])]
fn apply_cold(bencher: Bencher<'_, '_>, subscribers: u32) {
    cold(bencher, subscribers, 0);
}

/// The same with what a stretch of calls will touch fetched before, as the program does it.
#[divan::bench(sample_count = 5, sample_size = 1, args = [100_000, 1_000_000, 10_000_000])]
fn apply_cold_fetched(bencher: Bencher<'_, '_>, subscribers: u32) {
    cold(bencher, subscribers, 16);
}

fn cold(bencher: Bencher<'_, '_>, subscribers: u32, ahead: usize) {
    let (rules, source) = (config().rules, source());
    let mut shard = shard(&rules);
    let at = rules
        .calendar
        .at_hour(Day::from_ymd(2026, 3, 2).unwrap(), 12);
    let mut effects = Vec::new();
    for number in 0..subscribers {
        shard.apply(&call(number, 0, at), &source, &mut effects);
    }
    let mut day = 0;
    bencher
        .counter(ItemsCount::new(COLD_EVENTS))
        .with_inputs(|| {
            day += 1;
            let caller = |n: u32| {
                let mixed = (u64::from(n) + u64::from(COLD_EVENTS) * day as u64)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15);
                call((mixed >> 32) as u32 % subscribers, n as i32, at)
            };
            (0..COLD_EVENTS).map(caller).collect::<Vec<_>>()
        })
        .bench_local_refs(|events| {
            for stretch in events.chunks(ahead.max(1)) {
                if ahead > 0 {
                    let keys = stretch.iter().map(|event| event.msisdn.as_bytes());
                    let fetched = keys.map(|key| shard.fetch_record(Shard::aim(key)?));
                    let slots: Vec<_> = fetched.collect();
                    slots
                        .into_iter()
                        .flatten()
                        .for_each(|slot| shard.fetch_day(slot));
                }
                for event in stretch {
                    shard.apply(event, &source, &mut effects);
                }
            }
            effects.clear();
        });
}

/// One day close of subscribers with a learnt baseline, one in ten of them silent. The largest needs some minutes and 4 GB.
#[divan::bench(sample_count = 5, sample_size = 1, args = [100_000, 1_000_000, 10_000_000])]
fn day_close(bencher: Bencher<'_, '_>, subscribers: u32) {
    let rules = config().rules;
    let (source, first) = (source(), Day::from_ymd(2026, 3, 2).unwrap());
    let shard = RefCell::new(shard(&rules));
    let live = |day: i32| {
        let mut effects = Vec::new();
        let mut shard = shard.borrow_mut();
        let at = rules.calendar.at_hour(first + day, 12);
        for number in (0..subscribers).filter(|number| day < 25 || number % 10 != 0) {
            let event = call(number, day, at);
            shard.apply(&event, &source, &mut effects);
        }
        shard.sweep(usize::MAX, &mut effects);
    };
    (0..28).for_each(live);
    let mut day = 28;
    bencher
        .counter(ItemsCount::new(subscribers))
        .with_inputs(|| {
            live(day);
            day += 1;
            rules.calendar.at_hour(first + day, 4)
        })
        .bench_local_values(|until| {
            let mut effects = Vec::new();
            let mut shard = shard.borrow_mut();
            shard.progress(Feed::Cdr, until, &mut effects);
            shard.sweep(usize::MAX, &mut effects);
            effects
        });
}

/// Taking an image, every page of which changed since the one before: what the worker stops for.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn image(bencher: Bencher<'_, '_>) {
    let mut shard = populated();
    bencher
        .counter(ItemsCount::new(SUBSCRIBERS))
        .bench_local(|| shard.image());
}

/// An image as sections, as the snapshot's thread makes them.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn image_sections(bencher: Bencher<'_, '_>) {
    let mut shard = populated();
    bencher
        .counter(ItemsCount::new(SUBSCRIBERS))
        .with_inputs(|| shard.image())
        .bench_local_values(|image| image.sections(None).map(|s| s.bytes.len()).sum::<usize>());
}

/// Sections to a shard, index and all.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn assembly(bencher: Bencher<'_, '_>) {
    let rules = config().rules;
    let sections: Vec<Section> = populated().image().sections(None).collect();
    bencher
        .counter(ItemsCount::new(SUBSCRIBERS))
        .bench_local(|| {
            let mut assembly = ImageLoader::new(IMAGE_FORMAT);
            for Section { kind, index, bytes } in &sections {
                assembly.add(*kind, *index, bytes).unwrap();
            }
            Shard::restored(assembly.finish().unwrap(), Arc::clone(&rules))
        });
}

/// Subscribers with a profile and a first call each.
fn populated() -> Shard {
    let rules = config().rules;
    let (mut shard, source, mut effects) = (shard(&rules), source(), Vec::new());
    let at = rules
        .calendar
        .at_hour(Day::from_ymd(2026, 3, 2).unwrap(), 12);
    for number in 0..SUBSCRIBERS {
        let event = call(number, 0, at);
        let profile = Profile {
            brand: Some("gotone".into()),
            account_manager: Some(format!("manager-{}", number % 500).into()),
            region: vec!["HQ".into(), "Guangdong".into(), "Shenzhen".into()],
            ..Profile::default()
        };
        let profile = Event {
            record: !event.record,
            visited: None,
            body: Body::Profile(Box::new(profile)),
            ..event.clone()
        };
        shard.apply(&event, &source, &mut effects);
        shard.apply(&profile, &source, &mut effects);
    }
    shard
}

fn call(number: u32, day: i32, at: Timestamp) -> Event<'static> {
    Event {
        msisdn: Msisdn::new(&format!("138{number:08}")).unwrap(),
        at,
        record: u64::from(number) << 32 | day.unsigned_abs() as u64 | 1 << 63,
        visited: None,
        body: Body::Call {
            direction: Direction::Outgoing,
            other: Number::from_digits(b"13900139000"),
            duration_seconds: 60,
            outcome: CallOutcome::Normal,
            handset: None,
        },
    }
}

/// Decoded once for all benches; the bytes they borrow from stay for the life of the process.
fn city_events() -> &'static [Event<'static>] {
    static EVENTS_ONCE: std::sync::OnceLock<Vec<Event<'static>>> = std::sync::OnceLock::new();
    EVENTS_ONCE.get_or_init(|| {
        let decoder = config().decoder;
        let mut city = City::new(CityConfig::new(5_000, 60, 7)).unwrap();
        let mut events = Vec::with_capacity(EVENTS);
        while events.len() < EVENTS {
            let Some(value) = city.next_event().unwrap().value else {
                continue;
            };
            let bytes: &'static [u8] = value.to_vec().leak();
            if let Ok(Decoded::Event(event, _)) = decoder.decode(bytes) {
                events.push(event);
            }
        }
        events
    })
}
