use super::state::{TaskLine, ViewState};
use super::view::{draw, grouped};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use std::io::{IsTerminal, stdout};
use std::time::Duration;

/// Where the demo shows itself: full screen on a terminal, plain lines elsewhere.
pub enum Screen {
    /// Full screen.
    Terminal(Box<DefaultTerminal>),
    /// The last day a line was printed for.
    Lines(u32),
}

impl Screen {
    /// Takes the terminal, if there is one, and says where to look.
    pub fn open(state: &ViewState) -> Self {
        println!("Kafka broker for any client: {}", state.bootstrap);
        println!("metrics: {}", state.metrics);
        if !stdout().is_terminal() {
            return Self::Lines(0);
        }
        match ratatui::try_init() {
            Ok(terminal) => Self::Terminal(Box::new(terminal)),
            Err(_) => Self::Lines(0),
        }
    }

    /// Shows the state. Returns whether a key asked to end.
    pub fn show(&mut self, state: &ViewState, changed: &[TaskLine]) -> bool {
        match self {
            Self::Terminal(terminal) => {
                // A terminal that cannot be drawn on is gone; the demo ends as if asked to.
                terminal.draw(|frame| draw(frame, state)).is_err() || end_was_pressed()
            }
            Self::Lines(day) => {
                for task in changed {
                    println!(
                        "{}  {:<8} {} {:<8} -> {} by {}: {}",
                        task.opened_at,
                        task.severity,
                        task.subscriber,
                        task.tier,
                        task.queue,
                        task.due_at,
                        task.reason
                    );
                }
                if state.day > *day {
                    *day = state.day;
                    println!(
                        "{}  day {} of {}: {} events, {} a second, {} tasks opened",
                        state.date,
                        state.day,
                        state.days,
                        grouped(state.events),
                        grouped(state.events_per_second),
                        grouped(state.tasks_opened)
                    );
                }
                false
            }
        }
    }

    /// Gives the terminal back.
    pub fn close(self) {
        if let Self::Terminal(_) = self {
            ratatui::restore();
        }
    }
}

/// In raw mode Ctrl-C is a key.
fn end_was_pressed() -> bool {
    let mut pressed = false;
    while event::poll(Duration::ZERO).unwrap_or(false) {
        if let Ok(Event::Key(key)) = event::read() {
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            pressed |= match key.code {
                KeyCode::Char('q') | KeyCode::Esc => true,
                KeyCode::Char('c') => control,
                _ => false,
            };
        }
    }
    pressed
}
