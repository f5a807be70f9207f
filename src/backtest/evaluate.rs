use super::alarms::{Alarm, COOLDOWN_DAYS, cool_down, of_firings};
use super::bootstrap::{Chance, Figure, estimate};
use super::cohort::{Cohort, Scope};
use super::exposure::Exposure;
use super::frontier::{self, Sweep};
use super::labels::{Episode, Labels};
use super::measures::{ANY, Key, LEAD_P50, Measures};
use super::recording::{Firing, Recording, Run};
use super::reliability::{self, Reliability};
use super::report::{
    ALL_TIERS, AS_GIVEN, Curve, DataSummary, LabelSummary, Leads, PAIR, Report, Row, RulesSummary,
    SIMPLE_RULES, SettingsSummary, TOGETHER,
};
use super::signs::Signs;
use super::simple_rules::{self, SimpleRule};
use super::statistics::statistics;
use super::win_back::WinBack;
use super::workload;
use crate::engine::Rules;
use crate::engine::triggers::REGISTRY;
use crate::model::{Purpose, Tier};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Seed of all random draws.
    pub seed: u64,
    /// Draws for the intervals.
    pub replicates: u32,
    /// First days of a subscriber that do not count.
    pub warmup_days: u16,
}

/// The triggers of [`PAIR`].
const PAIR_TRIGGERS: [&str; 2] = ["usage_drop", "zero_usage_days"];
/// Lower bounds of the lead-time bins, in days.
const LEAD_BINS_DAYS: [i32; 10] = [-60, -30, -14, -7, -3, 0, 3, 7, 14, 30];

/// Measures what a replay under these named sets of rules, and then under those of a sweep, has found.
pub fn evaluate(
    recording: &Recording,
    labels: &Labels,
    rules: &[(String, Arc<Rules>)],
    sweep: &Sweep,
    settings: Settings,
) -> Option<Report> {
    let (first_name, first_rules) = rules.first()?;
    let cohort = Cohort::new(
        recording,
        labels,
        &first_rules.calendar,
        settings.warmup_days,
    );
    let exposure = Exposure::new(&cohort);
    let mut study = Study {
        exposure: &exposure,
        cohort: &cohort,
        settings,
        streams: Vec::new(),
        curves: Vec::new(),
        frontier: Vec::new(),
        leads: Vec::new(),
        reliability: Vec::new(),
        loads: Vec::new(),
    };
    let (mut signs, mut win_back) = (Vec::new(), Vec::new());
    for ((name, rules), run) in rules.iter().zip(&recording.runs) {
        study.rules(name, run);
        let scores = reliability::of_scores(&cohort, name, rules, run);
        signs.push(Signs::of(&cohort, rules, run, &scores));
        win_back.push(WinBack::of(&cohort, name, run));
        let falls = reliability_of_falls(&cohort, name, run);
        study.reliability.extend([falls, scores]);
    }
    let swept = recording.runs.iter().skip(rules.len());
    let points = sweep.cuts.iter().zip(swept);
    let points = points.map(|(cut, run)| frontier::point(&cohort, *cut, &pair(&cohort, run)));
    let swept = frontier::of_rules(first_name, sweep.threshold, points.collect());
    study
        .frontier
        .extend(Some(swept).filter(|curve| !curve.points.is_empty()));
    if let Some(run) = recording.runs.first() {
        let pair = pair(&cohort, run);
        study.simple_rules(&pair);
    }
    let people = || cohort.people.iter().filter(|person| person.regular);
    let rows = study.rows();
    Some(Report {
        format: "churnwatch-backtest/1",
        data: DataSummary {
            records: recording.counts,
            subscribers: recording.roster.len(),
            machines: recording.machines.iter().filter(|m| **m).count(),
            regular: people().count(),
            with_data: people().filter(|person| person.data).count(),
            first_day: cohort.first.to_string(),
            last_day: cohort.last.to_string(),
            sound_days: exposure.sound_days(Scope::Regular, None),
        },
        labels: summary(labels),
        settings: SettingsSummary {
            seed: settings.seed,
            replicates: settings.replicates,
            warmup_days: settings.warmup_days,
            cooldown_days: COOLDOWN_DAYS,
        },
        rules: rules
            .iter()
            .map(|(name, rules)| RulesSummary {
                name: name.clone(),
                version: rules.version.to_string(),
            })
            .collect(),
        rows,
        curves: study.curves,
        frontier: study.frontier,
        leads: study.leads,
        reliability: study.reliability,
        signs,
        win_back,
        statistics: statistics(&cohort),
    })
}

