//! A small server with limits, and the admin pages: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever restarts and routes, `/api/` for boards.
//!
//! They only read. Nothing can be changed over HTTP, so there is no password; the address is a loopback one by default.

mod api;
mod pages;
mod server;

pub use pages::{check_host, metrics_page};
pub use server::{HttpError, Peer, Server, ServerSettings};
