//! churnwatch: a streaming churn-signal detector for telecom operators.

pub mod backtest;
pub mod board;
pub mod cli;
pub mod config;
pub mod decode;
pub mod demo;
pub mod driver;
pub mod encode;
pub mod engine;
pub mod files;
pub mod health;
pub mod http;
pub mod journal;
pub mod kafka;
pub mod layers;
pub mod model;
pub mod registry;
pub mod rehearse;
pub mod runtime;
pub mod sim;
pub mod snapshot;
pub mod telemetry;
