use super::alarms::{Alarm, COOLDOWN_DAYS, cool_down, of_firings};
use super::bootstrap::{Chance, Figure, estimate};
use super::ground::{Ground, Scope, Verdict};
use super::labels::{Episode, Labels};
use super::measures::{ANY, Book, Key, LEAD_P50, RECALL_DAYS, Shares, counts, of_subscriber};
use super::people::statistics;
use super::replay::{Firing, Recording, Run};
use super::report::{
    ALL_TIERS, Curve, DataNote, LabelNote, Leads, PAIR, Point, RIVALS, Report, Row, RulesNote,
    SettingsNote, TOGETHER,
};
use super::rivals::{self, Rival};
use super::tasks;
use crate::engine::Rules;
use crate::engine::triggers::REGISTRY;
use crate::model::{Purpose, Tier};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How to measure.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Seed of all chance.
    pub seed: u64,
    /// Draws for the intervals.
    pub replicates: u32,
    /// First days of a subscriber that count nowhere.
    pub warmup_days: u16,
}

/// Triggers whose joint alarms the bar is set for.
const PAIR_TRIGGERS: [&str; 2] = ["usage_drop", "zero_usage_days"];
/// Lower bounds of the lead-time bins, in days.
const LEAD_BINS_DAYS: [i32; 10] = [-60, -30, -14, -7, -3, 0, 3, 7, 14, 30];

/// Measures what a replay under some named sets of rules has found.
pub fn evaluate(
    recording: &Recording,
    labels: &Labels,
    rules: &[(String, Arc<Rules>)],
    settings: Settings,
) -> Option<Report> {
    let (_, first_rules) = rules.first()?;
    let ground = Ground::new(
        recording,
        labels,
        &first_rules.calendar,
        settings.warmup_days,
    );
    let shares = Shares::new(&ground);
    let mut study = Study {
        shares: &shares,
        ground: &ground,
        settings,
        sheets: Vec::new(),
        curves: Vec::new(),
        leads: Vec::new(),
        loads: Vec::new(),
    };
    for ((name, _), run) in rules.iter().zip(&recording.runs) {
        study.rules(name, run);
    }
    if let Some(run) = recording.runs.first() {
        let pair = pair(&ground, run);
        study.rivals(&pair);
    }
    let regular = ground.people.iter().filter(|p| p.regular).count();
    let rows = study.rows();
    Some(Report {
        format: "churnwatch-backtest/1",
        data: DataNote {
            records: recording.counts,
            subscribers: recording.roster.len(),
            machines: recording.machines.iter().filter(|m| **m).count(),
            regular,
            first_day: ground.first.to_string(),
            last_day: ground.last.to_string(),
            sound_days: shares.sound_days(Scope::Regular, None),
        },
        labels: note(labels),
        settings: SettingsNote {
            seed: settings.seed,
            replicates: settings.replicates,
            warmup_days: settings.warmup_days,
            cooldown_days: COOLDOWN_DAYS,
        },
        rules: rules
            .iter()
            .map(|(name, rules)| RulesNote {
                name: name.clone(),
                version: rules.version.to_string(),
            })
            .collect(),
        rows,
        curves: study.curves,
        leads: study.leads,
        statistics: statistics(&ground),
    })
}

fn note(labels: &Labels) -> LabelNote {
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
    LabelNote {
        origin: labels.origin,
        churn: by_kind(&labels.churn),
        harmless: by_kind(&labels.harmless),
        city: city.collect(),
        unknown: labels.unknown,
    }
}

fn pair(ground: &Ground<'_>, run: &Run) -> Vec<Alarm> {
    let in_pair = |index: u16| {
        let name = REGISTRY.get(usize::from(index)).map(|r| r.name);
        name.is_some_and(|name| PAIR_TRIGGERS.contains(&name))
    };
    let alarms = of_firings(ground, &run.firings, |f| in_pair(f.trigger));
    cool_down(ground, alarms)
}

