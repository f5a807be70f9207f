//! churnwatch: a streaming churn-signal detector for telecom operators.

pub mod decode;
pub mod encode;
pub mod engine;
pub mod files;
pub mod model;
pub mod sim;
