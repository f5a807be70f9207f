//! Rules on trial: what they say beside the rules in force, and that nothing comes of it.

mod config;
mod equal;
mod scenarios;