/// One stream's figures, not yet estimated.
struct Sheet {
    rules: String,
    trigger: String,
    figures: Vec<(Key, Figure)>,
}

struct Study<'a> {
    ground: &'a Ground<'a>,
    shares: &'a Shares,
    settings: Settings,
    sheets: Vec<Sheet>,
    curves: Vec<Curve>,
    leads: Vec<Leads>,
    loads: Vec<Row>,
}

impl Study<'_> {
    fn rules(&mut self, name: &str, run: &Run) {
        for (index, registered) in (0..).zip(REGISTRY) {
            if registered.purpose != Purpose::Churn {
                continue;
            }
            let alarms = of_firings(self.ground, &run.firings, |f| f.trigger == index);
            self.sheet(name, registered.name, &alarms);
        }
        let pair = pair(self.ground, run);
        self.sheet(name, PAIR, &pair);
        self.lead(name, PAIR);
        let of_churn = |firing: &Firing| {
            let registered = REGISTRY.get(usize::from(firing.trigger));
            registered.is_some_and(|registered| registered.purpose == Purpose::Churn)
        };
        let together = of_firings(self.ground, &run.firings, of_churn);
        let together = cool_down(self.ground, together);
        self.sheet(name, TOGETHER, &together);
        self.lead(name, TOGETHER);
        self.score_curve(name, PAIR, &pair);
        self.score_curve(name, TOGETHER, &together);
        for (measure, tier, value, count) in tasks::load(self.ground, run) {
            self.loads.push(Row {
                rules: name.to_owned(),
                trigger: TOGETHER.to_owned(),
                population: Scope::All.name(),
                path: ANY.to_owned(),
                tier,
                measure: measure.to_owned(),
                value: Some(value),
                low: None,
                high: None,
                count,
            });
        }
    }

    fn rivals(&mut self, pair: &[Alarm]) {
        let ground = self.ground;
        let wanted = rivals::burden(ground, pair);
        let fixed = [Rival::WeekVoice(0.5), Rival::WeekAll(0.5)];
        let zeros = [3, 4, 5, 7].map(Rival::ZeroDays);
        for rival in fixed.into_iter().chain(zeros) {
            self.sheet(RIVALS, &rival.name(), &rival.alarms(ground));
        }
        type Turn = fn(f64) -> Rival;
        for (name, turn) in [
            ("week_voice", Rival::WeekVoice as Turn),
            ("week_all", Rival::WeekAll),
        ] {
            let (rival, alarms) = rivals::turned(ground, wanted, turn);
            let name = format!("{name}_equal_burden ({})", rival.name());
            self.sheet(RIVALS, &name, &alarms);
            let cuts = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];
            self.rival_curve(&cuts, turn);
        }
        let mut chance = Chance::new(self.settings.seed, 3);
        let (days, alarms) = rivals::zero_days_thinned(ground, wanted, &mut chance);
        let name = format!("zero_days_equal_burden ({days}_zero_days)");
        self.sheet(RIVALS, &name, &alarms);
        let cuts = [14.0, 10.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0];
        self.rival_curve(&cuts, |days| Rival::ZeroDays(days as usize));
        let random = rivals::random(ground, wanted, &mut chance);
        self.sheet(RIVALS, "random_equal_burden", &random);
        let point = self.point(1.0, &random);
        self.curves.push(Curve {
            rules: RIVALS.to_owned(),
            trigger: "random".to_owned(),
            points: vec![point],
        });
    }

    fn sheet(&mut self, rules: &str, trigger: &str, alarms: &[Alarm]) {
        let book = Book::of(self.ground, self.shares, alarms, self.settings.seed);
        self.sheets.push(Sheet {
            rules: rules.to_owned(),
            trigger: trigger.to_owned(),
            figures: book.figures(self.shares),
        });
    }

    /// What would be left if only alarms with some churn score counted.
    fn score_curve(&mut self, rules: &str, trigger: &str, alarms: &[Alarm]) {
        let mut scores: Vec<f32> = alarms.iter().map(|alarm| alarm.score).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let steps = 12;
        let place = |step: usize| (scores.len() * step / steps).checked_sub(1);
        let cuts = (1..=steps).filter_map(|step| scores.get(place(step)?).copied());
        let mut cuts: Vec<f32> = cuts.collect();
        cuts.dedup();
        let point = |cut: f32| {
            let high = alarms.iter().filter(|alarm| alarm.score >= cut);
            let high: Vec<Alarm> = high.copied().collect();
            self.point(f64::from(cut), &high)
        };
        let points = cuts.into_iter().map(point).collect();
        self.curves.push(Curve {
            rules: rules.to_owned(),
            trigger: trigger.to_owned(),
            points,
        });
    }

    fn rival_curve(&mut self, cuts: &[f64], rule: impl Fn(f64) -> Rival) {
        let points = cuts.iter().map(|cut| {
            let alarms = rule(*cut).alarms(self.ground);
            self.point(*cut, &alarms)
        });
        let points = points.collect();
        let trigger = match rule(0.5) {
            Rival::WeekVoice(_) => "week, voice",
            Rival::WeekAll(_) => "week, all",
            Rival::ZeroDays(_) => "zero days",
        };
        self.curves.push(Curve {
            rules: RIVALS.to_owned(),
            trigger: trigger.to_owned(),
            points,
        });
    }

    fn point(&self, cut: f64, alarms: &[Alarm]) -> Point {
        let ground = self.ground;
        let (mut all, mut found) = (0_u64, 0_u64);
        for alarm in alarms {
            let person = ground.person(alarm.subscriber);
            if person.is_some_and(|person| person.regular && counts(person, alarm)) {
                all += 1;
                let verdict = ground.verdict(alarm.subscriber, alarm.seen_at, alarm.day);
                found += u64::from(verdict == Verdict::Found);
            }
        }
        let (mut onsets, mut hits) = (0_u64, 0_u64);
        for episode in &ground.labels.churn {
            let person = ground.person(episode.subscriber).filter(|p| p.regular);
            let judgeable = |p| ground.judgeable(p, episode, RECALL_DAYS);
            if person.is_some_and(judgeable) {
                onsets += 1;
                let mut mine = of_subscriber(alarms, episode.subscriber).iter();
                let after = mine.find(|alarm| alarm.seen_at >= episode.from);
                let onset = ground.onset(episode);
                hits += u64::from(after.is_some_and(|a| a.day.since(onset) <= RECALL_DAYS));
            }
        }
        let regular = ground.people.iter().filter(|p| p.regular);
        let days: u64 = regular.map(|p| u64::from(ground.judged_days(p))).sum();
        let share = |of: u64, among: u64| of as f64 / among.max(1) as f64;
        Point {
            cut,
            alarms_per_1000_30d: 30_000.0 * share(all, days),
            precision: share(found, all),
            recall_30d: share(hits, onsets),
        }
    }

    /// Bins the lead times of the last sheet.
    fn lead(&mut self, rules: &str, trigger: &str) {
        let mut bins = vec![0; LEAD_BINS_DAYS.len() + 1];
        for (key, figure) in self.sheets.last().iter().flat_map(|sheet| &sheet.figures) {
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

    /// Estimates everything at once, so that every figure sees the same draws.
    fn rows(&mut self) -> Vec<Row> {
        let sheets = std::mem::take(&mut self.sheets);
        let mut rows = Vec::new();
        let mut figures = Vec::new();
        for sheet in sheets {
            for (key, figure) in sheet.figures {
                figures.push(figure);
                rows.push(Row {
                    rules: sheet.rules.clone(),
                    trigger: sheet.trigger.clone(),
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
            &self.shares.tallies,
            self.ground.recording.roster.len(),
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
