//! What closed days say of every line, for whoever fits the hazards of `[line_state]`.

use super::Shard;
use crate::engine::settings::LineState;
use crate::engine::state::powers::to_eighths;
use crate::engine::triggers::DayView;
use crate::model::{Day, Msisdn};

/// A day that was taken into what is believed of a line, or on which that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineDay {
    /// The line.
    pub msisdn: Msisdn,
    /// The closed day.
    pub day: Day,
    /// How likely its use is in each state, as eighths of a bit behind the likeliest; nothing where the line was barred, and
    /// what is believed of it begins anew.
    pub likelihoods: Option<[u8; LineState::COUNT]>,
}

impl Shard {
    /// Keeps what each closed day says of every line from now on, until it is taken. It changes nothing else.
    pub fn keep_line_days(&mut self) {
        self.line_days.get_or_insert_default();
    }

    /// What was kept since the last call.
    pub fn take_line_days(&mut self) -> Vec<LineDay> {
        self.line_days
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }
}

/// The day that a view shows; nothing if it says nothing.
pub fn of_view(view: &DayView<'_>) -> Option<LineDay> {
    let likelihoods = view.line.evidence.map(|evidence| {
        let all = evidence.likelihoods(view.line_state_rules);
        let most = all.into_iter().fold(f64::MIN_POSITIVE, f64::max);
        all.map(|likelihood| to_eighths(likelihood / most))
    });
    let says = likelihoods.is_some() || view.is_barred();
    says.then_some(LineDay {
        msisdn: view.msisdn?,
        day: view.day,
        likelihoods,
    })
}
