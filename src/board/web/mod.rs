//! Pages and JSON of the board.

mod account;
mod alerts;
mod answer;
mod api;
mod assets;
mod audit;
mod bulk;
mod campaigns;
mod case;
mod changes;
mod chart;
mod csv;
mod filters;
mod forms;
mod layout;
mod lead;
mod list;
mod query;
mod uplift;
mod visitor;

use crate::http::check_host;
use crate::telemetry::RequestClass;
use answer::App;
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use visitor::Visitor;

/// Largest body of a request: a note of the longest kind, in any alphabet, fits.
const BODY_MAX: usize = 64 * 1024;

/// All pages.
pub(super) fn router(shared: App) -> Router {
    let hosts: Arc<[String]> = shared.config.board.hosts.clone().into();
    let people = Router::new()
        .route("/", get(home))
        .route("/tasks", get(list::page))
        .route("/tasks.csv", get(csv::download))
        .route("/tasks/next", post(forms::next))
        .route("/tasks/{id}", get(case::page))
        .route("/tasks/{id}/act", post(forms::act))
        .route("/tasks/{id}/number", post(forms::number))
        .route("/changes", get(changes::poll))
        .route("/bulk", post(bulk::form))
        .route("/views", post(forms::view))
        .route("/lead", get(lead::page))
        .route("/audit", get(audit::page))
        .route("/alerts", get(alerts::page))
        .route("/alerts/{name}/ask", post(alerts::ask))
        .route("/alerts/resend", post(alerts::resend_form))
        .route("/sign-out", post(account::sign_out))
        .route("/api/tasks", get(api::tasks))
        .route("/api/tasks/{id}", get(api::task))
        .route("/api/tasks/{id}/actions", post(api::act))
        .route("/api/tasks/{id}/number", post(api::number))
        .route("/api/bulk", post(api::bulk))
        .route("/api/rollup", get(api::rollup))
        .route("/api/campaigns/{name}", get(campaigns::download))
        .route("/api/alerts/resend", post(api::resend))
        .route("/api/audit", get(api::audit))
        .route("/api/status", get(api::status))
        .layer(middleware::from_fn_with_state(
            shared.clone(),
            visitor::admit,
        ));
    Router::new()
        .merge(people)
        .route("/sign-in", get(account::page).post(account::sign_in))
        .route("/language/{tag}", get(account::language_chosen))
        .route("/assets/{name}", get(assets::file))
        .route("/api/openapi.json", get(assets::openapi))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such page; see /\n") })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(hosts, check_host))
        .layer(middleware::map_response(visitor::protect))
        .layer(middleware::from_fn_with_state(shared.clone(), counted))
        .with_state(shared)
}

/// Counts a request, by its route: what stands in an address is nobody's business.
async fn counted(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("", |route| route.as_str());
    let class = match route {
        "/changes" => RequestClass::Changes,
        "/tasks.csv" | "/api/campaigns/{name}" => RequestClass::Export,
        "" | "/healthz" | "/assets/{name}" => RequestClass::Other,
        route if route.starts_with("/api/") => RequestClass::Api,
        _ if request.method() == Method::POST => RequestClass::Form,
        _ => RequestClass::Page,
    };
    let response = next.run(request).await;
    app.telemetry.answered(class, response.status().as_u16());
    response
}

async fn home(visitor: Visitor) -> Redirect {
    Redirect::to(if visitor.person.leads() {
        "/lead"
    } else {
        "/tasks"
    })
}
