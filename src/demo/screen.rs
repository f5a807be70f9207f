use super::state::{TaskLine, ViewState};
use super::view::{draw, grouped};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use std::io::{self, IsTerminal, Write, stdout};
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
        let (bootstrap, metrics) = (&state.bootstrap, &state.metrics);
        // Whoever does not read this notices when the first lines are shown.
        let _ = print(&format!(
            "Kafka broker for any client: {bootstrap}\nmetrics: {metrics}\n"
        ));
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
                let mut lines: String = changed.iter().map(task_line).collect();
                if state.day > *day {
                    *day = state.day;
                    lines += &day_line(state);
                }
                // A reader that has seen enough, such as `head`, ends the demo.
                print(&lines).is_err()
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

fn task_line(task: &TaskLine) -> String {
    format!(
        "{}  {:<8} {} {:<8} -> {} by {}: {}\n",
        task.opened_at,
        task.severity,
        task.subscriber,
        task.tier,
        task.queue,
        task.due_at,
        task.reason
    )
}

fn day_line(state: &ViewState) -> String {
    format!(
        "{}  day {} of {}: {} events, {} a second, {} tasks opened\n",
        state.date,
        state.day,
        state.days,
        grouped(state.events),
        grouped(state.events_per_second),
        grouped(state.tasks_opened)
    )
}

/// Writes to stdout, all of it at once.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
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
