//! How good rules are on populations of different kinds: each is simulated, replayed and measured in this process.
//!
//! Run with `cargo bench --bench populations`, or with the names of some populations behind `--`. `CHURNWATCH_BENCH_RULES`
//! names a configuration file [default: the defaults]; `CHURNWATCH_BENCH_SUBSCRIBERS`, `CHURNWATCH_BENCH_DAYS` and
//! `CHURNWATCH_BENCH_SEED` change the size and the chance.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use churnwatch::backtest::{FEW, Label, Labels, Replay, Report, Settings, Sweep, evaluate};
use churnwatch::config::Config;
use churnwatch::decode::Form;
use churnwatch::model::Source;
use churnwatch::sim::{City, CityConfig, Scenario};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Files of `scenarios/populations`, and the people in a partition; nothing for all in one.
const POPULATIONS: [(&str, Option<u32>); 8] = [
    ("harsh", None),
    ("mild", None),
    ("personal_absences", None),
    ("voice_only", None),
    ("office_weekdays", None),
    ("small_partition", Some(60)),
    ("prepaid_light", None),
    ("tourists", None),
];

/// The same in every population: falls and decays of one size, substitutions enough to count, and no holiday or outage.
const COMMON: [&str; 6] = [
    "churn.drop.to_level=[0.3,0.3]",
    "churn.decay.to_level=[0.0,0.1]",
    "churn.decay.days=30",
    "events.substitution_rate=8",
    "holiday.from_days=[]",
    "outage.on_days=[]",
];

const RULES: &str = "rules";

fn main() {
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let names = POPULATIONS.map(|(name, _)| name);
    for name in &wanted {
        assert!(
            names.contains(&name.as_str()),
            "not one of {names:?}: {name}"
        );
    }
    let clock = ("CHURNWATCH_WINDOW__CLOCK", "event");
    let clock = [(OsString::from(clock.0), OsString::from(clock.1))];
    let rules = std::env::var_os("CHURNWATCH_BENCH_RULES").map(PathBuf::from);
    let config = Config::load_with(rules.as_deref(), clock.into_iter()).unwrap();
    let subscribers = setting("CHURNWATCH_BENCH_SUBSCRIBERS", 6_000);
    let days = setting("CHURNWATCH_BENCH_DAYS", 150);
    let seed = setting("CHURNWATCH_BENCH_SEED", 303);
    println!(
        "usage_drop+zero_usage_days, {subscribers} lines, {days} days, seed {seed}; false alarms per 1,000 and 30 days\n"
    );
    println!(
        "{:<18}{:>7}{:>6}{:>7}{:>5}  {:<25}{:<16}{:<11}subst., n",
        "population",
        "people",
        "false",
        "recov.",
        "low",
        "stop 14/30, data days, n",
        "-70 % 14/30, n",
        "decay, n"
    );
    for (name, partition) in POPULATIONS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            let city = CityConfig {
                scenario: scenario(name),
                ..CityConfig::new(subscribers, days, seed.into())
            };
            let partitions = partition.map_or(1, |people| subscribers.div_ceil(people));
            println!("{}", line(name, &measure(city, &config, partitions)));
        }
    }
}

fn setting(name: &str, default: u32) -> u32 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().unwrap())
}

fn scenario(name: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scenarios/populations");
    let path = folder.join(format!("{name}.toml"));
    Scenario::load(Some(&path), &COMMON.map(str::to_owned)).unwrap()
}

fn measure(city: CityConfig, config: &Config, partitions: u32) -> Report {
    let rules = [(RULES.to_owned(), config.rules.clone())];
    let sets = [config.rules.clone()];
    let decoder = config.decoder.clone();
    // Records whose clocks ran ahead are from the future at the end of the simulation.
    let now = config
        .rules
        .calendar
        .start_of(city.start + city.days as i32 + 3);
    let mut replay = Replay::new(&sets, decoder.clone(), now, partitions as i32).unwrap();
    let mut source = Source {
        topic: "bench".into(),
        partition: 0,
        offset: 0,
    };
    let mut city = City::new(city).unwrap();
    while let Some(event) = city.next_event() {
        if let Some(value) = event.value {
            replay.record(&Form::Native, value, &source);
            source.offset += 1;
        }
    }
    let recording = replay.finish();
    let calendar = &config.rules.calendar;
    let label = |line: &churnwatch::sim::Truth| {
        let json = line.to_json(city.calendar());
        Label::read(json.as_bytes(), calendar, |text| decoder.msisdn(text)).unwrap()
    };
    let labels: Vec<Label> = city.truth().iter().map(label).collect();
    let labels = Labels::of_truth(&labels, &recording.roster, calendar);
    let settings = Settings {
        seed: 1,
        replicates: 0,
        warmup_days: 28,
    };
    evaluate(&recording, &labels, &rules, &Sweep::default(), settings).unwrap()
}

fn line(name: &str, report: &Report) -> String {
    let figure = |path: &str, measure: &str| {
        let row = report.rows.iter().find(|row| {
            row.rules == RULES
                && row.trigger == "usage_drop+zero_usage_days"
                && row.population == "regular"
                && row.tier == "all"
                && row.path == path
                && row.measure == measure
        });
        row.map_or((None, 0), |row| (row.value, row.count))
    };
    let rate = |part: &str| {
        let (value, _) = figure("any", &format!("false_{part}_per_1000_30d"));
        value.map_or("-".to_owned(), |value| format!("{value:.0}"))
    };
    let share = |path: &str, measure: &str| match figure(path, measure) {
        (Some(value), FEW..) => format!("{value:.2}"),
        (Some(_), _) => "few".to_owned(),
        _ => "-".to_owned(),
    };
    let recall = |path: &str| {
        let (soon, late) = (share(path, "recall_14d"), share(path, "recall_30d"));
        format!("{soon}/{late}")
    };
    let cases = |path: &str, measure: &str| figure(path, measure).1;
    let days = figure("stop", "delay_data_days_p50").0;
    let days = days.map_or("-".to_owned(), |days| format!("{days:.0}"));
    let stop = format!(
        "{}, {days} d, {}",
        recall("stop"),
        cases("stop", "recall_30d")
    );
    let drop = format!("{}, {}", recall("drop"), cases("drop", "recall_30d"));
    let decay = format!(
        "{}, {}",
        share("decay", "recall_30d"),
        cases("decay", "recall_30d")
    );
    let harmless = "harmless_alarmed_30d";
    let substitution = format!(
        "{}, {}",
        share("substitution", harmless),
        cases("substitution", harmless)
    );
    format!(
        "{name:<18}{:>7}{:>6}{:>7}{:>5}  {stop:<25}{drop:<16}{decay:<11}{substitution}",
        report.data.regular,
        rate("alarms"),
        rate("recovered"),
        rate("stayed_low"),
    )
}
