use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Bar, BarChart, BarGroup, Block, Gauge, Paragraph, Wrap};

use super::state::{TaskLine, ViewState};

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, state: &ViewState) {
    let [head, middle, tasks, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(10),
        Constraint::Min(6),
        Constraint::Length(3),
    ])
    .areas(frame.area());
    let [figures, signals] =
        Layout::horizontal([Constraint::Length(44), Constraint::Min(30)]).areas(middle);
    progress(frame, head, state);
    figures_table(frame, figures, state);
    signals_chart(frame, signals, state);
    newest_tasks(frame, tasks, state);
    addresses(frame, foot, state);
}

fn progress(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let title = format!(
        " churnwatch demo: a city of {} subscribers ",
        grouped(state.city.into())
    );
    let share = state.day as f64 / f64::from(state.days.max(1));
    let gauge = Gauge::default()
        .block(Block::bordered().title(title.bold()))
        .gauge_style(Style::new().fg(Color::Cyan))
        .ratio(share.clamp(0.0, 1.0))
        .label(format!(
            "{}  day {} of {}",
            state.date, state.day, state.days
        ));
    frame.render_widget(gauge, area);
}

fn figures_table(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let rows = [
        ("events", grouped(state.events)),
        ("events a second", grouped(state.events_per_second)),
        ("  late, applied", grouped(state.late)),
        ("  duplicates dropped", grouped(state.duplicates)),
        ("  dead-lettered", grouped(state.dead_lettered)),
        ("days closed", grouped(state.days_closed)),
        ("tasks opened", grouped(state.tasks_opened)),
        ("tasks closed", grouped(state.tasks_closed)),
    ];
    let lines = rows.map(|(name, value)| {
        Line::from(vec![
            Span::raw(format!(" {name:<24}")),
            Span::styled(
                format!("{value:>16}"),
                Style::new().add_modifier(Modifier::BOLD),
            ),
        ])
    });
    let block = Block::bordered().title(" stream ");
    frame.render_widget(Paragraph::new(lines.to_vec()).block(block), area);
}

fn signals_chart(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let mut signals: Vec<_> = state.signals.iter().collect();
    // As many as there is room for.
    signals.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let bars = signals.into_iter().map(|(trigger, count)| {
        Bar::default()
            .value(*count)
            .label(Line::from(trigger.as_str()))
            .text_value(grouped(*count))
    });
    let chart = BarChart::default()
        .block(Block::bordered().title(" signals by trigger, the most frequent first "))
        .data(BarGroup::default().bars(&bars.collect::<Vec<_>>()))
        .direction(ratatui::layout::Direction::Horizontal)
        .bar_width(1)
        .bar_gap(0)
        .bar_style(Style::new().fg(Color::Yellow))
        .value_style(Style::new().fg(Color::Black).bg(Color::Yellow));
    frame.render_widget(chart, area);
}

fn newest_tasks(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let lines: Vec<Line<'_>> = state.tasks.iter().flat_map(task).collect();
    let block = Block::bordered().title(" retention tasks, the latest change first ");
    let paragraph = Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(block);
    frame.render_widget(paragraph, area);
}

fn task(task: &TaskLine) -> [Line<'_>; 2] {
    let colour = match task.severity.as_str() {
        "critical" | "lost" => Color::Red,
        "at_risk" => Color::Yellow,
        _ => Color::Green,
    };
    let head = Line::from(vec![
        Span::styled(
            format!(" {:<9}", task.severity),
            Style::new().fg(colour).bold(),
        ),
        Span::raw(format!(
            "{}  {}  {}",
            task.opened_at, task.subscriber, task.tier
        )),
        Span::styled(
            format!("  -> {} by {}", task.queue, task.due_at),
            Style::new().fg(Color::Cyan),
        ),
    ]);
    [head, Line::from(format!("           {}", task.reason))]
}

fn addresses(frame: &mut Frame<'_>, area: Rect, state: &ViewState) {
    let text = Line::from(vec![
        Span::raw(" Kafka "),
        Span::raw(state.bootstrap.as_str()).bold(),
        Span::raw("   metrics "),
        Span::raw(state.metrics.as_str()).bold(),
        Span::raw("   q or Ctrl-C ends"),
    ]);
    frame.render_widget(Paragraph::new(text).block(Block::bordered()), area);
}

/// 1234567 as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::{Terminal, backend::TestBackend};

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn the_screen_shows_progress_signals_tasks_and_addresses() {
        let state = ViewState {
            city: 2_000,
            date: "2026-03-09".to_owned(),
            day: 8,
            days: 60,
            events: 1_234_567,
            signals: vec![("usage_drop".to_owned(), 41)],
            tasks: [TaskLine {
                task_id: "1".to_owned(),
                severity: "critical".to_owned(),
                opened_at: "2026-03-09 14:05".to_owned(),
                subscriber: "138***00".to_owned(),
                tier: "key".to_owned(),
                queue: "key-accounts".to_owned(),
                due_at: "2026-03-09 18:05".to_owned(),
                reason: "No activity for 3 days".to_owned(),
            }]
            .into(),
            bootstrap: "127.0.0.1:9092".to_owned(),
            metrics: "http://127.0.0.1:9464/metrics".to_owned(),
            ..ViewState::default()
        };
        let mut terminal = Terminal::new(TestBackend::new(110, 30)).unwrap();
        terminal.draw(|frame| draw(frame, &state)).unwrap();
        let screen = terminal.backend().to_string();
        for expected in [
            "2026-03-09  day 8 of 60",
            "1,234,567",
            "usage_drop",
            "No activity for 3 days",
            "138***00",
            "-> key-accounts by 2026-03-09 18:05",
            "127.0.0.1:9092",
            "http://127.0.0.1:9464/metrics",
        ] {
            assert!(screen.contains(expected), "{expected} is not on\n{screen}");
        }
    }
}
