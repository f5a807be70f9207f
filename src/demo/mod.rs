//! `churnwatch demo`: a simulated city, an in-process broker, the detector and a live view of it.

mod scene;
mod view;
