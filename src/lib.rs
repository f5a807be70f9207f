//! churnwatch: a streaming churn-signal detector for telecom operators.

pub mod demo;
pub mod engine;
pub mod files;
pub mod model;
