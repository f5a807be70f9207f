//! Files of the pages.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Browsers may keep them for so long.
const KEEP: &str = "public, max-age=300";

/// `GET /assets/{name}`
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "board.css" => (
            "text/css; charset=utf-8",
            include_str!("../assets/board.css"),
        ),
        "board.js" => (
            "text/javascript; charset=utf-8",
            include_str!("../assets/board.js"),
        ),
        "icon.svg" => ("image/svg+xml", include_str!("../assets/icon.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEEP)],
        text,
    )
        .into_response()
}

/// `GET /api/openapi.json`
pub(super) async fn openapi() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, include_str!("../../../schemas/board.openapi.json")).into_response()
}
