//! Whether the engine and the model said the same of a subscriber.

use churnwatch::model::{Body, Effect, Evidence, Fact, GroupRecord, MemberSignal, Signal, Task};

/// How far a figure may be off, relative; the engine stores some in 32 bits.
const TOLERANCE: f64 = 1e-3;

/// Compares everything said of a subscriber so far.
///
/// # Errors
/// The first difference.
pub fn compare(engine: &[&Effect], model: &[Effect]) -> Result<(), String> {
    // The engine's ids in order of opening; the model numbers them from 1.
    let mut ids: Vec<String> = Vec::new();
    for (index, (engine, model)) in engine.iter().zip(model).enumerate() {
        let differs = |what: &str| {
            format!("effect {index} differs in {what}\nengine: {engine:#?}\nmodel: {model:#?}")
        };
        match (engine, model) {
            (Effect::Signal(a), Effect::Signal(b)) => signal(a, b).map_err(differs)?,
            (Effect::Task(a), Effect::Task(b)) => {
                task(a, b).map_err(differs)?;
                let number: usize = b.task_id.parse().unwrap();
                if number > ids.len() && !ids.contains(&a.task_id) {
                    ids.push(a.task_id.clone());
                }
                if ids.get(number - 1) != Some(&a.task_id) {
                    return Err(differs("task_id"));
                }
            }
            (Effect::Group(a), Effect::Group(b)) => {
                same("what is told", told(a, b)).map_err(differs)?;
            }
            (Effect::Erased(a), Effect::Erased(b)) => {
                same("erasure", a == b).map_err(differs)?;
            }
            _ => return Err(differs("kind")),
        }
    }
    if engine.len() != model.len() {
        return Err(format!(
            "the engine said {} things, the model {}\nengine: {:#?}\nmodel: {:#?}",
            engine.len(),
            model.len(),
            engine.get(model.len()),
            model.get(engine.len())
        ));
    }
    Ok(())
}

fn told(a: &GroupRecord, b: &GroupRecord) -> bool {
    let (Body::MemberSignal(one), Body::MemberSignal(other)) = (&a.event.body, &b.event.body)
    else {
        return a == b;
    };
    let scores = [one, other].map(|signal| f64::from(signal.score));
    let alike = MemberSignal {
        score: other.score,
        ..(**one).clone()
    };
    (scores[0] - scores[1]).abs() <= 1.0 + TOLERANCE * scores[1]
        && alike == **other
        && (a.event.msisdn, a.event.at, a.partition) == (b.event.msisdn, b.event.at, b.partition)
}

fn signal(a: &Signal, b: &Signal) -> Result<(), &'static str> {
    same("trigger", a.trigger == b.trigger)?;
    same("purpose", a.purpose == b.purpose)?;
    same("msisdn", a.msisdn == b.msisdn)?;
    same("fired_at", a.fired_at == b.fired_at)?;
    same("strength", close(a.strength, b.strength))?;
    same("churn_score", close(a.churn_score, b.churn_score))?;
    same("suppressed", a.suppressed == b.suppressed)?;
    same("text", !a.text.zh.is_empty() && !a.text.en.is_empty())?;
    evidence(&a.evidence, &b.evidence)
}

fn evidence(a: &Evidence, b: &Evidence) -> Result<(), &'static str> {
    same("observed", close(a.observed, b.observed))?;
    same("expected", close(a.expected, b.expected))?;
    same("unit", a.unit == b.unit)?;
    same("window_days", a.window_days == b.window_days)?;
    same("threshold", close(a.threshold, b.threshold))?;
    same("source", a.source == b.source)?;
    same("number of facts", a.facts.len() == b.facts.len())?;
    for ((name, a), (other, b)) in a.facts.iter().zip(&b.facts) {
        same("names of facts", name == other)?;
        let equal = match (a, b) {
            (Fact::Measure(a), Fact::Measure(b)) => close(*a, *b),
            (Fact::Series(a), Fact::Series(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(in_tenths)
            }
            _ => a == b,
        };
        same("facts", equal)?;
    }
    Ok(())
}

fn task(a: &Task, b: &Task) -> Result<(), &'static str> {
    same("revision", a.revision == b.revision)?;
    same("status", a.status == b.status)?;
    same("close_reason", a.close_reason == b.close_reason)?;
    same("purpose", a.purpose == b.purpose)?;
    same("severity", a.severity == b.severity)?;
    same("churn_score", close(a.churn_score, b.churn_score))?;
    let parts = |task: &Task| task.score_parts.len();
    same("number of score parts", parts(a) == parts(b))?;
    for (a, b) in a.score_parts.iter().zip(&b.score_parts) {
        same(
            "score part",
            a.name == b.name && close(a.log_odds, b.log_odds),
        )?;
    }
    same("msisdn", a.msisdn == b.msisdn)?;
    same("tier", a.tier == b.tier)?;
    same("stars", a.stars == b.stars)?;
    same("credit_score", a.credit_score == b.credit_score)?;
    same("monthly_value", a.monthly_value == b.monthly_value)?;
    same("stage", a.stage == b.stage)?;
    same("suspension", a.suspension == b.suspension)?;
    same("group", a.group == b.group)?;
    same("action", a.action == b.action)?;
    same("assignee", a.assignee == b.assignee)?;
    same("opened_at", a.opened_at == b.opened_at)?;
    same("not_before", a.not_before == b.not_before)?;
    same("due_at", a.due_at == b.due_at)?;
    same("escalates_at", a.escalates_at == b.escalates_at)?;
    same("contacted_at", a.contacted_at == b.contacted_at)?;
    same("outcome", a.outcome == b.outcome)?;
    same("outcome_at", a.outcome_at == b.outcome_at)?;
    same("motives", a.motives == b.motives)?;
    same("expires_at", a.expires_at == b.expires_at)?;
    same("updated_at", a.updated_at == b.updated_at)?;
    same("rules_version", a.rules_version == b.rules_version)?;
    same("source", a.source == b.source)?;
    same("number of reasons", a.signals.len() == b.signals.len())?;
    let mut signals = a.signals.iter().zip(&b.signals);
    signals.try_for_each(|(a, b)| signal(a, b))
}

fn same(what: &'static str, same: bool) -> Result<(), &'static str> {
    if same { Ok(()) } else { Err(what) }
}

/// The engine states series in tenths.
fn in_tenths(days: (&Option<f32>, &Option<f32>)) -> bool {
    match days {
        (Some(a), Some(b)) => (a - b).abs() < 0.051,
        (a, b) => a == b,
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}
