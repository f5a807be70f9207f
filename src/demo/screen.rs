use super::state::{TaskLine, ViewState};
use super::view::draw;
use super::weekly::Weekly;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use std::io::{self, IsTerminal, Write, stdout};
use std::time::Duration;

/// Where the demo shows itself: full screen on a terminal, plain lines elsewhere.
pub enum Screen {
    /// Full screen.
    Terminal(Box<DefaultTerminal>),
    /// A few lines a week.
    Lines(Weekly),
}

impl Screen {
    /// Takes the terminal, if there is one, and shows the first picture. Says where to look before.
    ///
    /// # Errors
    /// If nobody reads what is written.
    pub fn open(state: &ViewState) -> io::Result<Self> {
        let notice = state.notice.iter().map(|notice| format!("{notice}\n"));
        let addresses = state.addresses.iter();
        let addresses = addresses.map(|(name, address)| format!("{name} {address}\n"));
        print(&notice.chain(addresses).collect::<String>())?;
        let mut screen = match stdout().is_terminal().then(ratatui::try_init) {
            Some(Ok(terminal)) => Self::Terminal(Box::new(terminal)),
            _ => Self::Lines(Weekly::default()),
        };
        screen.show(state, &[]);
        Ok(screen)
    }

    /// Shows the state. Returns whether it is time to end: a key asked to, or nobody is there any more.
    pub fn show(&mut self, state: &ViewState, changed: &[TaskLine]) -> bool {
        match self {
            Self::Terminal(terminal) => {
                terminal.draw(|frame| draw(frame, state)).is_err() || end_was_pressed()
            }
            // A reader that has seen enough, such as `head`, ends the demo.
            Self::Lines(weekly) => print(&weekly.lines(state, changed)).is_err(),
        }
    }

    /// Gives the terminal back.
    pub fn close(self) {
        if let Self::Terminal(_) = self {
            // A terminal that is gone needs nothing back.
            let _ = ratatui::try_restore();
        }
    }
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
