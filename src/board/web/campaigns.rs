//! The tasks of a bulk campaign as a file, for campaign systems.

use super::answer::{App, Problem};
use super::csv::{CSV, File, MARK, Out, exported, row};
use super::query::{FilterQuery, filter_of};
use super::visitor::Visitor;
use crate::board::store::{Filter, Row};
use crate::board::task::{Action, BULK_CAMPAIGN, PURPOSES, Signal, TIERS, Text};
use crate::board::when::When;
use crate::board::words::Language;
use crate::model::Day;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Media type of NDJSON.
const NDJSON: &str = "application/x-ndjson";

/// What a file says of each task.
const COLUMNS: [&str; 14] = [
    "task_id",
    "revision",
    // In full: the campaign is for it.
    "msisdn",
    "tier",
    "purpose",
    "region",
    "trigger",
    "reason",
    // The step to take, and what it says.
    "step",
    "text",
    "care_only",
    "not_before",
    "due_at",
    "expires_at",
];

/// What a task's record adds to its row.
#[derive(Debug, Deserialize)]
struct Record {
    revision: i64,
    #[serde(default)]
    signals: Vec<Signal>,
    #[serde(default)]
    recommended_action: Action,
    #[serde(default)]
    expires_at: String,
}

/// `GET /api/campaigns/{day}.csv` or `.ndjson`, with `tier`, `region`, `purpose`, `trigger`, `step` and `language`.
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    Path(name): Path<String>,
    query: FilterQuery,
) -> Response {
    match Campaign::of(&app, &visitor, &name, query) {
        Ok((campaign, file)) => {
            let write = move |app: &App, visitor: &Visitor, out: &mut Out| {
                campaign.write(app, visitor, out)
            };
            exported(app, visitor, file, write).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Refuses filters that a campaign does not know: a program would take the empty file for an empty campaign.
fn refuse(filter: &Filter) -> Result<(), Problem> {
    let lists = [
        ("tier", &filter.tier, &TIERS[..]),
        ("purpose", &filter.purpose, &PURPOSES[..]),
    ];
    for (name, value, known) in lists {
        if !value.is_empty() && !known.contains(&value.as_str()) {
            let known = known.join(", ");
            return Err(Problem::Bad(format!(
                "`{name}` {value:?} is none of {known}"
            )));
        }
    }
    let known = Filter {
        tier: filter.tier.clone(),
        purpose: filter.purpose.clone(),
        region: filter.region.clone(),
        trigger: filter.trigger.clone(),
        ..Filter::default()
    };
    match *filter == known {
        true => Ok(()),
        false => Err(Problem::Bad(
            "a campaign is filtered by tier, region, purpose, trigger, step and language only"
                .to_owned(),
        )),
    }
}

/// Which tasks, and how.
struct Campaign {
    filter: Filter,
    between: (i64, i64),
    /// Only tasks whose first step is this one; empty for all.
    step: String,
    language: Language,
    json: bool,
}

impl Campaign {
    fn of(
        app: &App,
        visitor: &Visitor,
        name: &str,
        query: FilterQuery,
    ) -> Result<(Self, File), Problem> {
        if !visitor.person.leads() || !visitor.person.may_call {
            return Err(Problem::Forbidden);
        }
        let (day, json) = match name.split_once('.') {
            Some((day, "csv")) => (day, false),
            Some((day, "ndjson")) => (day, true),
            _ => return Err(Problem::Missing),
        };
        let day = Day::parse(day)
            .ok_or_else(|| Problem::Bad(format!("{day:?} is no day such as 2026-03-09")))?;
        let calendar = &app.config.rules.calendar;
        let between = (calendar.start_of(day).0, calendar.start_of(day.next()).0);
        if app.now() < between.1 {
            return Err(Problem::Bad(format!(
                "{day} is not over: a campaign has the tasks of a whole day"
            )));
        }
        let (mut filter, mut others) = filter_of(app, query)?;
        refuse(&filter)?;
        filter.channel = BULK_CAMPAIGN.to_owned();
        let stated = others.get("language").filter(|tag| !tag.is_empty());
        let language = match stated {
            None => visitor.language,
            Some(tag) => Language::of(tag)
                .ok_or_else(|| Problem::Bad(format!("there is no language {tag:?}")))?,
        };
        let file = File {
            kind: if json { NDJSON } else { CSV },
            name: format!("campaign-{name}"),
            deed: "campaign",
            detail: format!("{name} {}", filter.query()),
        };
        let step = others.remove("step").unwrap_or_default();
        let campaign = Self {
            filter,
            between,
            step,
            language,
            json,
        };
        Ok((campaign, file))
    }

    fn write(&self, app: &App, visitor: &Visitor, out: &mut Out) -> Result<(), Problem> {
        let when = When::new(&app.config, app.now(), self.language);
        if !self.json {
            out.write(MARK);
            out.write(&row(COLUMNS.into_iter()));
        }
        let scope = &visitor.person.scope;
        let store = &app.store;
        store.each_of_campaign(&self.filter, scope, self.between, |task, record| {
            let Ok(record) = serde_json::from_slice::<Record>(record) else {
                // It did read when it came, so this store is not as it was written.
                tracing::error!("the record of a task does not read");
                return false;
            };
            let Some(line) = self.line(task, record, &when) else {
                return true;
            };
            let text = if self.json {
                let named = COLUMNS.iter().copied().zip(&line);
                let fields: BTreeMap<&str, &Value> = named.collect();
                serde_json::to_string(&fields).unwrap_or_default() + "\n"
            } else {
                let text = |value: &Value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                };
                let cells = line.each_ref().map(text);
                row(cells.iter().map(String::as_str))
            };
            out.write(&text)
        })?;
        Ok(())
    }

    /// What the file says of a task, if its first step is the one that was asked for.
    fn line(&self, task: Row, record: Record, when: &When) -> Option<[Value; COLUMNS.len()]> {
        let action = record.recommended_action;
        let mut first = action.playbook.into_iter().next().unwrap_or_default();
        let step = first.remove("action").unwrap_or_default();
        if !self.step.is_empty() && step != self.step {
            return None;
        }
        let newest = record
            .signals
            .into_iter()
            .max_by_key(|signal| signal.fired_at);
        let reason = newest.map(|signal| signal.text).unwrap_or_default();
        Some([
            json!(task.id),
            json!(record.revision),
            json!(task.msisdn),
            json!(TIERS.get(task.tier)),
            json!(PURPOSES.get(task.purpose)),
            json!(task.region),
            json!(task.trigger),
            json!(said(reason, self.language)),
            json!(step),
            json!(said(first, self.language)),
            json!(action.care_only),
            json!(when.machine(task.not_before)),
            json!(when.machine(task.due_at)),
            json!(record.expires_at),
        ])
    }
}

/// The sentence of a language, or else of English.
fn said(mut text: Text, language: Language) -> String {
    let found = text.remove(language.tag());
    found.or_else(|| text.remove("en")).unwrap_or_default()
}
