//! What has changed in a list, told as soon as it changes: the page asks again and again, and each question waits for an
//! answer. After a broken connection it asks from where it was, so nothing is missed and nothing stays old.

use super::answer::{App, Problem, blocking};
use super::layout;
use super::list::Lines;
use super::query::{FilterQuery, filter_of};
use super::visitor::Visitor;
use crate::board::task::masked;
use crate::board::when::When;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;

/// A question waits for so long; shorter than a connection lives.
const WAIT: Duration = Duration::from_secs(20);
/// Changes of so long are told together: a page need not be faster than a reader.
const TOGETHER: Duration = Duration::from_millis(500);

/// Tasks of a page, at most.
const IDS_MAX: usize = 200;

#[derive(Serialize)]
struct Answer {
    /// To ask from next.
    seq: i64,
    /// Tasks that came to the list since the page was made.
    new: u64,
    rows: Vec<Changed>,
    /// What is not as it should be between the board and the brokers.
    stale: String,
}

#[derive(Serialize)]
struct Changed {
    id: String,
    /// Whether it still belongs to the list.
    here: bool,
    html: String,
    /// The subscriber, for readers of the screen.
    who: String,
}

/// `GET /changes?since=&made=&ids=` with a list's filter.
pub(super) async fn poll(State(app): State<App>, visitor: Visitor, query: FilterQuery) -> Response {
    match answer(app, visitor, query).await {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn answer(app: App, visitor: Visitor, query: FilterQuery) -> Result<Answer, Problem> {
    let (filter, others) = filter_of(&app, query)?;
    let number = |name: &str| {
        let stated = others.get(name).and_then(|text| text.parse::<i64>().ok());
        stated.ok_or_else(|| Problem::Bad(format!("`{name}` is missing or no number")))
    };
    let (since, made) = (number("since")?, number("made")?);
    let mut changes = app.store.changes();
    // A store that was built anew counts from the beginning: the page must be made again, and does so when told of all.
    let newer = changes.wait_for(|seq| *seq > since || *seq < made);
    if tokio::time::timeout(WAIT, newer).await.is_ok() {
        tokio::time::sleep(TOGETHER).await;
    }
    blocking(move || {
        let now = app.now();
        let ids = others.get("ids").map_or("", String::as_str);
        let ids: Vec<&str> = ids.split(',').take(IDS_MAX).collect();
        let changes =
            app.store
                .task_changes(&filter, &visitor.person.scope, now, since, made, &ids)?;
        let lines = Lines {
            filter: &filter,
            visitor: &visitor,
            when: When::new(&app.config, now, visitor.language),
            whole_times: false,
        };
        let changed = changes.rows.iter().map(|(row, here)| Changed {
            id: row.id.clone(),
            here: *here,
            html: lines.row(row).into_string(),
            who: masked(&row.msisdn),
        });
        Ok(Answer {
            seq: changes.seq,
            new: changes.new,
            rows: changed.collect(),
            stale: layout::stale(&app, visitor.language).into_string(),
        })
    })
    .await
}
