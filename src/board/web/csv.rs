//! A list as CSV: the same tasks, order and columns.

use super::answer::{App, Problem, blocking};
use super::list::Lines;
use super::query::{FilterQuery, filter_of};
use super::visitor::Visitor;
use crate::board::store::Filter;
use crate::board::when::When;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Bytes handed on at a time, and how often before the reader must keep up.
const CHUNK: usize = 32 * 1024;
const CHUNKS: usize = 4;
/// A reader that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// `GET /tasks.csv`
pub(super) async fn download(
    State(app): State<App>,
    visitor: Visitor,
    query: FilterQuery,
) -> Response {
    let filter = match filter_of(&app, query) {
        Ok((filter, _)) => filter,
        Err(problem) => return problem.into_response(),
    };
    let file = File {
        kind: CSV,
        name: "tasks.csv".to_owned(),
        deed: "export",
        detail: filter.query(),
    };
    let write =
        move |app: &App, visitor: &Visitor, out: &mut Out| write(app, visitor, &filter, out);
    exported(app, visitor, file, write).await
}

/// What CSV is called where it is sent.
pub(super) const CSV: &str = "text/csv; charset=utf-8";

/// A file that somebody takes away.
pub(super) struct File {
    /// Media type.
    pub kind: &'static str,
    pub name: String,
    /// What the audit calls it, and which part it was.
    pub deed: &'static str,
    pub detail: String,
}

/// Where a file is written to: its reader.
pub(super) struct Out {
    chunk: String,
    send: mpsc::Sender<String>,
}

impl Out {
    /// Writes a text. Returns whether the reader is there and takes it in time: whoever does not keeps others from exporting.
    pub fn write(&mut self, text: &str) -> bool {
        self.chunk += text;
        self.chunk.len() < CHUNK || self.hand_on()
    }

    fn hand_on(&mut self) -> bool {
        let chunk = std::mem::take(&mut self.chunk);
        let sent = self.send.send_timeout(chunk, PATIENCE);
        tokio::runtime::Handle::current().block_on(sent).is_ok()
    }
}

/// Notes that somebody takes a file away, and sends it while it is written.
pub(super) async fn exported(
    app: App,
    visitor: Visitor,
    file: File,
    write: impl FnOnce(&App, &Visitor, &mut Out) -> Result<(), Problem> + Send + 'static,
) -> Response {
    // Others wait for their turn.
    let Ok(turn) = Arc::clone(&app.exports).acquire_owned().await else {
        return Problem::Failed("the board ends".to_owned()).into_response();
    };
    let noted = {
        let (app, person) = (app.clone(), visitor.person.clone());
        blocking(move || Ok(app.witness(&person, file.deed, "", file.detail)?)).await
    };
    if let Err(problem) = noted {
        return problem.into_response();
    }
    let (send, receive) = mpsc::channel::<String>(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let mut out = Out {
            chunk: String::new(),
            send,
        };
        match write(&app, &visitor, &mut out) {
            Ok(()) => {
                out.hand_on();
            }
            Err(problem) => {
                tracing::error!("a file was not exported to its end: {}", problem.text());
            }
        }
        drop(turn);
    });
    let chunks = futures_util::stream::unfold(receive, async |mut receive| {
        let chunk = receive.recv().await?;
        Some((Ok::<_, Infallible>(chunk), receive))
    });
    let headers = [
        (header::CONTENT_TYPE, file.kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}\"", file.name),
        ),
    ];
    (headers, Body::from_stream(Box::pin(chunks))).into_response()
}

fn write(app: &App, visitor: &Visitor, filter: &Filter, out: &mut Out) -> Result<(), Problem> {
    let now = app.now();
    let lines = Lines {
        filter,
        visitor,
        when: When::new(&app.config, now, visitor.language),
        whole_times: true,
    };
    let head = std::iter::once("task_id").chain(lines.head());
    out.write(MARK);
    out.write(&row(head));
    app.store
        .each_task(filter, &visitor.person.scope, now, |task| {
            let cells = lines.cells(&task);
            let cells = std::iter::once(&task.id).chain(&cells);
            out.write(&row(cells.map(String::as_str)))
        })?;
    Ok(())
}

/// Tells spreadsheets that a file is UTF-8.
pub(super) const MARK: &str = "\u{feff}";

/// A row of cells.
pub(super) fn row<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    cells.join(",") + "\r\n"
}

/// A cell; spreadsheets must not take a text for a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_text_and_nothing_else() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(cell("=HYPERLINK(1)"), "'=HYPERLINK(1)");
    }
}
