//! Holds the simulated people to the irregularity of real ones (behaviour: How irregular people are). Run it with
//! `--nocapture` for the table.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::sim::event::Body;
use crate::sim::person::{Line, Person};
use crate::sim::{City, CityConfig, Class, Scenario, Truth};
use std::collections::BTreeSet;

/// Daily counts of one subscriber over the whole observation.
struct DailyCounts {
    number: u64,
    voice: Vec<u32>,
    data: Vec<u32>,
}

const PEOPLE: u32 = 1_500;
const DAYS: u32 = 180;
/// Silences that begin later than this before the end may or may not end: they are left out of P(comes back).
const CENSORED_DAYS: usize = 45;

fn observe(text: &str) -> (Vec<DailyCounts>, Vec<Truth>) {
    // Those whose logs were published had no holiday and no outage that we know of.
    let mut scenario = Scenario::parse(text, "test").unwrap();
    scenario.holiday.from_days.clear();
    scenario.outage.on_days.clear();
    let config = CityConfig {
        faults: false,
        scenario,
        ..CityConfig::new(PEOPLE, DAYS, 2_026)
    };
    let humans: Vec<Person> = (0..PEOPLE)
        .map(|index| Person::new(&config, index))
        .filter(|person| person.line == Line::Human && person.activated_on < config.start)
        .collect();
    let mut place = vec![None; PEOPLE as usize];
    let mut people = Vec::new();
    for person in humans {
        place[person.index as usize] = Some(people.len());
        people.push(DailyCounts {
            number: person.number,
            voice: vec![0; DAYS as usize],
            data: vec![0; DAYS as usize],
        });
    }
    let mut city = City::new(config).unwrap();
    let start_ms = city.calendar().start_of(city.config().start).0;
    while let Some((_, event)) = city.pop() {
        let Some(Some(place)) = place.get(event.person as usize) else {
            continue;
        };
        let day = ((event.at_ms - start_ms) / 86_400_000) as usize;
        match event.body {
            Body::Call(_) | Body::Message { .. } => people[*place].voice[day] += 1,
            Body::Data { .. } => people[*place].data[day] += 1,
            _ => {}
        }
    }
    (people, city.truth())
}