fn summary(labels: &Labels) -> LabelSummary {
    let by_kind = |episodes: &[Episode]| {
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for episode in episodes {
            *kinds
                .entry(labels.name(episode.kind).to_owned())
                .or_default() += 1;
        }
        kinds
    };
    let city = labels.city.iter().map(|time| {
        let (from, until) = (time.from.to_string(), time.until.to_string());
        (time.kind.clone(), from, until)
    });
    LabelSummary {
        origin: labels.origin,
        churn: by_kind(&labels.churn),
        harmless: by_kind(&labels.harmless),
        city: city.collect(),
        unknown: labels.unknown,
        repeated: labels.repeated,
    }
}

/// What P came to in a run.
pub fn reliability_of_falls(cohort: &Cohort<'_>, name: &str, run: &Run) -> Reliability {
    reliability::of_falls(cohort, name, &pair(cohort, run))
}

/// The alarms of the stream of the usage triggers.
pub fn pair(cohort: &Cohort<'_>, run: &Run) -> Vec<Alarm> {
    let in_pair = |index: u16| {
        let name = REGISTRY.get(usize::from(index)).map(|r| r.name);
        name.is_some_and(|name| PAIR_TRIGGERS.contains(&name))
    };
    let alarms = of_firings(cohort, &run.firings, |f| in_pair(f.trigger));
    cool_down(cohort, alarms)
}

/// One stream's figures, not estimated yet.
struct Stream {
    rules: String,
    trigger: String,
    figures: Vec<(Key, Figure)>,
}

struct Study<'a> {
    cohort: &'a Cohort<'a>,
    exposure: &'a Exposure,
    settings: Settings,
    streams: Vec<Stream>,
    curves: Vec<Curve>,
    frontier: Vec<Curve>,
    leads: Vec<Leads>,
    reliability: Vec<Reliability>,
    loads: Vec<Row>,
}

