//! What every handler answers with.

use crate::board::actions::Refusal;
use crate::board::shared::Shared;
use crate::board::store::StoreError;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

pub(super) type App = Arc<Shared>;

/// Does what may wait for the disk on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Problem::Failed("the board failed".to_owned())))
}

/// Why there is no answer as asked.
#[derive(Debug)]
pub(super) enum Problem {
    /// Something cannot be done.
    Refused(Refusal),
    /// The request is not as it should be.
    Bad(String),
    /// The request is longer than any of ours.
    Long,
    /// The person may not see that.
    Forbidden,
    /// The form is of another session.
    Old,
    /// There is no such thing.
    Missing,
    /// Something failed here.
    Failed(String),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => Self::Missing,
            Refusal::Store(text) => Self::Failed(text),
            refusal => Self::Refused(refusal),
        }
    }
}

impl Problem {
    /// Why the body or the address of a request does not read.
    pub fn unread(status: StatusCode, text: String) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::Long,
            _ => Self::Bad(text),
        }
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(Refusal::Field(..)) | Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Long => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Forbidden | Self::Old => StatusCode::FORBIDDEN,
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// In English, for programs.
    pub fn text(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Bad(text) => text.clone(),
            Self::Long => "the request is too long".to_owned(),
            Self::Forbidden => "not allowed".to_owned(),
            Self::Old => "the page is of another session: open it again".to_owned(),
            Self::Missing => "no such task".to_owned(),
            Self::Failed(text) => {
                tracing::error!("{text}");
                "the board failed; its log says why".to_owned()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.text() });
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (self.status(), kind, format!("{body}\n")).into_response()
    }
}
