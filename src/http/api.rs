//! Figures for boards: `/api/rollup` and `/api/outcomes`. Their shape is `schemas/rollup.schema.json`.

use crate::telemetry::Telemetry;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::{Deserialize, Serialize};

/// What a board may ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// A region path, such as `HQ/Guangdong`.
    region: Option<String>,
    /// An account manager.
    manager: Option<String>,
    /// What the work is broken down by.
    by: Option<By>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Region,
    Manager,
}

/// JSON, or what is wrong with the question.
pub(super) type Reply = Result<String, String>;

/// What is asked for, as axum reads it.
pub(super) type Question = Result<Query<Asked>, QueryRejection>;

/// The work of a region and of those one level below it, or of account managers.
pub(super) fn rollup(telemetry: &Telemetry, question: Question) -> Reply {
    let asked = read(question)?;
    match (asked.region, asked.manager, asked.by) {
        (Some(_), Some(_), _) => {
            Err("give `region` or `manager`: managers are not told apart by region".into())
        }
        (Some(_), _, Some(By::Manager)) => {
            Err("`by=manager` goes without `region`: managers are not told apart by region".into())
        }
        (_, Some(_), Some(By::Region)) => {
            Err("`by=region` goes without `manager`: managers are not told apart by region".into())
        }
        (None, Some(manager), _) => Ok(json(&telemetry.holders(Some(&manager)))),
        (None, None, Some(By::Manager)) => Ok(json(&telemetry.holders(None))),
        (region, None, _) => Ok(json(&telemetry.region(&path(region)?))),
    }
}

/// What became of the tasks of a region, by trigger and tier.
pub(super) fn outcomes(telemetry: &Telemetry, question: Question) -> Reply {
    let asked = read(question)?;
    if asked.manager.is_some() || asked.by.is_some() {
        let problem =
            "outcomes are by region, trigger and tier; see /api/rollup for those of a `manager`";
        return Err(problem.into());
    }
    Ok(json(&telemetry.outcomes(&path(asked.region)?)))
}

fn read(question: Question) -> Result<Asked, String> {
    let asked = question.map_err(|rejection| rejection.body_text())?.0;
    match asked.manager.as_deref() {
        Some("") => Err("`manager` is empty: name one, or ask for `by=manager`".into()),
        _ => Ok(asked),
    }
}

/// A region path as it is kept; none stands for everything.
fn path(region: Option<String>) -> Result<String, String> {
    let path = region.unwrap_or_default();
    if path.split('/').any(str::is_empty) && !path.is_empty() {
        return Err(format!(
            "`region` has a level without a name: {path:?}; write such as HQ/Guangdong"
        ));
    }
    Ok(path)
}

/// A line of JSON. Plain structs of text and numbers cannot fail to be written.
fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default() + "\n"
}