impl Study<'_> {
    fn rules(&mut self, name: &str, run: &Run) {
        for (index, registered) in (0..).zip(REGISTRY) {
            if registered.purpose != Purpose::Churn {
                continue;
            }
            let alarms = of_firings(self.cohort, &run.firings, |f| f.trigger == index);
            self.stream(name, registered.name, &alarms);
        }
        let pair = pair(self.cohort, run);
        self.stream(name, PAIR, &pair);
        self.lead_times(name, PAIR);
        let of_churn = |firing: &Firing| {
            let registered = REGISTRY.get(usize::from(firing.trigger));
            registered.is_some_and(|registered| registered.purpose == Purpose::Churn)
        };
        let together = of_firings(self.cohort, &run.firings, of_churn);
        let together = cool_down(self.cohort, together);
        self.stream(name, TOGETHER, &together);
        self.lead_times(name, TOGETHER);
        for (trigger, alarms) in [(PAIR, &pair), (TOGETHER, &together)] {
            let curve = frontier::by_score(self.cohort, name, trigger, alarms);
            self.curves.push(curve);
        }
        let given = frontier::point(self.cohort, 1.0, &pair);
        let given = frontier::of_rules(name, AS_GIVEN, vec![given]);
        self.frontier.push(given);
        for load in workload::measures(self.cohort, run) {
            self.loads.push(Row {
                rules: name.to_owned(),
                trigger: TOGETHER.to_owned(),
                population: Scope::All.name(),
                path: ANY.to_owned(),
                tier: load.tier,
                measure: load.measure.to_owned(),
                value: load.value.map(rounded),
                low: load.bounds.map(|(low, _)| rounded(low)),
                high: load.bounds.map(|(_, high)| rounded(high)),
                count: load.count,
            });
        }
    }

    fn simple_rules(&mut self, pair: &[Alarm]) {
        let cohort = self.cohort;
        let wanted = simple_rules::burden(cohort, pair);
        let fixed = [SimpleRule::WeekVoice(0.5), SimpleRule::WeekAll(0.5)];
        let zeros = [3, 4, 5, 7].map(SimpleRule::ZeroDays);
        for rule in fixed.into_iter().chain(zeros) {
            self.stream(SIMPLE_RULES, &rule.name(), &rule.alarms(cohort));
        }
        type WeekRule = fn(f64) -> SimpleRule;
        for (name, rule_with) in [
            ("week_voice", SimpleRule::WeekVoice as WeekRule),
            ("week_all", SimpleRule::WeekAll),
        ] {
            let (rule, alarms) = simple_rules::at_equal_burden(cohort, wanted, rule_with);
            let name = format!("{name}_equal_burden ({})", rule.threshold());
            self.stream(SIMPLE_RULES, &name, &alarms);
        }
        let mut chance = Chance::new(self.settings.seed, 3);
        let (days, alarms) = simple_rules::zero_days_thinned(cohort, wanted, &mut chance);
        let rule = SimpleRule::ZeroDays(days);
        let name = format!("zero_days_equal_burden ({})", rule.threshold());
        self.stream(SIMPLE_RULES, &name, &alarms);
        self.frontier.extend(frontier::of_simple_rules(cohort));
        let random = simple_rules::random(cohort, wanted, &mut chance);
        self.stream(SIMPLE_RULES, "random_equal_burden", &random);
        self.frontier.push(Curve {
            rules: SIMPLE_RULES.to_owned(),
            trigger: "random".to_owned(),
            threshold: AS_GIVEN.to_owned(),
            points: vec![frontier::point(cohort, 1.0, &random)],
        });
    }

    fn stream(&mut self, rules: &str, trigger: &str, alarms: &[Alarm]) {
        let of_use = rules == SIMPLE_RULES || trigger == PAIR || PAIR_TRIGGERS.contains(&trigger);
        let seed = self.settings.seed;
        let measures = Measures::of(self.cohort, self.exposure, alarms, of_use, seed);
        self.streams.push(Stream {
            rules: rules.to_owned(),
            trigger: trigger.to_owned(),
            figures: measures.figures(self.exposure),
        });
    }

    /// Bins the lead times of the last stream.
    fn lead_times(&mut self, rules: &str, trigger: &str) {
        let mut bins = vec![0; LEAD_BINS_DAYS.len() + 1];
        for (key, figure) in self
            .streams
            .last()
            .iter()
            .flat_map(|stream| &stream.figures)
        {
            let Figure::Quantile { values, .. } = figure else {
                continue;
            };
            if key.measure != LEAD_P50 || key.scope != Scope::Regular || key.path != ANY {
                continue;
            }
            for (hours, _) in values {
                let days = hours / 24.0;
                let bin = LEAD_BINS_DAYS.iter().filter(|low| days >= f64::from(**low));
                bins[bin.count()] += 1;
            }
        }
        self.leads.push(Leads {
            rules: rules.to_owned(),
            trigger: trigger.to_owned(),
            bins_days: LEAD_BINS_DAYS.to_vec(),
            alarms: bins,
        });
    }

    /// Estimates everything at once, so that all figures use the same draws.
    fn rows(&mut self) -> Vec<Row> {
        let streams = std::mem::take(&mut self.streams);
        let mut rows = Vec::new();
        let mut figures = Vec::new();
        for stream in streams {
            for (key, figure) in stream.figures {
                figures.push(figure);
                rows.push(Row {
                    rules: stream.rules.clone(),
                    trigger: stream.trigger.clone(),
                    population: key.scope.name(),
                    path: key.path,
                    tier: key.tier.map_or(ALL_TIERS, Tier::name),
                    measure: key.measure.to_owned(),
                    value: None,
                    low: None,
                    high: None,
                    count: 0,
                });
            }
        }
        let estimates = estimate(
            &figures,
            &self.exposure.denominators,
            self.cohort.recording.roster.len(),
            self.settings.replicates,
            &mut Chance::new(self.settings.seed, 1),
        );
        for (row, estimate) in rows.iter_mut().zip(estimates) {
            row.value = estimate.value.map(rounded);
            row.low = estimate.low.map(rounded);
            row.high = estimate.high.map(rounded);
            row.count = estimate.count;
        }
        rows.append(&mut self.loads);
        rows
    }
}

/// To six digits behind the point: more would only be noise.
fn rounded(value: f64) -> f64 {
    libm::round(value * 1e6) / 1e6
}