/// Between the first and the last day with a call or message, as a log would show the user.
fn span(counts: &[u32]) -> &[u32] {
    let first = counts.iter().position(|n| *n > 0).unwrap_or(0);
    let last = counts.iter().rposition(|n| *n > 0).map_or(0, |day| day + 1);
    &counts[first..last.max(first)]
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count().max(1) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Mean, variance and correlation with the day before.
fn moments(counts: &[u32]) -> (f64, f64, f64) {
    let values = || counts.iter().map(|n| f64::from(*n));
    let average = mean(values());
    let variance = mean(values().map(|x| (x - average) * (x - average)));
    let products = values()
        .zip(values().skip(1))
        .map(|(a, b)| (a - average) * (b - average));
    (average, variance, mean(products) / variance)
}

/// Runs of silent days: first day, length, and whether activity came back.
fn silences(counts: &[u32]) -> Vec<(usize, usize, bool)> {
    let mut runs = Vec::new();
    let mut length = 0;
    for (day, count) in counts.iter().enumerate() {
        if *count == 0 {
            length += 1;
        } else {
            if length > 0 {
                runs.push((day - length, length, true));
            }
            length = 0;
        }
    }
    if length > 0 {
        runs.push((counts.len() - length, length, false));
    }
    runs
}

struct Band {
    what: String,
    found: f64,
    real: &'static str,
    low: f64,
    high: f64,
}

fn report(bands: &[Band]) {
    println!("| measure | simulated | real people | accepted |");
    println!("|---|---|---|---|");
    for band in bands {
        let accepted = format!("{} to {}", band.low, band.high);
        println!(
            "| {} | {:.2} | {} | {accepted} |",
            band.what, band.found, band.real
        );
    }
    for band in bands {
        let sane = (band.low..=band.high).contains(&band.found);
        assert!(sane, "{} is {:.3}", band.what, band.found);
    }
}

#[test]
fn people_are_as_irregular_as_real_ones() {
    calibrate("");
}

/// The scenarios that rules are tuned and reported on.
#[test]
fn so_are_those_of_the_scenarios_to_tune_and_to_report_on() {
    calibrate(include_str!("../../../benches/scenarios/tuning.toml"));
    calibrate(include_str!("../../../benches/scenarios/reporting.toml"));
    calibrate(include_str!(
        "../../../benches/scenarios/populations/harsh.toml"
    ));
}

fn calibrate(scenario: &str) {
    let (people, truth) = observe(scenario);
    let mut bands = Vec::new();
    let mut band = |what: &str, found, real, low, high| {
        bands.push(Band {
            what: what.to_owned(),
            found,
            real,
            low,
            high,
        });
    };

    // The published logs keep users with at least one event a day.
    let users: Vec<&DailyCounts> = people
        .iter()
        .filter(|user| span(&user.voice).len() >= 30 && moments(span(&user.voice)).0 >= 1.0)
        .collect();
    assert!(users.len() > 1_000, "{} users", users.len());
    let shape: Vec<(f64, f64, f64)> = users.iter().map(|u| moments(span(&u.voice))).collect();
    let k = shape.iter().map(|(m, v, _)| m * m / (v - m).max(1e-9));
    let spread = shape.iter().map(|(m, v, _)| v / m);
    let lag = shape.iter().map(|(_, _, lag)| *lag);
    band(
        "calls and messages a day, mean",
        mean(shape.iter().map(|s| s.0)),
        "",
        4.0,
        12.0,
    );
    band(
        "negative-binomial k, median",
        median(k.collect()),
        "0.65 to 1.2",
        0.65,
        1.2,
    );
    band(
        "variance/mean, median",
        median(spread.clone().collect()),
        "7 to 8",
        6.5,
        8.5,
    );
    band("variance/mean, mean", mean(spread), "7 to 8", 7.0, 10.0);
    band(
        "lag-1 correlation, median",
        median(lag.collect()),
        "0.1 to 0.25",
        0.1,
        0.25,
    );
    let silent_share = |u: &&DailyCounts| {
        let days = span(&u.voice);
        days.iter().filter(|n| **n == 0).count() as f64 / days.len() as f64
    };
    let silent = mean(users.iter().map(silent_share));
    band("silent days, share", silent, "0.19 to 0.30", 0.19, 0.30);

    let months = users.iter().map(|u| span(&u.voice).len()).sum::<usize>() as f64 / 30.0;
    for (days, real, low, high) in [
        (3, "500 to 700", 500.0, 700.0),
        (5, "80 to 190", 80.0, 190.0),
        (7, "15 to 100", 15.0, 100.0),
        (14, "0 to 35", 1.0, 35.0),
    ] {
        let ended = |u: &&DailyCounts| {
            let runs = silences(span(&u.voice));
            runs.iter().filter(|(_, length, _)| *length >= days).count()
        };
        let runs = users.iter().map(ended).sum::<usize>() as f64;
        let what = format!("silent runs of {days}+ days that ended, per 1,000 and 30 days");
        band(&what, 1_000.0 * runs / months, real, low, high);
    }
    for (days, real, low, high) in [
        (3, ".94", 0.88, 0.98),
        (5, ".80", 0.70, 0.90),
        (7, ".69", 0.55, 0.80),
        (10, ".53", 0.40, 0.66),
        (14, ".43", 0.28, 0.56),
        (21, ".29", 0.12, 0.42),
    ] {
        let (mut reached, mut returned) = (0, 0);
        for user in &users {
            for (first, length, back) in silences(&user.voice) {
                if length >= days && first + CENSORED_DAYS < user.voice.len() {
                    reached += 1;
                    returned += u32::from(back);
                }
            }
        }
        let share = f64::from(returned) / f64::from(reached);
        band(
            &format!("P(comes back | silent {days} days)"),
            share,
            real,
            low,
            high,
        );
    }

    // Data sessions beside.
    let both = |u: &&DailyCounts| {
        let days = span(&u.voice).len();
        let pairs = u.voice.iter().zip(&u.data).take(days);
        let silent = pairs.clone().filter(|(v, _)| **v == 0).count();
        (silent, pairs.filter(|(v, d)| **v == 0 && **d > 0).count())
    };
    let (silent, filled) = users
        .iter()
        .map(both)
        .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let filled = filled as f64 / silent as f64;
    band(
        "silent days with data sessions, share",
        filled,
        "most",
        0.6,
        0.95,
    );

    // The simplest rules that people build, on the lines nothing is wrong with.
    let troubled: BTreeSet<u64> = truth
        .iter()
        .filter(|line| line.kind.class() == Class::Churn)
        .filter_map(|line| line.msisdn)
        .collect();
    let sound: Vec<&DailyCounts> = people
        .iter()
        .filter(|u| !troubled.contains(&u.number))
        .collect();
    let months = sound.len() as f64 * f64::from(DAYS) / 30.0;
    let alarms = |rule: &dyn Fn(&DailyCounts) -> usize| {
        1_000.0 * sound.iter().map(|u| rule(u)).sum::<usize>() as f64 / months
    };
    let all =
        |u: &DailyCounts| -> Vec<u32> { u.voice.iter().zip(&u.data).map(|(v, d)| v + d).collect() };
    let zeros = alarms(&|u| zero_run_alarms(&all(u)));
    band(
        "3 zero days, all activity: false alarms",
        zeros,
        "59",
        35.0,
        80.0,
    );
    let weeks = alarms(&|u| half_week_alarms(&u.voice));
    band(
        "week < 50 %, voice: false alarms",
        weeks,
        "693",
        450.0,
        900.0,
    );
    let weeks = alarms(&|u| half_week_alarms(&all(u)));
    band(
        "week < 50 %, all activity: false alarms",
        weeks,
        "430",
        200.0,
        600.0,
    );
    report(&bands);
}

/// Third silent day in a row of a user active on 14 of the 28 days before.
fn zero_run_alarms(counts: &[u32]) -> usize {
    let third = |day: usize| {
        let before = &counts[day.saturating_sub(28)..day];
        counts[day..day + 3].iter().all(|n| *n == 0)
            && before.last().is_some_and(|n| *n > 0)
            && before.iter().filter(|n| **n > 0).count() >= 14
    };
    (28..counts.len() - 3).filter(|day| third(*day)).count() * counts.len() / (counts.len() - 31)
}

/// A week with less than half of the mean of the four weeks before it.
fn half_week_alarms(counts: &[u32]) -> usize {
    let weeks: Vec<u32> = counts
        .chunks_exact(7)
        .map(|week| week.iter().sum())
        .collect();
    let low = weeks
        .windows(5)
        .filter(|w| w[4] * 8 < w[0] + w[1] + w[2] + w[3]);
    low.count() * weeks.len() / (weeks.len() - 4)
}
