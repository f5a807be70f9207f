//! The board as people use it: a real browser, and its pages, forms, keys and script.

mod browser;
mod journeys;
mod languages;
mod live;
mod looks;
