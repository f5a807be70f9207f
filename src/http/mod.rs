//! The admin pages: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever restarts and routes, `/api/` for boards.
//!
//! They only read. There is nothing to change over HTTP, hence no password; the address is a loopback one by default.

mod api;
mod pages;
mod server;

pub use server::{HttpError, Server};
