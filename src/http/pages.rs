use super::api;
use super::server::{HttpError, Server, ServerSettings};
use crate::config::HttpSettings;
use crate::health::Health;
use crate::telemetry::Telemetry;
use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Clone)]
struct Pages {
    telemetry: Telemetry,
    health: Health,
}

const INDEX: &str = "churnwatch

/metrics  metrics in Prometheus' text format
/healthz  200 while every worker shows signs of life
/readyz   200 while connected, assigned and rebuilt; else 503 and why not

/api/rollup    tasks as they stand and what became of them, of this process's partitions: ?region=HQ/Guangdong,
               ?by=manager, ?manager=NAME, ?by=customer_kind
/api/outcomes  what became of tasks by trigger and tier: ?region=HQ/Guangdong
/api/uplift    what tasks achieve, against those held out: ?region=HQ/Guangdong
";

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// What Prometheus expects of its text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Server {
    /// Starts to serve the admin pages.
    ///
    /// # Errors
    /// If the address is taken or not ours, or the thread cannot be started.
    pub fn start(
        settings: &HttpSettings,
        telemetry: Telemetry,
        health: Health,
    ) -> Result<Self, HttpError> {
        let router = router(telemetry, health, settings.hosts.clone());
        Self::serve(&ServerSettings::of(settings), router)
    }
}

/// The admin pages. `hosts`: names besides addresses and `localhost` by which the pages may be asked for.
fn router(telemetry: Telemetry, health: Health, hosts: Vec<String>) -> Router {
    Router::new()
        .route(
            "/",
            get(|| async { page(StatusCode::OK, TEXT, INDEX.to_owned()) }),
        )
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/api/rollup", get(rollup))
        .route("/api/outcomes", get(outcomes))
        .route("/api/uplift", get(uplift))
        .fallback(|| async {
            page(
                StatusCode::NOT_FOUND,
                TEXT,
                "no such page; see /\n".to_owned(),
            )
        })
        .layer(middleware::from_fn(refuse_bodies))
        .layer(middleware::from_fn_with_state(hosts.into(), check_host))
        .with_state(Pages { telemetry, health })
}

/// A page with metrics alone, for a program that has pages of another kind. `render` may wait for a disk.
pub fn metrics_page<R>(hosts: &[String], render: R) -> Router
where
    R: Fn() -> Result<String, String> + Clone + Send + Sync + 'static,
{
    let metrics = async move || {
        let rendered = tokio::task::spawn_blocking(render).await;
        shown(rendered.unwrap_or_else(|error| Err(error.to_string())))
    };
    Router::new()
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn(refuse_bodies))
        .layer(middleware::from_fn_with_state(hosts.into(), check_host))
}

async fn metrics(State(pages): State<Pages>) -> Response {
    pages.telemetry.set_ready(pages.health.unready().is_empty());
    shown(pages.telemetry.render())
}

fn shown(metrics: Result<String, impl Display>) -> Response {
    match metrics {
        Ok(text) => page(StatusCode::OK, METRICS, text),
        Err(error) => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            TEXT,
            format!("{error}\n"),
        ),
    }
}

async fn healthz(State(pages): State<Pages>) -> Response {
    verdict("alive", "stalled", pages.health.stalled())
}

async fn readyz(State(pages): State<Pages>) -> Response {
    verdict("ready", "not ready", pages.health.unready())
}

async fn rollup(State(pages): State<Pages>, query: api::FilterQuery) -> Response {
    reply(api::rollup(&pages.telemetry, query))
}

async fn outcomes(State(pages): State<Pages>, query: api::FilterQuery) -> Response {
    reply(api::outcomes(&pages.telemetry, query))
}

async fn uplift(State(pages): State<Pages>, query: api::FilterQuery) -> Response {
    reply(api::uplift(&pages.telemetry, query))
}

fn reply(reply: api::Reply) -> Response {
    match reply {
        Ok(answer) => page(StatusCode::OK, JSON, answer),
        Err(refusal) => {
            let (status, problem) = match refusal {
                api::Refusal::Query(problem) => (StatusCode::BAD_REQUEST, problem),
                api::Refusal::Unknown(problem) => (StatusCode::NOT_FOUND, problem),
            };
            let body = json!({ "error": problem });
            page(status, JSON, format!("{body}\n"))
        }
    }
}

fn verdict(good: &str, bad: &str, reasons: Vec<String>) -> Response {
    let (status, word) = match reasons.is_empty() {
        true => (StatusCode::OK, good),
        false => (StatusCode::SERVICE_UNAVAILABLE, bad),
    };
    let body = json!({ "status": word, "reasons": reasons });
    page(status, JSON, format!("{body}\n"))
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, body).into_response()
}

/// A web page of somebody else, whose name leads to our address, must not read ours in its visitor's browser.
pub async fn check_host(
    State(hosts): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Response {
    let is_ours = |host: &HeaderValue| {
        let host = host.to_str().ok()?.parse::<Authority>().ok()?;
        let name = host.host();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        let mut names = hosts.iter().map(String::as_str).chain(["localhost"]);
        let named = names.any(|known| known.eq_ignore_ascii_case(name));
        (named || address.parse::<IpAddr>().is_ok()).then_some(())
    };
    // A browser always says whom it asks.
    let host = request.headers().get(header::HOST);
    if host.is_none_or(|host| is_ours(host).is_some()) {
        return next.run(request).await;
    }
    let text = "not a name of this server; `hosts` in the configuration lists more\n";
    page(StatusCode::MISDIRECTED_REQUEST, TEXT, text.to_owned())
}

/// No page takes a body: it is refused unread, and the connection with it.
async fn refuse_bodies(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let text = "no page takes a body\n".to_owned();
    let mut refusal = page(StatusCode::PAYLOAD_TOO_LARGE, TEXT, text);
    let close = HeaderValue::from_static("close");
    refusal.headers_mut().insert(header::CONNECTION, close);
    refusal
}
